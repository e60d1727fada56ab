// SPDX-License-Identifier: Apache-2.0
//
// From a recorded point to what the simulator says it should be: the call that `tilewright validate` makes.
//
//   RecordPoint point{"wgmma", "wgmma", parameters, 1.77e9, 3.201e9};
//   if (const auto cycles = simulate_point(machine, point, "cycles_per_group")) ...
//
// The machine is simulated at the point's clocks where it has them (SM; memory is the machine's own: cards hold it). Nothing
// comes back for families and metrics that have no twin; simulated_families() lists those that have. Deterministic. Throws
// InternalError only where the simulator itself is wrong.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "arch/gpu.h"
#include "sim/gpu/programs/micro.h"

namespace tilewright::gpu {

struct RecordPoint {
  std::string suite;
  std::string family;
  nlohmann::ordered_json parameters;
  std::optional<double> sm_clock_hz;
};

// All metrics of a point at once; empty where there is no twin.
Metrics simulate_metrics(const arch::GpuSpec& machine, const RecordPoint& point);
std::optional<double> simulate_point(const arch::GpuSpec& machine, const RecordPoint& point, const std::string& metric);
std::vector<std::string> simulated_families();

}  // namespace tilewright::gpu
