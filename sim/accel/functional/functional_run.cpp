// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/functional/functional_run.h"

#include <algorithm>
#include <bit>

#include "sim/base/error.h"

namespace tilewright::accel {

using mappers::Box;
using mappers::Buffet;
using mappers::ChunkCoordinates;
using mappers::Send;
using mappers::Step;
using mappers::TileRole;
using mappers::WorkCoordinates;

namespace {

uint32_t unsigned_of(int32_t value) { return static_cast<uint32_t>(value); }

template <typename Visit>
void for_each_in(const Box& box, const Visit& visit) {
  for (int32_t g = box.group0; g < box.group1; ++g) {
    for (int32_t r = box.row0; r < box.row1; ++r) {
      for (int32_t c = box.column0; c < box.column1; ++c) {
        for (int32_t k = box.channel0; k < box.channel1; ++k) {
          visit(g, r, c, k);
        }
      }
    }
  }
}

std::size_t volume(const Box& box) {
  return std::size_t{unsigned_of(box.group1 - box.group0)} * unsigned_of(box.row1 - box.row0) *
         unsigned_of(box.column1 - box.column0) * unsigned_of(box.channel1 - box.channel0);
}

}  // namespace

std::size_t FunctionalRun::Data::index(int32_t group, int32_t row, int32_t column, int32_t channel,
                                       int32_t reduction) const {
  std::size_t at = unsigned_of(group - box.group0);
  at = at * unsigned_of(box.row1 - box.row0) + unsigned_of(row - box.row0);
  at = at * unsigned_of(box.column1 - box.column0) + unsigned_of(column - box.column0);
  at = at * unsigned_of(box.channel1 - box.channel0) + unsigned_of(channel - box.channel0);
  return at * unsigned_of(reduction1 - reduction0) + unsigned_of(reduction - reduction0);
}

bool FunctionalRun::Data::contains(int32_t group, int32_t row, int32_t column, int32_t channel,
                                   int32_t reduction) const {
  return group >= box.group0 && group < box.group1 && row >= box.row0 && row < box.row1 && column >= box.column0 &&
         column < box.column1 && channel >= box.channel0 && channel < box.channel1 && reduction >= reduction0 &&
         reduction < reduction1;
}

FunctionalRun::FunctionalRun(const mappers::TileProgram& program, const arch::AcceleratorSpec& spec,
                             const Operands& operands)
    : program_(program), spec_(spec), operands_(operands), tiles_(program.tiles.size()), sums_(program.endpoints) {
  TILEWRIGHT_CHECK(program.tile_boxes.size() == program.tiles.size(), "the program has no coordinates");
  queues_[0].resize(program.endpoints);
  queues_[1].resize(program.endpoints);
  const workloads::MacShape& shape = operands.shape;
  outputs_.resize(uint64_t{shape.groups} * shape.output_height * shape.output_width * shape.output_channels);
  written_.resize(outputs_.size());
  for (uint32_t i = 0; i < tiles_.size(); ++i) {
    const TileRole role = program.tiles[i].role;
    tiles_[i].role = role;
    tiles_[i].box = program.tile_boxes[i];
    // Where lanes stand for groups, tiles name them as channels; a group of a depthwise layer itself has but one.
    if (shape.depthwise() && tiles_[i].box.channel1 > 1) {
      std::swap(tiles_[i].box.group0, tiles_[i].box.channel0);
      std::swap(tiles_[i].box.group1, tiles_[i].box.channel1);
      tiles_[i].box.channel0 = 0;
      tiles_[i].box.channel1 = 1;
    }
    if (role == TileRole::kWeight) {
      tiles_[i].reduction1 = static_cast<int32_t>(shape.input_channels);
    }
    if (role != TileRole::kOutput && program.classes[static_cast<std::size_t>(role)].slots == 0) {
      fill_tile(tiles_[i]);
    }
  }
}

void FunctionalRun::fill_tile(Data& tile) const {
  tile.present = true;
  tile.values.resize(volume(tile.box) * unsigned_of(tile.reduction1 - tile.reduction0));
  for_each_in(tile.box, [&](int32_t g, int32_t r, int32_t c, int32_t k) {
    for (int32_t i = tile.reduction0; i < tile.reduction1; ++i) {
      tile.values[tile.index(g, r, c, k, i)] =
          tile.role == TileRole::kWeight
              ? operands_.weight(unsigned_of(g), unsigned_of(k), unsigned_of(r), unsigned_of(c), unsigned_of(i))
              : operands_.input(unsigned_of(g), unsigned_of(r), unsigned_of(c), unsigned_of(k));
    }
  });
}

void FunctionalRun::tile_loaded(uint32_t tile) { fill_tile(tiles_[tile]); }

bool FunctionalRun::outside_image(int32_t row, int32_t column) const {
  return row < 0 || column < 0 || unsigned_of(row) >= operands_.shape.input_height ||
         unsigned_of(column) >= operands_.shape.input_width;
}

int8_t FunctionalRun::take(const Data& tile, int32_t group, int32_t row, int32_t column, int32_t channel,
                           int32_t reduction) const {
  if (tile.role == TileRole::kInput && outside_image(row, column)) {
    return 0;
  }
  TILEWRIGHT_CHECK(tile.contains(group, row, column, channel, reduction), "a chunk takes data from outside of its tile");
  return tile.values[tile.index(group, row, column, channel, reduction)];
}

FunctionalRun::Data FunctionalRun::cut_chunk(const Data& tile, const ChunkCoordinates& where) const {
  TILEWRIGHT_CHECK(tile.present, "a chunk was sent from a tile that had not been loaded");
  Data chunk;
  chunk.role = where.role;
  chunk.box = where.box;
  chunk.present = true;
  if (where.role == TileRole::kWeight) {
    chunk.reduction0 = where.reduction0;
    chunk.reduction1 = where.reduction1;
  }
  chunk.values.resize(volume(chunk.box) * unsigned_of(chunk.reduction1 - chunk.reduction0));
  for_each_in(chunk.box, [&](int32_t g, int32_t r, int32_t c, int32_t k) {
    for (int32_t i = chunk.reduction0; i < chunk.reduction1; ++i) {
      chunk.values[chunk.index(g, r, c, k, i)] = take(tile, g, r, c, k, i);
    }
  });
  return chunk;
}

// Straight from the tensor in DRAM.
FunctionalRun::Data FunctionalRun::fetch_chunk(const ChunkCoordinates& where) const {
  Data chunk;
  chunk.role = where.role;
  chunk.box = where.box;
  chunk.reduction0 = where.reduction0;
  chunk.reduction1 = where.reduction1;
  fill_tile(chunk);
  return chunk;
}

void FunctionalRun::chunk_delivered(uint32_t sender, uint32_t send) {
  const Send& command = program_.senders[sender][send];
  const ChunkCoordinates& where = program_.chunks.at(command.coordinates);
  const Data chunk = command.fetches() ? fetch_chunk(where) : cut_chunk(tiles_[command.tile], where);
  for (mappers::EndpointMask rest = command.destinations; rest != 0; rest &= rest - 1) {
    const auto endpoint = static_cast<std::size_t>(std::countr_zero(rest));
    queues_[static_cast<std::size_t>(command.buffet)][endpoint].chunks.push_back(chunk);
  }
}

const FunctionalRun::Data& FunctionalRun::chunk(uint32_t endpoint, Buffet buffet, uint32_t number) const {
  const Queue& queue = queues_[static_cast<std::size_t>(buffet)][endpoint];
  TILEWRIGHT_CHECK(number >= queue.freed && number - queue.freed < queue.chunks.size(),
                   "a step uses a chunk that has not arrived or is gone");
  return queue.chunks[number - queue.freed];
}

int32_t FunctionalRun::saturate(int64_t sum) {
  const int64_t limit = int64_t{1} << (spec_.pe.accumulator_bits - 1);
  const int64_t clipped = std::clamp(sum, -limit, limit - 1);
  saturations_ += clipped != sum ? 1 : 0;
  return static_cast<int32_t>(clipped);
}

// One output's share of a step: vector operations in the order kernel row, kernel column, channel vector.
int32_t FunctionalRun::dot(const Data& input, const Data& weight, int32_t group, int32_t channel, int32_t row,
                           int32_t column, const WorkCoordinates& work, int32_t sum) {
  const auto stride = static_cast<int32_t>(operands_.shape.stride);
  const auto padding = static_cast<int32_t>(operands_.shape.padding);
  const auto vector = static_cast<int32_t>(spec_.pe.vector_size);
  const auto kernel_width = static_cast<int32_t>(operands_.shape.kernel_width);
  const int32_t first = work.reduction0;
  const int32_t last = work.reduction1 - 1;
  for (int32_t r = work.kernel_row0; r < work.kernel_row1; ++r) {
    for (int32_t s = 0; s < kernel_width; ++s) {
      const int32_t y = row * stride + r - padding;
      const int32_t x = column * stride + s - padding;
      TILEWRIGHT_CHECK(input.contains(group, y, x, first, 0) && input.contains(group, y, x, last, 0) &&
                           weight.contains(group, r, s, channel, first) && weight.contains(group, r, s, channel, last),
                       "a step uses data that its chunks do not hold");
      // Both are contiguous along the reduction.
      const int8_t* const inputs = &input.values[input.index(group, y, x, first, 0)];
      const int8_t* const weights = &weight.values[weight.index(group, r, s, channel, first)];
      for (int32_t begin = 0; begin <= last - first; begin += vector) {
        const int32_t end = std::min(begin + vector, last - first + 1);
        int32_t products = 0;
        for (int32_t i = begin; i < end; ++i) {
          products += int32_t{inputs[i]} * int32_t{weights[i]};
        }
        sum = saturate(int64_t{sum} + products);
      }
    }
  }
  return sum;
}

void FunctionalRun::accumulate(const WorkCoordinates& work, const Data& input, const Data& weight,
                               std::vector<int32_t>& sums) {
  std::size_t at = 0;
  for_each_in({work.group, work.group1, work.row0, work.row1, work.column0, work.column1, work.channel0, work.channel1},
              [&](int32_t g, int32_t r, int32_t c, int32_t k) {
                sums[at] = dot(input, weight, g, k, r, c, work, sums[at]);
                ++at;
              });
}

void FunctionalRun::step_ended(uint32_t endpoint, uint32_t index) {
  const Step& step = program_.steps[endpoint][index];
  if (endpoint == spec_.pe_count) {
    return;  // the vector unit's operators are timed, not computed
  }
  const WorkCoordinates& work = program_.works.at(step.coordinates);
  std::vector<int32_t>& sums = sums_[endpoint];
  if (step.starts) {
    sums.assign(volume({work.group, work.group1, work.row0, work.row1, work.column0, work.column1, work.channel0,
                        work.channel1}),
                0);
  }
  if (step.weight_chunk != mappers::kNone && step.input_chunk != mappers::kNone) {  // else it sees padding only
    const Data& lanes = chunk(endpoint, Buffet::kWeight, step.weight_chunk);
    const Data& stream = chunk(endpoint, Buffet::kInput, step.input_chunk);
    const bool swapped = lanes.role == TileRole::kInput;
    accumulate(work, swapped ? lanes : stream, swapped ? stream : lanes, sums);
  }
  const uint32_t freed[2] = {step.free_weight, step.free_input};
  for (std::size_t buffet = 0; buffet < 2; ++buffet) {
    Queue& queue = queues_[buffet][endpoint];
    queue.freed += freed[buffet];
    queue.chunks.erase(queue.chunks.begin(), queue.chunks.begin() + freed[buffet]);
  }
  if (step.drains) {
    drained_[{endpoint, index}] = {work, std::move(sums)};
  }
}

void FunctionalRun::block_collected(uint32_t endpoint, uint32_t step) {
  const auto block = drained_.find({endpoint, step});
  if (block == drained_.end()) {
    return;  // the vector unit's
  }
  const uint32_t tile = program_.steps[endpoint][step].output_tile;
  if (program_.classes[static_cast<std::size_t>(TileRole::kOutput)].slots == 0) {
    write_out(block->second);  // stays in the global buffer
  } else {
    collected_[tile].push_back(std::move(block->second));
  }
  drained_.erase(block);
}

void FunctionalRun::tile_stored(uint32_t tile) {
  for (const Block& block : collected_[tile]) {
    write_out(block);
  }
  collected_.erase(tile);
}

void FunctionalRun::write_out(const Block& block) {
  const WorkCoordinates& work = block.work;
  std::size_t at = 0;
  for_each_in({work.group, work.group1, work.row0, work.row1, work.column0, work.column1, work.channel0, work.channel1},
              [&](int32_t g, int32_t r, int32_t c, int32_t k) {
                const uint64_t place =
                    output_index(operands_.shape, unsigned_of(g), unsigned_of(r), unsigned_of(c), unsigned_of(k));
                TILEWRIGHT_CHECK(written_[place] == 0, "an output was written twice");
                written_[place] = 1;
                outputs_[place] = block.sums[at++];
              });
}

const std::vector<int32_t>& FunctionalRun::sums() const {
  TILEWRIGHT_CHECK(std::all_of(written_.begin(), written_.end(), [](uint8_t w) { return w == 1; }),
                   "an output was never written");
  return outputs_;
}

}  // namespace tilewright::accel
