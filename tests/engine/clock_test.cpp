// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/clock.h"

#include <doctest/doctest.h>

#include <random>

#include "sim/base/error.h"

using tilewright::Cycle;
using tilewright::Hertz;
using tilewright::engine::Clock;
using tilewright::engine::Crossing;

TEST_CASE("edges lie at the ceiling of the exact time") {
  const Clock clock(Hertz{3'000'000'000'000});  // period 333.33 fs
  CHECK(clock.edge_time(0) == 0);
  CHECK(clock.edge_time(1) == 334);
  CHECK(clock.edge_time(2) == 667);
  CHECK(clock.edge_time(3) == 1000);
  CHECK(clock.edge_time(3'000'000'000'000) == 1'000'000'000'000'000);
}

TEST_CASE("a crossing is seen at the first edge strictly later") {
  const Clock fast(Hertz{1'000'000'000});
  const Clock slow(Hertz{800'000'000});
  CHECK(fast.seen_by(slow, 0) == 1);  // both edges at 0: not yet
  CHECK(fast.seen_by(slow, 1) == 1);  // 1 ns -> 1.25 ns
  CHECK(fast.seen_by(slow, 5) == 5);  // 5 ns -> edge 4 coincides, so edge 5
  CHECK(slow.seen_by(fast, 4) == 6);
  CHECK(fast.seen_by(fast, 7) == 8);
}

TEST_CASE("the inverse of edge_time is exact for odd ratios") {
  const Clock clock(Hertz{975'000'000});
  for (Cycle cycle = 0; cycle < 100'000; cycle += 7) {
    CHECK(clock.first_edge_strictly_after(clock.edge_time(cycle)) == cycle + 1);
    if (cycle > 0) {
      CHECK(clock.first_edge_strictly_after(clock.edge_time(cycle) - 1) == cycle);
    }
  }
}

// Whole megahertz take the short way, odd frequencies (which may round two edges to one femtosecond) the long
// one.
TEST_CASE("a crossing in one division is that of the edges in femtoseconds") {
  std::mt19937_64 random(1);
  for (int pair = 0; pair < 2000; ++pair) {
    const uint64_t unit = pair % 4 == 0 ? 1 : pair % 4 == 1 ? 1'000 : 1'000'000;
    const Clock from(Hertz{unit * (random() % (3'000'000'000 / unit) + 1)});
    const Clock to(Hertz{unit * (random() % (3'000'000'000 / unit) + 1)});
    const Crossing crossing(from, to);
    for (int i = 0; i < 20; ++i) {
      const Cycle cycle = 1 + random() % (uint64_t{1} << (1 + random() % 30));
      CAPTURE(pair);
      CAPTURE(cycle);
      if (from.frequency() < 1'000'000) {  // 2^30 such cycles are longer than a time can be
        continue;
      }
      CHECK(crossing.seen(cycle) == from.seen_by(to, cycle));
      CHECK(crossing.last_before(cycle) == to.first_edge_strictly_after(from.edge_time(cycle) - 1) - 1);
    }
  }
}

TEST_CASE("impossible clocks are refused") {
  CHECK_THROWS_AS(Clock(Hertz{0}), tilewright::UserError);
  CHECK_THROWS_AS(Clock(Hertz{2'000'000'000'000'000}), tilewright::UserError);
}
