// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/fabric.h"

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

EventFabric::EventFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout)
    : sc_core::sc_module(name),
      starvation_limit_(spec.noc.starvation_limit),
      wide_(layout.resources() > 64),
      requesters_(layout.requesters()) {
  TILEWRIGHT_CHECK(requesters_.size() <= kRequesterMask, "the machine has more requesters than fit a key");
  waiting_.reserve(requesters_.size());
  moving_.reserve(requesters_.size());
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

void EventFabric::post(uint32_t requester, uint32_t bank, uint32_t cycles, Cycle now) {
  Requester& posted = requesters_[requester];
  posted.needs = posted.path.resources;
  posted.cycles = cycles;
  posted.banks = bank == kNoBank ? 0 : 1;
  if (bank != kNoBank && !mutated(Mutation::kBanksIgnored)) {
    posted.needs.add(bank);
  }
  // Mostly the youngest of all.
  const Key key = now << kRequesterBits | (requester ^ tie_flip_);
  waiting_.push_back(key);
  for (Key* place = waiting_.data() + waiting_.size() - 1; place != waiting_.data() && place[-1] > key; --place) {
    place[0] = place[-1];
    place[-1] = key;
  }
  arbitration_.at(now);
}

void EventFabric::complete(Cycle now) {
  while (!moving_.empty() && cycle_of(moving_.back()) == now) {
    const uint32_t requester = requester_of(moving_.back());
    moving_.pop_back();
    const Requester& ended = requesters_[requester];
    if (wide_) {
      busy_.remove(ended.holds);
    } else {
      busy_.remove_first_word(ended.holds);
    }
    ended.done(ended.owner, requester, now);
  }
  if (!waiting_.empty()) {
    arbitration_.at(now);
  }
}

inline void EventFabric::grant(Requester& granted, uint32_t requester, Cycle now) {
  const uint32_t cycles = granted.cycles;
  const bool early = mutated(Mutation::kLinkOneCycleShort) && cycles > 1;
  const Cycle end = now + cycles - (early ? 1 : 0);
  granted.holds = granted.needs;
  if (wide_) {
    busy_.insert(granted.needs);
  } else {
    busy_.insert_first_word(granted.needs);
  }
  const Key key = end << kRequesterBits | requester;
  moving_.push_back(key);
  for (Key* place = moving_.data() + moving_.size() - 1; place != moving_.data() && place[-1] < key; --place) {
    place[0] = place[-1];
    place[-1] = key;
  }
  completion_.at(end);
  row_link_busy_ += uint64_t{cycles} * granted.path.row_links;
  collect_link_busy_ += uint64_t{cycles} * granted.path.collect_links;
  bank_busy_ += uint64_t{cycles} * granted.banks;
  if (granted.granted != nullptr) {
    granted.granted(granted.owner, requester, now);
  }
}

void EventFabric::arbitrate(Cycle now) {
  ResourceSet claimed;
  bool any_claims = false;
  Key* kept = waiting_.data();
  const Key* const end = kept + waiting_.size();
  for (const Key* next = kept; next != end; ++next) {
    const Key key = *next;
    const uint32_t requester = requester_of(key ^ tie_flip_);
    Requester& asking = requesters_[requester];
    if (!meets(asking.needs, busy_) && !(any_claims && meets(asking.needs, claimed))) {
      grant(asking, requester, now);
      continue;
    }
    if (now - cycle_of(key) >= starvation_limit_ && !mutated(Mutation::kNeverStarves)) {
      claimed.insert(asking.needs);
      any_claims = true;
    }
    *kept++ = key;
  }
  waiting_.resize(static_cast<std::size_t>(kept - waiting_.data()));
}

}  // namespace tilewright::accel
