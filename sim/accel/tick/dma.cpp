// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/tick/dma.h"

#include <algorithm>

namespace tilewright::accel {

TickDramPort::TickDramPort(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                           const engine::Clock& core)
    : sc_core::sc_module(name), spec_(spec), core_(core), dram_(spec.dram.command_clock), map_(spec.dram) {
  reset();
}

void TickDramPort::reset() {
  channels_.clear();
  for (uint32_t i = 0; i < spec_.dram.channels; ++i) {
    channels_.push_back(std::make_unique<Channel>(spec_.dram));
  }
  transfers_.clear();
  returned_.clear();
  dram_cycles_ = 0;
}

void TickDramPort::take_credit(uint32_t channel, bool write) {
  ++(write ? channels_[channel]->writes : channels_[channel]->reads);
}

void TickDramPort::send(const TickTransfer& transfer, Cycle now) {
  transfers_.push_back(transfer);
  channels_[channel_of(transfer.address)]->outgoing.push_back({now, transfers_.size() - 1});
}

void TickDramPort::step_dram(Cycle now) {
  dram_cycles_ = now + 1;
  for (uint32_t c = 0; c < channels_.size(); ++c) {
    Channel& channel = *channels_[c];
    // Seen only at an edge strictly after the core's: both clocks may have an edge at this very time.
    while (!channel.outgoing.empty() && core_.edge_time(channel.outgoing.front().sent) < dram_.edge_time(now)) {
      const uint64_t tag = channel.outgoing.front().tag;
      const TickTransfer& transfer = transfers_[tag];
      channel.model.push({tag, transfer.address, transfer.bytes, transfer.write}, now);
      channel.outgoing.pop_front();
    }
    channel.model.tick(now, done_);
    if (!done_.empty()) {
      for (const memory::DramCompletion& completion : done_) {
        returned_.emplace_back(c, completion.tag);
      }
      done_.clear();
    }
  }
}

void TickDramPort::close(Activity& activity, Cycle& busy) {
  for (const std::unique_ptr<Channel>& channel : channels_) {
    channel->model.finish(dram_cycles_);
    const memory::DramStatistics& counts = channel->model.statistics();
    activity.add(Action::kDramReadBytes, counts.read_bursts * spec_.dram.burst_bytes.value);
    activity.add(Action::kDramWriteBytes, counts.write_bursts * spec_.dram.burst_bytes.value);
    activity.add(Action::kDramActivate, counts.activates);
    activity.add(Action::kDramRefresh, counts.refreshes);
    busy += counts.data_bus_cycles;
  }
}

bool TickDramPort::idle() const {
  return std::all_of(channels_.begin(), channels_.end(),
                     [](const auto& channel) { return channel->reads == 0 && channel->writes == 0; });
}

TickLoadDma::TickLoadDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout)
    : sc_core::sc_module(name), spec_(spec), layout_(layout) {}

void TickLoadDma::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  dram_ = dram.operator->();
}

void TickLoadDma::reset(const RunContext* context) {
  context_ = context;
  position_ = 0;
  cursor_ = {};
  ports_.assign(spec_.dma.ports, {});
  fetches_.clear();
  stalls_ = {};
}

void TickLoadDma::end_packets() {
  for (uint32_t i = 0; i < ports_.size(); ++i) {
    if (fabric_->ended(layout_.load_port(i))) {
      const TickTransfer& transfer = ports_[i].front();
      if (transfer.send == mappers::kNone) {
        global_buffer_->write_loaded(transfer.tile, transfer.bytes);
      } else {
        client_->fetched(transfer.sender, transfer.bytes, transfer.send);
      }
      ports_[i].pop_front();
    }
  }
}

void TickLoadDma::post() {
  for (uint32_t i = 0; i < ports_.size(); ++i) {
    const uint32_t requester = layout_.load_port(i);
    if (ports_[i].empty() || fabric_->waits(requester) || fabric_->moves(requester)) {
      continue;
    }
    fabric_->post(requester, packet_of(ports_[i].front(), i));
  }
}

// Into a bank, or past the global buffer over the links of every destination.
TickPacket TickLoadDma::packet_of(const TickTransfer& transfer, uint32_t port) const {
  if (transfer.send == mappers::kNone) {
    TickPacket packet{layout_.load_needs(port), transfer.bytes, spec_.dma.bytes_per_cycle, 0, false, true};
    packet.needs.add(layout_.bank_of(context_->places->address[transfer.tile] + transfer.offset));
    return packet;
  }
  const mappers::Send& send = context_->program->senders[transfer.sender][transfer.send];
  const uint32_t slower = std::min(spec_.dma.bytes_per_cycle, spec_.noc.link_bytes_per_cycle);
  TickPacket packet{layout_.send_needs(send.destinations), transfer.bytes, slower, layout_.rows_reached(send.destinations),
                    false, false};
  packet.needs.insert(layout_.load_needs(port));
  return packet;
}

