// SPDX-License-Identifier: Apache-2.0
//
// Which bytes of DRAM a tile holds. Activations are stored pixel by pixel, within a
// pixel group by group, channels innermost (an attention head is a slice of each token's row); weights
// [output channel][row][column] [input channel], the groups of a convolution one after the other, the heads
// of a second operand side by side in its rows. Where the matrices of the groups lie apart (windows), each is
// stored row by row, one behind the other.
#pragma once

#include "mappers/lower/plan.h"

namespace tilewright::mappers {

// A tile of the whole layer's tensor, in its own coordinates (padding already clipped).
struct TileBox {
  Range groups, rows, columns, channels;  // weights: groups, output channels in `channels`
  uint32_t step = 1;                      // every step-th row and column only (1x1 kernels with a stride)
  uint64_t bytes = 0;
  DramPattern dram;
};

TileBox input_box(const Plan& plan, uint32_t batch,
                  uint32_t tile);  // `tile`: of the side that holds the input
TileBox weight_box(const Plan& plan, uint32_t batch, uint32_t tile);
TileBox output_box(const Plan& plan, uint32_t batch, uint32_t lane_tile, uint32_t pixel_tile);
// The box of a whole tensor that stays in the global buffer.
TileBox whole_tensor(const Plan& plan, TileRole role);

}  // namespace tilewright::mappers
