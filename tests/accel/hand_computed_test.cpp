// SPDX-License-Identifier: Apache-2.0
//
// Cases small enough, or regular enough, to be known beforehand. Every number here was computed on paper from
// docs/accelerator.md, none by the code under test.
#include <doctest/doctest.h>

#include "mappers/lower/lower.h"
#include "sim/accel/simulator.h"

using namespace tilewright;  // NOLINT(google-build-using-namespace): a test
using accel::AcceleratorSimulator;
using accel::Fidelity;
using accel::LayerResult;

namespace {

arch::AcceleratorSpec machine(uint32_t pes, uint32_t rows) {
  arch::AcceleratorSpec spec;
  spec.name = "by_hand";
  spec.pe_count = pes;
  spec.noc.rows = rows;
  spec.noc.collect_bytes_per_cycle = 64;
  spec.pe.weight_buffer = spec.pe.input_buffer = Bytes{65536};
  spec.pe.output_buffer = Bytes{8192};
  spec.global_buffer.capacity = Bytes{64ULL << 20};
  spec.vector_unit.input_buffer = spec.vector_unit.output_buffer = Bytes{65536};
  spec.dataflows = {arch::Dataflow::kOsLws};
  spec.operating_point.clock = Hertz{1'000'000'000};
  spec.has_dram = false;
  return spec;
}

// Two senders, one PE: 64 B of inputs and 128 B of weights, one step of 1 x 2 x 3 cycles, 48 B of outputs.
mappers::TileProgram one_block() {
  mappers::TileProgram program;
  program.endpoints = 2;
  program.senders.resize(2);
  program.steps.resize(2);
  program.classes[1].base = 1024;
  program.classes[2].base = 2048;
  program.tiles.resize(3);
  program.tiles[0] = {mappers::TileRole::kInput, 0, 64, 1, {}};
  program.tiles[1] = {mappers::TileRole::kWeight, 0, 128, 1, {}};
  program.tiles[2] = {mappers::TileRole::kOutput, 0, 48, 0, {}};
  program.senders[0] = {{0, 0, 64, 1, mappers::Buffet::kInput, mappers::kNone}};
  program.senders[1] = {{1, 0, 128, 1, mappers::Buffet::kWeight, mappers::kNone}};
  mappers::Step step;
  step.weight_chunk = step.input_chunk = 0;
  step.free_weight = step.free_input = 1;
  step.starts = step.drains = true;
  step.vectors = 2;
  step.pixels = 3;
  step.cycles = 6;
  step.macs = 6 * 16 * 32;
  step.output_tile = 2;
  step.output_bytes = 48;
  step.drain_entries = 3;
  program.steps[0] = {step};
  program.macs = step.macs;
  return program;
}

}  // namespace

// Both senders post in cycle 0 and need the PE's port: inputs (lower requester) move in cycle 0, weights in 1 and 2. Arrivals:
// 1 + 4 = 5 and 3 + 4 = 7. The step runs in 7..12, the drain (3 entries) in 13..15, the output waits for the pipeline until
// 16 + 5 = 21, moves in 21, and is in the global buffer at 22 + 4 = 26.
TEST_CASE("one block takes the cycles that the rules give it") {
  for (const Fidelity fidelity : {Fidelity::kTick, Fidelity::kEvent}) {
    AcceleratorSimulator simulator(machine(1, 1), fidelity);
    const LayerResult result = simulator.run(one_block());
    CHECK(result.cycles == 26);
    const StallCycles& pe = result.stalls.at("pe");
    CHECK(pe[Stall::kWeightWait] == 7);
    CHECK(pe[Stall::kBusy] == 6);
    CHECK(pe[Stall::kIdle] == 13);
    CHECK(result.stalls.at("input_sender")[Stall::kBusy] == 1);
    CHECK(result.stalls.at("weight_sender")[Stall::kArbitration] == 1);
    CHECK(result.stalls.at("weight_sender")[Stall::kBusy] == 2);
    CHECK(result.activity[Action::kWeightBufferRead] == 2 * 16 * 32);   // once per vector and lane, then held for 3 pixels
    CHECK(result.activity[Action::kInputBufferRead] == 6 * 32);
    CHECK(result.activity[Action::kAccumulatorUpdate] == 6 * 16);
    CHECK(result.activity[Action::kAccumulatorRead] == 3 * 16);
    CHECK(result.activity[Action::kNocLinkBytes] == 2 * 64 + 2 * 128 + 2 * 48);
    CHECK(simulator.run(one_block()) == result);  // a second run starts from the same state
  }
}

namespace {

arch::AcceleratorSpec machine_with_memory() {
  arch::AcceleratorSpec spec = machine(1, 1);
  spec.has_dram = true;
  spec.dma.bypass = arch::Bypass::kWeights;
  spec.dram.command_clock = Hertz{1'000'000'000};
  spec.dram.channels = 1;
  spec.dram.row_bytes = Bytes{2048};
  spec.dram.burst_bytes = Bytes{64};
  spec.dram.channel_interleave = Bytes{2048};
  spec.dram.read_latency = spec.dram.write_latency = 20;
  spec.dram.t_rtp = spec.dram.t_rtw = 4;
  spec.dram.t_rcd = spec.dram.t_rp = 15;
  spec.dram.t_ras = 35;
  spec.dram.t_ccd_short = spec.dram.t_ccd_long = 2;
  spec.dram.t_refi = 4000;
  spec.dram.t_rfc = 200;
  return spec;
}

// The weights in DRAM: through a tile of the global buffer, or past it. Inputs and outputs are in place.
mappers::TileProgram weights_from_memory(bool past_the_buffer) {
  mappers::TileProgram program = one_block();
  if (past_the_buffer) {
    program.tiles.erase(program.tiles.begin() + 1);
    program.senders[1][0].tile = mappers::kNone;
    program.steps[0][0].output_tile = 1;
    return program;
  }
  program.classes[1].slots = 1;
  program.classes[1].slot_bytes = 1024;
  program.tiles[1].dram.piece_bytes = 128;
  program.loads = {1};
  return program;
}

}  // namespace

// The load DMA asks for the 128 B in cycle 0 either way and they come back in one piece, which takes its port for two cycles.
// Through the global buffer they then hold the PE's port for two more: so much earlier is the PE done without it.
TEST_CASE("what goes past the global buffer saves its second transfer, two accesses, and nothing else") {
  arch::AcceleratorSpec spec = machine_with_memory();
  for (const Fidelity fidelity : {Fidelity::kTick, Fidelity::kEvent}) {
    const LayerResult held = AcceleratorSimulator(spec, fidelity).run(weights_from_memory(false));
    const LayerResult past = AcceleratorSimulator(spec, fidelity).run(weights_from_memory(true));
    CHECK(past.cycles + 2 == held.cycles);
    CHECK(held.activity[Action::kGlobalBufferWrite] == past.activity[Action::kGlobalBufferWrite] + 128);
    CHECK(held.activity[Action::kGlobalBufferRead] == past.activity[Action::kGlobalBufferRead] + 128);
    for (const Action same : {Action::kNocInjected, Action::kNocDelivered, Action::kNocLinkBytes, Action::kWeightBufferWrite,
                              Action::kDramReadBytes, Action::kMac}) {
      CHECK(held.activity[same] == past.activity[same]);
    }
    CHECK(past.stalls.at("weight_sender")[Stall::kBusy] == 1);  // the cycle in which it reserves the room
    CHECK(past.row_link_busy == held.row_link_busy);
    arch::AcceleratorSpec narrow = spec;  // the slower of port and link sets the pace: 4 cycles instead of 2
    narrow.noc.link_bytes_per_cycle = 32;
    CHECK(AcceleratorSimulator(narrow, fidelity).run(weights_from_memory(true)).cycles == past.cycles + 2);
  }
}

TEST_CASE("the four dataflows touch the buffers as their loop nests say") {
  mappers::TileProgram program = one_block();
  arch::AcceleratorSpec spec = machine(1, 1);
  spec.pe.weight_collector_entries = 2;
  mappers::Step& step = program.steps[0][0];
  step.channel_tiles = 2;
  step.vectors = 5;
  step.pixels = 3;
  step.cycles = 30;
  step.macs = program.macs = 1;
  struct Expected {
    arch::Dataflow dataflow;
    uint64_t weight_reads, collector_reads, updates;
  };
  const Expected table[] = {{arch::Dataflow::kOsLws, 10, 30, 30},
                            {arch::Dataflow::kWs, 10, 30, 30},
                            {arch::Dataflow::kOs, 30, 0, 6},
                            {arch::Dataflow::kWsLos, 10, 30, 2 * 3 * 3}};  // ceil(5 / 2) = 3 updates a sum
  for (const Expected& row : table) {
    program.dataflow = row.dataflow;
    for (const Fidelity fidelity : {Fidelity::kTick, Fidelity::kEvent}) {
      const LayerResult result = AcceleratorSimulator(spec, fidelity).run(program);
      CHECK(result.activity[Action::kWeightBufferRead] == row.weight_reads * 16 * 32);
      CHECK(result.activity[Action::kWeightCollectorRead] == row.collector_reads * 16 * 32);
      CHECK(result.activity[Action::kAccumulatorUpdate] == row.updates * 16);
      CHECK(result.activity[Action::kInputBufferRead] == 30 * 32);
      CHECK(result.activity[Action::kMacIdleLane] == 30 * 16 * 32 - 1);
    }
  }
}

// SegFormer-B2's Conv2DFuse, 3072 -> 768 over 128 x 128 pixels, weights in sixteen PEs (48 channel tiles in three rounds), 16 pixels
// a block: 1024 blocks x 48 tiles x 96 vectors x 16 pixels = 75,497,472 vector operations, 4,718,592 a PE.
TEST_CASE("Conv2DFuse end to end counts what its loop nest says") {
  workloads::Layer layer;
  layer.name = "Conv2DFuse";
  layer.mac.input_channels = 3072;
  layer.mac.output_channels = 768;
  layer.mac.input_height = layer.mac.input_width = layer.mac.output_height = layer.mac.output_width = 128;
  layer.output = {1, 128, 128, 768};
  mappers::Mapping mapping;
  mapping.pe_channels = 16;
  mapping.block_columns = 16;
  mapping.chunk_channels = 1024;
  mapping.tile_columns = 16384;
  mapping.tile_channels = 768;
  const arch::AcceleratorSpec spec = machine(16, 4);
  arch::AcceleratorSpec big = spec;
  big.global_buffer.capacity = Bytes{128ULL << 20};
  const mappers::TileProgram program = mappers::lower(layer, mapping, big, {true, true, true, 0});
  mappers::check_program(program, big);
  for (const Fidelity fidelity : {Fidelity::kEvent, Fidelity::kTick}) {
    const LayerResult result = AcceleratorSimulator(big, fidelity).run(program);
    CHECK(result.activity[Action::kMac] == 38'654'705'664ULL);
    CHECK(result.activity[Action::kMacIdleLane] == 0);
    CHECK(result.stalls.at("pe")[Stall::kBusy] == 75'497'472);
    CHECK(result.activity[Action::kInputBufferRead] == 75'497'472ULL * 32);
    CHECK(result.activity[Action::kAccumulatorUpdate] == 75'497'472ULL * 16);
    CHECK(result.activity[Action::kWeightBufferRead] == 1024ULL * 48 * 96 * 16 * 32);
    CHECK(result.activity[Action::kAccumulatorRead] == 16384ULL * 768);
    CHECK(result.activity[Action::kOutputBufferWrite] == 16384ULL * 768);
    CHECK(result.activity[Action::kWeightBufferWrite] == 3072ULL * 768);         // every weight enters one PE, once
    CHECK(result.activity[Action::kNocInjected] == 3072ULL * 768 + 3ULL * 16384 * 3072);  // inputs once a round
    CHECK(result.activity[Action::kNocDelivered] == 3072ULL * 768 + 16ULL * 3 * 16384 * 3072);
    CHECK(result.cycles >= 4'718'592);
    CHECK(result.cycles < 4'718'592 * 1.01);
  }
}
