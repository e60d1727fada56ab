// SPDX-License-Identifier: Apache-2.0
//
// The one process of a simulated machine. Modules are real sc_modules with ports, but their cycle work is called from
// here: every cycle of their domain (kEveryCycle, for `tick`), or only at cycles they asked for (kOnWake, for
// `event`). All clock domains are carried; edges are taken in order of time, and where two coincide by domain index
// (which cannot matter, since a crossing is seen strictly later).
//
// Time inside is cycles of the domain, counted from the start of the run; sc_time exists only at the kernel's
// boundary, and lags within a look-ahead window of `kLookAhead` cycles unless the run is traced.
#pragma once

#include <systemc>

#include <exception>
#include <string>
#include <vector>

#include "sim/base/units.h"
#include "sim/engine/clock.h"
#include "sim/engine/wheel.h"

namespace tilewright::engine {

enum class Stepping : uint8_t { kEveryCycle, kOnWake };

class Scheduler : public sc_core::sc_module {
 public:
  using Act = void (*)(void* object, Cycle now);

  SC_HAS_PROCESS(Scheduler);
  Scheduler(const sc_core::sc_module_name& name, Stepping stepping);

  // Construction: domains first, then slots. Slots of a domain act in the order in which they were added.
  uint32_t add_domain(const Clock& clock);
  template <typename Object, void (Object::*method)(Cycle)>
  uint32_t add_slot(uint32_t domain, Object* object) {
    return add_slot(domain, object, [](void* self, Cycle now) { (static_cast<Object*>(self)->*method)(now); });
  }

  const Clock& clock(uint32_t domain) const { return domains_[domain].clock; }

  // kOnWake only; ignored when every cycle is stepped.
  void wake(uint32_t domain, uint32_t slot, Cycle cycle) {
    if (stepping_ == Stepping::kOnWake) {
      Domain& woken = domains_[domain];
      woken.wheel.wake(slot, cycle);
      if (cycle < woken.next) {
        set_next(woken, cycle);
      }
    }
  }

  // The same for slots that only slots of their own domain wake, without the way through the scheduler; for
  // kOnWake.
  Wheel& wheel(uint32_t domain) { return domains_[domain].wheel; }

  // Before a run: all domains back to cycle 0, nothing woken.
  void reset();

  // Runs from cycle 0 of every domain until finish() is called; returns false if nothing is left to happen before
  // (a deadlock), or if `limit` cycles of domain 0 pass. What a slot throws comes out of here.
  bool run(Cycle limit);
  void finish() { finished_ = true; }

  void set_traced(bool traced) { look_ahead_ = traced ? 0 : kLookAhead; }

 private:
  static constexpr Cycle kLookAhead = 100'000;

  struct Slot {
    void* object;
    Act act;
  };
  struct Domain {
    explicit Domain(const Clock& with_clock) : clock(with_clock) {}
    Clock clock;
    Wheel wheel;
    std::vector<Slot> slots;
    Cycle next = 0;              // the cycle to run next; kNever if none
    Femtoseconds next_time = 0;  // its edge
  };

  uint32_t add_slot(uint32_t domain, void* object, Act act);
  void host();
  void advance();
  template <std::size_t words>
  void advance_alone(Domain& domain, Femtoseconds end);
  void wait_for(Femtoseconds time);
  Domain* earliest_domain();
  template <std::size_t words>
  void run_cycle(Domain& domain);
  static void set_next(Domain& domain, Cycle next) {
    domain.next = next;
    domain.next_time = next == kNever ? kNever : domain.clock.edge_time(next);
  }
  bool past_limit() const { return domains_[0].next != kNever && domains_[0].next > limit_; }
  Femtoseconds horizon() const;

  Stepping stepping_;
  std::vector<Domain> domains_;
  sc_core::sc_event start_{"start"};
  Cycle look_ahead_ = kLookAhead;
  Cycle limit_ = 0;
  Femtoseconds epoch_ = 0;  // kernel time at which the present run began
  bool finished_ = true;
  std::exception_ptr failure_;  // the kernel would wrap it and die: run() throws it instead
};

}  // namespace tilewright::engine
