// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/conservation.h"

#include <bit>

#include "sim/base/error.h"

namespace tilewright::accel {
namespace {

using mappers::Buffet;
using mappers::Send;
using mappers::Step;
using mappers::TileProgram;

// What a program moves and computes, summed over its commands.
struct Totals {
  uint64_t macs = 0, array_cycles = 0, vector_cycles = 0;
  uint64_t sent = 0, fetched = 0, delivered_weights = 0, delivered_inputs = 0;
  uint64_t collected = 0, loaded = 0, stored = 0, drained_sums = 0;
};

Totals add_up(const TileProgram& program, const arch::AcceleratorSpec& spec) {
  Totals totals;
  for (const std::vector<Send>& sends : program.senders) {
    for (const Send& send : sends) {
      const uint64_t copies = static_cast<uint64_t>(std::popcount(send.destinations)) * send.bytes;
      totals.sent += send.bytes;
      totals.fetched += send.fetches() ? send.bytes : 0;
      (send.buffet == Buffet::kWeight ? totals.delivered_weights : totals.delivered_inputs) += copies;
    }
  }
  for (uint32_t e = 0; e < program.steps.size(); ++e) {
    const bool array = e < spec.pe_count;
    for (const Step& step : program.steps[e]) {
      totals.macs += array ? step.macs : 0;
      (array ? totals.array_cycles : totals.vector_cycles) += step.cycles;
      totals.collected += step.drains ? step.output_bytes : 0;
      totals.drained_sums += step.drains && array ? uint64_t{step.drain_entries} * spec.pe.lanes : 0;
    }
  }
  for (const uint32_t tile : program.loads) {
    totals.loaded += program.tiles[tile].dram.bytes();
  }
  for (const uint32_t tile : program.stores) {
    totals.stored += program.tiles[tile].dram.bytes();
  }
  return totals;
}

void expect(const char* law, uint64_t counted, uint64_t expected) {
  if (counted != expected) {
    throw InternalError(std::string("conservation broken: ") + law + ": counted " + std::to_string(counted) +
                        ", expected " + std::to_string(expected));
  }
}

void check_stalls(const LayerResult& result, const arch::AcceleratorSpec& spec) {
  for (const auto& [unit, stalls] : result.stalls) {
    uint64_t units = 1;
    if (unit == "pe") {
      units = spec.pe_count;
    } else if (unit == "input_sender" || unit == "weight_sender") {
      units = spec.noc.rows;
    }
    expect(("busy, idle and stalls of " + unit + " add up to its cycles").c_str(), stalls.total(),
           units * result.cycles);
  }
}

}  // namespace

void check_conservation(const LayerResult& result, const TileProgram& program, const arch::AcceleratorSpec& spec) {
  const Totals totals = add_up(program, spec);
  const Activity& counted = result.activity;
  const uint64_t slots = totals.array_cycles * spec.pe.lanes * spec.pe.vector_size;
  expect("useful MACs are the layer's", counted[Action::kMac], program.macs);
  expect("useful MACs are the steps'", counted[Action::kMac], totals.macs);
  expect("useful and idle MAC slots are the busy cycles'", counted[Action::kMac] + counted[Action::kMacIdleLane], slots);
  expect("bytes injected into the network", counted[Action::kNocInjected], totals.sent);
  expect("bytes delivered are bytes injected x fan-out", counted[Action::kNocDelivered],
         totals.delivered_weights + totals.delivered_inputs);
  expect("weight-buffer fills", counted[Action::kWeightBufferWrite], totals.delivered_weights);
  expect("input-buffer fills", counted[Action::kInputBufferWrite], totals.delivered_inputs);
  expect("accumulators drained", counted[Action::kAccumulatorRead], totals.drained_sums);
  expect("output buffer: written", counted[Action::kOutputBufferWrite], totals.collected);
  expect("output buffer: read", counted[Action::kOutputBufferRead], totals.collected);
  expect("bytes collected", counted[Action::kNocCollected], totals.collected);
  expect("global buffer: writes are loads and outputs", counted[Action::kGlobalBufferWrite],
         totals.loaded + totals.collected);
  expect("global buffer: reads are sends and stores, fetches pass it by", counted[Action::kGlobalBufferRead],
         totals.sent - totals.fetched + totals.stored);
  expect("vector-unit operations", counted[Action::kVectorUnitOperation],
         totals.vector_cycles * spec.vector_unit.lanes);
  const bool whole_bursts =
      counted[Action::kDramReadBytes] >= totals.loaded + totals.fetched && counted[Action::kDramWriteBytes] >= totals.stored;
  expect("DRAM moved at least what was asked for", whole_bursts ? 1 : 0, 1);
  check_stalls(result, spec);
}

Cycle cycle_limit(const TileProgram& program, const arch::AcceleratorSpec& spec) {
  const Totals totals = add_up(program, spec);
  const uint64_t bytes = totals.sent + totals.collected + totals.loaded + totals.stored;
  uint64_t commands = 1;
  for (const auto& sends : program.senders) {
    commands += sends.size();
  }
  for (const auto& steps : program.steps) {
    commands += steps.size();
  }
  // A row miss per byte moved and the network's latency per command are far more than any order of events can cost.
  return totals.array_cycles + totals.vector_cycles + 256 * bytes +
         commands * (1000 + uint64_t{spec.noc.latency} + spec.noc.packet_bytes) + 1'000'000;
}

}  // namespace tilewright::accel
