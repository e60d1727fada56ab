// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <bit>

#include "mappers/program/flow.h"
#include "mappers/program/tile_program.h"
#include "sim/base/error.h"

namespace tilewright::mappers {
namespace {

// Not TILEWRIGHT_CHECK: the text is only built when a law is broken, these checks run millions of times.
#define PROGRAM_LAW(condition, ...)                                     \
  do {                                                                  \
    if (!(condition)) {                                                 \
      throw InternalError("tile program: " + fmt::format(__VA_ARGS__)); \
    }                                                                   \
  } while (false)

constexpr std::array<const char*, kTileRoles> kRoleNames = {"input", "weight", "output"};
constexpr std::array<const char*, 2> kBuffetNames = {"weight", "input"};

const char* name_of(TileRole role) {
  return kRoleNames[static_cast<std::size_t>(role)];
}
const char* name_of(Buffet buffet) {
  return kBuffetNames[static_cast<std::size_t>(buffet)];
}

class Checker {
 public:
  Checker(const TileProgram& program, const arch::AcceleratorSpec& spec) : program_(program), spec_(spec) {}

  void run() {
    check_sizes();
    check_classes();
    check_tiles();
    check_streams_of_tiles();
    check_sends();
    check_steps();
  }

 private:
  const SlotClass& class_of(TileRole role) const { return program_.classes[static_cast<std::size_t>(role)]; }

  void check_sizes() const {
    PROGRAM_LAW(program_.endpoints == spec_.pe_count + 1 && program_.endpoints <= 64,
                "{} endpoints on a machine of {} PEs (at most 64 with the vector unit)", program_.endpoints,
                spec_.pe_count);
    PROGRAM_LAW(program_.senders.size() == 2 * std::size_t{spec_.noc.rows}, "{} senders, the machine has {}",
                program_.senders.size(), 2 * spec_.noc.rows);
    PROGRAM_LAW(program_.steps.size() == program_.endpoints, "{} step streams for {} endpoints",
                program_.steps.size(), program_.endpoints);
  }

  void check_classes() const {
    std::array<std::pair<uint64_t, uint64_t>, kTileRoles> ranges;
    for (std::size_t role = 0; role < kTileRoles; ++role) {
      const SlotClass& slots = program_.classes[role];
      ranges[role] = {slots.base, slots.base + slots.slot_bytes * (slots.slots == 0 ? 1 : slots.slots)};
      PROGRAM_LAW(ranges[role].second <= spec_.global_buffer.capacity.value,
                  "the {} class ends at byte {} of a global buffer of {}", kRoleNames[role],
                  ranges[role].second, spec_.global_buffer.capacity.value);
      for (std::size_t other = 0; other < role; ++other) {
        const bool apart =
            ranges[role].first >= ranges[other].second || ranges[other].first >= ranges[role].second ||
            ranges[role].first == ranges[role].second || ranges[other].first == ranges[other].second;
        PROGRAM_LAW(apart, "the {} and {} classes overlap in the global buffer", kRoleNames[other],
                    kRoleNames[role]);
      }
    }
  }

  void check_tiles() const {
    std::array<uint32_t, kTileRoles> next{};
    for (std::size_t t = 0; t < program_.tiles.size(); ++t) {
      const Tile& tile = program_.tiles[t];
      const SlotClass& slots = class_of(tile.role);
      uint32_t& expected = next[static_cast<std::size_t>(tile.role)];
      PROGRAM_LAW(tile.index == expected, "{} tile {} has index {}, expected {}", name_of(tile.role), t,
                  tile.index, expected);
      ++expected;
      PROGRAM_LAW(tile.bytes > 0 && tile.bytes <= slots.slot_bytes, "{} tile {} of {} bytes in slots of {}",
                  name_of(tile.role), t, tile.bytes, slots.slot_bytes);
      PROGRAM_LAW(slots.slots == 0 || tile.dram.bytes() == tile.bytes,
                  "{} tile {} holds {} bytes but moves {} to or from DRAM", name_of(tile.role), t, tile.bytes,
                  tile.dram.bytes());
    }
  }

  // Every tile of a class with slots is loaded (or stored) exactly once, in order; resident ones never.
  void check_streams_of_tiles() const {
    std::array<uint32_t, kTileRoles> moved{};
    const auto count = [&](uint32_t t, bool store) {
      PROGRAM_LAW(t < program_.tiles.size(), "a {} names tile {} of {}", store ? "store" : "load", t,
                  program_.tiles.size());
      const Tile& tile = program_.tiles[t];
      PROGRAM_LAW((tile.role == TileRole::kOutput) == store, "a {} of {} tile {}", store ? "store" : "load",
                  name_of(tile.role), t);
      PROGRAM_LAW(class_of(tile.role).slots > 0, "{} tile {} is resident but {}", name_of(tile.role), t,
                  store ? "stored" : "loaded");
      PROGRAM_LAW(tile.index == moved[static_cast<std::size_t>(tile.role)]++,
                  "{} tile {} (index {}) is {} out of order", name_of(tile.role), t, tile.index,
                  store ? "stored" : "loaded");
    };
    for (const uint32_t t : program_.loads) {
      count(t, false);
    }
    for (const uint32_t t : program_.stores) {
      count(t, true);
    }
    std::array<uint32_t, kTileRoles> all{};
    for (const Tile& tile : program_.tiles) {
      ++all[static_cast<std::size_t>(tile.role)];
    }
    for (std::size_t role = 0; role < kTileRoles; ++role) {
      const uint32_t expected = program_.classes[role].slots == 0 ? 0 : all[role];
      PROGRAM_LAW(moved[role] == expected, "{} of {} {} tiles are moved", moved[role], expected,
                  kRoleNames[role]);
    }
  }

