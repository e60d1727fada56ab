// SPDX-License-Identifier: Apache-2.0
//
// Counts of a mapping by walking its loops element by element: products are added up one at a time, chunks are sets of
// input positions, DRAM bursts are those that the bytes of a tile lie in. Only which chunks stay for how long and where
// PEs stand is taken from the plan (Scope, Plan::endpoint); no sum of the analytic model or the simulator is.
#pragma once

#include <array>

#include "mappers/lower/plan.h"
#include "sim/base/activity.h"

namespace tilewright::mappers::testing {

std::array<uint64_t, kActionCount> walk_loops(const workloads::Layer& layer, const Mapping& mapping,
                                              const arch::AcceleratorSpec& spec, const Residency& residency);

}  // namespace tilewright::mappers::testing
