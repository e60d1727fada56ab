// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mappers/search/loop_nest.h"
#include "sim/cli/map_command.h"

namespace tilewright::cli {
namespace {

using Json = nlohmann::ordered_json;
using mappers::Evaluation;
using mappers::MappingResult;

constexpr int kSchemaVersion = 1;

// How much is known: the model's optimum, a distance from it, or (strategies that bound nothing) neither.
const char* proof(const MappingResult& result) {
  return result.proven ? "optimal" : result.lower_bound > 0 ? "bounded" : "none";
}

double rate(const MappingResult& result) {
  return result.seconds > 0 ? static_cast<double>(result.evaluations) / result.seconds : 0;
}

double difference(const MappedLayer::Simulated& simulated) {
  return simulated.modelled.cycles > 0 ? static_cast<double>(simulated.measured.cycles) / simulated.modelled.cycles - 1 : 0;
}

const char* name_of(mappers::Objective objective) {
  return objective == mappers::Objective::kCycles ? "cycles" : objective == mappers::Objective::kEnergy ? "energy" : "edp";
}

std::string mapping_text(const MappedLayer& layer, const mappers::Mapping& mapping) {
  return layer.layer.on_pe_array ? mappers::describe(mapping) : "vector unit";
}

// All of a short front; of a long one its ends and some between.
std::vector<std::size_t> shown_points(std::size_t count) {
  constexpr std::size_t kMost = 12;
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < std::min(count, kMost); ++i) {
    shown.push_back(count <= kMost ? i : i * (count - 1) / (kMost - 1));
  }
  return shown;
}

void append_front(std::string& text, const MappedLayer& mapped) {
  const auto& points = mapped.result.front.points();
  if (points.empty()) {
    return;
  }
  const std::vector<std::size_t> shown = shown_points(points.size());
  text += fmt::format("  Pareto front by the model: {} mappings{}, {}\n", points.size(),
                      shown.size() < points.size() ? fmt::format(", {} shown", shown.size()) : "",
                      mapped.result.front_proven ? "proven complete" : "the budget ended before all were looked at");
  text += fmt::format("    {:>14}  {:>10}  mapping\n", "cycles", "mJ");
  for (const std::size_t i : shown) {
    text += fmt::format("    {:>14.0f}  {:>10.4g}  {}\n", points[i].evaluation.expected_cycles(),
                        points[i].evaluation.energy_j * 1e3, mapping_text(mapped, points[i].mapping));
  }
}

Json front_json(const MappedLayer& mapped) {
  Json points = Json::array();
  for (const mappers::Front::Point& point : mapped.result.front.points()) {
    points.push_back({{"mapping", mapping_text(mapped, point.mapping)},
                      {"expected_cycles", point.evaluation.expected_cycles()},
                      {"cycles", point.evaluation.cycles},
                      {"energy_j", point.evaluation.energy_j},
                      {"edp", point.evaluation.edp()}});
  }
  return points;
}

Json evaluation_json(const MappedLayer& layer, const mappers::Mapping& mapping, const Evaluation& evaluation) {
  Json activity = Json::object();
  for (std::size_t i = 0; i < kActionCount; ++i) {
    const ActionInfo& action = info(static_cast<Action>(i));
    if (!action.timing_determined) {
      activity[std::string(action.name)] = evaluation.counts[i];
    }
  }
  return {{"mapping", mapping_text(layer, mapping)},
          {"cycles", evaluation.cycles},
          {"expected_wait_cycles", evaluation.waits + evaluation.contention},
          {"energy_j", evaluation.energy_j},
          {"edp", evaluation.edp()},
          {"limiter", mappers::name(evaluation.limiter())},
          {"activity", std::move(activity)}};
}

void append_layer(std::string& text, const MappedLayer& mapped, const arch::AcceleratorSpec& spec) {
  const MappingResult& result = mapped.result;
  text += fmt::format("\n{} ({}{}), {:.1f} MMAC\n", mapped.layer.name, workloads::name(mapped.layer.kind),
                      mapped.alike > 1 ? fmt::format(", {} alike", mapped.alike) : "",
                      static_cast<double>(mapped.layer.macs()) / 1e6);
  if (!mapped.layer.on_pe_array) {
    text += "  vector unit: nothing to choose\n";
  } else {
    const mappers::Mapping& shown = mapped.simulated ? mapped.simulated->mapping : result.mapping;
    for (const std::string& line : mappers::loop_nest(mapped.layer, shown, spec, mapped.residency)) {
      text += "  " + line + "\n";
    }
    const double space = result.mapspace_size;
    text += fmt::format("  {} evaluations, {:.0f} a second, {:.3g} pruned; mapspace {:.3g}; {}\n", result.evaluations,
                        rate(result), result.pruned, space,
                        result.proven            ? "optimum of the model, proven"
                        : result.lower_bound > 0 ? fmt::format("at most {:.2f} % above the model's optimum", 100 * result.gap)
                                                 : "no bound on how good it is");
  }
  const Evaluation& modelled = mapped.simulated ? mapped.simulated->modelled : result.evaluation;
  text += fmt::format("  model      {:>14.0f} cycles at least, {:.4g} mJ, bound by {}\n", modelled.cycles,
                      modelled.energy_j * 1e3, mappers::name(modelled.limiter()));
  if (mapped.simulated) {
    text += fmt::format("  simulated  {:>14} cycles ({:+.2f} %), {:.4g} mJ\n", mapped.simulated->measured.cycles,
                        100 * difference(*mapped.simulated), mapped.simulated->energy_j * 1e3);
  }
  append_front(text, mapped);
}

const char* name_of(mappers::ResidencyRule rule) {
  return rule == mappers::ResidencyRule::kNothing  ? "none"
         : rule == mappers::ResidencyRule::kGreedy ? "greedy"
                                                   : "search";
}

std::string residency_text(const MapReport& report) {
  const mappers::NetworkMapping& network = report.network;
  std::string text = fmt::format("{} of {} tensors stay in the global buffer ({:.1f} MB), by {}", network.kept, network.tensors,
                                 double(network.kept_bytes) / 1e6, name_of(report.residency));
  if (report.residency == mappers::ResidencyRule::kSearch) {
    text += fmt::format("{}: {:.0f} cycles and {:.4g} mJ expected, against {:.0f} and {:.4g} by the greedy rule",
                        network.exact ? "" : " (not all sets)", network.cost.cycles, network.cost.energy_j * 1e3,
                        network.greedy.cycles, network.greedy.energy_j * 1e3);
  }
  return text + "\n";
}

Json residency_json(const MapReport& report) {
  const mappers::NetworkMapping& network = report.network;
  Json json = {{"rule", name_of(report.residency)},
               {"tensors", network.tensors},
               {"kept", network.kept},
               {"kept_bytes", network.kept_bytes},
               {"kept_outputs_of", report.kept},
               {"expected_cycles", network.cost.cycles},
               {"expected_energy_j", network.cost.energy_j}};
  if (report.residency == mappers::ResidencyRule::kSearch) {
    json["exact"] = network.exact;
    json["greedy_expected_cycles"] = network.greedy.cycles;
    json["greedy_expected_energy_j"] = network.greedy.energy_j;
  }
  return json;
}

}  // namespace

