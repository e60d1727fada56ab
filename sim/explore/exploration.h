// SPDX-License-Identifier: Apache-2.0
//
// Runs an exploration in two stages and says what came of it.
//
//   1. The sweep: every point that the search proposes, by the analytic model with a bounded mapper.
//   2. Every point of the model's front, the answers to the question below, and some others drawn at random are simulated
//      in `event`, with the mappings of the sweep.
// And once, on a few points: what the bounded mapper loses against a full search, by the same model.
//
// The question: at a given area, which design is best for the mix of paths, and which for the compared paths alone?
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/explore/pareto.h"
#include "sim/explore/point_search.h"
#include "sim/explore/store.h"

namespace tilewright::explore {

// In the order of `Objective`, in base units, as people read them (throughput: larger is better).
using ObjectiveValues = std::array<double, kObjectiveCount>;
std::string_view key_of(Objective objective);  // "energy_j"
ObjectiveValues objective_values(const PathCosts& costs, double area_m2, const std::vector<double>& mix);
// Smaller is better.
Values to_minimise(const ObjectiveValues& values, const std::vector<Objective>& objectives);

// Mean energy with every constant at the low, or the high end of what its sources span.
struct EnergyRange {
  double low_j = 0, high_j = 0;
};

struct ExploredPoint {
  PointNumber number = 0;
  std::vector<std::string> parameters;  // values, in the order of the spec
  Status status = Status::kOk;
  std::string reason;
  std::optional<ObjectiveValues> values;     // by the model, for the mix
  std::optional<ObjectiveValues> compared;   // for the compared paths alone, where asked
  std::optional<ObjectiveValues> simulated;  // second stage, for the mix
  std::optional<ObjectiveValues> simulated_compared;
  std::optional<EnergyRange> simulated_range, simulated_compared_range;
  std::string simulation_failure;
  config::Overrides overrides;
};

// Best design for one objective among those of at most `area_m2`; indices in ExplorationResult::points. The regret is what the
// design that is best for the compared paths alone costs the mix, over what the mix's own best design does; a fraction.
struct SimulatedAnswer {  // among the points simulated, by the simulator
  std::size_t best = 0, compared_best = 0;
  double regret = 0;
};
struct Answer {
  Objective objective = Objective::kEnergy;
  double area_m2 = 0;
  std::size_t best = 0;           // for the mix, by the model
  std::size_t compared_best = 0;  // for the compared paths alone
  double regret = 0;
  double regret_low = 0, regret_high = 0;  // nine tenths of what other random points would have said (bootstrap)
  std::optional<SimulatedAnswer> simulated;
};

struct Correlation {
  Objective objective = Objective::kEnergy;
  double rank = 0;
  double mean_ratio = 0, least_ratio = 0, largest_ratio = 0;  // simulated / model
};

struct MapperLoss {  // bounded over full search, first path, summed over the sample
  uint32_t points = 0;
  double latency = 0, energy = 0;  // fractions lost; negative where the full search chose otherwise
};

struct ExplorationResult {
  PointNumber space_size = 0;
  std::vector<ExploredPoint> points;  // by number
  std::vector<std::size_t> front;     // of the model
  std::vector<FrontReason> reasons;   // of each; indices in `points`
  std::vector<Answer> answers;
  std::vector<Correlation> correlations;
  // Of the points simulated: those that the simulator puts on their front, and how that differs from the model's.
  std::size_t simulated = 0;
  std::vector<std::size_t> simulated_front, left, entered;
  MapperLoss loss;
  uint64_t layers = 0, layers_computed = 0;  // of the sweep
  uint64_t layers_simulated = 0;             // of the second stage; the rest was known
  double sweep_cpu_s = 0, simulation_cpu_s = 0, reference_cpu_s = 0;
  std::size_t resumed = 0;
};

struct ExploreProgress {
  std::string label;  // "points", "simulations", ...
  uint64_t done = 0, total = 0, resumed = 0, failed = 0;
};

// Throws UserError where nothing can be explored, Interrupted on SIGINT; what was found is in the store by then.
ExplorationResult explore(const ExplorationSpec& spec, Store& store, unsigned workers,
                          const std::function<void(const ExploreProgress&)>& progress);

// The parts of explore() that answer the question (answers.cpp). `members`: indices of the designs.
std::vector<Answer> answers_of_model(const ExplorationSpec& spec, const ExplorationResult& result,
                                     const std::vector<std::size_t>& members);
void add_simulated_answers(ExplorationResult& result);

Store::Identity identity_of(const config::Resolved<ExplorationSpec>& resolved);

}  // namespace tilewright::explore
