// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mappers/lower/plan.h"

namespace tilewright::mappers {

// A layer of the PE array whose plan is legal.
TileProgram lower_array(const workloads::Layer& layer, const Plan& plan, bool with_coordinates);

// A layer of the vector unit (lower_vector.cpp); only residency and the machine matter.
TileProgram lower_vector(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                         const Residency& residency);
uint64_t occupied_bytes_vector(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency);

}  // namespace tilewright::mappers
