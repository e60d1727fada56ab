// SPDX-License-Identifier: Apache-2.0
// The matrix that the TMA suites copy boxes of, the way a CTA walks through it, and the check of what
// arrived.
#pragma once

#include "harness/stamp.cuh"
#include "micro/device_data.h"
#include "micro/ptx.cuh"

namespace tw::gpu {

constexpr uint32_t kBarrierBytes = 1024;  // keeps the tiles behind it aligned for the swizzle

enum class Copy : uint8_t { kBulk, kTensor };

// A box of box_rows x box_columns elements of 2 bytes out of a matrix of `rows` x `columns`; a bulk copy
// takes the same bytes as one run.
struct Shape {
  uint32_t rows, columns, box_rows, box_columns, swizzled;
  __host__ __device__ uint32_t box_bytes() const { return box_rows * box_columns * 2; }
  __host__ __device__ uint32_t boxes() const { return rows / box_rows * (columns / box_columns); }
};

// Walks a CTA through its boxes: along one row of boxes, then on to its next row. No division, which would
// take longer than the issue of a copy.
struct Walk {
  uint32_t column = 0, row;
  __device__ Walk(const Shape& shape, uint32_t cta)
      : row(cta % (shape.rows / shape.box_rows) * shape.box_rows) {}
  __device__ __forceinline__ void step(const Shape& shape, uint32_t ctas) {
    column += shape.box_columns;
    if (column == shape.columns) {
      column = 0;
      row += ctas * shape.box_rows;
      row = row >= shape.rows ? row - shape.rows : row;
    }
  }
};

// The swizzle follows the address bits, so a tile of fewer than eight rows is placed by where it starts.
template <Copy kCopy>
__device__ void count_wrong_words(const uint8_t* tiles, uint32_t tile, const Shape& shape, const Walk& walk,
                                  Stamp* stamps) {
  for (uint32_t at = threadIdx.x * 4; at < shape.box_bytes(); at += blockDim.x * 4) {
    const uint32_t row = at / (shape.box_columns * 2), column_bytes = at % (shape.box_columns * 2);
    size_t from = (size_t{walk.row} * shape.columns + walk.column * shape.box_rows) * 2 + at;
    uint32_t lies = tile + at;
    if constexpr (kCopy == Copy::kTensor) {
      from = (size_t{walk.row + row} * shape.columns + walk.column) * 2 + column_bytes;
      lies = shape.swizzled != 0 ? swizzle128(lies) : lies;
    }
    if (*reinterpret_cast<const uint32_t*>(tiles + lies) != pattern_word(from / 4)) {
      atomicAdd(&stamps[blockIdx.x].errors, 1u);
    }
  }
}

}  // namespace tw::gpu