std::string map_text(const MapReport& report, const arch::AcceleratorSpec& spec) {
  std::string text = fmt::format("{} {} on {}, best {}{}\n", report.workload, report.path, report.machine,
                                 name_of(report.objective),
                                 report.constraints.empty() ? "" : " under " + report.constraints);
  text += residency_text(report);
  double bound = 0, modelled_energy = 0, energy = 0, seconds = 0;
  uint64_t cycles = 0, evaluations = 0;
  std::size_t layers = 0;
  bool simulated = false;
  for (const MappedLayer& layer : report.layers) {
    append_layer(text, layer, spec);
    const auto times = static_cast<double>(layer.alike);
    const Evaluation& modelled = layer.simulated ? layer.simulated->modelled : layer.result.evaluation;
    bound += times * modelled.cycles;
    modelled_energy += times * modelled.energy_j;
    seconds += layer.result.seconds;
    evaluations += layer.result.evaluations;
    layers += layer.alike;
    if (layer.simulated) {
      simulated = true;
      cycles += layer.alike * layer.simulated->measured.cycles;
      energy += times * layer.simulated->energy_j;
    }
  }
  text += fmt::format("\n{} layers, {} distinct: model {:.0f} cycles at least, {:.4g} mJ", layers, report.layers.size(), bound,
                      modelled_energy * 1e3);
  if (simulated) {
    text += fmt::format("; simulated {} cycles, {:.4g} mJ", cycles, energy * 1e3);
  }
  return text + fmt::format("; {} evaluations in {:.2f} CPU s\n", evaluations, seconds);
}

