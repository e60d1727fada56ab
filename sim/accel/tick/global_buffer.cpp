// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/tick/global_buffer.h"

#include <algorithm>

namespace tilewright::accel {

using mappers::Tile;
using mappers::TileRole;

TickGlobalBuffer::TickGlobalBuffer(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec)
    : sc_core::sc_module(name), latency_(spec.noc.latency) {}

void TickGlobalBuffer::reset(const RunContext* context) {
  context_ = context;
  const std::vector<Tile>& tiles = context->program->tiles;
  bytes_in_.assign(tiles.size(), 0);
  bytes_stored_.assign(tiles.size(), 0);
  uses_left_.clear();
  ready_.clear();
  travelling_.clear();
  activity_ = {};
  outputs_left_ = 0;
  for (uint32_t i = 0; i < tiles.size(); ++i) {
    const Tile& tile = tiles[i];
    ready_.push_back(all_loaded(i) ? 1 : 0);
    uses_left_.push_back(tile.uses);
    outputs_left_ += tile.role == TileRole::kOutput ? 1 : 0;
  }
}

bool TickGlobalBuffer::all_loaded(uint32_t tile) const {
  const Tile& description = context_->tile(tile);
  return description.role != TileRole::kOutput &&
         (resident(description) || bytes_in_[tile] == description.bytes);
}

bool TickGlobalBuffer::complete(uint32_t tile) const { return bytes_in_[tile] == context_->tile(tile).bytes; }

bool TickGlobalBuffer::freed(uint32_t tile) const {
  const Tile& description = context_->tile(tile);
  return description.role == TileRole::kOutput ? bytes_stored_[tile] == description.bytes : uses_left_[tile] == 0;
}

bool TickGlobalBuffer::open(uint32_t tile) const {
  const uint32_t predecessor = context_->places->predecessor[tile];
  return predecessor == mappers::kNone || freed(predecessor);
}

void TickGlobalBuffer::write_loaded(uint32_t tile, uint32_t bytes) {
  bytes_in_[tile] += bytes;
  activity_.add(Action::kGlobalBufferWrite, bytes);
  ready_[tile] = all_loaded(tile) ? 1 : 0;
  if (context_->observer != nullptr && ready(tile)) {
    context_->observer->tile_loaded(tile);
  }
}

void TickGlobalBuffer::write_collected(uint32_t tile, uint32_t bytes, uint32_t endpoint, uint32_t step) {
  activity_.add(Action::kGlobalBufferWrite, bytes);
  travelling_.push_back({latency_, tile, bytes, endpoint, step});
}

void TickGlobalBuffer::read_stored(uint32_t tile, uint32_t bytes) {
  bytes_stored_[tile] += bytes;
  activity_.add(Action::kGlobalBufferRead, bytes);
  if (context_->observer != nullptr && freed(tile)) {
    context_->observer->tile_stored(tile);
  }
}

void TickGlobalBuffer::arrive(Cycle /*now*/) {
  if (travelling_.empty()) {
    return;
  }
  for (const Travelling& travelling : travelling_) {
    if (travelling.countdown > 0) {
      continue;
    }
    if (context_->observer != nullptr) {
      context_->observer->block_collected(travelling.endpoint, travelling.step);
    }
    bytes_in_[travelling.tile] += travelling.bytes;
    outputs_left_ -= complete(travelling.tile) ? 1 : 0;
  }
  std::erase_if(travelling_, [](const Travelling& travelling) { return travelling.countdown == 0; });
}

void TickGlobalBuffer::age() {
  for (Travelling& travelling : travelling_) {
    --travelling.countdown;
  }
}

}  // namespace tilewright::accel
