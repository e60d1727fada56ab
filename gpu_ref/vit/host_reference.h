// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "vit/shape.h"

namespace tw::gpu::vit {

// Operands of a seed, as the kernels' generators make them.
struct HostOperands {
  HostOperands(const LayerShape& shape, uint64_t seed);
  std::vector<int8_t> inputs, weights;
};

// Sums [group][row][column][output] by plain loops on the CPU.
std::vector<int32_t> host_sums(const LayerShape& shape, const HostOperands& operands);

// Of the requantised outputs, in that order.
uint64_t host_hash(const LayerShape& shape, const std::vector<int32_t>& sums);

}  // namespace tw::gpu::vit
