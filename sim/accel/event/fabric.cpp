// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/fabric.h"

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

EventFabric::EventFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                         const Layout& layout)
    : sc_core::sc_module(name),
      starvation_limit_(spec.noc.starvation_limit),
      wide_(layout.resources() > 64),
      requesters_(layout.requesters()) {
  TILEWRIGHT_CHECK(requesters_.size() <= kRequesterMask, "the machine has more requesters than fit a key");
  waiting_.reserve(requesters_.size());
  for (uint32_t i = 0; i < requesters_.size(); ++i) {
    requesters_[i].number = i;
    requesters_[i].fabric = this;
  }
}

void EventFabric::reset() {
  busy_ = wanted_ = {};
  waiting_.clear();
  moving_ = 0;
  tie_flip_ = mutated(Mutation::kTiesReversed) ? kRequesterMask : 0;
  row_link_busy_ = collect_link_busy_ = bank_busy_ = 0;
}

void EventFabric::post(uint32_t requester, uint32_t bank, uint32_t cycles, Cycle now, bool alone) {
  Requester& posted = requesters_[requester];
  posted.needs = posted.path.resources;
  posted.cycles = cycles;
  posted.banks = 0;
  if (bank != kNoBank) {
    posted.banks = 1;
    if (!mutated(Mutation::kBanksIgnored)) {
      posted.needs.add(bank);
    }
  }
  if (alone && waiting_.empty() && !meets(posted.needs, busy_) &&
      (arbitration_.wheel->quiet_below(arbitration_.slot) || mutated(Mutation::kGrantedTooSoon))) {
    grant(posted, now);
    return;
  }
  // Mostly the youngest of all.
  const Key key = now << kRequesterBits | (requester ^ tie_flip_);
  waiting_.push_back(key);
  for (Key* place = waiting_.data() + waiting_.size() - 1; place != waiting_.data() && place[-1] > key;
       --place) {
    place[0] = place[-1];
    place[-1] = key;
  }
  insert(wanted_, posted.needs);
  arbitration_.at(now);
}

// What is freed concerns only those who wait for it.
void EventFabric::end_packet(Requester& ended, Cycle now) {
  --moving_;
  if (wide_) {
    busy_.remove(ended.holds);
  } else {
    busy_.remove_first_word(ended.holds);
  }
  if (meets(ended.holds, wanted_)) {
    arbitration_.at(now);
  }
  ended.done(ended.owner, ended.number, now);
}

inline void EventFabric::grant(Requester& granted, Cycle now) {
  const uint32_t cycles = granted.cycles;
  const bool early = mutated(Mutation::kLinkOneCycleShort) && cycles > 1;
  granted.holds = granted.needs;
  insert(busy_, granted.needs);
  ++moving_;
  granted.end.at(now + cycles - (early ? 1 : 0));
  row_link_busy_ += uint64_t{cycles} * granted.path.row_links;
  collect_link_busy_ += uint64_t{cycles} * granted.path.collect_links;
  bank_busy_ += uint64_t{cycles} * granted.banks;
  if (granted.granted != nullptr) {
    granted.granted(granted.owner, granted.number, now);
  }
}

void EventFabric::arbitrate(Cycle now) {
  ResourceSet claimed;
  bool any_claims = false;
  wanted_ = {};
  Key* kept = waiting_.data();
  const Key* const end = kept + waiting_.size();
  for (const Key* next = kept; next != end; ++next) {
    const Key key = *next;
    Requester& asking = requesters_[requester_of(key ^ tie_flip_)];
    if (!meets(asking.needs, busy_) && !(any_claims && meets(asking.needs, claimed))) {
      grant(asking, now);
      continue;
    }
    if (now - cycle_of(key) >= starvation_limit_ && !mutated(Mutation::kNeverStarves)) {
      claimed.insert(asking.needs);
      any_claims = true;
    }
    insert(wanted_, asking.needs);
    *kept++ = key;
  }
  waiting_.resize(static_cast<std::size_t>(kept - waiting_.data()));
}

}  // namespace tilewright::accel
