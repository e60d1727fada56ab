// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda.h>

#include <cstddef>
#include <cstdint>

namespace tw::gpu {

// Fills `words` 4-byte words with pattern_word(0), pattern_word(1), ...
void fill_pattern(uint32_t* destination, size_t words);

// Reads the buffer once with all SMs, so that what fits lies in the cache.
void touch(const void* source, size_t bytes);

enum class Swizzle : uint8_t { kNone, k128 };

// A row-major matrix of 2-byte elements, copied in boxes of box_rows x box_columns.
CUtensorMap make_tensor_map(const void* base, uint64_t rows, uint64_t columns, uint32_t box_rows,
                            uint32_t box_columns, Swizzle swizzle);

// Row-major matrices of 2-byte elements, one a plane, copied in boxes of box_rows x box_columns of one plane under the
// 128-byte swizzle. What lies outside a plane reads as zero and is not written.
CUtensorMap make_tensor_map3(const void* base, uint64_t planes, uint64_t rows, uint64_t columns, uint32_t box_rows,
                             uint32_t box_columns);

// Where byte `offset` of an unswizzled tile of 128-byte rows lies under the 128-byte swizzle.
__host__ __device__ constexpr uint32_t swizzle128(uint32_t offset) {
  return offset ^ (((offset >> 7) & 7u) << 4);
}

// Lets a kernel take more than the default 48 KB of shared memory; also forces one CTA per SM when `bytes` is
// more than half of an SM's.
template <typename Kernel>
void allow_shared(Kernel* kernel, size_t bytes);

inline constexpr size_t kWholeSmShared = 200 * 1024;

}  // namespace tw::gpu

#include "harness/check.h"

namespace tw::gpu {

template <typename Kernel>
void allow_shared(Kernel* kernel, size_t bytes) {
  TW_CUDA(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                               cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)));
}

}  // namespace tw::gpu
