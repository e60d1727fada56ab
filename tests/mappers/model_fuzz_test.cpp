// SPDX-License-Identifier: Apache-2.0
//
// The analytic model against the simulator, on random machines, layers and mappings: the mapping-determined counts are
// equal, the cycles a lower bound.
#include <doctest/doctest.h>

#include "mappers/lower/lower.h"
#include "mappers/model/model.h"
#include "sim/accel/simulator.h"
#include "tests/mappers/random_case.h"

namespace tilewright::mappers {
namespace {

using testing::random_case;
using testing::RandomCase;

TEST_CASE("random mappings: counts equal the simulator's, cycles are a lower bound") {
  uint64_t cases = 0, bypasses = 0;
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    const RandomCase drawn = random_case(seed);
    if (!drawn.layer.on_pe_array) {
      continue;
    }
    CAPTURE(seed);
    CAPTURE(describe(drawn.mapping));
    LayerModel model(drawn.layer, drawn.spec, drawn.residency, {});
    Evaluation modelled;
    REQUIRE(model.evaluate(drawn.mapping, modelled));
    const TileProgram program = lower(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    accel::AcceleratorSimulator simulator(drawn.spec, accel::Fidelity::kEvent);
    const accel::LayerResult simulated = simulator.run(program);
    for (std::size_t i = 0; i < kActionCount; ++i) {
      const auto action = static_cast<Action>(i);
      if (!info(action).timing_determined) {
        CAPTURE(info(action).name);
        CHECK(modelled.counts[i] == simulated.activity[action]);
      }
    }
    CAPTURE(name(modelled.limiter()));
    CHECK(modelled.cycles <= double(simulated.cycles));
    ++cases;
    bypasses += drawn.mapping.bypass == arch::Bypass::kWeights ? 1 : 0;
  }
  CHECK(cases > 2500);
  CHECK(bypasses > 600);
  MESSAGE(cases << " cases, " << bypasses << " of them with weights past the global buffer");
}

}  // namespace
}  // namespace tilewright::mappers
