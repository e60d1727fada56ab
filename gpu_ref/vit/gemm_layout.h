// SPDX-License-Identifier: Apache-2.0
//
// Where things lie in the implicit-GEMM kernel: rows of its shared tiles and elements of its fragments. Host
// and device, so that a test without a GPU can walk a whole tile.
#pragma once

#include "vit/arithmetic.h"

namespace tw::gpu::vit {

inline constexpr int kDepth = 64;  // bytes of the reduction in one stage
inline constexpr int kChunk = 16;  // bytes of one copy
inline constexpr int kChunksPerRow = kDepth / kChunk;
inline constexpr int kMmaDepth = 32;  // of mma.m16n8k32

// Byte offset of a 16-byte chunk in a tile of 64-byte rows. Two rows fill the 128 bytes of a bank cycle; the
// exclusive or spreads the eight rows of an ldmatrix over all banks.
TW_BOTH int chunk_offset(int row, int chunk) {
  return row * kDepth + ((chunk ^ ((row >> 1) & 3)) * kChunk);
}

struct ChunkPlace {
  int row, chunk;
};
// What a lane addresses in ldmatrix.x4 so that the four registers are the A fragment of m16n8k32: rows 0-7
// and 8-15 of the first 16 bytes, then of the second.
TW_BOTH ChunkPlace a_chunk_of(int lane) {
  return {(lane / 8 % 2) * 8 + lane % 8, lane / 16};
}
// ... and the B fragments of two neighbouring n8 tiles, two registers each.
TW_BOTH ChunkPlace b_chunk_of(int lane) {
  return {lane / 16 * 8 + lane % 8, lane / 8 % 2};
}

struct Place {
  int row, column;
};
// Element `index` (0 to 3) of a lane's accumulators in a 16 x 8 tile.
TW_BOTH Place accumulator_place(int lane, int index) {
  return {lane / 4 + index / 2 * 8, lane % 4 * 2 + index % 2};
}

}  // namespace tw::gpu::vit
