// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/global_buffer.h"

#include <bit>

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

using mappers::TileRole;

EventGlobalBuffer::EventGlobalBuffer(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec)
    : sc_core::sc_module(name), latency_(spec.noc.latency) {}

void EventGlobalBuffer::connect(const Alarm& collection, std::vector<Alarm> senders, std::vector<Alarm> outputs,
                                const Alarm& load, const Alarm& store,
                                const Alarm& done) {
  collection_ = collection;
  senders_ = std::move(senders);
  outputs_ = std::move(outputs);
  load_ = load;
  store_ = store;
  done_ = done;
}

void EventGlobalBuffer::reset(const RunContext* context) {
  context_ = context;
  arrivals_.clear();
  activity_ = {};
  waiting_senders_ = waiting_outputs_ = 0;
  incomplete_outputs_ = 0;
  const std::size_t count = context->program->tiles.size();
  tiles_.assign(count, {});
  for (uint32_t i = 0; i < count; ++i) {
    const mappers::Tile& tile = context->tile(i);
    const bool resident = context->program->classes[static_cast<std::size_t>(tile.role)].slots == 0;
    const uint32_t predecessor = context->places->predecessor[i];
    tiles_[i].uses = tile.uses;
    tiles_[i].open = predecessor == mappers::kNone;
    tiles_[i].ready = resident && tile.role != TileRole::kOutput;
    incomplete_outputs_ += tile.role == TileRole::kOutput ? 1 : 0;
    if (predecessor != mappers::kNone) {
      tiles_[predecessor].successor = i;
    }
  }
}

void EventGlobalBuffer::wake_all(uint64_t& waiting, const std::vector<Alarm>& alarms, Cycle now) {
  for (; waiting != 0; waiting &= waiting - 1) {
    alarms[static_cast<std::size_t>(std::countr_zero(waiting))].at(now);
  }
}

void EventGlobalBuffer::loaded(uint32_t tile, uint32_t bytes, Cycle now) {
  activity_.add(Action::kGlobalBufferWrite, bytes);
  TileState& state = tiles_[tile];
  state.bytes += bytes;
  if (state.bytes == context_->tile(tile).bytes) {
    state.ready = true;
    if (context_->observer != nullptr) {
      context_->observer->tile_loaded(tile);
    }
    wake_all(waiting_senders_, senders_, now);
  }
}

void EventGlobalBuffer::free_slot(uint32_t tile, Cycle now) {
  const uint32_t successor = tiles_[tile].successor;
  if (successor == mappers::kNone) {
    return;
  }
  tiles_[successor].open = true;
  if (context_->tile(tile).role == TileRole::kOutput) {
    wake_all(waiting_outputs_, outputs_, now);
  } else {
    load_.at_if_present(now);
  }
}

void EventGlobalBuffer::sent(uint32_t tile, Cycle now) {
  if (--tiles_[tile].uses == (mutated(Mutation::kSlotFreedEarly) && context_->tile(tile).uses > 1 ? 1 : 0)) {
    free_slot(tile, now);
  }
}

void EventGlobalBuffer::collected(uint32_t tile, uint32_t bytes, uint32_t endpoint, uint32_t step, Cycle now) {
  activity_.add(Action::kGlobalBufferWrite, bytes);
  arrivals_.push({now + latency_, tile, bytes, endpoint, step});
  collection_.at(now + latency_);
}

void EventGlobalBuffer::collect(Cycle now) {
  for (; !arrivals_.empty() && arrivals_.front().cycle == now; arrivals_.pop()) {
    const Arrival arrival = arrivals_.front();
    if (context_->observer != nullptr) {
      context_->observer->block_collected(arrival.endpoint, arrival.step);
    }
    TileState& state = tiles_[arrival.tile];
    state.bytes += arrival.bytes;
    if (state.bytes == context_->tile(arrival.tile).bytes) {
      state.complete = true;
      state.bytes = 0;
      --incomplete_outputs_;
      store_.at_if_present(now);
      done_.at(now);
    }
  }
}

void EventGlobalBuffer::stored(uint32_t tile, uint32_t bytes, Cycle now) {
  activity_.add(Action::kGlobalBufferRead, bytes);
  tiles_[tile].bytes += bytes;
  if (tiles_[tile].bytes == context_->tile(tile).bytes) {
    if (context_->observer != nullptr) {
      context_->observer->tile_stored(tile);
    }
    free_slot(tile, now);
  }
}

}  // namespace tilewright::accel
