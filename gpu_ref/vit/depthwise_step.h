// SPDX-License-Identifier: Apache-2.0
//
// The inner step of the depthwise kernel: one kernel row, four channels, two neighbouring output columns.
// Four columns of four channels are turned into four columns a channel, so that dp4a adds three products at
// once. Host and device.
#pragma once

#include "vit/arithmetic.h"

namespace tw::gpu::vit {

TW_BOTH uint32_t pick_bytes(uint32_t low, uint32_t high, uint32_t selector) {
#ifdef __CUDA_ARCH__
  return __byte_perm(low, high, selector);
#else
  const uint64_t both = uint64_t{high} << 32 | low;
  uint32_t out = 0;
  for (int i = 0; i < 4; ++i) {
    out |= static_cast<uint32_t>(both >> (selector >> 4 * i & 7) * 8 & 0xff) << 8 * i;
  }
  return out;
#endif
}

TW_BOTH int32_t dot4(uint32_t left, uint32_t right, int32_t sum) {
#ifdef __CUDA_ARCH__
  return __dp4a(static_cast<int>(left), static_cast<int>(right), sum);
#else
  for (int i = 0; i < 4; ++i) {
    sum += int32_t{static_cast<int8_t>(left >> 8 * i)} * static_cast<int8_t>(right >> 8 * i);
  }
  return sum;
#endif
}

// `columns`: four channels each. `weights`: three kernel columns of each channel in the low bytes, 0 in the
// high byte.
TW_BOTH void depthwise_row(const uint32_t (&columns)[4], const uint32_t (&weights)[4],
                           int32_t (&sums)[2][4]) {
  const uint32_t first_low = pick_bytes(columns[0], columns[1], 0x5140),
                 first_high = pick_bytes(columns[0], columns[1], 0x7362);
  const uint32_t last_low = pick_bytes(columns[2], columns[3], 0x5140),
                 last_high = pick_bytes(columns[2], columns[3], 0x7362);
  const uint32_t channels[4] = {
      pick_bytes(first_low, last_low, 0x5410), pick_bytes(first_low, last_low, 0x7632),
      pick_bytes(first_high, last_high, 0x5410), pick_bytes(first_high, last_high, 0x7632)};
#ifdef __CUDA_ARCH__
#pragma unroll
#endif
  for (int i = 0; i < 4; ++i) {
    sums[0][i] = dot4(channels[i], weights[i], sums[0][i]);
    sums[1][i] = dot4(channels[i], weights[i] << 8, sums[1][i]);
  }
}

}  // namespace tw::gpu::vit
