// SPDX-License-Identifier: Apache-2.0
#include "mappers/program/flow.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <deque>

#include "sim/base/error.h"

namespace tilewright::mappers {

uint64_t buffet_bytes(const arch::AcceleratorSpec& spec, uint32_t endpoint, Buffet buffet) {
  if (endpoint >= spec.pe_count) {
    return spec.vector_unit.input_buffer.value;
  }
  return buffet == Buffet::kWeight ? spec.pe.weight_buffer.value : spec.pe.input_buffer.value;
}

namespace {

struct BuffetState {
  uint64_t room = 0;
  uint32_t received = 0;
  std::deque<uint32_t> chunks;  // bytes of the resident ones, oldest first
};

class Flow {
 public:
  Flow(const TileProgram& program, const arch::AcceleratorSpec& spec)
      : program_(program),
        next_send_(program.senders.size()),
        next_step_(program.endpoints),
        buffets_(std::size_t{program.endpoints} * 2),
        sent_(program.tiles.size()),
        filled_(program.tiles.size()),
        loaded_(program.tiles.size()) {
    for (uint32_t e = 0; e < program.endpoints; ++e) {
      for (const Buffet buffet : {Buffet::kWeight, Buffet::kInput}) {
        buffets_[buffet_index(e, buffet)].room = buffet_bytes(spec, e, buffet);
      }
    }
    for (uint32_t t = 0; t < program.tiles.size(); ++t) {
      const auto role = static_cast<std::size_t>(program.tiles[t].role);
      of_role_[role].push_back(t);
      loaded_[t] = program.classes[role].slots == 0;
    }
  }

  void run() {
    bool moved = true;
    while (moved) {
      moved = false;
      while (next_load_ < program_.loads.size() && load()) {
        moved = true;
      }
      for (uint32_t s = 0; s < program_.senders.size(); ++s) {
        while (next_send_[s] < program_.senders[s].size() && send(program_.senders[s][next_send_[s]])) {
          ++next_send_[s];
          moved = true;
        }
      }
      for (uint32_t e = 0; e < program_.endpoints; ++e) {
        while (next_step_[e] < program_.steps[e].size() && step(e, program_.steps[e][next_step_[e]])) {
          ++next_step_[e];
          moved = true;
        }
      }
      while (next_store_ < program_.stores.size() && store()) {
        moved = true;
      }
    }
    report_stuck();
  }

 private:
  // The tile `slots` places before in its class has left the buffer.
  bool slot_free(const Tile& tile) const {
    const auto role = static_cast<std::size_t>(tile.role);
    const uint32_t slots = program_.classes[role].slots;
    return slots == 0 || tile.index < slots || freed_[role] > tile.index - slots;
  }

  bool load() {
    const uint32_t t = program_.loads[next_load_];
    if (!slot_free(program_.tiles[t])) {
      return false;
    }
    loaded_[t] = true;
    ++next_load_;
    return true;
  }

  bool send(const Send& send) {
    if (!send.fetches() && !loaded_[send.tile]) {
      return false;
    }
    for (EndpointMask rest = send.destinations; rest != 0; rest &= rest - 1) {
      if (buffets_[buffet_index(static_cast<uint32_t>(std::countr_zero(rest)), send.buffet)].room <
          send.bytes) {
        return false;
      }
    }
    for (EndpointMask rest = send.destinations; rest != 0; rest &= rest - 1) {
      BuffetState& buffet =
          buffets_[buffet_index(static_cast<uint32_t>(std::countr_zero(rest)), send.buffet)];
      buffet.room -= send.bytes;
      buffet.chunks.push_back(send.bytes);
      ++buffet.received;
    }
    if (!send.fetches()) {
      ++sent_[send.tile];
      free_sent_tiles(program_.tiles[send.tile].role);
    }
    return true;
  }

  void free_sent_tiles(TileRole role) {
    const auto& tiles = of_role_[static_cast<std::size_t>(role)];
    uint32_t& freed = freed_[static_cast<std::size_t>(role)];
    while (freed < tiles.size() && sent_[tiles[freed]] == program_.tiles[tiles[freed]].uses) {
      ++freed;
    }
  }

  bool step(uint32_t e, const Step& step) {
    BuffetState& weights = buffets_[buffet_index(e, Buffet::kWeight)];
    BuffetState& inputs = buffets_[buffet_index(e, Buffet::kInput)];
    if ((step.weight_chunk != kNone && step.weight_chunk >= weights.received) ||
        (step.input_chunk != kNone && step.input_chunk >= inputs.received) ||
        (step.drains && !slot_free(program_.tiles[step.output_tile]))) {
      return false;
    }
    free_chunks(weights, step.free_weight);
    free_chunks(inputs, step.free_input);
    if (step.drains) {
      filled_[step.output_tile] += step.output_bytes;
    }
    return true;
  }

  static void free_chunks(BuffetState& buffet, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      TILEWRIGHT_CHECK(!buffet.chunks.empty(), "tile program: a chunk is freed before it arrives");
      buffet.room += buffet.chunks.front();
      buffet.chunks.pop_front();
    }
  }

  bool store() {
    const Tile& tile = program_.tiles[program_.stores[next_store_]];
    if (filled_[program_.stores[next_store_]] < tile.bytes) {
      return false;
    }
    ++freed_[static_cast<std::size_t>(TileRole::kOutput)];
    ++next_store_;
    return true;
  }

  void report_stuck() const {
    std::string stuck;
    if (next_load_ < program_.loads.size()) {
      stuck += fmt::format("; load {} (tile {}) waits for a slot", next_load_, program_.loads[next_load_]);
    }
    for (uint32_t s = 0; s < program_.senders.size(); ++s) {
      if (next_send_[s] < program_.senders[s].size()) {
        const Send& send = program_.senders[s][next_send_[s]];
        stuck += fmt::format("; sender {} send {} (tile {}, {} bytes to {:#x}) waits for {}", s,
                             next_send_[s], send.tile, send.bytes, send.destinations,
                             send.fetches() || loaded_[send.tile] ? "room" : "its tile");
      }
    }
    for (uint32_t e = 0; e < program_.endpoints; ++e) {
      if (next_step_[e] < program_.steps[e].size()) {
        const Step& step = program_.steps[e][next_step_[e]];
        stuck += fmt::format(
            "; endpoint {} step {} waits (weight chunk {} of {} received, input chunk {} of {})", e,
            next_step_[e], step.weight_chunk, buffets_[buffet_index(e, Buffet::kWeight)].received,
            step.input_chunk, buffets_[buffet_index(e, Buffet::kInput)].received);
      }
    }
    if (next_store_ < program_.stores.size()) {
      stuck +=
          fmt::format("; store {} (tile {}) waits for its tile", next_store_, program_.stores[next_store_]);
    }
    if (!stuck.empty()) {
      throw InternalError("tile program: deadlock" + stuck);
    }
  }

  const TileProgram& program_;
  std::size_t next_load_ = 0, next_store_ = 0;
  std::vector<std::size_t> next_send_, next_step_;
  std::vector<BuffetState> buffets_;
  std::vector<uint32_t> sent_;
  std::vector<uint64_t> filled_;
  std::vector<bool> loaded_;
  std::array<std::vector<uint32_t>, kTileRoles> of_role_;
  std::array<uint32_t, kTileRoles> freed_{};
};

}  // namespace

void check_flow(const TileProgram& program, const arch::AcceleratorSpec& spec) {
  Flow(program, spec).run();
}

}  // namespace tilewright::mappers
