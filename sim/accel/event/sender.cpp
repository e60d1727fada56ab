// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/sender.h"

#include <algorithm>
#include <bit>

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

using mappers::EndpointMask;
using mappers::Send;

namespace {

template <typename Visit>
void for_each_endpoint(EndpointMask mask, const Visit& visit) {
  for (; mask != 0; mask &= mask - 1) {
    visit(static_cast<uint32_t>(std::countr_zero(mask)));
  }
}

}  // namespace

EventSender::EventSender(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout,
                         uint32_t index)
    : sc_core::sc_module(name), spec_(spec), layout_(layout), index_(index) {}

void EventSender::connect(const Alarm& post, const Alarm& delivery) {
  post_ = post;
  delivery_ = delivery;
}

void EventSender::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  for (int i = 0; i < endpoints.size(); ++i) {
    endpoints_.push_back(endpoints[i]);
  }
  load_ = load.size() > 0 ? load[0] : nullptr;
  fabric_->own<EventSender, &EventSender::packet_done>(
      layout_.sender(index_), this, [](void* self, uint32_t /*requester*/, Cycle now) {
        static_cast<EventSender*>(self)->meter_.change(Stall::kBusy, now);
      });
}

void EventSender::reset(const RunContext* context) {
  context_ = context;
  sends_ = &context->program->senders[index_];
  position_ = sent_ = packet_bytes_ = 0;
  deliveries_.clear();
  fetching_.clear();
  fetched_at_ = kNever;
  meter_.reset();
  activity_ = {};
  for (const Send& send : *sends_) {
    for_each_endpoint(send.destinations, [&](uint32_t e) { endpoints_[e]->set_feeder(send.buffet, post_); });
  }
  post_.at(0);
}

// True once the tile is there and every destination has room, which it then has reserved.
bool EventSender::begin_chunk(const Send& send, Cycle now) {
  if (!global_buffer_->ready(send.tile)) {
    meter_.change(Stall::kTileWait, now);
    global_buffer_->wait_ready(index_);
    return false;
  }
  if (!reserve_room(send, now)) {
    return false;
  }
  fabric_->set_path(layout_.sender(index_),
                    {layout_.send_needs(send.destinations), layout_.rows_reached(send.destinations), 0});
  return true;
}

bool EventSender::reserve_room(const Send& send, Cycle now) {
  bool room = true;
  if (mutated(Mutation::kRoomOfFirstOnly)) {
    const auto first = static_cast<std::size_t>(std::countr_zero(send.destinations));
    room = endpoints_[first]->has_room(send.buffet, send.bytes);
  } else {
  for_each_endpoint(send.destinations, [&](uint32_t e) { room &= endpoints_[e]->has_room(send.buffet, send.bytes); });
  }
  if (!room) {
    meter_.change(Stall::kSpaceWait, now);  // every freed chunk of its destinations wakes this sender
    return false;
  }
  for_each_endpoint(send.destinations, [&](uint32_t e) { endpoints_[e]->reserve(send.buffet, send.bytes); });
  return true;
}

void EventSender::post(Cycle now) {
  if (packet_bytes_ != 0) {
    return;
  }
  if (position_ == sends_->size()) {
    meter_.change(fetching_.empty() ? Stall::kIdle : Stall::kDramWait, now);
    return;
  }
  if ((*sends_)[position_].fetches()) {
    post_fetch(now);
    return;
  }
  const Send& send = (*sends_)[position_];
  if (begin_chunk(send, now)) {
    post_packet(send, now);
  }
}

// One chunk a cycle, for as long as there is room.
void EventSender::post_fetch(Cycle now) {
  if (fetched_at_ == now) {
    return;
  }
  const Send& send = (*sends_)[position_];
  if (!reserve_room(send, now)) {
    return;
  }
  fetched_at_ = now;
  meter_.change(Stall::kBusy, now);
  fetching_.push_back(send.bytes);
  load_->fetch(index_, position_, now);
  ++position_;
  if (mutated(Mutation::kFetchesUnpaced)) {
    fetched_at_ = kNever;
    post(now);
  }
  post_.at(now + 1);
}

void EventSender::fetched(uint32_t index, uint32_t bytes, Cycle now) {
  const auto first = position_ - static_cast<uint32_t>(fetching_.size());
  fetching_[index - first] -= bytes;
  std::size_t complete = 0;
  while (complete < fetching_.size() && fetching_[complete] == 0) {  // buffers take chunks in order
    const auto next = first + static_cast<uint32_t>(complete);
    count_chunk((*sends_)[next]);
    pass_on(next, now);
    ++complete;
  }
  fetching_.erase(fetching_.begin(), fetching_.begin() + static_cast<std::ptrdiff_t>(complete));
  if (fetching_.empty()) {
    post_.at(now);
  }
}

void EventSender::post_packet(const Send& send, Cycle now) {
  packet_bytes_ = std::min(spec_.noc.packet_bytes, send.bytes - sent_);
  const uint32_t bank = layout_.bank_of(context_->places->address[send.tile] + send.offset + sent_);
  meter_.change(Stall::kArbitration, now);
  fabric_->post(layout_.sender(index_), bank,
                static_cast<uint32_t>(divide_up(packet_bytes_, spec_.noc.link_bytes_per_cycle)), now);
}

void EventSender::packet_done(uint32_t /*requester*/, Cycle now) {
  const Send& send = (*sends_)[position_];
  sent_ += packet_bytes_;
  packet_bytes_ = 0;
  if (sent_ == send.bytes) {
    finish_chunk(send, now);
    post_.at(now);
  } else {
    post_packet(send, now);
  }
}

void EventSender::count_chunk(const Send& send) {
  const auto copies = static_cast<uint64_t>(std::popcount(send.destinations));
  activity_.add(Action::kNocInjected, send.bytes);
  activity_.add(Action::kNocDelivered, send.bytes * copies);
  activity_.add(Action::kNocLinkBytes, uint64_t{send.bytes} * layout_.links_out(send.destinations));
  activity_.add(send.buffet == mappers::Buffet::kWeight ? Action::kWeightBufferWrite : Action::kInputBufferWrite,
                send.bytes * copies);
}

void EventSender::pass_on(uint32_t send, Cycle now) {
  const Cycle arrival = now + (mutated(Mutation::kLatencyForgotten) ? 1 : spec_.noc.latency);
  deliveries_.push({arrival, send});
  delivery_.at(arrival);
}

void EventSender::finish_chunk(const Send& send, Cycle now) {
  activity_.add(Action::kGlobalBufferRead, send.bytes);
  count_chunk(send);
  global_buffer_->sent(send.tile, now);
  pass_on(position_, now);
  ++position_;
  sent_ = 0;
}

void EventSender::deliver(Cycle now) {
  for (; !deliveries_.empty() && deliveries_.front().cycle == now; deliveries_.pop()) {
    const uint32_t index = deliveries_.front().send;
    const Send& send = (*sends_)[index];
    if (context_->observer != nullptr) {
      context_->observer->chunk_delivered(index_, index);
    }
    for_each_endpoint(send.destinations, [&](uint32_t e) { endpoints_[e]->deliver(send.buffet, now); });
  }
}

std::string EventSender::describe_state() const {
  if (finished()) {
    return "";
  }
  return std::string(basename()) + " at chunk " + std::to_string(position_) + " of " + std::to_string(sends_->size()) +
         "; ";
}

}  // namespace tilewright::accel
