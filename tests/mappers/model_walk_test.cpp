// SPDX-License-Identifier: Apache-2.0
//
// The analytic model on small cases, against loops walked element by element, and its parts against brute force.
#include <doctest/doctest.h>

#include "mappers/model/lines.h"
#include "mappers/model/model.h"
#include "sim/base/error.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/loop_walk.h"
#include "tests/mappers/machines.h"
#include "tests/mappers/random_case.h"

namespace tilewright::mappers {
namespace {

TEST_CASE("lines touched by pieces: closed form against a walk") {
  for (uint64_t line : {1U, 3U, 32U, 64U, 256U}) {
    for (uint64_t seed = 1; seed <= 300; ++seed) {
      testing::RandomSource random(seed);
      const uint64_t start = random.between(0, 500), bytes = random.between(1, 300), stride = random.between(0, 700);
      const uint64_t count = random.between(1, 60);
      uint64_t walked = 0;
      for (uint64_t i = 0; i < count; ++i) {
        walked += lines_of(start + i * stride, bytes, line);
      }
      REQUIRE(lines_of_run(start, bytes, stride, count, line) == walked);
    }
  }
}

TEST_CASE("small mappings: every count is that of the loops, walked element by element") {
  uint64_t cases = 0;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    const testing::RandomCase drawn = testing::random_case(seed);
    if (!drawn.layer.on_pe_array || drawn.layer.macs() > 30'000) {
      continue;
    }
    CAPTURE(seed);
    CAPTURE(describe(drawn.mapping));
    LayerModel model(drawn.layer, drawn.spec, drawn.residency, {});
    Evaluation modelled;
    REQUIRE(model.evaluate(drawn.mapping, modelled));
    const auto walked = testing::walk_loops(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    for (std::size_t i = 0; i < kActionCount; ++i) {
      CAPTURE(info(static_cast<Action>(i)).name);
      REQUIRE(modelled.counts[i] == walked[i]);
    }
    ++cases;
  }
  CHECK(cases > 400);
}

TEST_CASE("energy rates give what the energy formulas give") {
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  spec.operating_point.voltage = Volts{0.67};
  arch::EnergyTable table;
  table.reference.voltage = Volts{0.6};
  table.toggle_rate.nominal = 0.8;
  table.datapath.mac.nominal = Joules{60e-15};
  table.weight_buffer.read_byte.nominal = Joules{125e-15};
  table.leakage.square_millimetre.nominal = Watts{0.002};
  table.area.pe_logic_mac.nominal = SquareMetres{3e-10};
  table.dram.emplace();
  table.dram->read_bit.nominal = Joules{5e-12};
  table.dram->standby_channel.nominal = Watts{0.04};
  const EnergyRates rates = energy_rates(spec, table);
  std::array<uint64_t, kActionCount> counts{};
  Activity activity;
  for (std::size_t i = 0; i < kActionCount; ++i) {
    counts[i] = 1000 * (i + 1);
    activity.add(static_cast<Action>(i), counts[i]);
  }
  double expected = 0;
  for (const auto& [component, energy] : arch::energy_of(activity, 12345, spec, table)) {
    expected += energy.nominal;
  }
  CHECK(rates.of(counts, 12345) == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("a layer whose counts could leave 64 bits is refused, a mapping that does not fit is named") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  workloads::Layer vast = testing::linear(4'000'000'000U, 2'000'000'000U, 100);
  CHECK_THROWS_AS(LayerModel(vast, spec, {}, {}), UserError);
  LayerModel model(testing::linear(64, 64, 64), spec, {}, {});
  Mapping m;
  m.pe_channels = 17;
  Evaluation evaluation;
  CHECK(!model.evaluate(m, evaluation));
  CHECK(model.refusal() == "pe_count");
}

}  // namespace
}  // namespace tilewright::mappers