Stall TickLoadDma::tile_state() const {
  if (tiles_issued()) {
    return Stall::kIdle;
  }
  if (!global_buffer_->open(context_->program->loads[position_])) {
    return Stall::kSpaceWait;
  }
  return dram_->read_credit(dram_->channel_of(cursor_.current().address)) ? Stall::kBusy : Stall::kDramWait;
}

// What is left of the oldest chunk, up to the next boundary of a request.
TickTransfer TickLoadDma::next_fetch() const {
  const Fetch& fetch = fetches_.front();
  const mappers::Send& send = context_->program->senders[fetch.sender][fetch.send];
  const uint64_t address = send.offset + fetch.issued;
  const uint64_t boundary = (address / spec_.dma.request_bytes + 1) * spec_.dma.request_bytes;
  const auto bytes = static_cast<uint32_t>(std::min<uint64_t>(boundary - address, send.bytes - fetch.issued));
  return {mappers::kNone, bytes, 0, address, false, fetch.sender, fetch.send};
}

// Fetches before tiles; one transaction a cycle.
void TickLoadDma::issue(Cycle now) {
  if (!fetches_.empty()) {
    const TickTransfer next = next_fetch();
    if (dram_->read_credit(dram_->channel_of(next.address))) {
      stalls_.add(Stall::kBusy, 1);
      dram_->take_credit(dram_->channel_of(next.address), false);
      dram_->send(next, now);
      fetches_.front().issued += next.bytes;
      if (fetches_.front().issued == context_->program->senders[next.sender][next.send].bytes) {
        fetches_.pop_front();
      }
      return;
    }
  }
  issue_tile(now);
}

void TickLoadDma::issue_tile(Cycle now) {
  if (!tiles_issued() && cursor_.done()) {
    cursor_ = TransactionCursor(context_->tile(context_->program->loads[position_]).dram, spec_.dma.request_bytes);
  }
  const Stall next = tile_state();
  stalls_.add(next != Stall::kBusy && !fetches_.empty() ? Stall::kDramWait : next, 1);
  if (next != Stall::kBusy) {
    return;
  }
  const TileTransaction transaction = cursor_.current();
  dram_->take_credit(dram_->channel_of(transaction.address), false);
  TickTransfer transfer;
  transfer.tile = context_->program->loads[position_];
  transfer.bytes = transaction.bytes;
  transfer.offset = transaction.offset;
  transfer.address = transaction.address;
  dram_->send(transfer, now);
  cursor_.advance();
  position_ += cursor_.done() ? 1 : 0;
}

TickStoreDma::TickStoreDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                           const Layout& layout)
    : sc_core::sc_module(name), spec_(spec), layout_(layout) {}

void TickStoreDma::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  dram_ = dram.operator->();
}

void TickStoreDma::reset(const RunContext* context) {
  context_ = context;
  position_ = 0;
  cursor_ = {};
  ports_.assign(spec_.dma.ports, {});
  outstanding_ = 0;
  state_ = Stall::kIdle;
  stalls_ = {};
}

void TickStoreDma::end_packets(Cycle now) {
  for (uint32_t i = 0; i < ports_.size(); ++i) {
    if (fabric_->ended(layout_.store_port(i))) {
      global_buffer_->read_stored(ports_[i].tile, ports_[i].bytes);
      dram_->send(ports_[i], now);
    }
  }
}

Stall TickStoreDma::state() const {
  if (position_ == context_->program->stores.size()) {
    return Stall::kIdle;
  }
  if (!global_buffer_->complete(context_->program->stores[position_])) {
    return Stall::kTileWait;
  }
  const uint32_t channel = dram_->channel_of(cursor_.current().address);
  if (!dram_->write_credit(channel)) {
    return Stall::kDramWait;
  }
  const uint32_t requester = layout_.store_port(static_cast<uint32_t>(channel % ports_.size()));
  return fabric_->waits(requester) || fabric_->moves(requester) ? Stall::kArbitration : Stall::kBusy;
}

void TickStoreDma::post() {
  if (position_ < context_->program->stores.size() && cursor_.done()) {
    cursor_ = TransactionCursor(context_->tile(context_->program->stores[position_]).dram, spec_.dma.request_bytes);
  }
  state_ = state();
  if (state_ != Stall::kBusy) {
    return;
  }
  const uint32_t tile = context_->program->stores[position_];
  const TileTransaction transaction = cursor_.current();
  const uint32_t channel = dram_->channel_of(transaction.address);
  const auto port = static_cast<uint32_t>(channel % ports_.size());
  dram_->take_credit(channel, true);
  ++outstanding_;
  ports_[port].tile = tile;
  ports_[port].bytes = transaction.bytes;
  ports_[port].offset = transaction.offset;
  ports_[port].address = transaction.address;
  ports_[port].write = true;
  TickPacket packet{layout_.store_needs(port), transaction.bytes, spec_.dma.bytes_per_cycle, 0, false, true};
  packet.needs.add(layout_.bank_of(context_->places->address[tile] + transaction.offset));
  fabric_->post(layout_.store_port(port), packet);
  cursor_.advance();
  position_ += cursor_.done() ? 1 : 0;
}

}  // namespace tilewright::accel
