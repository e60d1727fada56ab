// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/functional/tensors.h"

#include <algorithm>

namespace tilewright::accel {
namespace {

// Steele, Lea, Flood, OOPSLA 2014: one addition and two multiplicative mixes per value.
uint64_t split_mix(uint64_t& state) {
  state += 0x9E3779B97F4A7C15ULL;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return mixed ^ (mixed >> 31);
}

void fill_with(std::vector<int8_t>& values, uint64_t& state) {
  for (int8_t& value : values) {
    value = static_cast<int8_t>(split_mix(state) >> 56);
  }
}

}  // namespace

workloads::MacShape flattened(const workloads::MacShape& shape) {
  workloads::MacShape flat = shape;
  if (shape.kernel_height == 1 && shape.kernel_width == 1 && shape.stride == 1 && shape.padding == 0) {
    flat.input_width = flat.output_width = shape.input_height * shape.input_width;
    flat.input_height = flat.output_height = 1;
  }
  return flat;
}

Operands::Operands(const workloads::MacShape& with_shape)
    : shape(flattened(with_shape)),
      inputs(uint64_t{shape.groups} * shape.input_height * shape.input_width * shape.input_channels),
      weights(shape.weights()) {}

void Operands::fill(uint64_t seed) {
  fill_with(inputs, seed);
  fill_with(weights, seed);
}

int8_t requantise(int32_t sum, uint32_t shift, bool relu) {
  const int32_t magnitude = sum < 0 ? -sum : sum;
  const int32_t half = shift == 0 ? 0 : int32_t{1} << (shift - 1);
  const int32_t rounded = (magnitude + half) >> shift;
  const int32_t value = std::clamp(sum < 0 ? -rounded : rounded, -128, 127);
  return static_cast<int8_t>(relu ? std::max(value, 0) : value);
}

}  // namespace tilewright::accel
