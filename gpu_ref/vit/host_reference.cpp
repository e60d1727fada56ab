// SPDX-License-Identifier: Apache-2.0
#include "vit/host_reference.h"

#include <cstddef>

namespace tw::gpu::vit {

HostOperands::HostOperands(const LayerShape& shape, uint64_t seed)
    : inputs(shape.input_count()), weights(shape.weight_count()) {
  for (uint64_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = operand(seed, i);
  }
  for (uint64_t i = 0; i < weights.size(); ++i) {
    weights[i] = operand(seed, inputs.size() + i);
  }
}

// Written from the definition, without the cursor that the kernels share.
std::vector<int32_t> host_sums(const LayerShape& s, const HostOperands& operands) {
  std::vector<int32_t> sums(s.output_count());
  for (uint64_t at = 0; at < sums.size(); ++at) {
    const auto output = static_cast<int64_t>(at % s.outputs);
    const auto pixel = static_cast<int64_t>(at / s.outputs % s.pixels());
    const auto group = static_cast<int64_t>(at / s.outputs / s.pixels());
    const int64_t filter = (group * s.outputs + output) * s.reduction();
    for (int r = 0; r < s.kernel_height; ++r) {
      for (int c = 0; c < s.kernel_width; ++c) {
        const int64_t y = pixel / s.output_width * s.stride + r - s.padding;
        const int64_t x = pixel % s.output_width * s.stride + c - s.padding;
        if (y < 0 || x < 0 || y >= s.input_height || x >= s.input_width) {
          continue;
        }
        const int64_t place = ((group * s.input_height + y) * s.input_width + x) * s.channels;
        const int8_t* const input = &operands.inputs[static_cast<std::size_t>(place)];
        const int8_t* const weight =
            &operands
                 .weights[static_cast<std::size_t>(filter + (r * s.kernel_width + c) * int64_t{s.channels})];
        for (int k = 0; k < s.channels; ++k) {
          sums[at] += int32_t{input[k]} * weight[k];
        }
      }
    }
  }
  return sums;
}

uint64_t host_hash(const LayerShape& shape, const std::vector<int32_t>& sums) {
  const int shift = requantisation_shift(static_cast<uint64_t>(shape.reduction()));
  OutputHash hash;
  for (const int32_t sum : sums) {
    hash.add(requantise(sum, shift, shape.relu != 0));
  }
  return hash.value();
}

}  // namespace tw::gpu::vit
