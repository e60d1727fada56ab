// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/tick/sender.h"

#include <algorithm>

namespace tilewright::accel {

using mappers::Buffet;
using mappers::Send;

TickSender::TickSender(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout,
                       uint32_t index, TickActive& active)
    : sc_core::sc_module(name),
      spec_(spec),
      layout_(layout),
      index_(index),
      requester_(layout.sender(index)),
      active_(active) {}

void TickSender::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  for (int i = 0; i < endpoints.size(); ++i) {
    endpoints_.push_back(endpoints[i]);
  }
}

void TickSender::reset(const RunContext* context) {
  context_ = context;
  sends_ = &context->program->senders[index_];
  count_ = sends_->size();
  position_ = 0;
  reserved_ = refused_ = false;
  bytes_left_ = 0;
  travelling_.clear();
  awaited_.clear();
  stalls_ = {};
  activity_ = {};
}

void TickSender::end_packet() {
  bytes_left_ -= std::min(bytes_left_, spec_.noc.packet_bytes);
  if (bytes_left_ == 0) {
    global_buffer_->use_ended(send(position_).tile);
    travel(position_);
    reserved_ = false;
    ++position_;
  }
}

void TickSender::travel(uint32_t send) {
  travelling_.push_back({send, spec_.noc.latency});
  active_.travelling |= uint64_t{1} << index_;
}

// Reserves the room of a chunk that the load DMA is to bring.
void TickSender::hand_over() {
  const Send& next = send(position_);
  for_each_destination(next, [&](TickEndpoint& endpoint) { endpoint.reserve(next.buffet, next.bytes); });
  awaited_.emplace_back(position_, next.bytes);
  load[0]->fetch(index_, position_);
  ++position_;
}

void TickSender::fetched(uint32_t index, uint32_t bytes) {
  count_bytes(send(index), bytes);
  for (auto& [waiting, left] : awaited_) {
    left -= waiting == index ? bytes : 0;
  }
  // Buffers take chunks in the order in which room was reserved.
  for (; !awaited_.empty() && awaited_.front().second == 0; awaited_.pop_front()) {
    travel(awaited_.front().first);
  }
}

void TickSender::deliver() {
  for (const Travelling& travelling : travelling_) {
    if (travelling.countdown > 0) {
      continue;
    }
    if (context_->observer != nullptr) {
      context_->observer->chunk_delivered(index_, travelling.send);
    }
    const Send& arrived = send(travelling.send);
    for_each_destination(arrived, [&](TickEndpoint& endpoint) { endpoint.deliver(arrived.buffet); });
  }
  std::erase_if(travelling_, [](const Travelling& travelling) { return travelling.countdown == 0; });
  if (travelling_.empty()) {
    active_.travelling &= ~(uint64_t{1} << index_);
  }
}

bool TickSender::ask_destinations() {
  const Send& next = send(position_);
  bool fit = true;
  for_each_destination(next, [&](TickEndpoint& endpoint) { fit = fit && endpoint.fits(next.buffet, next.bytes); });
  refused_ = !fit;
  refused_at_ = active_.frees;
  return fit;
}

void TickSender::post_packet() {
  const Send& next = send(position_);
  if (!reserved_) {
    for_each_destination(next, [&](TickEndpoint& endpoint) { endpoint.reserve(next.buffet, next.bytes); });
    reserved_ = true;
    bytes_left_ = next.bytes;
  }
  TickPacket packet{layout_.send_needs(next.destinations), std::min(bytes_left_, spec_.noc.packet_bytes),
                    spec_.noc.link_bytes_per_cycle, layout_.rows_reached(next.destinations), false, true};
  const uint64_t address = context_->places->address[next.tile] + next.offset + (next.bytes - bytes_left_);
  packet.needs.add(layout_.bank_of(address));
  fabric_->post(requester_, packet);
}

void TickSender::packet_granted() {
  const uint32_t bytes = std::min(bytes_left_, spec_.noc.packet_bytes);
  activity_.add(Action::kGlobalBufferRead, bytes);
  count_bytes(send(position_), bytes);
}

void TickSender::age() {
  for (Travelling& travelling : travelling_) {
    --travelling.countdown;
  }
}

void TickSender::count_bytes(const Send& moving, uint32_t bytes) {
  activity_.add(Action::kNocInjected, bytes);
  activity_.add(Action::kNocLinkBytes, uint64_t{bytes} * layout_.rows_reached(moving.destinations));
  for_each_destination(moving, [&](const TickEndpoint&) {
    activity_.add(Action::kNocLinkBytes, bytes);
    activity_.add(Action::kNocDelivered, bytes);
    activity_.add(moving.buffet == Buffet::kWeight ? Action::kWeightBufferWrite : Action::kInputBufferWrite, bytes);
  });
}

}  // namespace tilewright::accel