std::string map_json(const MapReport& report, const arch::AcceleratorSpec& spec) {
  Json layers = Json::array();
  for (const MappedLayer& mapped : report.layers) {
    const MappingResult& result = mapped.result;
    Json layer = {{"name", mapped.layer.name},
                  {"kind", workloads::name(mapped.layer.kind)},
                  {"alike", mapped.alike},
                  {"macs", mapped.layer.macs()},
                  {"evaluations", result.evaluations},
                  {"evaluations_per_s", rate(result)},
                  {"pruned", result.pruned},
                  {"mapspace_size", result.mapspace_size},
                  {"proof", proof(result)},
                  {"gap", result.lower_bound > 0 ? Json(result.gap) : Json(nullptr)},
                  {"best", evaluation_json(mapped, result.mapping, result.evaluation)}};
    if (mapped.layer.on_pe_array) {
      layer["best"]["loop_nest"] = mappers::loop_nest(mapped.layer, result.mapping, spec, mapped.residency);
    }
    if (mapped.simulated) {
      layer["simulated"] = {{"mapping", mapping_text(mapped, mapped.simulated->mapping)},
                            {"cycles", mapped.simulated->measured.cycles},
                            {"model_cycles", mapped.simulated->modelled.cycles},
                            {"difference", difference(*mapped.simulated)},
                            {"energy_j", mapped.simulated->energy_j},
                            {"edp", static_cast<double>(mapped.simulated->measured.cycles) * mapped.simulated->energy_j}};
    }
    if (!mapped.result.front.points().empty()) {
      layer["pareto"] = front_json(mapped);
      layer["pareto_proven"] = mapped.result.front_proven;
    }
    layers.push_back(std::move(layer));
  }
  const Json json = {{"schema_version", kSchemaVersion}, {"machine", report.machine},
                     {"workload", report.workload},      {"path", report.path},
                     {"objective", name_of(report.objective)}, {"constraints", report.constraints},
                     {"residency", residency_json(report)},
                     {"layers", std::move(layers)}};
  return json.dump(2) + "\n";
}

std::string map_csv(const MapReport& report) {
  std::string csv =
      "layer,kind,alike,macs,evaluations,evaluations_per_s,pruned,mapspace_size,proof,gap,model_cycles,model_energy_j,"
      "limiter,simulated_cycles,simulated_energy_j,difference,mapping\n";
  for (const MappedLayer& mapped : report.layers) {
    const MappingResult& result = mapped.result;
    const auto& simulated = mapped.simulated;
    const Evaluation& modelled = simulated ? simulated->modelled : result.evaluation;
    csv += fmt::format("{},{},{},{},{},{:.0f},{},{},{},{},{},{},{},{},{},{},\"{}\"\n", mapped.layer.name,
                       workloads::name(mapped.layer.kind), mapped.alike, mapped.layer.macs(), result.evaluations, rate(result),
                       result.pruned, result.mapspace_size, proof(result),
                       result.lower_bound > 0 ? fmt::format("{}", result.gap) : "", modelled.cycles, modelled.energy_j,
                       mappers::name(modelled.limiter()), simulated ? fmt::format("{}", simulated->measured.cycles) : "",
                       simulated ? fmt::format("{}", simulated->energy_j) : "",
                       simulated ? fmt::format("{}", difference(*simulated)) : "",
                       mapping_text(mapped, simulated ? simulated->mapping : result.mapping));
  }
  return csv;
}

}  // namespace tilewright::cli
