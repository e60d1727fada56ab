// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/map_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "arch/energy.h"
#include "arch/load.h"
#include "mappers/lower/lower.h"
#include "mappers/residency.h"
#include "sim/base/config/diagnostics.h"
#include "sim/base/interrupt.h"
#include "sim/report/progress.h"
#include "workloads/paths.h"

namespace tilewright::cli {
namespace {

using workloads::Layer;
using workloads::Network;

struct Target {
  workloads::PathSet workload;
  std::string layer;
};

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const auto& entry : enumeration_names(workloads::NetworkName{})) {
    names.emplace_back(entry.name);
  }
  return names;
}

// A workload file, or the name of a network; then, behind a colon, a layer.
Target find_target(const std::string& word) {
  Target target;
  std::string name = word;
  std::error_code failed;
  if (!std::filesystem::exists(config::find_file(name), failed)) {
    const std::size_t colon = word.rfind(':');
    name = word.substr(0, colon);
    target.layer = colon == std::string::npos ? "" : word.substr(colon + 1);
  }
  for (const auto& entry : enumeration_names(workloads::NetworkName{})) {
    if (entry.name == name) {
      target.workload.name = name;
      target.workload.network = entry.value;
      target.workload.paths.resize(1);
      target.workload.paths.front().name = "full";
      return target;
    }
  }
  const std::filesystem::path file = config::find_file(name);
  if (!std::filesystem::exists(file, failed)) {
    const std::vector<std::string> names = network_names();
    throw UserError({Diagnostic{{},
                                "usage.unknown-value",
                                fmt::format("'{}' is neither a workload file nor a network{}", name,
                                            config::did_you_mean(name, names)),
                                {"networks: " + config::join(names)}}});
  }
  target.workload = config::load<workloads::PathSet>(file).value;
  return target;
}

const workloads::ExecutionPath& find_path(const workloads::PathSet& workload, const std::string& wanted) {
  std::vector<std::string> names;
  for (const workloads::ExecutionPath& path : workload.paths) {
    if (path.name == wanted || wanted.empty()) {
      return path;
    }
    names.push_back(path.name);
  }
  throw UserError({Diagnostic{{},
                              "usage.unknown-value",
                              fmt::format("workload '{}' has no path '{}'{}", workload.name, wanted,
                                          config::did_you_mean(wanted, names)),
                              {"paths: " + config::join(names)}}});
}

// Layers to map: all, those of a group, or one. Each distinct one once.
std::vector<MappedLayer> select_layers(const Network& network, const std::string& wanted,
                                       const std::vector<mappers::Residency>& residency) {
  std::vector<MappedLayer> layers;
  std::map<std::string, std::size_t> seen;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    names.push_back(layer.name);
    const bool costs_nothing = !layer.on_pe_array && layer.vector.output_elements == 0;
    if ((!wanted.empty() && layer.name != wanted && layer.group != wanted) || costs_nothing) {
      continue;
    }
    const auto [place, fresh] = seen.emplace(mappers::reuse_key(layer, residency[i]), layers.size());
    if (!fresh) {
      ++layers[place->second].alike;
      continue;
    }
    layers.emplace_back();
    layers.back().layer = layer;
    layers.back().residency = residency[i];
  }
  if (layers.empty()) {
    throw UserError({Diagnostic{{},
                                "usage.unknown-value",
                                fmt::format("network '{}' has no layer '{}'{}", network.name, wanted,
                                            config::did_you_mean(wanted, names)),
                                {"`tilewright map` without a layer lists them all"}}});
  }
  return layers;
}

class Mapper {
 public:
  Mapper(const MapOptions& options, const arch::AcceleratorSpec& spec)
      : options_(options),
        spec_(spec),
        energy_(arch::load_energy_table_of(spec).value),
        rates_(mappers::energy_rates(spec, energy_)) {}

  void run(MappedLayer& mapped, report::Progress& progress) {
    mappers::SearchOptions search = options_.search;
    search.progress = [&](uint64_t done) {
      throw_if_interrupted();
      progress.show(fmt::format("{}  {:.1f} M of {:.1f} M", mapped.layer.name, double(done) / 1e6,
                                double(search.budget) / 1e6));
    };
    throw_if_interrupted();
    progress.show(mapped.layer.name);
    if (mapped.layer.on_pe_array) {
      mapped.result = mappers::find_mapping(mapped.layer, spec_, mapped.residency, rates_, search);
    } else {
      mapped.result.evaluation = mappers::vector_evaluation(mapped.layer, spec_, mapped.residency, rates_);
      mapped.result.candidates.resize(1);
      mapped.result.evaluations = 1;
      mapped.result.mapspace_size = 1;
      mapped.result.proven = true;
      mapped.result.lower_bound = mappers::value_of(mapped.result.evaluation, search.objective);
    }
    if (options_.simulate) {
      simulate(mapped);
    }
  }

 private:
  // Candidates whose programs are short enough to be worth it; where none is, the shortest.
  std::vector<mappers::Mapping> worth_simulating(const MappedLayer& mapped) const {
    constexpr uint64_t kManySteps = 2'000'000;
    if (!mapped.layer.on_pe_array) {
      return mapped.result.candidates;
    }
    mappers::LayerModel model(mapped.layer, spec_, mapped.residency, rates_);
    std::vector<mappers::Mapping> chosen;
    std::pair<uint64_t, mappers::Mapping> shortest{UINT64_MAX, {}};
    for (const mappers::Mapping& mapping : mapped.result.candidates) {
      mappers::Evaluation evaluation;
      model.evaluate(mapping, evaluation);
      if (evaluation.steps <= kManySteps) {
        chosen.push_back(mapping);
      }
      if (evaluation.steps < shortest.first) {
        shortest = {evaluation.steps, mapping};
      }
    }
    return chosen.empty() ? std::vector{shortest.second} : chosen;
  }

