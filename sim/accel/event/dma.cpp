// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/dma.h"

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

EventLoadDma::EventLoadDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                           const Layout& layout)
    : sc_core::sc_module(name), spec_(spec), layout_(layout), ports_(spec.dma.ports) {}

void EventLoadDma::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  dram_ = dram.operator->();
  for (uint32_t i = 0; i < ports_.size(); ++i) {
    fabric_->own<EventLoadDma, &EventLoadDma::packet_done>(layout_.load_port(i), this);
    fabric_->set_path(layout_.load_port(i), {layout_.load_needs(i), 0, 0});
  }
}

void EventLoadDma::reset(const RunContext* context) {
  context_ = context;
  position_ = 0;
  begin_tile();
  ready_at_ = kNever;
  for (Fifo<Arrived>& port : ports_) {
    port.clear();
  }
  fetches_.clear();
  fetch_next_ = false;
  if (bypassed_) {
    bypassed_ = false;
    for (uint32_t i = 0; i < ports_.size(); ++i) {
      fabric_->set_path(layout_.load_port(i), {layout_.load_needs(i), 0, 0});
    }
  }
  meter_.reset();
  issue_.at(0);
}

void EventLoadDma::begin_tile() {
  tile_ = mappers::kNone;
  if (position_ < context_->program->loads.size()) {
    tile_ = context_->program->loads[position_];
    open_ = false;
    cursor_ = TransactionCursor(context_->tile(tile_).dram, spec_.dma.request_bytes);
    look_at_next();
  }
}

inline void EventLoadDma::look_at_next() {
  channel_ = dram_->channel_of(cursor_.current().address);
}

inline Stall EventLoadDma::tile_blocker() {
  if (tile_ == mappers::kNone) {
    return Stall::kIdle;
  }
  if (!open_ && !(open_ = global_buffer_->open(tile_))) {
    return Stall::kSpaceWait;  // freeing the slot wakes us
  }
  return dram_->has_read_credit(channel_) ? Stall::kBusy : Stall::kDramWait;  // a returned credit wakes us
}

// Fetches go first; a tile may pass one whose channel has no credit.
inline Stall EventLoadDma::blocker() {
  fetch_next_ = false;
  if (fetches_.empty()) {
    return tile_blocker();
  }
  const bool credit = dram_->has_read_credit(fetch_channel_);
  if (mutated(Mutation::kTilesBeforeFetches) && tile_blocker() == Stall::kBusy) {
    return Stall::kBusy;
  }
  fetch_next_ = credit;
  return credit || tile_blocker() == Stall::kBusy ? Stall::kBusy : Stall::kDramWait;
}

inline bool EventLoadDma::waited_credit() const {
  return dram_->has_read_credit(channel_) || (!fetches_.empty() && dram_->has_read_credit(fetch_channel_));
}

void EventLoadDma::fetch(uint32_t sender, uint32_t send, Cycle now) {
  bypassed_ = true;
  fetches_.push({sender, send});
  if (fetches_.size() == 1) {
    begin_fetch();
  }
  issue_.at(now);
}

void EventLoadDma::begin_fetch() {
  if (fetches_.empty()) {
    return;
  }
  const mappers::Send& next = command(fetches_.front());
  fetched_ = {};
  fetched_.base = next.offset;
  fetched_.piece_bytes = next.bytes;
  fetch_cursor_ = TransactionCursor(fetched_, spec_.dma.request_bytes);
  fetch_channel_ = dram_->channel_of(fetch_cursor_.current().address);
}

inline void EventLoadDma::issue_fetch(Cycle now) {
  const TileTransaction& transaction = fetch_cursor_.current();
  dram_->read(fetch_channel_, transaction.address, transaction.bytes, mappers::kNone,
              fetches_.front().packed(), now);
  fetch_cursor_.advance();
  if (fetch_cursor_.done()) {
    fetches_.pop();
    begin_fetch();
  } else {
    fetch_channel_ = dram_->channel_of(fetch_cursor_.current().address);
  }
}

void EventLoadDma::issue(Cycle now) {
  if (bypassed_ || ready_at_ != now) {  // a fetch may have come since
    const Stall state = blocker();
    meter_.change(state, now);
    if (state != Stall::kBusy) {
      return;
    }
  }
  fetch_next_ ? issue_fetch(now) : issue_tile(now);
  // What is free now stays so. What is not may be by then, and whoever frees it wakes us.
  const Stall next = blocker();
  if (next == Stall::kBusy) {
    ready_at_ = now + 1;
    issue_.at(now + 1);
  } else {
    meter_.change(next, now + 1);
  }
}

inline void EventLoadDma::issue_tile(Cycle now) {
  const TileTransaction& transaction = cursor_.current();
  dram_->read(channel_, transaction.address, transaction.bytes, tile_, transaction.offset, now);
  cursor_.advance();
  if (cursor_.done()) {
    ++position_;
    begin_tile();
  } else {
    look_at_next();
  }
}

void EventLoadDma::returned(uint32_t channel, uint32_t tile, uint64_t offset, uint32_t bytes, Cycle now) {
  const auto index = static_cast<uint32_t>(channel % ports_.size());
  Fifo<Arrived>& arrived = ports_[index];
  arrived.push({tile, bytes, offset});
  if (arrived.size() == 1) {
    post(index, now, false);  // others may return in this very cycle
  }
  if (meter_.state() == Stall::kDramWait && waited_credit()) {
    issue_.at(now);
  }
}

