// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "sim/base/error.h"
#include "sim/gpu/simulator.h"
#include "tests/gpu/random_kernel.h"

using tilewright::gpu::Fidelity;
using tilewright::gpu::GpuResult;
using tilewright::gpu::GpuSimulator;
using tilewright::gpu::testing::Case;
using tilewright::gpu::testing::Pressure;
using tilewright::gpu::testing::random_case;

namespace {

// More than CI's share for a long run: TILEWRIGHT_FUZZ_CASES=20000 build/release/tests/gpu/gpu_fuzz_test
uint64_t number_of_cases() {
  const char* const wanted = std::getenv("TILEWRIGHT_FUZZ_CASES");
  return wanted != nullptr ? std::stoull(wanted) : 400;
}

}  // namespace

TEST_CASE("tick and event agree in everything on random machines and kernels") {
  const char* const only = std::getenv("TILEWRIGHT_FUZZ_SEED");
  const uint64_t first = only != nullptr ? std::stoull(only) : 1;
  const uint64_t last = only != nullptr ? first : number_of_cases();
  for (uint64_t seed = first; seed <= last; ++seed) {
    const Case random = random_case(seed, static_cast<Pressure>(seed % 3));
    CAPTURE(seed);
    const GpuResult event = GpuSimulator(random.spec, Fidelity::kEvent).run(random.kernel, 10'000'000);
    const GpuResult tick = GpuSimulator(random.spec, Fidelity::kTick).run(random.kernel, event.cycles + 10'000);
    REQUIRE(tick.cycles == event.cycles);
    for (std::size_t c = 0; c < event.ctas.size(); ++c) {
      CAPTURE(c);
      REQUIRE(tick.ctas[c].begin == event.ctas[c].begin);
      REQUIRE(tick.ctas[c].end == event.ctas[c].end);
      REQUIRE(tick.ctas[c].stamps == event.ctas[c].stamps);
    }
    for (std::size_t r = 0; r < event.roles.size(); ++r) {
      CAPTURE(r);
      REQUIRE(tick.roles[r].issued == event.roles[r].issued);
      for (std::size_t s = 0; s < tilewright::gpu::kWarpStallCount; ++s) {
        CAPTURE(s);
        REQUIRE(tick.roles[r].stalls[s] == event.roles[r].stalls[s]);
      }
    }
    REQUIRE(tick.counts.dram_bytes == event.counts.dram_bytes);
    REQUIRE(tick.counts.dram_activates == event.counts.dram_activates);
    REQUIRE(tick == event);
  }
}
