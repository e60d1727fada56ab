// SPDX-License-Identifier: Apache-2.0
//
// Computes a layer's real values while the timing model runs: bytes are copied from tensor to global-buffer tile when
// the tile has been loaded, from tile to PE chunk when the chunk has been delivered, multiplied when the step ends, and written to
// the output when they have been collected. Data that a step uses before it arrived, or that a chunk takes from outside of its
// tile, is an InternalError: a wrong time shows as a wrong or missing value.
//
// Sums saturate at accumulator_bits after every vector operation, in the mapping's order; saturations are counted.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "arch/accelerator.h"
#include "mappers/program/tile_program.h"
#include "sim/accel/functional/tensors.h"
#include "sim/accel/observer.h"

namespace tilewright::accel {

class FunctionalRun final : public Observer {
 public:
  // The program must have been lowered with coordinates.
  FunctionalRun(const mappers::TileProgram& program, const arch::AcceleratorSpec& spec, const Operands& operands);

  void tile_loaded(uint32_t tile) override;
  void chunk_delivered(uint32_t sender, uint32_t send) override;
  void step_ended(uint32_t endpoint, uint32_t step) override;
  void block_collected(uint32_t endpoint, uint32_t step) override;
  void tile_stored(uint32_t tile) override;

  // 24-bit sums [group][row][column][channel]; throws InternalError if an output never arrived.
  const std::vector<int32_t>& sums() const;
  uint64_t saturations() const { return saturations_; }

 private:
  struct Data {  // a dense copy of a box: [group][row][column][channel], weights with reduction innermost
    mappers::TileRole role = mappers::TileRole::kInput;
    mappers::Box box;
    int32_t reduction0 = 0, reduction1 = 1;
    std::vector<int8_t> values;
    bool present = false;
    std::size_t index(int32_t group, int32_t row, int32_t column, int32_t channel, int32_t reduction) const;
    bool contains(int32_t group, int32_t row, int32_t column, int32_t channel, int32_t reduction) const;
  };
  struct Queue {  // chunks of one buffet
    std::deque<Data> chunks;
    uint32_t freed = 0;
  };
  struct Block {  // sums between drain and collection
    mappers::WorkCoordinates work;
    std::vector<int32_t> sums;
  };

  void fill_tile(Data& tile) const;
  Data fetch_chunk(const mappers::ChunkCoordinates& where) const;
  Data cut_chunk(const Data& tile, const mappers::ChunkCoordinates& where) const;
  int8_t take(const Data& tile, int32_t group, int32_t row, int32_t column, int32_t channel, int32_t reduction) const;
  bool outside_image(int32_t row, int32_t column) const;
  const Data& chunk(uint32_t endpoint, mappers::Buffet buffet, uint32_t number) const;
  void accumulate(const mappers::WorkCoordinates& work, const Data& input, const Data& weight,
                  std::vector<int32_t>& sums);
  int32_t dot(const Data& input, const Data& weight, int32_t group, int32_t channel, int32_t row, int32_t column,
              const mappers::WorkCoordinates& work, int32_t sum);
  int32_t saturate(int64_t sum);
  void write_out(const Block& block);

  const mappers::TileProgram& program_;
  const arch::AcceleratorSpec& spec_;
  const Operands& operands_;
  std::vector<Data> tiles_;
  std::vector<Queue> queues_[2];             // [buffet][endpoint]
  std::vector<std::vector<int32_t>> sums_;   // accumulators, by endpoint
  std::map<std::pair<uint32_t, uint32_t>, Block> drained_;
  std::map<uint32_t, std::vector<Block>> collected_;  // by output tile, until it is stored
  std::vector<int32_t> outputs_;
  std::vector<uint8_t> written_;
  uint64_t saturations_ = 0;
};

}  // namespace tilewright::accel
