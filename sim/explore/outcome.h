// SPDX-License-Identifier: Apache-2.0
//
// What one worker finds out about one point in one stage; plain values that travel through a pipe and into the database.
#pragma once

#include <string>
#include <string_view>

#include "sim/explore/layer_results.h"
#include "sim/explore/point_evaluator.h"
#include "sim/explore/space.h"

namespace tilewright::explore {

enum class Stage : uint8_t {
  kModel,       // bounded mapper, analytic model, every path
  kReference,   // full search, first path: what the bounded mapper loses
  kSimulation,  // the sweep's mappings through the simulator, every path
};

enum class Status : uint8_t { kOk, kOverBudget, kFailed };
std::string_view name(Status status);

struct Task {
  Stage stage = Stage::kModel;
  PointNumber point = 0;
  friend bool operator==(const Task&, const Task&) = default;
  friend auto operator<=>(const Task&, const Task&) = default;
};

struct Outcome {
  Task task;
  Status status = Status::kOk;
  std::string reason;                             // where not ok
  std::string configuration, configuration_hash;  // every value of the machine; empty where it is none
  double area_m2 = 0;
  PathCosts costs;
  std::vector<LayerResult> layer_results;  // simulated for the first time
  double cpu_s = 0;
};

// Name and value of every parameter, for the database.
std::string parameters_json(const Space& space, PointNumber point);

// One message of the pipe, and back.
std::string encode(const Outcome& outcome);
Outcome decode_outcome(std::string_view message);

}  // namespace tilewright::explore
