// SPDX-License-Identifier: Apache-2.0
//
// The analytic model against the simulator, on random machines, layers and mappings: the mapping-determined
// counts are equal, the cycles a lower bound. And its floors against the model.
#include <doctest/doctest.h>

#include "mappers/lower/lower.h"
#include "mappers/model/model.h"
#include "sim/accel/simulator.h"
#include "sim/base/units.h"
#include "tests/mappers/machines.h"
#include "tests/mappers/random_case.h"

namespace tilewright::mappers {
namespace {

using testing::random_case;
using testing::RandomCase;

TEST_CASE("random mappings: counts equal the simulator's, cycles are a lower bound") {
  // Seeds whose bound on the memory was too high once: their last tiles touch padding.
  constexpr std::array<uint64_t, 3> kOnceTooHigh{13285, 33454, 33976};
  uint64_t cases = 0, bypasses = 0;
  for (uint64_t at = 0; at < 4000 + kOnceTooHigh.size(); ++at) {
    const uint64_t seed = at < 4000 ? at + 1 : kOnceTooHigh[at - 4000];
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

bool below(const Evaluation& evaluation, const LayerModel::Floor& floor) {
  constexpr double kRounding = 1 + 1e-12;
  return evaluation.cycles * kRounding < floor.cycles || evaluation.energy_j * kRounding < floor.energy_j ||
         evaluation.expected_cycles() * kRounding < floor.expected;
}

struct Seen {
  uint64_t below_pair = 0, below_order = 0, at_order = 0, mappings = 0;
};

// Both orders of tiles, few and many slots.
void hold_floors(LayerModel& model, const Mapping& m, const Halves& halves, Seen& seen) {
  const bool depthwise = halves.form->depthwise;
  const uint64_t lanes = depthwise ? 1 : halves.lanes->tiles, pixels = halves.pixels->tiles;
  LayerModel::Floor pair = model.floor_of(halves);
  LayerModel::add_contention(pair);
  Evaluation evaluation;
  for (const LoopOrder pe_order : {LoopOrder::kWeightsOuter, LoopOrder::kPixelsOuter}) {
    for (const LoopOrder tile_order : {LoopOrder::kWeightsOuter, LoopOrder::kPixelsOuter}) {
      const bool lanes_outer = tile_order == LoopOrder::kWeightsOuter;
      const uint64_t inner = lanes_outer ? pixels : lanes;
      std::array<std::optional<LayerModel::Floor>, 2> order;  // [kept]
      for (const bool keeps : {false, true}) {
        order[keeps] = model.floor_of_order(halves, {m.dataflow, pe_order, tile_order}, keeps);
      }
      for (const uint32_t in : {1, 2, 5, 4096}) {
        for (const uint32_t weight : {1, 2, 5, 4096}) {
          for (const uint32_t out : {1, 2, 5, 4096}) {
            if (!model.combine(halves, {m.dataflow, pe_order, tile_order, in, weight, out}, evaluation)) {
              continue;
            }
            const bool inner_is_input = lanes_outer != m.swap_operands;
            const bool keeps = lanes > 1 && pixels > 1 && (inner_is_input ? in : weight) >= inner;
            ++seen.mappings;
            seen.below_pair += below(evaluation, pair) ? 1 : 0;
            seen.below_order += !order[keeps] || below(evaluation, *order[keeps]) ? 1 : 0;
            seen.at_order +=
                order[keeps] && evaluation.expected_cycles() <= order[keeps]->expected * (1 + 1e-12) ? 1 : 0;
          }
        }
      }
    }
  }
}

TEST_CASE("random mappings: none is below the floors of its halves and of its loop orders") {
  std::array<Seen, 2> seen;  // [weights past the global buffer]
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    const RandomCase drawn = random_case(seed);
    if (!drawn.layer.on_pe_array) {
      continue;
    }
    CAPTURE(seed);
    CAPTURE(describe(drawn.mapping));
    LayerModel model(drawn.layer, drawn.spec, drawn.residency, testing::some_rates());
    Mapping mapping = drawn.mapping;
    Halves halves;
    REQUIRE(model.prepare(mapping, halves));
    Seen& of_kind = seen[halves.bypass];
    hold_floors(model, mapping, halves, of_kind);
    CHECK(of_kind.below_pair == 0);
    CHECK(of_kind.below_order == 0);
    of_kind.below_pair = of_kind.below_order = 0;
  }
  for (const Seen& of_kind : seen) {
    CHECK(of_kind.mappings > 50'000);
    CHECK(of_kind.at_order > of_kind.mappings / 20);  // or a floor of nothing would do
  }
  MESSAGE(seen[0].mappings << " mappings, " << seen[0].at_order
                           << " at the floor of their loop orders; with weights past the "
                           << "global buffer " << seen[1].mappings << ", " << seen[1].at_order);
}

}  // namespace
}  // namespace tilewright::mappers
