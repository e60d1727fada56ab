// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/tick/fabric.h"

#include <algorithm>

namespace tilewright::accel {

TickFabric::TickFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout)
    : sc_core::sc_module(name),
      starvation_limit_(spec.noc.starvation_limit),
      posted_(layout.requesters()),
      moving_(layout.requesters()) {
  TILEWRIGHT_CHECK(layout.requesters() <= 256, "the machine has more requesters than a set of them holds");
}

void TickFabric::reset() {
  waits_ = moves_ = ended_ = granted_ = ending_ = {};
  busy_ = {};
  row_link_busy_ = collect_link_busy_ = bank_busy_ = 0;
}

void TickFabric::post(uint32_t requester, const TickPacket& packet) {
  TILEWRIGHT_CHECK(!waits(requester), "a requester posted a second packet");
  waits_.add(requester);
  posted_[requester] = {0, packet};
}

void TickFabric::complete(Cycle /*now*/) {
  granted_ = {};
  ended_ = ending_;
  ending_ = {};
  ended_.for_each([this](uint32_t requester) {
    moves_.remove(requester);
    busy_.remove(moving_[requester].packet.needs);
  });
}

void TickFabric::arbitrate(Cycle /*now*/) {
  if (waits_.empty()) {
    return;
  }
  // Longest wait first; of those, in the order of requesters.
  order_.clear();
  waits_.for_each([this](uint32_t requester) {
    order_.push_back(requester);
    std::size_t place = order_.size() - 1;
    for (; place > 0 && posted_[order_[place - 1]].waited < posted_[requester].waited; --place) {
      order_[place] = order_[place - 1];
    }
    order_[place] = requester;
  });
  ResourceSet claimed;
  for (const uint32_t requester : order_) {
    const Posted& posted = posted_[requester];
    if (!posted.packet.needs.intersects(busy_) && !posted.packet.needs.intersects(claimed)) {
      waits_.remove(requester);
      moves_.add(requester);
      granted_.add(requester);
      busy_.insert(posted.packet.needs);
      moving_[requester] = {posted.packet, posted.packet.bytes};
    } else if (posted.waited >= starvation_limit_) {
      claimed.insert(posted.packet.needs);
    }
  }
}

void TickFabric::move() {
  moves_.for_each([this](uint32_t requester) {
    Moving& moving = moving_[requester];
    moving.left -= std::min(moving.left, moving.packet.bytes_per_cycle);
    row_link_busy_ += moving.packet.row_links;
    collect_link_busy_ += moving.packet.collects ? 1 : 0;
    bank_busy_ += moving.packet.uses_bank ? 1 : 0;
    if (moving.left == 0) {
      ending_.add(requester);
    }
  });
  waits_.for_each([this](uint32_t requester) { ++posted_[requester].waited; });
}

}  // namespace tilewright::accel