  void check_sends() {
    std::vector<uint32_t> uses(program_.tiles.size());
    feeder_.assign(std::size_t{program_.endpoints} * 2, kNone);
    delivered_.assign(std::size_t{program_.endpoints} * 2, 0);
    for (uint32_t s = 0; s < program_.senders.size(); ++s) {
      for (const Send& send : program_.senders[s]) {
        PROGRAM_LAW(send.fetches() == program_.senders[s].front().fetches(),
                    "sender {} sends from tiles and fetches", s);
        check_send(s, send);
        if (!send.fetches()) {
          ++uses[send.tile];
        }
      }
    }
    for (std::size_t t = 0; t < program_.tiles.size(); ++t) {
      const Tile& tile = program_.tiles[t];
      PROGRAM_LAW(tile.uses == uses[t], "{} tile {} is sent {} times but lists {} uses", name_of(tile.role),
                  t, uses[t], tile.uses);
      PROGRAM_LAW(tile.role == TileRole::kOutput || tile.uses > 0, "{} tile {} is never sent",
                  name_of(tile.role), t);
    }
  }

  void check_source(uint32_t sender, const Send& send) const {
    if (send.fetches()) {
      PROGRAM_LAW(spec_.has_dram && spec_.dma.bypass != arch::Bypass::kNone,
                  "sender {} fetches on a machine whose DMA has no way past the global buffer", sender);
      PROGRAM_LAW(send.offset % spec_.dram.burst_bytes.value == 0,
                  "sender {} fetches from address {}, bursts hold {}", sender, send.offset,
                  spec_.dram.burst_bytes.value);
      return;
    }
    PROGRAM_LAW(send.tile < program_.tiles.size(), "sender {} names tile {} of {}", sender, send.tile,
                program_.tiles.size());
    const Tile& tile = program_.tiles[send.tile];
    PROGRAM_LAW(tile.role != TileRole::kOutput, "sender {} sends output tile {}", sender, send.tile);
    PROGRAM_LAW(send.offset < tile.bytes, "sender {}: offset {} in tile {} of {} bytes", sender, send.offset,
                send.tile, tile.bytes);
  }

  void check_send(uint32_t sender, const Send& send) {
    check_source(sender, send);
    PROGRAM_LAW(
        send.destinations != 0 && (program_.endpoints == 64 || send.destinations >> program_.endpoints == 0),
        "sender {}: destinations {:#x} of {} endpoints", sender, send.destinations, program_.endpoints);
    for (EndpointMask rest = send.destinations; rest != 0; rest &= rest - 1) {
      const auto endpoint = static_cast<uint32_t>(std::countr_zero(rest));
      const uint64_t room = buffet_bytes(spec_, endpoint, send.buffet);
      PROGRAM_LAW(send.bytes > 0 && send.bytes <= room,
                  "a chunk of {} bytes for the {} buffer of endpoint {}, {} bytes", send.bytes,
                  name_of(send.buffet), endpoint, room);
      const std::size_t buffet = buffet_index(endpoint, send.buffet);
      PROGRAM_LAW(feeder_[buffet] == kNone || feeder_[buffet] == sender,
                  "the {} buffer of endpoint {} is fed by senders {} and {}", name_of(send.buffet), endpoint,
                  feeder_[buffet], sender);
      feeder_[buffet] = sender;
      ++delivered_[buffet];
    }
  }

