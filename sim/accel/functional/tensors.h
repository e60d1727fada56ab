// SPDX-License-Identifier: Apache-2.0
//
// INT8 operands and 24-bit sums of one layer, addressed as the layer's formula does. Convolution groups are slices of the
// channels of one image; the groups of a batched matmul have matrices of their own. Both are [group][...] here.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/layer.h"

namespace tilewright::accel {

// 1x1 kernels with stride 1 and no padding see one row of pixels, as the mapper does; places in memory stay the same.
workloads::MacShape flattened(const workloads::MacShape& shape);

struct Operands {
  explicit Operands(const workloads::MacShape& with_shape);
  // Values from a 64-bit seed (SplitMix64, written out in tensors.cpp, so that other programs can make the same).
  void fill(uint64_t seed);

  int8_t input(uint32_t group, uint32_t row, uint32_t column, uint32_t channel) const {
    return inputs[((uint64_t{group} * shape.input_height + row) * shape.input_width + column) * shape.input_channels +
                  channel];
  }
  int8_t weight(uint32_t group, uint32_t output, uint32_t row, uint32_t column, uint32_t channel) const {
    return weights[(((uint64_t{group} * shape.output_channels + output) * shape.kernel_height + row) *
                        shape.kernel_width +
                    column) *
                       shape.input_channels +
                   channel];
  }

  workloads::MacShape shape;
  std::vector<int8_t> inputs;   // [group][row][column][channel]
  std::vector<int8_t> weights;  // [group][output channel][kernel row][kernel column][channel]
};

// Position of an output in a flat [group][row][column][channel] tensor.
inline uint64_t output_index(const workloads::MacShape& shape, uint32_t group, uint32_t row, uint32_t column,
                             uint32_t channel) {
  return ((uint64_t{group} * shape.output_height + row) * shape.output_width + column) * shape.output_channels + channel;
}

// What the PPU makes of a 24-bit sum: divide by 2^shift, round to nearest (half away from zero), clip to INT8, ReLU.
int8_t requantise(int32_t sum, uint32_t shift, bool relu);

}  // namespace tilewright::accel
