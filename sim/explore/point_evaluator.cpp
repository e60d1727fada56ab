// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/point_evaluator.h"

#include <fmt/format.h>

#include <optional>

#include "mappers/lower/lower.h"
#include "mappers/residency.h"
#include "mappers/search/fit.h"
#include "sim/accel/simulator.h"
#include "sim/base/interrupt.h"

namespace tilewright::explore {
namespace {

using mappers::Residency;
using workloads::Layer;

constexpr std::size_t kMostVectorEvaluations = 50'000;  // some 30 MB

bool costs_nothing(const Layer& layer) { return !layer.on_pe_array && layer.vector.output_elements == 0; }

// Everything of the machine that a layer of the vector unit can see.
std::string machine_without_pes(const arch::AcceleratorSpec& m) {
  const arch::DramSpec& d = m.dram;
  return fmt::format("gb {} {} noc {} {} {} {} {} {} dma {} {} {} {} {} vu {} {} {} {} clock {} dram {} {} {} {} {} {}",
                     m.global_buffer.capacity.value, m.global_buffer.banks, m.noc.rows, m.noc.link_bytes_per_cycle,
                     m.noc.collect_bytes_per_cycle, m.noc.latency, m.noc.packet_bytes, m.noc.starvation_limit, m.dma.ports,
                     m.dma.bytes_per_cycle, m.dma.request_bytes, m.dma.read_credits, m.dma.write_credits, m.vector_unit.lanes,
                     m.vector_unit.input_buffer.value, m.vector_unit.output_buffer.value, m.vector_unit.pipeline_depth,
                     m.operating_point.clock.value, m.has_dram, d.command_clock.value, d.channels, d.burst_bytes.value,
                     d.burst_cycles, d.channel_interleave.value);
}

}  // namespace

struct PointEvaluator::LayerKey {
  uint32_t shape = 0;
  Residency residency;
  friend bool operator==(const LayerKey&, const LayerKey&) = default;
};
struct PointEvaluator::LayerKeyHash {
  std::size_t operator()(const LayerKey& key) const {
    const uint64_t flags = (key.residency.input ? 1U : 0U) + (key.residency.weights ? 2U : 0U) + (key.residency.output ? 4U : 0U);
    return static_cast<std::size_t>(((key.residency.reserved_bytes << 3) + flags + (uint64_t{key.shape} << 44)) *
                                    0x9e3779b97f4a7c15ULL);
  }
};

PointEvaluator::PointEvaluator(const ExplorationSpec& spec, LayerResults results) : spec_(spec), results_(std::move(results)) {
  std::unordered_map<std::string, uint32_t> known;
  for (const workloads::ExecutionPath* path : selected_paths(spec)) {
    Path built{spec.workload.build(*path), {}};
    for (const Layer& layer : built.network.layers) {
      if (costs_nothing(layer)) {
        built.shapes.push_back(kFree);
        continue;
      }
      const auto [place, fresh] = known.emplace(mappers::reuse_key(layer, {}), static_cast<uint32_t>(shapes_.size()));
      if (fresh) {
        shapes_.push_back({layer});
      }
      built.shapes.push_back(place->second);
    }
    paths_.push_back(std::move(built));
  }
}

PointEvaluator::~PointEvaluator() = default;

const arch::EnergyTable& PointEvaluator::table(const arch::AcceleratorSpec& machine) {
  const auto found = tables_.find(machine.energy_table);
  return found != tables_.end()
             ? found->second
             : tables_.emplace(machine.energy_table, arch::load_energy_table_of(machine).value).first->second;
}

double PointEvaluator::area_m2(const arch::AcceleratorSpec& machine) { return arch::total_area(machine, table(machine).area); }

mappers::SearchOptions PointEvaluator::search_options() const {
  mappers::SearchOptions options;
  options.objective = spec_.mapper.objective;
  options.strategy = spec_.mapper.strategy;
  options.factors = spec_.mapper.factors;
  options.budget = spec_.mapper.budget;
  options.keep = 1;
  options.progress = [](uint64_t) { throw_if_interrupted(); };
  if (spec_.mapper.constraints) {
    options.constraints = *spec_.mapper.constraints;
  }
  return options;
}

PathCosts PointEvaluator::add_up(const arch::AcceleratorSpec& machine, std::size_t paths, const LayerFunction& cost) {
  std::unordered_map<LayerKey, LayerCost, LayerKeyHash> known;
  std::unordered_map<LayerKey, bool, LayerKeyHash> fitting;
  PathCosts result;
  const double clock = static_cast<double>(machine.operating_point.clock.value);
  for (std::size_t p = 0; p < std::min(paths, paths_.size()); ++p) {
    const Path& path = paths_[p];
    const std::vector<Residency> residency = mappers::plan_residency(
        path.network, machine, [&](std::size_t layer, const Residency& resident) {
          const auto [place, fresh] = fitting.try_emplace(LayerKey{path.shapes[layer], resident}, false);
          if (fresh) {
            place->second = mappers::fits_at_all(path.network.layers[layer], machine, resident);
          }
          return place->second;
        });
    LayerCost total;
    for (std::size_t i = 0; i < path.shapes.size(); ++i) {
      if (path.shapes[i] == kFree) {
        continue;
      }
      ++result.layers;
      const LayerKey key{path.shapes[i], residency[i]};
      auto found = known.find(key);
      if (found == known.end()) {
        throw_if_interrupted();
        ++result.layers_computed;
        found = known.emplace(key, cost(path.shapes[i], residency[i])).first;
      }
      total.cycles += found->second.cycles;
      total.energy += found->second.energy;
    }
    result.latency_s.push_back(total.cycles / clock);
    result.energy_j.push_back(total.energy.nominal);
    result.energy_low_j.push_back(total.energy.low);
    result.energy_high_j.push_back(total.energy.high);
  }
  return result;
}

PointEvaluator::LayerCost PointEvaluator::model_layer(const arch::AcceleratorSpec& machine, const mappers::EnergyRates& rates,
                                                      const mappers::SearchOptions& options, uint32_t shape,
                                                      const Residency& residency) {
  const Layer& layer = shapes_[shape].layer;
  // The search would look through all of its space before it said so.
  mappers::require_fit(layer, machine, residency);
  const mappers::Evaluation evaluation = mappers::find_mapping(layer, machine, residency, rates, options).evaluation;
  return cost_of(evaluation.expected_cycles(), evaluation.expected_energy_j(rates));
}

PathCosts PointEvaluator::evaluate(const arch::AcceleratorSpec& machine) {
  const mappers::EnergyRates rates = mappers::energy_rates(machine, table(machine));
  const mappers::SearchOptions options = search_options();
  const std::string rest = machine_without_pes(machine);
  uint64_t reused = 0;
  PathCosts costs = add_up(machine, paths_.size(), [&](uint32_t shape, const Residency& residency) -> LayerCost {
    const Layer& layer = shapes_[shape].layer;
    if (layer.on_pe_array) {
      return model_layer(machine, rates, options, shape, residency);
    }
    const std::string key = fmt::format("{} layer {} {} {} {} {}", rest, shape, residency.input, residency.weights,
                                        residency.output, residency.reserved_bytes);
    auto found = vector_evaluations_.find(key);
    if (found == vector_evaluations_.end()) {
      if (vector_evaluations_.size() >= kMostVectorEvaluations) {
        vector_evaluations_.clear();
      }
      found = vector_evaluations_.emplace(key, mappers::vector_evaluation(layer, machine, residency, rates)).first;
    } else {
      ++reused;
    }
    const mappers::Evaluation& evaluation = found->second;
    return cost_of(evaluation.cycles, rates.of(evaluation.counts, evaluation.cycles));
  });
  costs.layers_computed -= reused;
  return costs;
}

PathCosts PointEvaluator::evaluate_in_full(const arch::AcceleratorSpec& machine) {
  const mappers::EnergyRates rates = mappers::energy_rates(machine, table(machine));
  mappers::SearchOptions options = search_options();
  options.strategy = mappers::StrategyName::kBest;
  options.budget = spec_.mapper.reference_budget;
  return add_up(machine, 1, [&](uint32_t shape, const Residency& residency) -> LayerCost {
    if (shapes_[shape].layer.on_pe_array) {
      return model_layer(machine, rates, options, shape, residency);
    }
    const mappers::Evaluation evaluation = mappers::vector_evaluation(shapes_[shape].layer, machine, residency, rates);
    return cost_of(evaluation.cycles, evaluation.energy_j);
  });
}

PathCosts PointEvaluator::simulate(const arch::AcceleratorSpec& machine) {
  const arch::EnergyTable& energies = table(machine);
  const mappers::EnergyRates rates = mappers::energy_rates(machine, energies);
  const mappers::SearchOptions options = search_options();
  const MachineKeys keys = machine_keys(machine);
  std::optional<accel::AcceleratorSimulator> simulator;  // elaborated for the first layer that is new
  uint64_t simulated = 0;
  PathCosts costs = add_up(machine, paths_.size(), [&](uint32_t shape, const Residency& residency) -> LayerCost {
    const Layer& layer = shapes_[shape].layer;
    mappers::Mapping mapping;
    if (layer.on_pe_array) {
      mapping = mappers::find_mapping(layer, machine, residency, rates, options).mapping;
    }
    const std::string& key = layer.on_pe_array ? keys.whole : keys.without_pes;
    const std::string name = layer_key(layer, residency, mapping);
    const SimulatedLayer* known = results_.find(key, name);
    if (known == nullptr) {
      if (!simulator) {
        simulator.emplace(machine, accel::Fidelity::kEvent);
      }
      const accel::LayerResult result = simulator->run(mappers::lower(layer, mapping, machine, residency));
      known = &results_.add({key, name, {result.cycles, result.activity}});
      ++simulated;
    }
    LayerCost cost{static_cast<double>(known->cycles), {}};
    for (const auto& [component, energy] : arch::energy_of(known->activity, known->cycles, machine, energies)) {
      cost.energy += energy;
    }
    return cost;
  });
  costs.layers_computed = simulated;
  return costs;
}

}  // namespace tilewright::explore