inline void EventLoadDma::post(uint32_t index, Cycle now, bool alone) {
  const Arrived& arrived = ports_[index].front();
  if (arrived.tile == mappers::kNone) {
    post_fetched(index, now, alone);
    return;
  }
  if (bypassed_) {
    fabric_->set_path(layout_.load_port(index), {layout_.load_needs(index), 0, 0});
  }
  const uint32_t bank = layout_.bank_of(context_->places->address[arrived.tile] + arrived.offset);
  fabric_->post(layout_.load_port(index), bank,
                static_cast<uint32_t>(divide_up(arrived.bytes, spec_.dma.bytes_per_cycle)), now, alone);
}

// Past the global buffer: no bank, but the links and ports of every destination.
void EventLoadDma::post_fetched(uint32_t index, Cycle now, bool alone) {
  const Arrived& arrived = ports_[index].front();
  const mappers::EndpointMask destinations = command(Fetch::of(arrived.offset)).destinations;
  ResourceSet needs = layout_.load_needs(index);
  if (!mutated(Mutation::kFetchedTakesNoLink)) {
    needs.insert(layout_.send_needs(destinations));
  }
  fabric_->set_path(layout_.load_port(index), {needs, layout_.rows_reached(destinations), 0});
  const uint32_t width = mutated(Mutation::kFetchedAtPortWidth)
                             ? spec_.dma.bytes_per_cycle
                             : std::min(spec_.dma.bytes_per_cycle, spec_.noc.link_bytes_per_cycle);
  fabric_->post(layout_.load_port(index), EventFabric::kNoBank,
                static_cast<uint32_t>(divide_up(arrived.bytes, width)), now, alone);
}

void EventLoadDma::packet_done(uint32_t requester, Cycle now) {
  const uint32_t index = requester - layout_.load_port(0);
  Fifo<Arrived>& arrived = ports_[index];
  const Arrived done = arrived.front();
  arrived.pop();
  if (done.tile == mappers::kNone) {
    const Fetch fetch = Fetch::of(done.offset);
    client_->fetched(fetch.sender, fetch.send, done.bytes, now);
  } else {
    global_buffer_->loaded(done.tile, done.bytes, now);
  }
  if (!arrived.empty()) {
    post(index, now, true);
  }
}

EventStoreDma::EventStoreDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                             const Layout& layout)
    : sc_core::sc_module(name), spec_(spec), layout_(layout), ports_(spec.dma.ports) {}

void EventStoreDma::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  dram_ = dram.operator->();
  for (uint32_t i = 0; i < ports_.size(); ++i) {
    fabric_->own<EventStoreDma, &EventStoreDma::packet_done>(layout_.store_port(i), this);
    fabric_->set_path(layout_.store_port(i), {layout_.store_needs(i), 0, 0});
  }
}

void EventStoreDma::reset(const RunContext* context) {
  context_ = context;
  position_ = 0;
  begin_tile();
  posted_at_ = ready_at_ = kNever;
  outstanding_ = 0;
  for (Port& port : ports_) {
    port.posted = false;
  }
  meter_.reset();
  post_.at(0);
}

void EventStoreDma::begin_tile() {
  tile_ = mappers::kNone;
  if (position_ < context_->program->stores.size()) {
    tile_ = context_->program->stores[position_];
    complete_ = false;
    cursor_ = TransactionCursor(context_->tile(tile_).dram, spec_.dma.request_bytes);
    look_at_next();
  }
}

inline void EventStoreDma::look_at_next() {
  channel_ = dram_->channel_of(cursor_.current().address);
  port_ = &ports_[channel_ % ports_.size()];
}

inline Stall EventStoreDma::blocker() {
  if (tile_ == mappers::kNone) {
    return Stall::kIdle;
  }
  if (!complete_ && !(complete_ = global_buffer_->complete(tile_))) {
    return Stall::kTileWait;
  }
  if (!dram_->has_write_credit(channel_)) {
    return Stall::kDramWait;
  }
  return port_->posted ? Stall::kArbitration : Stall::kBusy;
}

void EventStoreDma::post(Cycle now) {
  if (posted_at_ == now) {
    post_.at(now + 1);
    return;
  }
  if (ready_at_ != now) {
    const Stall state = blocker();
    meter_.change(state, now);
    if (state != Stall::kBusy) {
      return;
    }
  }
  start_transaction(now);
  posted_at_ = now;
  const Stall next = blocker();  // as for loads
  if (next == Stall::kBusy) {
    ready_at_ = now + 1;
    post_.at(now + 1);
  } else {
    meter_.change(next, now + 1);
  }
}

inline void EventStoreDma::start_transaction(Cycle now) {
  const TileTransaction& transaction = cursor_.current();
  dram_->take_write_credit(channel_);
  ++outstanding_;
  *port_ = {transaction.address, tile_, transaction.bytes, channel_, true};
  const uint32_t bank = layout_.bank_of(context_->places->address[tile_] + transaction.offset);
  fabric_->post(layout_.store_port(static_cast<uint32_t>(port_ - ports_.data())), bank,
                static_cast<uint32_t>(divide_up(transaction.bytes, spec_.dma.bytes_per_cycle)), now);
  cursor_.advance();
  if (cursor_.done()) {
    ++position_;
    begin_tile();
  } else {
    look_at_next();
  }
}

void EventStoreDma::packet_done(uint32_t requester, Cycle now) {
  Port& port = ports_[requester - layout_.store_port(0)];
  port.posted = false;
  global_buffer_->stored(port.tile, port.bytes, now);
  dram_->write(port.channel, port.address, port.bytes, now);
  // Nothing that happens later in this cycle's completions could hold the next one back.
  if (meter_.state() == Stall::kArbitration) {
    post(now);
  }
}

void EventStoreDma::acknowledged(Cycle now) {
  --outstanding_;
  if (meter_.state() == Stall::kDramWait && dram_->has_write_credit(channel_)) {
    post_.at(now);
  }
}

}  // namespace tilewright::accel
