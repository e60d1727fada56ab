// SPDX-License-Identifier: Apache-2.0
//
// The layer's sums by im2col and an int32 matrix product (Eigen): what a functional run must equal bit for bit as long as no
// partial sum left the accumulator's range.
#pragma once

#include <string>
#include <vector>

#include "sim/accel/functional/tensors.h"

namespace tilewright::accel {

std::vector<int32_t> reference_sums(const Operands& operands);

// 64-bit FNV-1a over requantised outputs in the order [group][row][column][channel], as 16 hexadecimal digits.
std::string output_hash(const std::vector<int32_t>& sums, uint32_t shift, bool relu);

// The PPU's shift for a reduction of this many products of random INT8 values: keeps most outputs inside INT8.
uint32_t requantisation_shift(uint64_t reduction);

}  // namespace tilewright::accel