  void check_steps() {
    std::vector<uint64_t> filled(program_.tiles.size());
    uint64_t macs = 0;
    for (uint32_t e = 0; e < program_.endpoints; ++e) {
      std::array<uint32_t, 2> freed{};
      bool open = false;
      uint32_t last_output = 0;
      for (std::size_t i = 0; i < program_.steps[e].size(); ++i) {
        const Step& step = program_.steps[e][i];
        check_chunk(e, i, Buffet::kWeight, step.weight_chunk, step.free_weight, freed[0]);
        check_chunk(e, i, Buffet::kInput, step.input_chunk, step.free_input, freed[1]);
        PROGRAM_LAW(step.starts != open, "step {} of endpoint {} {}", i, e,
                    open ? "starts a block before the last has drained" : "belongs to no block");
        open = !step.drains;
        check_work(e, i, step);
        macs += step.macs;
        if (step.drains) {
          check_drain(e, i, step);
          const Tile& tile = program_.tiles[step.output_tile];
          PROGRAM_LAW(tile.index >= last_output, "endpoint {} goes back from output tile {} to {}", e,
                      last_output, tile.index);
          last_output = tile.index;
          filled[step.output_tile] += step.output_bytes;
        }
      }
      PROGRAM_LAW(!open, "endpoint {} ends inside an output block", e);
      for (const Buffet buffet : {Buffet::kWeight, Buffet::kInput}) {
        const uint32_t received = delivered_[buffet_index(e, buffet)];
        PROGRAM_LAW(freed[static_cast<std::size_t>(buffet)] == received,
                    "the {} buffer of endpoint {} receives {} chunks and frees {}", name_of(buffet), e,
                    received, freed[static_cast<std::size_t>(buffet)]);
      }
    }
    PROGRAM_LAW(macs == program_.macs, "the steps do {} MACs, the layer has {}", macs, program_.macs);
    for (std::size_t t = 0; t < program_.tiles.size(); ++t) {
      const Tile& tile = program_.tiles[t];
      PROGRAM_LAW(tile.role != TileRole::kOutput || filled[t] == tile.bytes,
                  "output tile {} of {} bytes is given {}", t, tile.bytes, filled[t]);
    }
  }

  void check_chunk(uint32_t e, std::size_t i, Buffet buffet, uint32_t chunk, uint32_t frees,
                   uint32_t& freed) const {
    const uint32_t received = delivered_[buffet_index(e, buffet)];
    PROGRAM_LAW(chunk == kNone || (chunk < received && chunk >= freed),
                "step {} of endpoint {} reads {} chunk {}, but {} are sent and {} freed", i, e,
                name_of(buffet), chunk, received, freed);
    freed += frees;
    PROGRAM_LAW(freed <= received, "step {} of endpoint {} frees {} chunk {} of {}", i, e, name_of(buffet),
                freed - 1, received);
  }

  void check_work(uint32_t e, std::size_t i, const Step& step) const {
    if (e == spec_.pe_count) {
      return;  // the vector unit: cycles are what the operator costs
    }
    const uint64_t passes = uint64_t{step.channel_tiles} * step.pixels;
    PROGRAM_LAW(step.cycles > 0 && step.cycles == passes * step.vectors,
                "step {} of PE {}: {} cycles for {} x {} x {}", i, e, step.cycles, step.channel_tiles,
                step.vectors, step.pixels);
    PROGRAM_LAW(passes <= spec_.pe.accumulator_entries, "step {} of PE {} needs {} accumulators of {}", i, e,
                passes, spec_.pe.accumulator_entries);
    PROGRAM_LAW(step.macs <= uint64_t{step.cycles} * spec_.pe.lanes * spec_.pe.vector_size,
                "step {} of PE {} does {} MACs in {} cycles", i, e, step.macs, step.cycles);
  }

  void check_drain(uint32_t e, std::size_t i, const Step& step) const {
    const bool vector_unit = e == spec_.pe_count;
    PROGRAM_LAW(step.output_tile < program_.tiles.size() &&
                    program_.tiles[step.output_tile].role == TileRole::kOutput,
                "step {} of endpoint {} drains to tile {}, no output tile", i, e, step.output_tile);
    const Tile& tile = program_.tiles[step.output_tile];
    PROGRAM_LAW(step.output_offset < tile.bytes,
                "step {} of endpoint {}: offset {} in an output tile of {} bytes", i, e, step.output_offset,
                tile.bytes);
    const uint64_t buffer =
        vector_unit ? spec_.vector_unit.output_buffer.value : spec_.pe.output_buffer.value;
    PROGRAM_LAW(
        step.output_bytes > 0 && step.output_bytes <= spec_.noc.packet_bytes && step.output_bytes <= buffer,
        "step {} of endpoint {} drains {} bytes; packets hold {}, the output buffer {}", i, e,
        step.output_bytes, spec_.noc.packet_bytes, buffer);
    PROGRAM_LAW(
        vector_unit || (step.drain_entries > 0 && step.drain_entries <= spec_.pe.accumulator_entries &&
                        step.output_bytes <= step.drain_entries * spec_.pe.lanes),
        "step {} of PE {} drains {} entries into {} bytes", i, e, step.drain_entries, step.output_bytes);
  }

  const TileProgram& program_;
  const arch::AcceleratorSpec& spec_;
  std::vector<uint32_t> feeder_;     // per endpoint and buffet: its sender
  std::vector<uint32_t> delivered_;  // per endpoint and buffet: chunks it will receive
};

}  // namespace

void check_program(const TileProgram& program, const arch::AcceleratorSpec& spec) {
  Checker(program, spec).run();
  check_flow(program, spec);
}

}  // namespace tilewright::mappers
