// SPDX-License-Identifier: Apache-2.0
//
// What one design costs: every path of the exploration on one machine.
//
//   PointEvaluator evaluator(spec);                       // networks are built once
//   const PathCosts costs = evaluator.evaluate(machine);  // bounded mapper, analytic model
//   const PathCosts truth = evaluator.simulate(machine);  // the same mappings through the simulator, fidelity `event`
//
// Layers are reused: a layer's result depends on the layer, the constraints of its mapping, the machine and the residency
// of its tensors, so the paths of a point share most of theirs; layers of the vector unit do not see the PEs either, so
// points that differ in PEs alone share those too (their counts and bound, not their energy, which knows the area). What was
// simulated is kept beyond the point and the process (sim/explore/layer_results.h).
//
// Latency is the model's expected cycles (bound and waits) over the clock; energy is of the counts and of these cycles. What
// the model leaves out in energy: row activates and refreshes of the DRAM (timing-determined).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "arch/energy.h"
#include "mappers/search/find_mapping.h"
#include "sim/explore/exploration_spec.h"
#include "sim/explore/layer_results.h"

namespace tilewright::explore {

struct PathCosts {
  std::vector<double> latency_s, energy_j;  // per selected path
  // With every energy constant at the low or the high end of its sources; by the model both are energy_j.
  std::vector<double> energy_low_j, energy_high_j;
  uint64_t layers = 0;           // of all paths
  uint64_t layers_computed = 0;  // mapped, or in the second stage simulated; the rest was reused
};

class PointEvaluator {
 public:
  explicit PointEvaluator(const ExplorationSpec& spec, LayerResults results = {});
  ~PointEvaluator();

  // All throw UserError naming the layer that cannot be mapped, and why.
  PathCosts evaluate(const arch::AcceleratorSpec& machine);
  // With the budget and strategy of the reference search, first path only.
  PathCosts evaluate_in_full(const arch::AcceleratorSpec& machine);
  PathCosts simulate(const arch::AcceleratorSpec& machine);

  double area_m2(const arch::AcceleratorSpec& machine);
  // What simulate() had to simulate since it was last asked.
  std::vector<LayerResult> take_fresh_results() { return results_.take_fresh(); }

 private:
  struct LayerKey;
  struct LayerKeyHash;
  struct LayerCost {
    double cycles = 0;
    EnergyEstimate energy;
  };
  struct Shape {
    workloads::Layer layer;  // one of those alike
  };
  struct Path {
    workloads::Network network;
    std::vector<uint32_t> shapes;  // per layer; kFree where it costs nothing
  };
  static constexpr uint32_t kFree = UINT32_MAX;
  using LayerFunction = std::function<LayerCost(uint32_t shape, const mappers::Residency&)>;

  PathCosts add_up(const arch::AcceleratorSpec& machine, std::size_t paths, const LayerFunction& cost);
  LayerCost model_layer(const arch::AcceleratorSpec& machine, const mappers::EnergyRates& rates,
                        const mappers::SearchOptions& options, uint32_t shape, const mappers::Residency& residency);
  const arch::EnergyTable& table(const arch::AcceleratorSpec& machine);
  mappers::SearchOptions search_options() const;

  static LayerCost cost_of(double cycles, double energy_j) { return {cycles, {energy_j, energy_j, energy_j}}; }

  const ExplorationSpec& spec_;
  LayerResults results_;
  std::vector<Shape> shapes_;
  std::vector<Path> paths_;
  std::unordered_map<std::string, arch::EnergyTable> tables_;                  // by file
  std::unordered_map<std::string, mappers::Evaluation> vector_evaluations_;  // by machine without PEs, shape, residency
};

}  // namespace tilewright::explore
