// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/tick/fabric.h"

#include <algorithm>

namespace tilewright::accel {

TickFabric::TickFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout)
    : sc_core::sc_module(name),
      starvation_limit_(spec.noc.starvation_limit),
      states_(layout.requesters()),
      posted_(layout.requesters()),
      moving_(layout.requesters()) {}

void TickFabric::reset() {
  states_.assign(states_.size(), {});
  under_way_.clear();
  busy_ = {};
  waiting_ = 0;
  row_link_busy_ = collect_link_busy_ = bank_busy_ = 0;
}

void TickFabric::post(uint32_t requester, const TickPacket& packet) {
  TILEWRIGHT_CHECK(!states_[requester].waits, "a requester posted a second packet");
  states_[requester].waits = true;
  posted_[requester] = {0, packet};
  ++waiting_;
}

void TickFabric::complete(Cycle /*now*/) {
  std::erase_if(under_way_, [this](uint32_t requester) {
    State& state = states_[requester];
    state.ended = state.moves && moving_[requester].left == 0;
    state.granted = false;
    if (state.ended) {
      state.moves = false;
      busy_.remove(moving_[requester].packet.needs);
    }
    return !state.moves && !state.ended;
  });
}

void TickFabric::arbitrate(Cycle /*now*/) {
  if (waiting_ == 0) {
    return;
  }
  order_.clear();
  for (uint32_t i = 0; i < states_.size(); ++i) {
    if (states_[i].waits) {
      order_.push_back(i);
    }
  }
  if (order_.size() > 1) {
    std::stable_sort(order_.begin(), order_.end(),
                     [this](uint32_t a, uint32_t b) { return posted_[a].waited > posted_[b].waited; });
  }
  ResourceSet claimed;
  for (const uint32_t requester : order_) {
    const Posted& posted = posted_[requester];
    if (!posted.packet.needs.intersects(busy_) && !posted.packet.needs.intersects(claimed)) {
      State& state = states_[requester];
      if (!state.ended) {  // else it is under way already, for this one cycle
        under_way_.push_back(requester);
      }
      state = {false, true, state.ended, true};
      --waiting_;
      busy_.insert(posted.packet.needs);
      moving_[requester] = {posted.packet, posted.packet.bytes};
    } else if (posted.waited >= starvation_limit_) {
      claimed.insert(posted.packet.needs);
    }
  }
}

void TickFabric::move() {
  for (const uint32_t requester : under_way_) {
    if (states_[requester].moves) {
      Moving& moving = moving_[requester];
      moving.left -= std::min(moving.left, moving.packet.bytes_per_cycle);
      row_link_busy_ += moving.packet.row_links;
      collect_link_busy_ += moving.packet.collects ? 1 : 0;
      bank_busy_ += moving.packet.uses_bank ? 1 : 0;
    }
  }
  for (uint32_t i = 0; waiting_ != 0 && i < states_.size(); ++i) {
    posted_[i].waited += states_[i].waits ? 1 : 0;
  }
}

bool TickFabric::idle() const {
  return waiting_ == 0 && std::none_of(under_way_.begin(), under_way_.end(),
                                       [this](uint32_t requester) { return states_[requester].moves; });
}

}  // namespace tilewright::accel
