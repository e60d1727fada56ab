// SPDX-License-Identifier: Apache-2.0
//
// The two halves of a mapping that are worked out once and then combined with each other: what happens to the lanes
// (output channels, or pixels where operands are swapped) and what happens to the pixels. Blocks are dealt to the parts
// of the PE array in turn, by their number within a tile.
#pragma once

#include <array>
#include <vector>

#include "mappers/model/geometry.h"
#include "mappers/model/traffic.h"

namespace tilewright::mappers {

// How often a round (or a pass) has `parts` parts at work.
struct PartsAtWork {
  uint32_t parts = 0;
  uint64_t times = 0;
};

// Of the first tile, by the part that its blocks are dealt to. `weights` are AxisCut weights, or channel tiles for lanes;
// `sizes` pixels, or channel tiles.
struct FirstTile {
  std::vector<uint64_t> weights, sizes;              // all blocks of the part
  std::vector<uint64_t> block_weights, block_sizes;  // its first block; 0 where it has none
  uint64_t least_size = 0;                           // of any block
  explicit FirstTile(std::size_t parts = 0) : weights(parts), sizes(parts), block_weights(parts), block_sizes(parts) {}
  void deal(std::size_t block, uint64_t weight, uint64_t size);
};

// What both halves have. Counts are over all tiles of one batch; depthwise lanes: over all batches.
struct SharedPart {
  uint64_t tiles = 1;
  uint64_t blocks = 0;
  uint64_t rounds = 0;                       // of blocks dealt to all parts
  uint64_t sets = 1;                         // rounds of the largest tile
  uint64_t parts_by_tile = 0;                // sum over tiles of the parts that have a block of it
  uint32_t most_parts = 0;                   // parts that have a block of the largest tile
  std::vector<PartsAtWork> rounds_at_work;   // their times add up to `rounds`
  std::vector<PartsAtWork> tiles_at_work;    // to `tiles`
  uint64_t tile_size = 1, last_size = 1;     // positions
  uint64_t last_work = 0;                    // of the last tile, the most that a part has: pixels or channel tiles
  FirstTile first;
  Traffic operand;                           // of its operand, moved once
  Traffic output;                            // where outputs are cut along this half (TrafficCounter::output_is_sliced)
};

struct LanePart : SharedPart {
  uint32_t channel_tiles = 1;             // of a block
  uint64_t channel_tiles_sum = 0;         // of all blocks
  uint64_t busiest = 0;                   // channel tiles of the part that has most
  uint64_t busiest_lanes = 0;             // lanes in use of that part
  std::vector<uint64_t> by_part;          // channel tiles
  std::vector<uint64_t> lanes_by_part;    // lanes in use
  // Blocks by their channel tiles: whole ones, the last of a full tile, the last of the last tile.
  struct Blocks {
    uint64_t channel_tiles = 0, count = 0;
  };
  std::array<Blocks, 3> kinds{};
};

struct PixelPart : SharedPart {
  uint64_t needed_tiles = 0;
  uint64_t previous_size = 1;     // of the tile before the last
  uint64_t busiest = 0;           // pixels of the part that has most
  uint64_t block_pixels = 1;      // of a full block
  uint64_t weight = 0;            // AxisCut weights of all blocks
  std::vector<uint64_t> by_part;  // weights
  std::vector<uint64_t> pixels_by_part;
  // Of one block as lowering reserves room for it: AxisCut weights, to be multiplied by ReductionCut's unit bytes (and,
  // depthwise, by channel tiles).
  uint64_t set_weight = 0, chunk_weight = 0;
  uint64_t tile_positions = 0;   // input positions of the largest tile
  uint64_t first_positions = 0;  // of the first tile
  bool first_chunks_needed = false;
};

LanePart make_lane_part(const Form& form, uint32_t tile, uint32_t channel_tiles, uint32_t parts, uint32_t lanes);
PixelPart make_pixel_part(const Form& form, const AxisCut& rows, const AxisCut& columns, uint32_t parts);

}  // namespace tilewright::mappers
