// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/scheduler.h"

#include <algorithm>

#include "sim/base/interrupt.h"

namespace tilewright::engine {

void Wheel::put_far(uint32_t slot, Cycle cycle) {
  TILEWRIGHT_CHECK(cycle > now_, "a slot was woken for a cycle that is over");
  far_.emplace(cycle, slot);
  next_far_ = far_.top().first;
}

void Wheel::pull_far() {
  while (!far_.empty() && far_.top().first - now_ < kBuckets) {
    wake(far_.top().second, far_.top().first);
    far_.pop();
  }
  next_far_ = far_.empty() ? kNever : far_.top().first;
}

Scheduler::Scheduler(const sc_core::sc_module_name& name, Stepping stepping)
    : sc_core::sc_module(name), stepping_(stepping) {
  SC_METHOD(host);
  sensitive << start_;
  dont_initialize();
}

uint32_t Scheduler::add_domain(const Clock& clock) {
  domains_.emplace_back(clock);
  return static_cast<uint32_t>(domains_.size() - 1);
}

uint32_t Scheduler::add_slot(uint32_t domain, void* object, Act act) {
  std::vector<Slot>& slots = domains_[domain].slots;
  TILEWRIGHT_CHECK(slots.size() < Wheel::kSlots, "a clock domain has more slots than its wheel");
  slots.push_back({object, act});
  domains_[domain].wheel.set_slots(slots.size());
  return static_cast<uint32_t>(slots.size() - 1);
}

void Scheduler::reset() {
  for (Domain& domain : domains_) {
    domain.wheel.reset();
    set_next(domain, stepping_ == Stepping::kEveryCycle ? 0 : kNever);
  }
}

bool Scheduler::run(Cycle limit) {
  limit_ = limit;
  finished_ = false;
  if (stepping_ == Stepping::kOnWake) {
    for (Domain& domain : domains_) {
      set_next(domain, domain.wheel.first());
    }
  }
  epoch_ = sc_core::sc_time_stamp().value();
  start_.notify(sc_core::SC_ZERO_TIME);
  failure_ = nullptr;
  sc_core::sc_start();  // returns once no event is pending: host() asked for no further trigger
  if (failure_ != nullptr) {
    std::rethrow_exception(failure_);
  }
  return finished_;
}

// How far this activation may run ahead of kernel time: not past what other processes of the kernel wait for.
Femtoseconds Scheduler::horizon() const {
  const Femtoseconds now = sc_core::sc_time_stamp().value() - epoch_;
  const Femtoseconds quantum = domains_[0].clock.edge_time(look_ahead_);
  const Femtoseconds others = sc_core::sc_time_to_pending_activity().value();
  return now + std::min(quantum, others);
}

void Scheduler::host() {
  try {
    advance();
  } catch (...) {
    failure_ = std::current_exception();
  }
}

template <std::size_t words>
inline void Scheduler::run_cycle(Domain& domain) {
  const Cycle now = domain.next;
  if (stepping_ == Stepping::kEveryCycle) {
    for (const Slot& slot : domain.slots) {
      slot.act(slot.object, now);
    }
    domain.next = now + 1;
    return;
  }
  const Slot* const slots = domain.slots.data();
  domain.wheel.run<words>(now, [=](uint32_t slot) { slots[slot].act(slots[slot].object, now); });
  domain.next = domain.wheel.next();
}

// One domain has no order of edges to find out.
template <std::size_t words>
void Scheduler::advance_alone(Domain& domain, Femtoseconds end) {
  const Cycle limit = std::min(limit_, kNever - 1);
  const Cycle last = std::min(domain.clock.first_edge_strictly_after(end) - 1, limit);
  while (!finished_ && domain.next <= last) {
    run_cycle<words>(domain);
  }
  if (!finished_ && domain.next <= limit) {
    wait_for(domain.clock.edge_time(domain.next));
  }
}

void Scheduler::advance() {
  throw_if_interrupted();
  const Femtoseconds end = horizon();
  if (domains_.size() == 1) {
    Domain& domain = domains_[0];
    switch (domain.wheel.words()) {
      case 1:
        return advance_alone<1>(domain, end);
      case 2:
        return advance_alone<2>(domain, end);
      default:
        return advance_alone<0>(domain, end);
    }
  }
  while (!finished_) {
    Domain& domain = *earliest_domain();
    if (domain.next_time == kNever || past_limit()) {
      return;  // nothing will ever happen again, or it takes too long: run() reports that it did not finish
    }
    if (domain.next_time > end) {
      wait_for(domain.next_time);
      return;
    }
    run_cycle<0>(domain);
    set_next(domain, domain.next);
  }
}

void Scheduler::wait_for(Femtoseconds time) {
  const Femtoseconds now = sc_core::sc_time_stamp().value() - epoch_;
  next_trigger(sc_core::sc_time::from_value(time - now));
}

Scheduler::Domain* Scheduler::earliest_domain() {
  Domain* earliest = domains_.data();
  const Domain* const end = earliest + domains_.size();
  for (Domain* other = earliest + 1; other != end; ++other) {
    earliest = other->next_time < earliest->next_time ? other : earliest;
  }
  return earliest;
}

}  // namespace tilewright::engine
