// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/mutation.h"

#include <doctest/doctest.h>

#include "sim/accel/simulator.h"
#include "sim/base/error.h"
#include "tests/accel/random_program.h"

using tilewright::accel::AcceleratorSimulator;
using tilewright::accel::active_mutation;
using tilewright::accel::Fidelity;
using tilewright::accel::LayerResult;
using tilewright::accel::Mutation;
using tilewright::accel::testing::Case;
using tilewright::accel::testing::Pressure;
using tilewright::accel::testing::random_case;

namespace {

// Cycles only: a mutant that changes nothing but a counter would be too easy.
bool differs(uint64_t seed, Mutation mutation) {
  const Case random = random_case(seed, static_cast<Pressure>(seed % 3));
  try {
    const LayerResult sane = AcceleratorSimulator(random.spec, Fidelity::kEvent).run(random.program);
    active_mutation() = mutation;
    const LayerResult mutant = AcceleratorSimulator(random.spec, Fidelity::kEvent).run(random.program);
    active_mutation() = Mutation::kNone;
    return sane.cycles != mutant.cycles;
  } catch (const tilewright::InternalError&) {
    active_mutation() = Mutation::kNone;
    return false;
  }
}

}  // namespace

// The sane event model equals tick on these seeds (fuzz_test), so a mutant that differs from it differs from tick.
TEST_CASE("the fuzz notices a bug in every resource of the event model") {
  for (int m = 1; m < static_cast<int>(Mutation::kCount); ++m) {
    CAPTURE(m);
    uint64_t caught_at = 0;
    for (uint64_t seed = 1; seed <= 1200 && caught_at == 0; ++seed) {
      caught_at = differs(seed, static_cast<Mutation>(m)) ? seed : 0;
    }
    CHECK(caught_at > 0);
    MESSAGE("mutant " << m << " is caught at seed " << caught_at);
  }
}
