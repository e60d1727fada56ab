// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/tick/fabric.h"

#include <algorithm>

namespace tilewright::accel {

TickFabric::TickFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout)
    : sc_core::sc_module(name),
      starvation_limit_(spec.noc.starvation_limit),
      posted_(layout.requesters()),
      moving_(layout.requesters()) {}

void TickFabric::reset() {
  posted_.assign(posted_.size(), {});
  moving_.assign(moving_.size(), {});
  busy_ = {};
  waiting_ = 0;
  row_link_busy_ = collect_link_busy_ = bank_busy_ = 0;
}

void TickFabric::post(uint32_t requester, const TickPacket& packet) {
  TILEWRIGHT_CHECK(!posted_[requester].waiting, "a requester posted a second packet");
  posted_[requester] = {true, 0, packet};
  ++waiting_;
}

void TickFabric::complete(Cycle /*now*/) {
  for (Moving& moving : moving_) {
    moving.ended = moving.active && moving.left == 0;
    moving.granted = false;
    if (moving.ended) {
      moving.active = false;
      busy_.remove(moving.packet.needs);
    }
  }
}

void TickFabric::arbitrate(Cycle /*now*/) {
  if (waiting_ == 0) {
    return;
  }
  order_.clear();
  for (uint32_t i = 0; i < posted_.size(); ++i) {
    if (posted_[i].waiting) {
      order_.push_back(i);
    }
  }
  std::stable_sort(order_.begin(), order_.end(),
                   [this](uint32_t a, uint32_t b) { return posted_[a].waited > posted_[b].waited; });
  ResourceSet claimed;
  for (const uint32_t requester : order_) {
    Posted& posted = posted_[requester];
    if (!posted.packet.needs.intersects(busy_) && !posted.packet.needs.intersects(claimed)) {
      posted.waiting = false;
      --waiting_;
      busy_.insert(posted.packet.needs);
      moving_[requester] = {true, false, true, posted.packet, posted.packet.bytes};
    } else if (posted.waited >= starvation_limit_) {
      claimed.insert(posted.packet.needs);
    }
  }
}

void TickFabric::move() {
  for (Moving& moving : moving_) {
    if (moving.active) {
      moving.left -= std::min(moving.left, moving.packet.bytes_per_cycle);
      row_link_busy_ += moving.packet.row_links;
      collect_link_busy_ += moving.packet.collects ? 1 : 0;
      bank_busy_ += moving.packet.uses_bank ? 1 : 0;
    }
  }
  if (waiting_ == 0) {
    return;
  }
  for (Posted& posted : posted_) {
    posted.waited += posted.waiting ? 1 : 0;
  }
}

bool TickFabric::idle() const {
  return waiting_ == 0 && std::none_of(moving_.begin(), moving_.end(), [](const Moving& m) { return m.active; });
}

}  // namespace tilewright::accel
