// SPDX-License-Identifier: Apache-2.0
//
// One call from a layer and a machine to a mapping, its cost, and what is known about how good it is:
//
//   SearchOptions options;
//   options.objective = Objective::kEdp;
//   options.budget = 500;                      // bounded: about a millisecond
//   const MappingResult result = find_mapping(layer, spec, residency, energy_rates(spec, table), options);
//   result.mapping, result.evaluation.cycles / energy_j / activity(), result.gap
//
// The same arguments give the same result: budgets count work, not time. Layers of the vector unit have nothing to
// choose (vector_evaluation() counts them).
#pragma once

#include <functional>

#include "mappers/search/strategy.h"

namespace tilewright::mappers {

// kBest: two_stage and descent, then annealing with a small part of the budget, then branch and bound with the rest. kUnpruned:
// exhaustive without bounds, to measure evaluations.
enum class StrategyName : uint8_t { kBest, kExhaustive, kUnpruned, kTwoStage, kDescent, kAnnealing, kRandom };
std::span<const config::EnumName<StrategyName>> enumeration_names(StrategyName);

struct SearchOptions {
  Objective objective = Objective::kCycles;
  StrategyName strategy = StrategyName::kBest;
  Factors factors = Factors::kImperfect;  // where the constraints say nothing
  uint64_t budget = 100'000;            // evaluations, and bounds at their worth in evaluations
  uint64_t seed = 1;
  MappingConstraints constraints;
  bool pareto = false;   // look for the whole front too, with the budget once more
  std::size_t keep = 4;  // of each kind of candidate
  bool bound = true;     // say how far the result may be from the best, which takes as long as some ten thousand evaluations
  // Called now and then with the work done so far; throws to interrupt.
  std::function<void(uint64_t)> progress;
};

struct MappingResult {
  Mapping mapping;
  Evaluation evaluation;
  // The best by practical() (objective.h): what a network is run with.
  Mapping practical_mapping;
  Evaluation practical_evaluation;
  // Worth simulating: the best by the objective (the first is `mapping`), then the best where a tenth power of what the
  // objective leaves out counts too. Of mappings within a per mille in cycles some cost twice the energy, or lean on what a
  // bound does not see.
  std::vector<Mapping> candidates;
  // Where it was asked for: expected cycles against energy. `front_proven`: no mapping of the space is missing.
  Front front;
  bool front_proven = false;
  uint64_t evaluations = 0;         // legal mappings with all counts
  uint64_t refused = 0;             // proposed, but too large for the machine
  double pruned = 0;                // never proposed: a bound showed that they are no better
  double mapspace_size = 0;
  // No mapping of the space has a smaller objective than this; equal to the best's where `proven`.
  double lower_bound = 0;
  bool proven = false;
  double gap = 0;      // best / lower bound - 1
  double seconds = 0;  // CPU
};

// Throws UserError naming the constraint, or the buffer, that no mapping satisfies.
MappingResult find_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                           const Residency& residency, const EnergyRates& rates, const SearchOptions& options);

// Layers of the vector unit: counts and energy are exact for the one way they run; cycles a lower bound.
Evaluation vector_evaluation(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                             const Residency& residency, const EnergyRates& rates);

}  // namespace tilewright::mappers
