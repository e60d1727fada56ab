// SPDX-License-Identifier: Apache-2.0
#include "mappers/model/parts.h"

#include <algorithm>

#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

// `tiles` tiles of `blocks` blocks each, dealt to `parts` parts.
void deal(SharedPart& part, uint64_t tiles, uint64_t blocks, uint32_t parts) {
  if (tiles == 0 || blocks == 0) {
    return;
  }
  const uint64_t whole = blocks / parts;
  const auto rest = static_cast<uint32_t>(blocks % parts);
  const auto reached = static_cast<uint32_t>(std::min<uint64_t>(parts, blocks));
  part.blocks += tiles * blocks;
  part.rounds += tiles * divide_up(blocks, parts);
  part.parts_by_tile += tiles * reached;
  part.most_parts = std::max(part.most_parts, reached);
  if (whole > 0) {
    part.rounds_at_work.push_back({parts, tiles * whole});
  }
  if (rest > 0) {
    part.rounds_at_work.push_back({rest, tiles});
  }
  part.tiles_at_work.push_back({reached, tiles});
}

}  // namespace

void FirstTile::deal(std::size_t block, uint64_t weight, uint64_t size) {
  const std::size_t part = block % weights.size();
  weights[part] += weight;
  sizes[part] += size;
  if (block < weights.size()) {
    block_weights[part] = weight;
    block_sizes[part] = size;
  }
  least_size = block == 0 ? size : std::min(least_size, size);
}

LanePart make_lane_part(const Form& form, uint32_t tile, uint32_t channel_tiles, uint32_t parts, uint32_t lanes) {
  LanePart part;
  part.channel_tiles = channel_tiles;
  part.by_part.assign(parts, 0);
  part.lanes_by_part.assign(parts, 0);
  const uint64_t per_block = uint64_t{channel_tiles} * lanes;
  const uint64_t tiles = divide_up(form.lanes, tile);
  const auto last = static_cast<uint32_t>(form.lanes - (tiles - 1) * tile);
  part.tiles = tiles;
  part.tile_size = tile;
  part.last_size = last;
  part.sets = divide_up(divide_up(tile, per_block), parts);
  std::size_t kind = 1;
  part.kinds[0].channel_tiles = channel_tiles;
  const auto add = [&](uint64_t times, uint32_t size) {
    const uint64_t blocks = divide_up(size, per_block);
    const uint64_t whole = size / per_block;
    part.kinds[0].count += times * whole;
    part.kinds[kind++] = {divide_up(size - whole * per_block, lanes), times * (blocks - whole)};
    deal(part, times, blocks, parts);
    for (uint64_t block = 0; block < blocks && times > 0; ++block) {
      const uint64_t in_use = std::min(per_block, size - block * per_block);
      const uint64_t used_tiles = divide_up(in_use, lanes);
      part.by_part[block % parts] += times * used_tiles;
      part.lanes_by_part[block % parts] += times * in_use;
      part.channel_tiles_sum += times * used_tiles;
    }
  };
  add(last == tile ? tiles : tiles - 1, tile);
  add(last == tile ? 0 : 1, last);
  part.last_work = divide_up(divide_up(last, per_block), parts) * channel_tiles;
  part.first = FirstTile(parts);
  for (uint64_t block = 0; block * per_block < tile; ++block) {
    const uint64_t in_use = divide_up(std::min(per_block, tile - block * per_block), lanes);
    part.first.deal(block, in_use, in_use);
  }
  const auto busiest = std::max_element(part.by_part.begin(), part.by_part.end());
  const auto at = static_cast<std::size_t>(busiest - part.by_part.begin());
  part.busiest = *busiest;
  part.busiest_lanes = part.lanes_by_part[at];
  return part;
}

