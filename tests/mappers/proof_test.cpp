// SPDX-License-Identifier: Apache-2.0
//
// What branch and bound calls the optimum, against plain enumeration of the whole mapspace.
#include <doctest/doctest.h>

#include <algorithm>

#include "mappers/search/find_mapping.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/machines.h"
#include "tests/mappers/random_case.h"

namespace tilewright::mappers {
namespace {

using testing::RandomSource;

arch::AcceleratorSpec small_machine(RandomSource& random) {
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  spec.noc.rows = 2;
  spec.pe_count = 4;
  spec.pe.lanes = random.pick({2, 4});
  spec.pe.vector_size = random.pick({4, 8});
  spec.pe.weight_buffer = Bytes{random.pick({128, 512, 2048})};
  spec.pe.input_buffer = Bytes{random.pick({64, 256, 2048})};
  spec.pe.accumulator_entries = random.pick({4, 8});
  spec.global_buffer.capacity = Bytes{random.pick({1024, 2048, 8192, 65536})};
  spec.dram.channels = random.pick({1, 4});
  spec.noc.link_bytes_per_cycle = random.pick({4, 16, 64});
  spec.noc.collect_bytes_per_cycle = random.pick({2, 16});
  spec.dataflows = {arch::Dataflow::kOsLws, arch::Dataflow::kOs};
  return spec;
}

workloads::Layer small_layer(RandomSource& random) {
  switch (random.between(0, 5)) {
    case 5:  // tiles at the border touch nothing but padding
      return testing::conv2d(random.between(2, 4), random.pick({4, 8}), random.pick({4, 8}), {1, 1, random.between(1, 2)});
    case 0:
      return testing::conv2d(random.between(3, 5), random.pick({2, 8}), random.pick({4, 6}), {3, 1, 1});
    case 1:
      return testing::matmul(random.between(1, 3), random.between(3, 12), random.pick({4, 16}), random.between(2, 8));
    case 2:
      return testing::conv2d(random.between(3, 4), 4, 4, {3, 1, 1}, 4);
    default:
      return testing::linear(random.between(4, 16), random.pick({4, 10, 16}), random.pick({4, 6, 8}));
  }
}

SlotCounts slots_of(const Mapspace& space, TileRole role, uint64_t all, uint64_t inner) {
  SlotCounts counts = space.slots(role, all);
  for (const uint32_t kept : space.slots(role, inner)) {
    counts.insert(kept);
  }
  return counts;
}

// Floors of the halves, and of their loop orders with the inner loop's tiles kept or not.
struct Floors {
  LayerModel::Floor pair;
  std::array<std::optional<LayerModel::Floor>, 2> order;  // [kept]
};

bool below(const Evaluation& evaluation, const LayerModel::Floor& floor) {
  constexpr double kRounding = 1 + 1e-12;
  return evaluation.cycles * kRounding < floor.cycles || evaluation.energy_j * kRounding < floor.energy_j ||
         evaluation.expected_cycles() * kRounding < floor.expected;
}

struct Enumerated {
  double best = std::numeric_limits<double>::infinity();
  uint64_t legal = 0;
  std::vector<std::pair<double, double>> costs;  // expected cycles and energy, where wanted
  bool keep_costs = false;
  uint64_t below_floor = 0, at_floor = 0;  // of their loop orders: at, where slots make nothing worse
};

void enumerate_choices(LayerModel& model, const Mapspace& space, Mapping m, Objective objective, Enumerated& result) {
  Halves halves;
  if (!model.prepare(m, halves)) {
    return;
  }
  const bool depthwise = halves.form->depthwise;
  const uint64_t batches = depthwise ? halves.lanes->tiles : divide_up(halves.form->groups, m.pe_groups);
  const uint64_t lanes = depthwise ? 1 : halves.lanes->tiles, pixels = halves.pixels->tiles;
  const uint64_t inputs = m.swap_operands ? lanes : pixels, weights = m.swap_operands ? pixels : lanes;
  SlotCounts weight_slots = slots_of(space, TileRole::kWeight, weights * batches, weights);
  if (halves.bypass) {  // there are none
    weight_slots = {};
    weight_slots.insert(1);
  }
  Evaluation evaluation;
  Floors floors;
  floors.pair = model.floor_of(halves);
  LayerModel::add_contention(floors.pair);
  for (const auto dataflow : space.dataflows()) {
    for (const auto pe_order : space.pe_orders()) {
      for (const auto tile_order : space.tile_orders()) {
        for (const bool keeps : {false, true}) {
          floors.order[keeps] = model.floor_of_order(halves, {dataflow, pe_order, tile_order}, keeps);
        }
        const bool lanes_outer = tile_order == LoopOrder::kWeightsOuter;
        const uint64_t inner = lanes_outer ? pixels : lanes;
        const bool inner_is_input = lanes_outer != m.swap_operands;
        for (const uint32_t in : slots_of(space, TileRole::kInput, inputs * batches, inputs)) {
          for (const uint32_t weight : weight_slots) {
            for (const uint32_t out : space.slots(TileRole::kOutput, lanes * pixels * batches)) {
              if (model.combine(halves, {dataflow, pe_order, tile_order, in, weight, out}, evaluation)) {
                ++result.legal;
                const bool keeps = lanes > 1 && pixels > 1 && (inner_is_input ? in : weight) >= inner;
                const std::optional<LayerModel::Floor>& floor = floors.order[keeps];
                result.below_floor += below(evaluation, floors.pair) || !floor || below(evaluation, *floor) ? 1 : 0;
                result.at_floor += floor && evaluation.expected_cycles() <= floor->expected * (1 + 1e-12) ? 1 : 0;
                result.best = std::min(result.best, value_of(evaluation, objective));
                if (result.keep_costs) {
                  result.costs.emplace_back(evaluation.expected_cycles(), evaluation.energy_j);
                }
              }
            }
          }
        }
      }
    }
  }
}

Enumerated enumerate(LayerModel& model, const Mapspace& space, Objective objective, bool keep_costs = false) {
  Enumerated result;
  result.keep_costs = keep_costs;
  Mapping m;
  for (const Mapspace::Shape& shape : space.shapes()) {
    m.packing = shape.packing;
    m.swap_operands = shape.swap;
    m.bypass = shape.bypass;
    for (const Split& split : shape.splits) {
      m.pe_groups = split.groups;
      m.pe_channels = split.lanes;
      m.pe_pixels = split.pixels;
      for (const Mapspace::Lanes& lanes : shape.lanes) {
        m.tile_channels = lanes.tile;
        m.channel_tiles = lanes.channel_tiles;
        for (const Mapspace::Cut& cut : shape.cuts) {
          m.chunk_kernel_rows = cut.kernel_rows;
          m.chunk_channels = cut.channels;
          for (const Mapspace::Axis& rows : shape.rows) {
            m.tile_rows = rows.tile;
            m.block_rows = rows.block;
            for (const Mapspace::Axis& columns : shape.columns) {
              m.tile_columns = columns.tile;
              m.block_columns = columns.block;
              enumerate_choices(model, space, m, objective, result);
            }
          }
        }
      }
    }
  }
  return result;
}

TEST_CASE("the proven optimum of fifty small layers is that of plain enumeration") {
  uint64_t proven = 0, enumerated = 0, evaluated = 0, at_floor = 0, unproven = 0, bypasses = 0;
  for (uint64_t seed = 1; proven < 50 && seed < 200; ++seed) {
    RandomSource random(seed);
    arch::AcceleratorSpec spec = small_machine(random);
    spec.dma.bypass = seed % 2 == 0 ? arch::Bypass::kWeights : arch::Bypass::kNone;
    const workloads::Layer layer = small_layer(random);
    const Residency residency{random.one_in(4), false, random.one_in(4), 0};
    SearchOptions options;
    options.objective = static_cast<Objective>(seed % 7 % 3);
    options.factors = seed % 2 == 0 ? Factors::kPerfect : Factors::kImperfect;
    options.strategy = seed % 3 != 0 ? StrategyName::kExhaustive : StrategyName::kBest;
    options.budget = 3'000'000;
    if (options.factors == Factors::kImperfect) {  // keeps the enumeration short
      options.constraints.pe_pixels = SizeConstraint{{}, {}, {1, 4}, false};
      options.constraints.output_slots = SizeConstraint{{}, {}, {2}, false};
    }
    options.constraints.input_slots = SizeConstraint{{}, {}, {1, 2, 4}, false};
    options.constraints.weight_slots = SizeConstraint{{}, {}, {1, 2, 3}, false};
    CAPTURE(seed);
    CAPTURE(layer.name);
    const EnergyRates rates = testing::some_rates();
    LayerModel model(layer, spec, residency, rates);
    const Mapspace space(model, options.constraints, options.factors);
    if (space.size() > 2e6) {
      continue;
    }
    const Enumerated all = enumerate(model, space, options.objective);
    if (all.legal == 0) {
      CHECK_THROWS_AS(find_mapping(layer, spec, residency, rates, options), UserError);
      continue;
    }
    REQUIRE(all.below_floor == 0);
    at_floor += all.at_floor;
    const MappingResult found = find_mapping(layer, spec, residency, rates, options);
    CAPTURE(describe(found.mapping));
    REQUIRE(found.proven);
    for (uint64_t budget = 1; budget < 5000; budget += 1 + budget / 4) {  // where it has to stop, what it says of the rest holds
      SearchOptions bounded = options;
      bounded.budget = budget;
      const MappingResult stopped = find_mapping(layer, spec, residency, rates, bounded);
      CAPTURE(budget);
      REQUIRE(stopped.lower_bound <= std::max(all.best, value_of(stopped.evaluation, options.objective)) * (1 + 1e-12));
      REQUIRE(stopped.lower_bound <= value_of(found.evaluation, options.objective) * (1 + 1e-12));
      unproven += stopped.proven ? 0 : 1;
    }
    if (options.strategy == StrategyName::kExhaustive) {
      REQUIRE(value_of(found.evaluation, options.objective) == doctest::Approx(all.best).epsilon(1e-12));
    } else {  // rules of thumb also know sizes that are not in the lists
      REQUIRE(value_of(found.evaluation, options.objective) <= all.best * (1 + 1e-12));
    }
    REQUIRE(double(all.legal) <= space.size());
    enumerated += all.legal;
    evaluated += found.evaluations;
    bypasses += found.mapping.bypass == arch::Bypass::kWeights ? 1 : 0;
    ++proven;
  }
  CHECK(proven == 50);
  CHECK(bypasses > 3);
  CHECK(evaluated < enumerated / 2);
  CHECK(unproven > 200);  // or bounds of what is left would not be tested
  CHECK(at_floor > enumerated / 20);
  MESSAGE(enumerated << " mappings enumerated, " << evaluated << " evaluated, " << at_floor
                     << " at the floor of their loop orders, " << unproven << " bounded searches unproven; "
                     << bypasses << " optima let weights past the global buffer");
}

TEST_CASE("floors hold where tiles at the border touch nothing but padding, and their slots decide") {
  uint64_t held = 0;
  for (uint64_t seed = 1; held < 40 && seed < 400; ++seed) {
    RandomSource random(seed);
    arch::AcceleratorSpec spec = small_machine(random);
    spec.dma.bypass = seed % 2 == 0 ? arch::Bypass::kWeights : arch::Bypass::kNone;
    const workloads::Layer layer = testing::conv2d(random.between(2, 4), random.pick({4, 8}),
                                                   random.pick({4, 8}), {1, 1, random.between(1, 2)});
    LayerModel model(layer, spec, {}, testing::some_rates());
    const Mapspace space(model, {}, Factors::kPerfect);
    if (space.size() > 4e6) {
      continue;
    }
    CAPTURE(seed);
    const Enumerated all = enumerate(model, space, Objective::kCycles);
    REQUIRE(all.below_floor == 0);
    held += all.legal > 0 ? 1 : 0;
  }
  CHECK(held == 40);
}

// What no other mapping beats in both, by sorting.
std::vector<std::pair<double, double>> front_of(std::vector<std::pair<double, double>> costs) {
  std::sort(costs.begin(), costs.end());
  std::vector<std::pair<double, double>> front;
  for (const auto& cost : costs) {
    if (front.empty() || cost.second < front.back().second) {
      front.push_back(cost);
    }
  }
  return front;
}

// Some point costs at most this in both, but for rounding.
template <typename Points, typename Cost>
bool covered(const Points& points, double cycles, double energy, const Cost& cost_of) {
  constexpr double kRounding = 1 + 1e-12;
  return std::any_of(points.begin(), points.end(), [&](const auto& point) {
    const std::pair<double, double> cost = cost_of(point);
    return cost.first <= cycles * kRounding && cost.second <= energy * kRounding;
  });
}

TEST_CASE("the proven Pareto front of thirty small layers is that of plain enumeration") {
  uint64_t proven = 0, points = 0, longest = 0;
  for (uint64_t seed = 1000; proven < 30 && seed < 1400; ++seed) {
    RandomSource random(seed);
    arch::AcceleratorSpec spec = small_machine(random);
    spec.dma.bypass = seed % 2 == 0 ? arch::Bypass::kWeights : arch::Bypass::kNone;
    const workloads::Layer layer = small_layer(random);
    const Residency residency{random.one_in(4), false, random.one_in(4), 0};
    SearchOptions options;
    options.factors = Factors::kPerfect;
    options.strategy = StrategyName::kExhaustive;
    options.pareto = true;
    options.budget = 3'000'000;
    options.constraints.input_slots = options.constraints.weight_slots = SizeConstraint{{}, {}, {1, 2, 3}, false};
    CAPTURE(seed);
    const EnergyRates rates = testing::some_rates();
    LayerModel model(layer, spec, residency, rates);
    const Mapspace space(model, options.constraints, options.factors);
    if (space.size() > 3e5) {
      continue;
    }
    const Enumerated all = enumerate(model, space, options.objective, true);
    if (all.legal == 0) {
      continue;
    }
    const MappingResult found = find_mapping(layer, spec, residency, rates, options);
    REQUIRE(found.front_proven);
    const auto plain = front_of(all.costs);
    const auto pair_of = [](const auto& pair) { return pair; };
    const auto cost_of = [](const Front::Point& point) {
      return std::pair(point.evaluation.expected_cycles(), point.evaluation.energy_j);
    };
    for (const auto& [cycles, energy] : plain) {
      REQUIRE(covered(found.front.points(), cycles, energy, cost_of));
    }
    for (const Front::Point& point : found.front.points()) {
      REQUIRE(covered(plain, cost_of(point).first, cost_of(point).second, pair_of));
      Evaluation again;
      REQUIRE(model.evaluate(point.mapping, again));
      REQUIRE(again.energy_j == point.evaluation.energy_j);
    }
    for (std::size_t i = 1; i < found.front.points().size(); ++i) {
      REQUIRE(cost_of(found.front.points()[i - 1]).first < cost_of(found.front.points()[i]).first);
      REQUIRE(cost_of(found.front.points()[i - 1]).second > cost_of(found.front.points()[i]).second);
    }
    points += found.front.points().size();
    longest = std::max<uint64_t>(longest, found.front.points().size());
    ++proven;
  }
  CHECK(proven == 30);
  CHECK(longest >= 4);  // or nothing would be tested
  MESSAGE(points << " points, " << longest << " on the longest front");
}

}  // namespace
}  // namespace tilewright::mappers
