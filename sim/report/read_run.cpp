// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sim/base/json/json_file.h"
#include "sim/report/read.h"

namespace tilewright::report {
namespace {

const std::vector<std::string>& action_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < kActionCount; ++i) {
      all.emplace_back(info(static_cast<Action>(i)).name);
    }
    return all;
  }();
  return names;
}

const std::vector<std::string>& stall_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < kStallCount; ++i) {
      all.emplace_back(name(static_cast<Stall>(i)));
    }
    return all;
  }();
  return names;
}

Activity read_activity(const JsonValue& json) {
  json.only(action_names());
  Activity activity;
  for (std::size_t i = 0; i < kActionCount; ++i) {
    activity.add(static_cast<Action>(i), json[action_names()[i]].count());
  }
  return activity;
}

std::map<std::string, StallCycles> read_stalls(const JsonValue& json) {
  std::map<std::string, StallCycles> stalls;
  for (const auto& [unit, cycles] : json.members()) {
    cycles.only(stall_names());
    for (std::size_t i = 0; i < kStallCount; ++i) {
      stalls[unit].add(static_cast<Stall>(i), cycles[stall_names()[i]].count());
    }
  }
  return stalls;
}

LayerRecord read_layer(const JsonValue& json) {
  json.only({"name", "group", "kind", "macs", "cycles", "utilisation", "energy_j", "energy_on_chip_j",
             "dram_bytes", "limiter", "mapping", "output_hash", "energy_by_component_j", "stalls"});
  LayerRecord layer;
  layer.name = json["name"].text();
  layer.group = json["group"].text();
  layer.kind = json["kind"].text();
  layer.macs = json["macs"].count();
  layer.cycles = json["cycles"].count();
  layer.utilisation = json["utilisation"].number();
  layer.dram_bytes = json["dram_bytes"].count();
  layer.limiter = json["limiter"].text();
  layer.mapping = json["mapping"].text();
  layer.output_hash = json.has("output_hash") ? json["output_hash"].text() : "";
  if (json.has("energy_by_component_j")) {
    for (const auto& [component, joules] : json["energy_by_component_j"].members()) {
      const double nominal = joules.number();
      layer.energy[component] = {nominal, nominal, nominal};
    }
  }
  if (json.has("stalls")) {
    layer.stalls = read_stalls(json["stalls"]);
  }
  return layer;
}

void read_published(const JsonValue& json, RunRecord& run) {
  for (const auto& [what, value] : json.members()) {
    value.only({"value", "unit", "source"});
    run.published.push_back({what, value["value"].number(), value["unit"].text(), value["source"].text()});
  }
}

void read_energy(const JsonValue& json, RunRecord& run) {
  for (const auto& [component, joules] : json["energy_by_component_j"].members()) {
    run.energy[component] = {joules.number(), json["energy_by_component_low_j"][component].number(),
                             json["energy_by_component_high_j"][component].number()};
  }
}

RunRecord read_one_run(const JsonValue& json) {
  json.only({"name",
             "machine",
             "workload",
             "group",
             "macs",
             "weight_bytes",
             "cycles",
             "time_s",
             "energy_j",
             "energy_low_j",
             "energy_high_j",
             "energy_on_chip_j",
             "energy_on_chip_low_j",
             "energy_on_chip_high_j",
             "utilisation",
             "energy_by_component_j",
             "energy_by_component_low_j",
             "energy_by_component_high_j",
             "activity",
             "stalls",
             "layers",
             "published",
             "functional_layers",
             "saturations",
             "accuracy",
             "accuracy_source"});
  RunRecord run;
  run.name = json["name"].text();
  run.machine = json["machine"].text();
  run.workload = json["workload"].text();
  run.group = json["group"].text();
  run.macs = json["macs"].count();
  run.weight_bytes = json["weight_bytes"].count();
  run.cycles = json["cycles"].count();
  run.time_s = json["time_s"].number();
  run.utilisation = json["utilisation"].number();
  read_energy(json, run);
  run.activity = read_activity(json["activity"]);
  run.stalls = read_stalls(json["stalls"]);
  for (const JsonValue& layer : json["layers"].items()) {
    run.layers.push_back(read_layer(layer));
  }
  if (json.has("published")) {
    read_published(json["published"], run);
  }
  if (json.has("functional_layers")) {
    run.functional_layers = json["functional_layers"].count();
    run.saturations = json["saturations"].count();
  }
  if (json.has("accuracy")) {
    run.accuracy = json["accuracy"].number();
    run.accuracy_source = json["accuracy_source"].text();
  }
  return run;
}

ExperimentRecord::Machine read_machine(const JsonValue& json) {
  json.only({"name", "summary", "clock_hz", "macs_per_cycle", "dram_bytes_per_second", "area_m2",
             "energy_table", "toggle_rate", "energy_sources"});
  ExperimentRecord::Machine machine;
  machine.name = json["name"].text();
  machine.summary = json["summary"].text();
  machine.clock_hz = json["clock_hz"].number();
  machine.macs_per_cycle = json["macs_per_cycle"].number();
  machine.dram_bytes_per_second = json["dram_bytes_per_second"].number();
  machine.area_m2 = json["area_m2"].number();
  machine.energy_table = json["energy_table"].text();
  machine.toggle_rate = json["toggle_rate"].number();
  for (const JsonValue& value : json["energy_sources"].items()) {
    value.only({"component", "action", "unit", "nominal", "low", "high", "source"});
    machine.energy_sources.push_back({value["component"].text(), value["action"].text(), value["unit"].text(),
                                      value["nominal"].number(), value["low"].number(),
                                      value["high"].number(), value["source"].text()});
  }
  return machine;
}

}  // namespace

StoredRun read_run(const std::filesystem::path& path) {
  const JsonFile file(path);
  const JsonValue json = file.root();
  if (json["schema_version"].count() != 1) {
    json["schema_version"].refuse("is not 1, the only one that this version reads");
  }
  json.only({"schema_version", "version", "configuration_hash", "experiment", "fidelity", "command",
             "description", "report", "machines", "runs"});
  StoredRun stored;
  ExperimentRecord& record = stored.record;
  record.version = json["version"].text();
  record.configuration_hash = json["configuration_hash"].text();
  record.experiment = json["experiment"].text();
  record.fidelity = json["fidelity"].text();
  record.command = json["command"].text();
  record.description = json["description"].text();
  const JsonValue options = json["report"];
  options.only({"reference_path", "near_energy_saving", "near_margin", "remark"});
  stored.options.reference_path = options["reference_path"].text();
  if (options.has("near_energy_saving")) {
    stored.options.near_energy_saving = options["near_energy_saving"].number();
  }
  stored.options.remark = options.has("remark") ? options["remark"].text() : "";
  stored.options.near_margin = options["near_margin"].number();
  for (const JsonValue& machine : json["machines"].items()) {
    record.machines.push_back(read_machine(machine));
  }
  for (const JsonValue& run : json["runs"].items()) {
    record.runs.push_back(read_one_run(run));
  }
  return stored;
}

}  // namespace tilewright::report
