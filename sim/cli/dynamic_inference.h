// SPDX-License-Identifier: Apache-2.0
//
// Dynamic inference (configs/experiments/*, kind: dynamic_inference): a resource budget changes from frame to
// frame, and for each frame the path is taken that keeps most and still fits, its switch included. Every path
// is simulated once; frames then add up what was simulated.
//
// The budget is a random walk between two fractions of the full path's cost, reflected at both, drawn from a
// seed. What a path keeps is its accuracy where all paths have a published one, else its MACs.
//
// A switch costs the program of the new path (`program_bytes_per_layer`, written to the address generators)
// and, where paths do not share their weights, the new path's weights (from storage into DRAM). Pruned paths
// of one network share them: they keep some of the same weights. Subnets whose batch normalisation was folded
// anew have weights of their own. Where no switch fits, the cheapest path runs and the frame counts as late.
//
// Left out: preparing a switch while the frame before still runs, and budgets known ahead.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/cli/experiment.h"
#include "sim/cli/options.h"

namespace tilewright::cli {

enum class Resource : uint8_t { kTime, kEnergy };
std::span<const config::EnumName<Resource>> enumeration_names(Resource);

struct BudgetSpec {
  Resource resource = Resource::kTime;
  double lowest = 0.5;  // fractions of the full path's cost
  double highest = 1.1;
  double step = 0.1;  // largest change from one frame to the next
  uint64_t seed = 1;
};

struct SwitchSpec {
  bool weights_shared = true;
  BytesPerSecond storage_bandwidth{1e9};
  Bytes program_bytes_per_layer{64};
  std::string source;
};

struct DynamicInferenceSpec {
  std::string name;
  std::string description;
  ExperimentSpec experiment;  // its first machine
  uint32_t frames = 1000;
  BudgetSpec budget;
  SwitchSpec switching;
};
void describe(config::Schema<BudgetSpec>& schema);
void describe(config::Schema<SwitchSpec>& schema);
void describe(config::Schema<DynamicInferenceSpec>& schema);

// What one path costs, and what it costs to go to it from another.
struct PathCost {
  std::string name;
  double kept = 0;  // accuracy, or MACs relative to the full path's
  double time_s = 0, energy_j = 0;
  double switch_time_s = 0, switch_energy_j = 0;
};

// The outcome of one way to choose.
struct PolicyResult {
  std::string policy;
  uint64_t frames = 0, late = 0, switches = 0;
  double kept = 0;  // mean over frames
  double time_s = 0, energy_j = 0, switch_time_s = 0, switch_energy_j = 0;
  std::vector<uint64_t> frames_of_path;
};

std::vector<double> draw_budgets(const BudgetSpec& spec,
                                 uint32_t frames);  // fractions of the full path's cost
// Policies: the full path always, the best path that always fits, the best that fits each frame, and that
// without the cost of switching.
std::vector<PolicyResult> play(const DynamicInferenceSpec& spec, const std::vector<PathCost>& paths,
                               const std::vector<double>& budgets);

int run_dynamic_inference(const RunOptions& options);

}  // namespace tilewright::cli