  // The candidate that does best where it counts.
  void simulate(MappedLayer& mapped) {
    if (!simulator_) {
      simulator_.emplace(spec_, accel::Fidelity::kEvent);
    }
    double best = 0;
    for (const mappers::Mapping& mapping : worth_simulating(mapped)) {
      throw_if_interrupted();
      MappedLayer::Simulated simulated;
      simulated.mapping = mapping;
      simulated.measured = simulator_->run(mappers::lower(mapped.layer, mapping, spec_, mapped.residency));
      for (const auto& [component, energy] :
           arch::energy_of(simulated.measured.activity, simulated.measured.cycles, spec_, energy_)) {
        simulated.energy_j += energy.nominal;
      }
      const double cycles = double(simulated.measured.cycles);
      const double value = options_.search.objective == mappers::Objective::kCycles   ? cycles
                           : options_.search.objective == mappers::Objective::kEnergy ? simulated.energy_j
                                                                                      : cycles * simulated.energy_j;
      if (!mapped.simulated || value < best) {
        best = value;
        mapped.simulated = std::move(simulated);
      }
    }
    MappedLayer::Simulated& chosen = *mapped.simulated;
    if (mapped.layer.on_pe_array) {
      mappers::LayerModel model(mapped.layer, spec_, mapped.residency, rates_);
      model.evaluate(chosen.mapping, chosen.modelled);
    } else {
      chosen.modelled = mapped.result.evaluation;
    }
    check_counts(mapped);
  }

  // One mapping, two evaluations: what the mapping decides must be the same number in both.
  static void check_counts(const MappedLayer& mapped) {
    for (std::size_t i = 0; i < kActionCount; ++i) {
      const auto action = static_cast<Action>(i);
      if (!info(action).timing_determined &&
          mapped.simulated->modelled.counts[i] != mapped.simulated->measured.activity[action]) {
        throw InternalError(fmt::format("layer '{}': the model counts {} of {}, the simulator {}", mapped.layer.name,
                                        mapped.simulated->modelled.counts[i], info(action).name,
                                        mapped.simulated->measured.activity[action]));
      }
    }
  }

  const MapOptions& options_;
  const arch::AcceleratorSpec& spec_;
  arch::EnergyTable energy_;
  mappers::EnergyRates rates_;
  std::optional<accel::AcceleratorSimulator> simulator_;
};

void load_constraints(MapOptions& options, const arch::AcceleratorSpec& spec) {
  if (options.constraints.empty()) {
    return;
  }
  mappers::MappingConstraints& constraints = options.search.constraints;
  constraints = config::load<mappers::MappingConstraints>(options.constraints).value;
  for (const arch::Dataflow dataflow : constraints.dataflows) {
    if (std::find(spec.dataflows.begin(), spec.dataflows.end(), dataflow) == spec.dataflows.end()) {
      throw UserError(fmt::format("{}: machine '{}' does not have the dataflow '{}'", options.constraints.string(),
                                  spec.name, arch::name(dataflow)));
    }
  }
}

// As `run` decides it, but for this objective. Constraints are left out: they may be meant for one layer only.
mappers::NetworkMapping decide_residency(const Network& network, const arch::AcceleratorSpec& spec, const MapOptions& options) {
  mappers::MapperOptions mapper;
  mapper.objective = options.search.objective;
  mapper.factors = options.search.factors;
  mapper.residency = options.residency;
  return mappers::NetworkMapper(spec, mappers::energy_rates(spec, arch::load_energy_table_of(spec).value), mapper).map(network);
}

}  // namespace

int map_command(const MapOptions& given) {
  MapOptions options = given;
  const arch::AcceleratorSpec spec = arch::load_accelerator(options.machine, options.overrides).value;
  load_constraints(options, spec);
  const Target target = find_target(options.workload);
  const workloads::ExecutionPath& path = find_path(target.workload, options.path);
  const Network network = target.workload.build(path);
  MapReport report;
  report.residency = options.residency;
  report.network = decide_residency(network, spec, options);
  std::vector<mappers::Residency> residency;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    residency.push_back(report.network.layers[i].residency);
    if (residency.back().output) {
      report.kept.push_back(network.layers[i].name);
    }
  }
  report.machine = spec.name;
  report.workload = network.name;
  report.path = path.name;
  report.constraints = options.search.constraints.name;
  report.objective = options.search.objective;
  report.layers = select_layers(network, target.layer, residency);
  {
    report::Progress progress(report.layers.size(), "layers");
    Mapper mapper(options, spec);
    for (MappedLayer& layer : report.layers) {
      mapper.run(layer, progress);
      progress.advance(layer.layer.name);
    }
  }
  const std::string output = options.format == Format::kJson  ? map_json(report, spec)
                             : options.format == Format::kCsv ? map_csv(report)
                                                              : map_text(report, spec);
  std::fwrite(output.data(), 1, output.size(), stdout);
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace tilewright::cli
