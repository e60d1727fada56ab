// SPDX-License-Identifier: Apache-2.0
//
// `event` equals `tick`: same completion cycle of every transaction, same counts, over random specifications
// and traffic; and each fault seeded into `event` is noticed by the same comparison with the same budget.
#include <doctest/doctest.h>

#include <cstdlib>

#include "dram_fuzz.h"

namespace tilewright::memory {
namespace {

// More by hand: TILEWRIGHT_FUZZ_CASES=200000.
uint64_t number_of_cases() {
  const char* const wanted = std::getenv("TILEWRIGHT_FUZZ_CASES");
  return wanted == nullptr ? 10000 : std::strtoull(wanted, nullptr, 10);
}
const uint64_t kCases = number_of_cases();

uint32_t transactions_of(DramFuzz& fuzz) {
  return fuzz.chance(10) ? 400 : fuzz.number(1, 120);
}

TEST_CASE("event equals tick on random specifications and traffic") {
  uint64_t bursts = 0;
  for (uint64_t seed = 1; seed <= kCases; ++seed) {
    DramFuzz fuzz(seed);
    const arch::DramSpec spec = fuzz.spec();
    const Traffic traffic = fuzz.traffic(spec, transactions_of(fuzz));
    const Outcome tick = play_tick(spec, traffic);
    const Outcome event = play_event(spec, traffic, Mutation::kNone, seed % 4 == 0);
    CAPTURE(seed);
    REQUIRE(tick.finished);
    REQUIRE(event.finished);
    REQUIRE(tick.completed == event.completed);
    REQUIRE(tick.statistics == event.statistics);
    const DramStatistics& counts = tick.statistics;
    CHECK(counts.row_hits + counts.row_misses + counts.row_conflicts ==
          counts.read_bursts + counts.write_bursts);
    bursts += counts.read_bursts + counts.write_bursts;
  }
  MESSAGE(bursts, " bursts compared");
}

TEST_CASE("every seeded fault is noticed") {
  for (uint8_t each = 1; each < static_cast<uint8_t>(Mutation::kCount); ++each) {
    uint64_t noticed_at = 0;
    for (uint64_t seed = 1; seed <= kCases && noticed_at == 0; ++seed) {
      DramFuzz fuzz(seed);
      const arch::DramSpec spec = fuzz.spec();
      const Traffic traffic = fuzz.traffic(spec, transactions_of(fuzz));
      const Outcome right = play_tick(spec, traffic);
      const Outcome faulty = play_event(spec, traffic, static_cast<Mutation>(each));
      noticed_at = right == faulty ? 0 : seed;
    }
    CAPTURE(int{each});
    CHECK(noticed_at != 0);
    MESSAGE("fault ", int{each}, " noticed in case ", noticed_at);
  }
}

}  // namespace
}  // namespace tilewright::memory
