// SPDX-License-Identifier: Apache-2.0
//
// How near the bound is where compute decides: at least 1.25 times every other term, and an ideal of 20,000 cycles.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "mappers/lower/lower.h"
#include "mappers/model/model.h"
#include "sim/accel/simulator.h"
#include "tests/mappers/large_case.h"

namespace tilewright::mappers {
namespace {

bool compute_decides(const Evaluation& evaluation) {
  const double compute = evaluation.terms[static_cast<std::size_t>(Term::kCompute)];
  for (std::size_t i = 0; i < kTermCount; ++i) {
    if (static_cast<Term>(i) != Term::kCompute && compute < 1.25 * evaluation.terms[i]) {
      return false;
    }
  }
  return evaluation.waits <= 0.01 * compute;
}

TEST_CASE("where compute decides, the simulator is at most 5 % above the bound") {
  uint64_t cases = 0;
  double worst = 1;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    const testing::RandomCase drawn = testing::large_case(seed);
    if (double(drawn.layer.macs()) < 20'000.0 * double(drawn.spec.macs_per_cycle())) {
      continue;
    }
    LayerModel model(drawn.layer, drawn.spec, drawn.residency, {});
    Evaluation modelled;
    REQUIRE(model.evaluate(drawn.mapping, modelled));
    if (!compute_decides(modelled)) {
      continue;
    }
    if (modelled.cycles > 3e5) continue;
    const TileProgram program = lower(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    accel::AcceleratorSimulator simulator(drawn.spec, accel::Fidelity::kEvent);
    const auto res = simulator.run(program); const double simulated = double(res.cycles); std::string st; for (auto x : {Stall::kBusy, Stall::kWeightWait, Stall::kInputWait, Stall::kOutputFull, Stall::kIdle}) st += fmt::format(" {}={:.2f}", name(x), double(res.stalls.at("pe")[x])/simulated/drawn.spec.pe_count); 
    const double ratio = simulated / modelled.cycles;
    CAPTURE(seed);
    CAPTURE(describe(drawn.mapping));
    worst = std::max(worst, ratio);
    ++cases;
    std::string t;
    for (std::size_t i = 0; i < kTermCount; ++i) t += fmt::format(" {}={:.2f}", name(Term(i)), modelled.terms[i]/modelled.cycles);
    const Plan p(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    fmt::print("R {:.3f} seed {} cyc {} {} scope {}/{} sets {} {} buf {} {}; {} {} | {} rows {} pes {} chunks {}/{} link {}\n", ratio, seed, simulated, describe(drawn.mapping), int(p.lane.scope), int(p.stream.scope), p.lane.set_bytes, p.stream.set_bytes, drawn.spec.pe.weight_buffer.value, drawn.spec.pe.input_buffer.value, t, drawn.layer.name, st, drawn.spec.noc.rows, drawn.spec.pe_count, p.lane.chunk_bytes, p.stream.chunk_bytes, drawn.spec.noc.link_bytes_per_cycle);
    CHECK(ratio >= 1);
    CHECK(ratio <= 1.05);
  }
  MESSAGE(cases << " cases, worst " << worst);
  CHECK(cases > 100);
}

}  // namespace
}  // namespace tilewright::mappers
