// SPDX-License-Identifier: Apache-2.0
//
// What the accelerator's functional run computes, written a second time: operands from a seed, 24-bit sums,
// requantisation and the hash over the outputs. Shares no code with the simulator, so that equal hashes mean
// something.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define TW_BOTH __host__ __device__ __forceinline__
#else
#define TW_BOTH inline
#endif

namespace tw::gpu::vit {

// SplitMix64 adds a constant to its state for every value, so value `index` needs none of those before it.
// Operands are the top bytes: inputs [group][row][column][channel] first, then weights [group][output][kernel
// row][kernel column][channel].
TW_BOTH int8_t operand(uint64_t seed, uint64_t index) {
  uint64_t mixed = seed + (index + 1) * 0x9E3779B97F4A7C15ULL;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<int8_t>(static_cast<uint8_t>((mixed ^ (mixed >> 31)) >> 56));
}
inline constexpr uint64_t kSeed = 1;

// Divide by 2^shift, round half away from zero, clip to INT8, ReLU.
TW_BOTH int8_t requantise(int32_t sum, int shift, bool relu) {
  const int32_t magnitude = sum < 0 ? -sum : sum;
  const int32_t rounded = (magnitude + (shift == 0 ? 0 : 1 << (shift - 1))) >> shift;
  int32_t value = sum < 0 ? -rounded : rounded;
  value = value > 127 ? 127 : value < -128 ? -128 : value;
  return static_cast<int8_t>(relu && value < 0 ? 0 : value);
}

// True where a sum does not fit the accelerator's accumulators, which would saturate.
TW_BOTH bool leaves_24_bits(int32_t sum) {
  return sum < -(1 << 23) || sum > (1 << 23) - 1;
}

// 64-bit FNV-1a.
class OutputHash {
 public:
  void add(int8_t value) { hash_ = (hash_ ^ static_cast<uint8_t>(value)) * 0x100000001b3ULL; }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325ULL;
};

// Keeps most sums of `reduction` products of random operands inside INT8: three standard deviations (5461
// sqrt(n)) over 127, with the square root rounded down to a power of two.
inline int requantisation_shift(uint64_t reduction) {
  const auto bits = [](uint64_t value) {
    int width = 0;
    for (; value != 0; value >>= 1) {
      ++width;
    }
    return width;
  };
  const uint64_t root = uint64_t{1} << (bits(reduction) / 2);
  return bits(3 * 5461 * root / 127);
}

}  // namespace tw::gpu::vit
