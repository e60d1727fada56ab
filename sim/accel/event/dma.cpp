// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/dma.h"

namespace tilewright::accel {

EventLoadDma::EventLoadDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                           const Layout& layout)
    : sc_core::sc_module(name), spec_(spec), layout_(layout) {}

void EventLoadDma::connect(const Alarm& issue, const Alarm& post) {
  issue_ = issue;
  post_ = post;
}

void EventLoadDma::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  dram_ = dram.operator->();
}

void EventLoadDma::reset(const RunContext* context) {
  context_ = context;
  position_ = 0;
  cursor_ = {};
  if (!context->program->loads.empty()) {
    cursor_ = TransactionCursor(context->tile(context->program->loads[0]).dram, spec_.dma.request_bytes);
  }
  issued_at_ = kNever;
  ports_.assign(spec_.dma.ports, {});
  meter_.reset();
  issue_.at(0);
}

Stall EventLoadDma::blocker() const {
  if (position_ == context_->program->loads.size()) {
    return Stall::kIdle;
  }
  if (!global_buffer_->open(context_->program->loads[position_])) {
    return Stall::kSpaceWait;  // freeing the slot wakes us
  }
  const bool credit = dram_->has_read_credit(dram_->channel_of(cursor_.current().address));
  return credit ? Stall::kBusy : Stall::kDramWait;  // every returned credit wakes us
}

void EventLoadDma::issue(Cycle now) {
  if (issued_at_ == now) {
    return;
  }
  const Stall state = blocker();
  meter_.change(state, now);
  if (state != Stall::kBusy) {
    return;
  }
  const uint32_t tile = context_->program->loads[position_];
  const TileTransaction transaction = cursor_.current();
  dram_->read(transaction.address, transaction.bytes, tile, transaction.offset, now);
  issued_at_ = now;
  cursor_.advance();
  if (cursor_.done() && ++position_ < context_->program->loads.size()) {
    cursor_ = TransactionCursor(context_->tile(context_->program->loads[position_]).dram, spec_.dma.request_bytes);
  }
  issue_.at(now + 1);
}

void EventLoadDma::returned(uint32_t channel, uint32_t tile, uint64_t offset, uint32_t bytes, Cycle now) {
  ports_[channel % ports_.size()].arrived.push_back({tile, bytes, offset});
  post_.at(now);
  issue_.at(now);
}

void EventLoadDma::post(Cycle now) {
  for (uint32_t i = 0; i < ports_.size(); ++i) {
    Port& port = ports_[i];
    if (port.posted || port.arrived.empty()) {
      continue;
    }
    const Arrived& arrived = port.arrived.front();
    Packet packet;
    packet.needs = layout_.load_needs(i);
    packet.cycles = static_cast<uint32_t>(divide_up(arrived.bytes, spec_.dma.bytes_per_cycle));
    packet.banks = 1;
    add_bank(packet, layout_.bank_of(context_->places->address[arrived.tile] + arrived.offset));
    port.posted = true;
    fabric_->post(layout_.load_port(i), *this, packet, now);
  }
}

void EventLoadDma::packet_done(uint32_t requester, Cycle now) {
  Port& port = ports_[requester - layout_.load_port(0)];
  const Arrived arrived = port.arrived.front();
  port.arrived.pop_front();
  port.posted = false;
  global_buffer_->loaded(arrived.tile, arrived.bytes, now);
  post_.at(now);
}

EventStoreDma::EventStoreDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                             const Layout& layout)
    : sc_core::sc_module(name), spec_(spec), layout_(layout) {}

void EventStoreDma::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  dram_ = dram.operator->();
}

void EventStoreDma::reset(const RunContext* context) {
  context_ = context;
  position_ = 0;
  cursor_ = {};
  if (!context->program->stores.empty()) {
    cursor_ = TransactionCursor(context->tile(context->program->stores[0]).dram, spec_.dma.request_bytes);
  }
  posted_at_ = kNever;
  outstanding_ = 0;
  ports_.assign(spec_.dma.ports, {});
  meter_.reset();
  post_.at(0);
}

Stall EventStoreDma::blocker() const {
  if (position_ == context_->program->stores.size()) {
    return Stall::kIdle;
  }
  if (!global_buffer_->complete(context_->program->stores[position_])) {
    return Stall::kTileWait;
  }
  const uint32_t channel = dram_->channel_of(cursor_.current().address);
  if (!dram_->has_write_credit(channel)) {
    return Stall::kDramWait;
  }
  return ports_[channel % ports_.size()].posted ? Stall::kArbitration : Stall::kBusy;
}

void EventStoreDma::post(Cycle now) {
  if (posted_at_ == now) {
    return;
  }
  const Stall state = blocker();
  meter_.change(state, now);
  if (state == Stall::kBusy) {
    start_transaction(now);
    posted_at_ = now;
    post_.at(now + 1);
  }
}

void EventStoreDma::start_transaction(Cycle now) {
  const uint32_t tile = context_->program->stores[position_];
  const TileTransaction transaction = cursor_.current();
  const uint32_t channel = dram_->channel_of(transaction.address);
  const auto index = static_cast<uint32_t>(channel % ports_.size());
  dram_->take_write_credit(channel);
  ++outstanding_;
  ports_[index] = {transaction, tile, true};
  Packet packet;
  packet.needs = layout_.store_needs(index);
  packet.cycles = static_cast<uint32_t>(divide_up(transaction.bytes, spec_.dma.bytes_per_cycle));
  packet.banks = 1;
  add_bank(packet, layout_.bank_of(context_->places->address[tile] + transaction.offset));
  fabric_->post(layout_.store_port(index), *this, packet, now);
  cursor_.advance();
  if (cursor_.done() && ++position_ < context_->program->stores.size()) {
    cursor_ = TransactionCursor(context_->tile(context_->program->stores[position_]).dram, spec_.dma.request_bytes);
  }
}

void EventStoreDma::packet_done(uint32_t requester, Cycle now) {
  Port& port = ports_[requester - layout_.store_port(0)];
  port.posted = false;
  global_buffer_->stored(port.tile, port.transaction.bytes, now);
  dram_->write(port.transaction.address, port.transaction.bytes, now);
  post_.at(now);
}

void EventStoreDma::acknowledged(Cycle now) {
  --outstanding_;
  post_.at(now);
}

}  // namespace tilewright::accel
