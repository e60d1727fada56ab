// SPDX-License-Identifier: Apache-2.0
//
// A design-space exploration (configs/explore/*.yaml, kind: exploration): a machine, what of it may change, what has to
// run on it, what counts, and how to look. docs/explore.md explains the keys.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mappers/search/find_mapping.h"
#include "sim/base/config/load.h"
#include "workloads/paths.h"

namespace tilewright::explore {

struct NumberRange {
  uint64_t from = 1, to = 1, step = 1;
};

// One of values, range and powers_of_two says what the parameter may be.
struct Parameter {
  std::string name;
  std::vector<std::string> keys;  // of the machine; all get the value
  std::vector<std::string> values;
  std::optional<NumberRange> range, powers_of_two;  // of the latter only the powers count, `step` is not read
  std::string unit;                                 // of the numbers of a range
};

struct DerivedKey {
  std::string key;
  std::string value;  // an expression
  std::string unit;
};

struct Budgets {
  std::optional<SquareMetres> area;
  std::optional<Watts> power;  // mean energy over mean latency
};

// Smaller is better, but for throughput.
enum class Objective : uint8_t { kLatency, kEnergy, kArea, kEdp, kThroughputPerArea };
inline constexpr std::size_t kObjectiveCount = 5;
std::span<const config::EnumName<Objective>> enumeration_names(Objective);

enum class Strategy : uint8_t { kExhaustive, kRandom, kEvolutionary };
std::span<const config::EnumName<Strategy>> enumeration_names(Strategy);

struct SearchPlan {
  Strategy strategy = Strategy::kRandom;
  uint64_t points = 1000;    // random and evolutionary: how many to evaluate
  uint32_t population = 64;  // evolutionary
  uint64_t seed = 1;
};

// The bounded mapper of the sweep, and the search that its loss is stated against.
struct MapperPlan {
  mappers::Objective objective = mappers::Objective::kEdp;
  mappers::StrategyName strategy = mappers::StrategyName::kDescent;
  mappers::Factors factors = mappers::Factors::kImperfect;
  uint64_t budget = 500;
  uint64_t reference_budget = 20'000;
  uint32_t sample_points = 2;  // on so many points, first path only; 0: no statement
  std::optional<mappers::MappingConstraints> constraints;
};

// The second stage.
struct SimulationPlan {
  bool front = true;
  uint32_t random_points = 100;  // up to so many that are not on the front
};

struct ExplorationSpec {
  std::string name;
  std::string description;
  std::string machine;  // a file of kind accelerator
  workloads::PathSet workload;
  std::vector<std::string> paths;         // of the workload; empty: all
  std::map<std::string, double> weights;  // of paths; 1 where absent
  std::vector<std::string> compare_paths; // the same question for these alone; empty: not asked
  std::vector<Parameter> parameters;
  std::vector<DerivedKey> derived;
  std::vector<std::string> conditions;
  Budgets budgets;
  std::vector<Objective> objectives{Objective::kEnergy, Objective::kArea, Objective::kLatency};
  SearchPlan search;
  MapperPlan mapper;
  SimulationPlan simulation;
};

void describe(config::Schema<NumberRange>& schema);
void describe(config::Schema<Parameter>& schema);
void describe(config::Schema<DerivedKey>& schema);
void describe(config::Schema<Budgets>& schema);
void describe(config::Schema<SearchPlan>& schema);
void describe(config::Schema<MapperPlan>& schema);
void describe(config::Schema<SimulationPlan>& schema);
void describe(config::Schema<ExplorationSpec>& schema);

// The values that a parameter may take, in order, as they are written in a machine file.
std::vector<std::string> values_of(const Parameter& parameter);
// The paths to run, in the workload's order, and the weight of each; weights add up to 1.
std::vector<const workloads::ExecutionPath*> selected_paths(const ExplorationSpec& spec);
std::vector<double> mix_of(const ExplorationSpec& spec);
// The mix in which only compare_paths count, equally.
std::vector<double> comparison_mix(const ExplorationSpec& spec);

}  // namespace tilewright::explore
