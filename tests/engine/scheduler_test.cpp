// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/scheduler.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "sim/base/error.h"
#include "sim/engine/context.h"

using tilewright::Cycle;
using tilewright::Hertz;
using tilewright::engine::Clock;
using tilewright::engine::Scheduler;
using tilewright::engine::SimulationContext;
using tilewright::engine::Stepping;

namespace {

struct Entry {
  char who;
  Cycle cycle;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// Two domains at 1 GHz and 0.8 GHz; `a` and `b` share the first.
struct Machine {
  explicit Machine(Stepping stepping) : scheduler("scheduler", stepping) {
    scheduler.add_domain(Clock(Hertz{1'000'000'000}));
    scheduler.add_domain(Clock(Hertz{800'000'000}));
    a = scheduler.add_slot<Machine, &Machine::act_a>(0, this);
    b = scheduler.add_slot<Machine, &Machine::act_b>(0, this);
    c = scheduler.add_slot<Machine, &Machine::act_c>(1, this);
  }
  void act_a(Cycle now) { log.push_back({'a', now}); }
  void act_b(Cycle now) {
    log.push_back({'b', now});
    if (now >= last) {
      scheduler.finish();
    }
  }
  void act_c(Cycle now) { log.push_back({'c', now}); }

  Scheduler scheduler;
  uint32_t a = 0, b = 0, c = 0;
  Cycle last = 3;
  std::vector<Entry> log;
};

}  // namespace

TEST_CASE("every cycle of every domain is stepped in order of time") {
  const SimulationContext context;
  const SimulationContext::Use use(context);
  const auto machine = std::make_unique<Machine>(Stepping::kEveryCycle);
  CHECK(machine->scheduler.run(100));
  const std::vector<Entry> expected = {{'a', 0}, {'b', 0}, {'c', 0}, {'a', 1}, {'b', 1}, {'c', 1},
                                       {'a', 2}, {'b', 2}, {'c', 2}, {'a', 3}, {'b', 3}};
  CHECK(machine->log == expected);
}

TEST_CASE("woken slots act once a cycle, lowest first, near and far, across runs") {
  const SimulationContext context;
  const SimulationContext::Use use(context);
  const auto machine = std::make_unique<Machine>(Stepping::kOnWake);
  machine->last = 5000;
  for (int run = 0; run < 2; ++run) {
    machine->log.clear();
    machine->scheduler.reset();
    machine->scheduler.wake(0, machine->b, 7);
    machine->scheduler.wake(0, machine->a, 7);
    machine->scheduler.wake(0, machine->a, 7);
    machine->scheduler.wake(0, machine->b, 5000);  // beyond the wheel's span
    machine->scheduler.wake(1, machine->c, 6);     // 7.5 ns
    CHECK(machine->scheduler.run(10'000));
    CHECK(machine->log == std::vector<Entry>{{'a', 7}, {'b', 7}, {'c', 6}, {'b', 5000}});
  }
}

TEST_CASE("a run in which nothing is left to happen did not finish") {
  const SimulationContext context;
  const SimulationContext::Use use(context);
  const auto machine = std::make_unique<Machine>(Stepping::kOnWake);
  machine->scheduler.reset();
  machine->scheduler.wake(0, machine->a, 3);
  CHECK_FALSE(machine->scheduler.run(100));
  CHECK(machine->log.size() == 1);
}

TEST_CASE("a run stops at its limit") {
  const SimulationContext context;
  const SimulationContext::Use use(context);
  const auto machine = std::make_unique<Machine>(Stepping::kEveryCycle);
  machine->last = 1'000'000;
  CHECK_FALSE(machine->scheduler.run(50));
}

TEST_CASE("what a slot throws comes out of run, and the machine can run again") {
  const SimulationContext context;
  const SimulationContext::Use use(context);
  struct Thrower {
    bool armed = true;
    Scheduler* scheduler = nullptr;
    void act(Cycle) {
      if (armed) {
        throw tilewright::InternalError("from within");
      }
      scheduler->finish();
    }
  } thrower;
  Scheduler scheduler("scheduler", Stepping::kEveryCycle);
  thrower.scheduler = &scheduler;
  scheduler.add_domain(Clock(Hertz{1'000'000}));
  scheduler.add_slot<Thrower, &Thrower::act>(0, &thrower);
  CHECK_THROWS_WITH_AS(scheduler.run(10), "from within", tilewright::InternalError);
  thrower.armed = false;
  scheduler.reset();
  CHECK(scheduler.run(10));
}
