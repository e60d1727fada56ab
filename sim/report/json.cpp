// SPDX-License-Identifier: Apache-2.0
#include "sim/report/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/report/summary.h"
#include "sim/report/text.h"

namespace tilewright::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

double finite(double value) {
  TILEWRIGHT_CHECK(std::isfinite(value), "a result is not a finite number");
  return value;
}

Json activity_json(const Activity& activity) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kActionCount; ++i) {
    const auto action = static_cast<Action>(i);
    json[std::string(info(action).name)] = activity[action];
  }
  return json;
}

Json stalls_json(const std::map<std::string, StallCycles>& stalls) {
  Json json = Json::object();
  for (const auto& [unit, cycles] : stalls) {
    Json reasons = Json::object();
    for (std::size_t i = 0; i < kStallCount; ++i) {
      const auto stall = static_cast<Stall>(i);
      reasons[std::string(name(stall))] = cycles[stall];
    }
    json[unit] = std::move(reasons);
  }
  return json;
}

Json components_json(const RunRecord& run, double EnergyEstimate::*end) {
  Json json = Json::object();
  for (const std::string& component : components({&run})) {
    json[component] = finite(run.energy.at(component).*end);
  }
  return json;
}

Json layer_components_json(const LayerRecord& layer) {
  Json json = Json::object();
  for (const auto& [component, energy] : layer.energy) {
    json[component] = finite(energy.nominal);
  }
  return json;
}

Json layer_json(const LayerRecord& layer, bool in_detail) {
  Json json = {{"name", layer.name},
               {"group", layer_group(layer)},
               {"kind", layer.kind},
               {"macs", layer.macs},
               {"cycles", layer.cycles},
               {"utilisation", finite(layer.utilisation)},
               {"energy_j", finite(total(layer.energy).nominal)},
               {"energy_on_chip_j", finite(on_chip(layer.energy).nominal)},
               {"dram_bytes", layer.dram_bytes},
               {"limiter", layer.limiter},
               {"mapping", layer.mapping}};
  if (!layer.output_hash.empty()) {
    json["output_hash"] = layer.output_hash;
  }
  if (in_detail) {
    json["energy_by_component_j"] = layer_components_json(layer);
    json["stalls"] = stalls_json(layer.stalls);
  }
  return json;
}

Json published_json(const RunRecord& run) {
  Json json = Json::object();
  for (const PublishedValue& published : run.published) {
    json[published.what] = {
        {"value", finite(published.value)}, {"unit", published.unit}, {"source", published.source}};
  }
  return json;
}

Json run_json(const RunRecord& run, bool in_detail) {
  const EnergyEstimate energy = run.total_energy();
  const EnergyEstimate energy_on_chip = run.on_chip_energy();
  Json json = {{"name", run.name},
               {"machine", run.machine},
               {"workload", run.workload},
               {"group", run.group},
               {"macs", run.macs},
               {"weight_bytes", run.weight_bytes},
               {"cycles", run.cycles},
               {"time_s", finite(run.time_s)},
               {"energy_j", finite(energy.nominal)},
               {"energy_low_j", finite(energy.low)},
               {"energy_high_j", finite(energy.high)},
               {"energy_on_chip_j", finite(energy_on_chip.nominal)},
               {"energy_on_chip_low_j", finite(energy_on_chip.low)},
               {"energy_on_chip_high_j", finite(energy_on_chip.high)},
               {"utilisation", finite(run.utilisation)},
               {"energy_by_component_j", components_json(run, &EnergyEstimate::nominal)},
               {"energy_by_component_low_j", components_json(run, &EnergyEstimate::low)},
               {"energy_by_component_high_j", components_json(run, &EnergyEstimate::high)},
               {"activity", activity_json(run.activity)},
               {"stalls", stalls_json(run.stalls)},
               {"layers", Json::array()}};
  for (const LayerRecord& layer : run.layers) {
    json["layers"].push_back(layer_json(layer, in_detail));
  }
  if (!run.published.empty()) {
    json["published"] = published_json(run);
  }
  if (run.functional_layers > 0) {
    json["functional_layers"] = run.functional_layers;
    json["saturations"] = run.saturations;
  }
  if (run.accuracy) {
    json["accuracy"] = finite(*run.accuracy);
    json["accuracy_source"] = run.accuracy_source;
  }
  return json;
}

Json machine_json(const ExperimentRecord::Machine& machine) {
  Json sources = Json::array();
  for (const SourcedValue& value : machine.energy_sources) {
    sources.push_back({{"component", value.component},
                       {"action", value.action},
                       {"unit", value.unit},
                       {"nominal", finite(value.nominal)},
                       {"low", finite(value.low)},
                       {"high", finite(value.high)},
                       {"source", value.source}});
  }
  return {{"name", machine.name},
          {"summary", machine.summary},
          {"clock_hz", finite(machine.clock_hz)},
          {"macs_per_cycle", finite(machine.macs_per_cycle)},
          {"dram_bytes_per_second", finite(machine.dram_bytes_per_second)},
          {"area_m2", finite(machine.area_m2)},
          {"energy_table", machine.energy_table},
          {"toggle_rate", finite(machine.toggle_rate)},
          {"energy_sources", std::move(sources)}};
}

}  // namespace

Json json_report(const ExperimentRecord& record, const TextOptions& options) {
  Json json = {{"schema_version", kSchemaVersion},
               {"version", version(record)},
               {"configuration_hash", record.configuration_hash},
               {"experiment", record.experiment},
               {"fidelity", record.fidelity},
               {"command", record.command},
               {"description", record.description},
               {"report",
                {{"reference_path", options.reference_path},
                 {"near_margin", finite(options.near_margin)}}},
               {"machines", Json::array()},
               {"runs", Json::array()}};
  if (options.near_energy_saving) {
    json["report"]["near_energy_saving"] = finite(*options.near_energy_saving);
  }
  if (!options.remark.empty()) {
    json["report"]["remark"] = options.remark;
  }
  for (const ExperimentRecord::Machine& machine : record.machines) {
    json["machines"].push_back(machine_json(machine));
  }
  for (const RunRecord& run : record.runs) {
    json["runs"].push_back(run_json(run, run.name == options.reference_path));
  }
  return json;
}

}  // namespace tilewright::report