namespace {

struct PartSums {
  uint64_t pixels = 0, weight = 0;
};

// Adds the blocks of tiles whose columns are of one kind.
void add_kind(std::vector<PartSums>& sums, const AxisCut& rows, const AxisCut& columns, bool last) {
  const uint64_t across = last ? columns.blocks_last : columns.blocks_full;
  const uint64_t tiles = last ? 1 : columns.full_tiles;
  if (across == 0 || tiles == 0) {
    return;
  }
  const std::vector<uint64_t>& weights = last ? columns.weight_last : columns.weight_full;
  const uint64_t size = last ? columns.last : columns.tile;
  std::size_t part = 0;
  for (uint32_t i = 0; i < rows.blocks_full; ++i) {
    const bool in_last = i < rows.blocks_last;
    const uint64_t row_tiles = rows.full_tiles + (in_last ? 1 : 0);
    const uint64_t row_weight = rows.weight_full[i] + (in_last ? rows.weight_last[i] : 0);
    if (row_tiles == 0) {
      break;
    }
    for (uint64_t j = 0; j < across; ++j) {
      PartSums& sum = sums[part];
      part = part + 1 == sums.size() ? 0 : part + 1;
      const uint64_t width = std::min<uint64_t>(columns.block, size - j * columns.block);
      sum.pixels += rows.pixels[i] * width * tiles;
      sum.weight += row_weight * weights[j];
    }
  }
}

FirstTile first_pixel_tile(const AxisCut& rows, const AxisCut& columns, uint32_t parts) {
  FirstTile first(parts);
  std::size_t block = 0;
  for (uint64_t i = 0; i < rows.blocks_full; ++i) {
    for (uint64_t j = 0; j < columns.blocks_full; ++j) {
      const uint64_t height = std::min<uint64_t>(rows.block, rows.tile - i * rows.block);
      const uint64_t width = std::min<uint64_t>(columns.block, columns.tile - j * columns.block);
      first.deal(block++, rows.first_weights[i] * columns.first_weights[j], height * width);
    }
  }
  return first;
}

}  // namespace

PixelPart make_pixel_part(const Form& form, const AxisCut& rows, const AxisCut& columns, uint32_t parts) {
  PixelPart part;
  part.tiles = uint64_t{rows.tiles} * columns.tiles;
  part.needed_tiles = uint64_t{rows.needed_tiles} * columns.needed_tiles;
  part.tile_size = uint64_t{rows.tile} * columns.tile;
  part.last_size = uint64_t{rows.last} * columns.last;
  part.block_pixels = uint64_t{rows.block} * columns.block;
  part.weight = rows.weight * columns.weight;
  part.sets = divide_up(uint64_t{rows.blocks_full} * columns.blocks_full, parts);
  const uint64_t last_rows = rows.blocks_last > 0 ? 1 : 0, last_columns = columns.blocks_last > 0 ? 1 : 0;
  deal(part, uint64_t{rows.full_tiles} * columns.full_tiles, uint64_t{rows.blocks_full} * columns.blocks_full, parts);
  deal(part, rows.full_tiles * last_columns, uint64_t{rows.blocks_full} * columns.blocks_last, parts);
  deal(part, last_rows * columns.full_tiles, uint64_t{rows.blocks_last} * columns.blocks_full, parts);
  deal(part, last_rows * last_columns, uint64_t{rows.blocks_last} * columns.blocks_last, parts);
  std::vector<PartSums> sums(parts);
  add_kind(sums, rows, columns, false);
  add_kind(sums, rows, columns, true);
  for (const PartSums& sum : sums) {
    part.by_part.push_back(sum.weight);
    part.pixels_by_part.push_back(sum.pixels);
    part.busiest = std::max(part.busiest, sum.pixels);
  }
  part.previous_size = columns.tiles > 1 ? uint64_t{rows.last} * columns.tile : part.tile_size;
  const uint64_t last_blocks = uint64_t{rows.blocks_last > 0 ? rows.blocks_last : rows.blocks_full} *
                               (columns.blocks_last > 0 ? columns.blocks_last : columns.blocks_full);
  part.last_work = divide_up(last_blocks, parts) * std::min(rows.block, rows.last) * std::min(columns.block, columns.last);
  part.first = first_pixel_tile(rows, columns, parts);
  part.set_weight = rows.most_weight * columns.most_weight;
  part.chunk_weight = rows.most_chunk * columns.most_chunk;
  part.tile_positions = tile_extent(form, AxisKind::kRows, rows.tile) *
                        tile_extent(form, AxisKind::kColumns, columns.tile);
  part.first_positions = uint64_t{spans_of_tiles(form, AxisKind::kRows, rows.tile).front().count} *
                         spans_of_tiles(form, AxisKind::kColumns, columns.tile).front().count;
  part.first_chunks_needed = rows.first_chunks_needed && columns.first_chunks_needed;
  return part;
}

}  // namespace tilewright::mappers
