// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/wgmma.cuh"

// Operand tiles for the matrix unit: rows of 64 bf16 (128 bytes) under the 128-byte swizzle.
namespace tw::gpu {

inline constexpr uint32_t kRowBytes = 128;
inline constexpr uint32_t kStepBytes = 32;  // 16 values of K: one wgmma

enum class Data : uint8_t { kZero, kSmallIntegers, kRandom };

// Small integers make every sum exact, so a result can be compared for equality; random values make the
// power that real data makes.
__host__ __device__ __forceinline__ float tile_value(Data data, uint32_t row, uint32_t column) {
  const uint32_t hash = pattern_word(row * 131u + column) >> 7;
  if (data == Data::kZero) {
    return 0.0f;
  }
  if (data == Data::kSmallIntegers) {
    return static_cast<float>(hash % 7u) - 3.0f;
  }
  return static_cast<float>(hash % 65536u) / 32768.0f - 1.0f;
}

__device__ __forceinline__ void fill_tile(uint8_t* tile, uint32_t rows, uint32_t seed_row, Data data) {
  for (uint32_t i = threadIdx.x; i < rows * 64; i += blockDim.x) {
    const uint32_t row = i / 64, column = i % 64;
    *reinterpret_cast<__nv_bfloat16*>(tile + swizzle128(row * kRowBytes + column * 2)) =
        __float2bfloat16(tile_value(data, seed_row + row, column));
  }
}

// The fragment of A that a thread holds for one step of 16 columns: rows lane/4 and lane/4+8 of its warp's
// sixteen, two columns each, and the same eight columns further on.
__device__ __forceinline__ void load_a_fragment(uint32_t (&fragment)[4], const uint8_t* tile, int step) {
  const uint32_t thread = threadIdx.x % 128, row = thread / 32 * 16 + thread % 32 / 4,
                 column = thread % 4 * 2 + step * 16;
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t at = (row + i % 2 * 8) * kRowBytes + (column + i / 2 * 8) * 2;
    fragment[i] = *reinterpret_cast<const uint32_t*>(tile + swizzle128(at));
  }
}

// Row and column of accumulator i of this thread.
__device__ __forceinline__ uint32_t accumulator_row(uint32_t i) {
  const uint32_t thread = threadIdx.x % 128;
  return thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
}
__device__ __forceinline__ uint32_t accumulator_column(uint32_t i) {
  return threadIdx.x % 4 * 2 + i / 4 * 8 + i % 2;
}

}  // namespace tw::gpu
