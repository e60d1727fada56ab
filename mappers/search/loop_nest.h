// SPDX-License-Identifier: Apache-2.0
//
// A mapping as the loops it stands for, for people: one line a loop, outermost first.
#pragma once

#include <string>
#include <vector>

#include "mappers/lower/plan.h"

namespace tilewright::mappers {

// Lines such as "DRAM    for k in 12 tiles of 64    (weights: 2 slots)". The mapping must be legal.
std::vector<std::string> loop_nest(const workloads::Layer& layer, const Mapping& mapping,
                                   const arch::AcceleratorSpec& spec, const Residency& residency);

}  // namespace tilewright::mappers
