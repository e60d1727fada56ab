// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/fabric.h"

#include <algorithm>

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

EventFabric::EventFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec)
    : sc_core::sc_module(name), starvation_limit_(spec.noc.starvation_limit) {}

void EventFabric::connect(const Alarm& completion, const Alarm& arbitration) {
  completion_ = completion;
  arbitration_ = arbitration;
}

void EventFabric::reset() {
  busy_ = {};
  pending_.clear();
  in_flight_ = {};
  row_link_busy_ = collect_link_busy_ = bank_busy_ = 0;
}

void EventFabric::post(uint32_t requester, PacketOwner& owner, const Packet& packet, Cycle now) {
  auto place = pending_.end();
  const bool reversed = mutated(Mutation::kTiesReversed);
  while (place != pending_.begin() && (place - 1)->ready == now && ((place - 1)->requester > requester) != reversed) {
    --place;
  }
  pending_.insert(place, {now, requester, &owner, packet});
  arbitration_.at(now);
}

void EventFabric::complete(Cycle now) {
  while (!in_flight_.empty() && in_flight_.top().end == now) {
    const InFlight done = in_flight_.top();
    in_flight_.pop();
    busy_.remove(done.holds);
    done.owner->packet_done(done.requester, now);
  }
  if (!pending_.empty()) {
    arbitration_.at(now);
  }
}

void EventFabric::grant(const Pending& pending, Cycle now) {
  const Packet& packet = pending.packet;
  const bool early = mutated(Mutation::kLinkOneCycleShort) && packet.cycles > 1;
  const Cycle end = now + packet.cycles - (early ? 1 : 0);
  busy_.insert(packet.needs);
  in_flight_.push({end, pending.requester, pending.owner, packet.needs});
  completion_.at(end);
  row_link_busy_ += uint64_t{packet.cycles} * packet.row_links;
  collect_link_busy_ += uint64_t{packet.cycles} * packet.collect_links;
  bank_busy_ += uint64_t{packet.cycles} * packet.banks;
  pending.owner->packet_granted(pending.requester, now);
}

void EventFabric::arbitrate(Cycle now) {
  ResourceSet barred = busy_;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const Pending& pending = pending_[i];
    if (!pending.packet.needs.intersects(barred)) {
      barred.insert(pending.packet.needs);
      grant(pending, now);
      continue;
    }
    if (now - pending.ready >= starvation_limit_ && !mutated(Mutation::kNeverStarves)) {
      barred.insert(pending.packet.needs);
    }
    if (kept != i) {
      pending_[kept] = pending;
    }
    ++kept;
  }
  pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(kept), pending_.end());
}

}  // namespace tilewright::accel
