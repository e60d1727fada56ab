// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/event/mutation.h"

#include <doctest/doctest.h>

#include "sim/base/error.h"
#include "sim/gpu/simulator.h"
#include "tests/gpu/random_kernel.h"

using tilewright::gpu::active_mutation;
using tilewright::gpu::Fidelity;
using tilewright::gpu::GpuResult;
using tilewright::gpu::GpuSimulator;
using tilewright::gpu::Mutation;
using tilewright::gpu::testing::Case;
using tilewright::gpu::testing::Pressure;
using tilewright::gpu::testing::random_case;

namespace {

// Ends of CTAs only: a mutant that changes nothing but a counter would be too easy.
bool differs(uint64_t seed, Mutation mutation) {
  const Case random = random_case(seed, static_cast<Pressure>(seed % 3));
  const GpuResult sane = GpuSimulator(random.spec, Fidelity::kEvent).run(random.kernel);
  bool different = false;
  active_mutation() = mutation;
  try {
    const GpuResult mutant = GpuSimulator(random.spec, Fidelity::kEvent).run(random.kernel, sane.cycles * 2 + 1000);
    for (std::size_t c = 0; c < sane.ctas.size(); ++c) {
      different = different || sane.ctas[c].end != mutant.ctas[c].end;
    }
  } catch (const tilewright::InternalError&) {
    different = true;  // it got stuck, or woke somebody for a cycle that was over
  }
  active_mutation() = Mutation::kNone;
  return different;
}

}  // namespace

// The sane event model equals tick on these seeds (fuzz_test), so a mutant that differs from it differs from tick.
TEST_CASE("the fuzz notices a bug in every resource of the event model") {
  for (int m = 1; m < static_cast<int>(Mutation::kCount); ++m) {
    CAPTURE(m);
    uint64_t caught_at = 0;
    for (uint64_t seed = 1; seed <= 400 && caught_at == 0; ++seed) {
      caught_at = differs(seed, static_cast<Mutation>(m)) ? seed : 0;
    }
    CHECK(caught_at > 0);
    MESSAGE("mutant " << m << " is caught at seed " << caught_at);
  }
}
