// SPDX-License-Identifier: Apache-2.0
//
// INT8 layers on the card: products summed in INT32, requantised to INT8. All launches are asynchronous on
// the stream and count in `*outside` the sums that leave the accelerator's 24 bits.
#pragma once

#include <cuda_runtime.h>

#include "vit/shape.h"

namespace tw::gpu::vit {

struct LayerBuffers {
  const int8_t* inputs;   // [group][row][column][channel]; depthwise kernel: [row][column][group]
  const int8_t* weights;  // [group][output][kernel row][kernel column][channel]
  int8_t* outputs;        // [group][row][column][output]; depthwise kernel: [row][column][group]
  unsigned long long* outside;
  int shift;
};

// Operands `first`, `first + 1`, ... of the seed.
void fill_operands(int8_t* values, uint64_t count, uint64_t seed, uint64_t first, cudaStream_t stream);
// The same values with the channels (`planes`) innermost.
void fill_operands_interleaved(int8_t* values, int planes, int plane_size, uint64_t seed,
                               cudaStream_t stream);

// One thread an output, one product at a time, every partial sum checked against 24 bits.
void run_naive(const LayerShape& shape, const LayerBuffers& buffers, cudaStream_t stream);

// Implicit GEMM on mma.m16n8k32: rows are output pixels, columns output channels. Channels in multiples of 16
// are copied by cp.async; any other number is gathered byte by byte (the 3-channel stem).
struct GemmTile {
  int rows, columns;
};
inline constexpr GemmTile kGemmTiles[] = {{128, 128}, {128, 64}, {64, 64}, {32, 32}};
void run_gemm(const LayerShape& shape, const LayerBuffers& buffers, GemmTile tile, cudaStream_t stream);

// Depthwise 3 x 3, stride 1, padding 1, channels in multiples of 4; `packed` holds 3 words a channel: [kernel
// row][channel].
bool depthwise_supports(const LayerShape& shape);
void pack_depthwise(const int8_t* weights, uint32_t* packed, int channels, cudaStream_t stream);
void run_depthwise(const LayerShape& shape, const LayerBuffers& buffers, const uint32_t* packed,
                   cudaStream_t stream);

}  // namespace tw::gpu::vit
