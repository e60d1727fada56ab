// SPDX-License-Identifier: Apache-2.0
//
// Small programs whose commands were counted by hand.
#include <doctest/doctest.h>

#include "mappers/lower/lower.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/machines.h"

namespace tilewright::mappers {
namespace {

using testing::conv2d;
using testing::elementwise;
using testing::linear;
using testing::matmul;
using testing::sixteen_pes;

struct Counts {
  uint64_t sends[2] = {}, bytes[2] = {};  // by Buffet
  uint64_t steps = 0, cycles = 0, busiest = 0, drains = 0, drain_entries = 0;
  uint64_t read = 0, written = 0;  // DRAM
};

Counts count(const TileProgram& program) {
  Counts counts;
  for (const auto& sender : program.senders) {
    for (const Send& send : sender) {
      ++counts.sends[static_cast<std::size_t>(send.buffet)];
      counts.bytes[static_cast<std::size_t>(send.buffet)] += send.bytes;
    }
  }
  for (const auto& stream : program.steps) {
    uint64_t cycles = 0;
    for (const Step& step : stream) {
      ++counts.steps;
      cycles += step.cycles;
      counts.drains += step.drains;
      counts.drain_entries += step.drains ? step.drain_entries : 0;
    }
    counts.cycles += cycles;
    counts.busiest = std::max(counts.busiest, cycles);
  }
  for (const uint32_t tile : program.loads) {
    counts.read += program.tiles[tile].bytes;
  }
  for (const uint32_t tile : program.stores) {
    counts.written += program.tiles[tile].bytes;
  }
  return counts;
}

Counts lowered(const workloads::Layer& layer, const Mapping& mapping, const Residency& residency = {}) {
  const arch::AcceleratorSpec spec = sixteen_pes();
  const TileProgram program = lower(layer, mapping, spec, residency);
  check_program(program, spec);
  return count(program);
}

constexpr auto kWeights = static_cast<std::size_t>(Buffet::kWeight);
constexpr auto kInputs = static_cast<std::size_t>(Buffet::kInput);

TEST_CASE("a linear layer on one PE: weights stay while pixels stream") {
  // 64 tokens, 64 -> 32: two channel tiles x four pixel blocks, one chunk of two vectors.
  Mapping m;
  m.chunk_channels = 64;
  m.tile_columns = 64;
  m.tile_channels = 32;
  const Counts counts = lowered(linear(64, 64, 32), m);
  CHECK(counts.steps == 2 * 4);
  CHECK(counts.cycles == 2 * 4 * 16 * 2);
  CHECK(counts.sends[kWeights] == 2);
  CHECK(counts.bytes[kWeights] == 2 * 16 * 64);
  // The four pixel blocks fit the input buffer and the second channel tile uses them again.
  CHECK(counts.sends[kInputs] == 4);
  CHECK(counts.bytes[kInputs] == 64 * 64);
  CHECK(counts.drain_entries == 2 * 64);
  CHECK(counts.read == 64 * 64 + 32 * 64);
  CHECK(counts.written == 64 * 32);
}

TEST_CASE("a linear layer whose operands do not fit the PE sends the streamed side again") {
  // 4096 input channels: 64 KiB of input a block and 64 KiB of weights a channel tile; one block fits, two do
  // not.
  Mapping m;
  m.chunk_channels = 1024;
  m.tile_columns = 32;
  m.tile_channels = 32;
  m.pe_order = LoopOrder::kWeightsOuter;
  const Counts counts = lowered(linear(32, 4096, 32), m);
  CHECK(counts.sends[kWeights] == 2 * 4);
  CHECK(counts.bytes[kWeights] == 32 * 4096);
  CHECK(counts.sends[kInputs] == 2 * 2 * 4);
  CHECK(counts.bytes[kInputs] == 2 * 32 * 4096);
}

TEST_CASE("padded channels and lanes cost cycles and buffer bytes, not DRAM bytes") {
  // 20 input channels: one vector of 32; 19 output channels: two tiles of 16 lanes.
  Mapping m;
  m.tile_columns = 16;
  m.tile_channels = 19;
  const Counts counts = lowered(linear(16, 20, 19), m);
  CHECK(counts.cycles == 2 * 16);
  CHECK(counts.bytes[kWeights] == 2 * 16 * 32);
  CHECK(counts.bytes[kInputs] == 16 * 32);
  CHECK(counts.read == 16 * 20 + 19 * 20);
  CHECK(counts.written == 16 * 19);
}

TEST_CASE("swapped operands put pixels on the lanes") {
  // 16 tokens on 16 lanes, 19 output channels as a stream of 16 and 3: 19 cycles instead of 32.
  Mapping m;
  m.swap_operands = true;
  m.tile_columns = 19;
  m.tile_channels = 16;
  CHECK(lowered(linear(16, 20, 19), m).cycles == 19);
}

TEST_CASE("a 3x3 convolution sends its halo, clipped to the image") {
  // 8x8, padding 1, blocks of 4x4: each of the four corner blocks needs 5x5 of its 6x6 box.
  Mapping m;
  m.block_rows = m.block_columns = 4;
  m.chunk_kernel_rows = 3;
  m.tile_rows = m.tile_columns = 8;
  const Counts counts = lowered(conv2d(8, 32, 16, {3, 1, 1}), m);
  CHECK(counts.sends[kInputs] == 4);
  CHECK(counts.bytes[kInputs] == 4 * 25 * 32);
  CHECK(counts.bytes[kWeights] == 16 * 9 * 32);
  CHECK(counts.cycles == 64 * 9);
  CHECK(counts.read == 64 * 32 + 9 * 32 * 16);
}

TEST_CASE("tiles of a convolution load their halo rows again") {
  // Four tiles of two rows: 3 + 4 + 4 + 3 input rows.
  Mapping m;
  m.block_rows = 2;
  m.block_columns = 8;
  m.chunk_kernel_rows = 3;
  m.tile_rows = 2;
  m.tile_columns = 8;
  CHECK(lowered(conv2d(8, 32, 16, {3, 1, 1}), m).read == 14 * 8 * 32 + 9 * 32 * 16);
}

TEST_CASE("a strided 1x1 convolution loads only the pixels it uses") {
  Mapping m;
  m.block_columns = 4;
  m.tile_rows = m.tile_columns = 4;
  const Counts counts = lowered(conv2d(8, 32, 16, {1, 2, 0}), m);
  CHECK(counts.read == 16 * 32 + 32 * 16);
  CHECK(counts.bytes[kInputs] == 16 * 32);
}

TEST_CASE("im2col turns a 7x7 stem of three channels into five vectors, row packing into seven") {
  Mapping m;
  m.block_columns = 8;
  m.block_rows = 2;
  m.chunk_kernel_rows = 7;
  m.chunk_channels = 3;
  m.tile_rows = 2;
  m.tile_columns = 8;
  const auto layer = conv2d(32, 3, 16, {7, 4, 3});  // 8x8 outputs
  m.packing = Packing::kIm2col;
  CHECK(lowered(layer, m).cycles == 64 * 5);  // 147 of 160
  CHECK(lowered(layer, m).bytes[kInputs] == 64 * 160);
  m.packing = Packing::kRow;
  CHECK(lowered(layer, m).cycles == 64 * 7);  // 21 of 32, seven rows
  CHECK(lowered(layer, m).bytes[kInputs] == 64 * 7 * 32);
  m.packing = Packing::kUnpacked;
  CHECK(lowered(layer, m).cycles == 64 * 49);
}

TEST_CASE("a depthwise 3x3 takes six vectors a pixel where two pixels share an entry") {
  // 32 channels on 16 lanes: two channel tiles. A 4x4 block away from the border reads 6 rows of 6 pixels, 3
  // entries.
  Mapping m;
  m.packing = Packing::kTapPair;
  m.block_rows = m.block_columns = 4;
  m.chunk_kernel_rows = 3;
  m.tile_rows = m.tile_columns = 4;
  m.tile_channels = 32;
  const auto layer = conv2d(6, 32, 32, {3, 1, 0}, 32);  // 4x4 outputs
  const Counts counts = lowered(layer, m);
  CHECK(counts.cycles == 2 * 16 * 6);
  CHECK(counts.bytes[kInputs] == 2 * 6 * 3 * 32);
  // Each weight vector is held for both alignments of the window.
  CHECK(counts.bytes[kWeights] == 2 * 16 * 6 * 32 * 2);
  CHECK(counts.read == 36 * 32 + 9 * 32);
}

TEST_CASE("the heads of a matmul are slices of token rows") {
  // Four heads of 16 tokens x 64 times 64 x 32, two at a time.
  Mapping m;
  m.pe_groups = 2;
  m.chunk_channels = 64;
  m.tile_columns = 16;
  m.tile_channels = 32;
  const arch::AcceleratorSpec spec = sixteen_pes();
  const TileProgram program = lower(matmul(4, 16, 64, 32), m, spec, {});
  check_program(program, spec);
  const Tile& weights =
      program.tiles[program.loads[0]];  // the first step needs both; weights are asked for first
  CHECK(weights.role == TileRole::kWeight);
  CHECK(weights.dram.piece_bytes == 2 * 64);
  CHECK(weights.dram.inner_count == 32);
  CHECK(weights.dram.inner_stride == 4 * 64);
  const Tile& input = program.tiles[program.loads[1]];
  CHECK(input.dram.piece_bytes == 2 * 64);
  CHECK(input.dram.inner_count == 16);
  CHECK(input.dram.inner_stride == 4 * 64);
  CHECK(program.loads.size() == 4);
}

TEST_CASE("resident tensors are neither loaded nor stored") {
  Mapping m;
  m.chunk_channels = 64;
  m.tile_columns = 16;
  const Counts counts = lowered(linear(64, 64, 32), m, {true, false, true, 0});
  CHECK(counts.read == 64 * 32);  // weights; 16 channels a tile, each loaded once
  CHECK(counts.written == 0);
}

TEST_CASE("the vector unit keeps rows whole and charges every pass") {
  const arch::AcceleratorSpec spec = sixteen_pes();  // 128 lanes, packets of 1 KiB
  // 8 rows of 256: two chunks of four rows, which is one packet each.
  Counts counts = count(lower(elementwise(workloads::LayerKind::kSoftmax, 8, 256, 1, 3), {}, spec, {}));
  CHECK(counts.steps == 2);
  CHECK(counts.cycles == 3 * 8 * 256 / 128);
  CHECK(counts.drain_entries == 8 * 256 / 128);
  CHECK(counts.read == 8 * 256);
  // 2 rows of 2048: two packets a row, the first of which carries the passes over the whole row.
  const TileProgram program = lower(elementwise(workloads::LayerKind::kSoftmax, 2, 2048, 1, 3), {}, spec, {});
  check_program(program, spec);
  const auto& steps = program.steps[16];
  REQUIRE(steps.size() == 4);
  CHECK(steps[0].cycles == 2 * 16 + 8);
  CHECK(steps[1].cycles == 8);
  CHECK(steps[0].free_input == 0);
  CHECK(steps[1].free_input == 1);
  // Both operands of an addition arrive, each in its own buffer.
  counts = count(lower(elementwise(workloads::LayerKind::kAdd, 4, 256, 2, 1), {}, spec, {}));
  CHECK(counts.bytes[kInputs] == 1024);
  CHECK(counts.bytes[kWeights] == 1024);
  CHECK(counts.cycles == 8);
  CHECK(counts.read == 2048);
}

}  // namespace
}  // namespace tilewright::mappers
