// SPDX-License-Identifier: Apache-2.0
//
// One axis of output positions cut into tiles, and each tile into blocks. The bytes that a PE receives for a block
// are a product over the axes (AxisCut weight of its rows x weight of its columns x ReductionCut::unit_bytes), so the
// sums over a whole layer are products of the sums kept here.
#pragma once

#include <vector>

#include "mappers/model/form.h"

namespace tilewright::mappers {

enum class AxisKind : uint8_t { kRows, kColumns };

// Tiles come in two kinds: those of full size and, where the tile does not divide the axis, one smaller at the end.
// Lists are by the index of a block within its tile.
struct AxisCut {
  uint32_t tile = 1, block = 1;
  uint32_t tiles = 1, full_tiles = 1;
  uint32_t last = 1;  // positions of the last tile
  uint32_t blocks_full = 1, blocks_last = 0;
  std::vector<uint64_t> pixels;  // output positions of block i, over the tiles of either kind
  std::vector<uint64_t> weight_full, weight_last;
  std::vector<uint64_t> first_weights;  // the blocks of the first tile alone
  uint64_t weight = 0;        // of all blocks
  uint64_t most_weight = 0;   // bound of one block over all cuts of the kernel rows; nothing is clipped but by the image
  uint64_t most_chunk = 0;    // the same for the largest cut alone
  uint32_t needed_tiles = 0;  // tiles that touch the image at all
  // The first chunk of every block of the first tile lies at least partly in the image.
  bool first_chunks_needed = false;
};
AxisCut cut_axis(const Form& form, const ReductionCut& reduction, AxisKind kind, uint32_t tile, uint32_t block);

// Input positions that each tile loads: inside the image, every `step`-th where pixels are skipped.
struct Span {
  uint32_t begin = 0, count = 0;
  bool needed = false;
};
std::vector<Span> spans_of_tiles(const Form& form, AxisKind kind, uint32_t tile);

// The largest input extent of a tile of `outputs` positions, as lowering reserves it.
uint64_t tile_extent(const Form& form, AxisKind kind, uint32_t outputs);

}  // namespace tilewright::mappers
