// SPDX-License-Identifier: Apache-2.0
//
// How near the bound is where compute decides: at least 1.25 times every other term, an ideal of 20,000 cycles, and no
// wait expected (at most 1 %).
#include <doctest/doctest.h>

#include <algorithm>

#include "mappers/lower/lower.h"
#include "mappers/model/model.h"
#include "sim/accel/simulator.h"
#include "tests/mappers/compute_decides.h"
#include "tests/mappers/large_case.h"

namespace tilewright::mappers {
namespace {

// Known gap: of random mappings about one in fifty is more than 5 % above the bound, the worst by a quarter. docs/mapper.md,
// "How near", says of each what it waits for.
TEST_CASE("where compute decides, the simulator is within 5 % of the bound") {
  uint64_t cases = 0, near = 0;
  double worst = 1;
  for (uint64_t seed = 1; seed <= 1600; ++seed) {
    const testing::RandomCase drawn = testing::large_case(seed);
    if (double(drawn.layer.macs()) < 20'000.0 * double(drawn.spec.macs_per_cycle())) {
      continue;
    }
    LayerModel model(drawn.layer, drawn.spec, drawn.residency, {});
    Evaluation modelled;
    REQUIRE(model.evaluate(drawn.mapping, modelled));
    if (!testing::compute_decides(modelled) || modelled.cycles > 250'000) {  // longer ones take long to simulate
      continue;
    }
    const TileProgram program = lower(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    accel::AcceleratorSimulator simulator(drawn.spec, accel::Fidelity::kEvent);
    const double ratio = double(simulator.run(program).cycles) / modelled.cycles;
    CAPTURE(seed);
    CAPTURE(describe(drawn.mapping));
    CHECK(ratio >= 1);
    CHECK(ratio <= 1.30);
    worst = std::max(worst, ratio);
    near += ratio <= 1.05 ? 1 : 0;
    ++cases;
  }
  MESSAGE(near << " of " << cases << " cases within 5 %, the worst at " << worst);
  CHECK(cases >= 200);
  CHECK(double(near) >= 0.98 * double(cases));
  CHECK(near < cases);  // or the gap is closed: say so in the documentation
}

}  // namespace
}  // namespace tilewright::mappers
