// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/fabric.h"

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

EventFabric::EventFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout)
    : sc_core::sc_module(name), starvation_limit_(spec.noc.starvation_limit), requesters_(layout.requesters()) {
  TILEWRIGHT_CHECK(requesters_.size() <= kRequesterMask, "the machine has more requesters than fit a key");
}

void EventFabric::connect(const Alarm& completion, const Alarm& arbitration) {
  completion_ = completion;
  arbitration_ = arbitration;
}

void EventFabric::reset() {
  busy_ = {};
  waiting_.clear();
  moving_.clear();
  tie_flip_ = mutated(Mutation::kTiesReversed) ? kRequesterMask : 0;
  row_link_busy_ = collect_link_busy_ = bank_busy_ = 0;
}

void EventFabric::post(uint32_t requester, PacketOwner& owner, const Packet& packet, Cycle now) {
  requesters_[requester].owner = &owner;
  requesters_[requester].waiting = packet;
  const Key key = now << kRequesterBits | (requester ^ tie_flip_);
  std::size_t place = waiting_.size();
  waiting_.push_back(key);
  for (; place > 0 && waiting_[place - 1] > key; --place) {
    waiting_[place] = waiting_[place - 1];
  }
  waiting_[place] = key;
  arbitration_.at(now);
}

void EventFabric::complete(Cycle now) {
  while (!moving_.empty() && cycle_of(moving_.back()) == now) {
    const uint32_t requester = requester_of(moving_.back());
    moving_.pop_back();
    busy_.remove(requesters_[requester].holds);
    requesters_[requester].owner->packet_done(requester, now);
  }
  if (!waiting_.empty()) {
    arbitration_.at(now);
  }
}

void EventFabric::grant(uint32_t requester, Cycle now) {
  Requester& granted = requesters_[requester];
  const Packet& packet = granted.waiting;
  const bool early = mutated(Mutation::kLinkOneCycleShort) && packet.cycles > 1;
  const Cycle end = now + packet.cycles - (early ? 1 : 0);
  granted.holds = packet.needs;
  busy_.insert(packet.needs);
  const Key key = end << kRequesterBits | requester;
  std::size_t place = moving_.size();
  moving_.push_back(key);
  for (; place > 0 && moving_[place - 1] < key; --place) {
    moving_[place] = moving_[place - 1];
  }
  moving_[place] = key;
  completion_.at(end);
  row_link_busy_ += uint64_t{packet.cycles} * packet.row_links;
  collect_link_busy_ += uint64_t{packet.cycles} * packet.collect_links;
  bank_busy_ += uint64_t{packet.cycles} * packet.banks;
  granted.owner->packet_granted(requester, now);
}

void EventFabric::arbitrate(Cycle now) {
  ResourceSet claimed;
  bool any_claims = false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    const Key key = waiting_[i];
    const uint32_t requester = requester_of(key ^ tie_flip_);
    const ResourceSet& needs = requesters_[requester].waiting.needs;
    if (!needs.intersects(busy_) && !(any_claims && needs.intersects(claimed))) {
      grant(requester, now);
      continue;
    }
    if (now - cycle_of(key) >= starvation_limit_ && !mutated(Mutation::kNeverStarves)) {
      claimed.insert(needs);
      any_claims = true;
    }
    waiting_[kept++] = key;
  }
  waiting_.resize(kept);
}

}  // namespace tilewright::accel
