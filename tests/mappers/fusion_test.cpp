// SPDX-License-Identifier: Apache-2.0
//
// Which tensors stay, against all sets of them; and what NetworkMapper makes of it.
#include <doctest/doctest.h>

#include <limits>

#include "mappers/fusion.h"
#include "mappers/lower/lower.h"
#include "mappers/network_mapper.h"
#include "mappers/residency.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/machines.h"
#include "tests/mappers/random_case.h"
#include "workloads/builder.h"

namespace tilewright::mappers {
namespace {

using testing::RandomSource;
using workloads::Network;
using workloads::NetworkBuilder;

// A chain with sums over what came before, and a concatenation now and then.
Network random_network(RandomSource& random) {
  NetworkBuilder builder("random", {1, 16, 16, 32});
  std::vector<NetworkBuilder::Tensor> made{builder.linear("first", builder.input(), 32)};
  const uint32_t layers = random.between(3, 8);
  for (uint32_t i = 0; i < layers; ++i) {
    const std::string name = "l" + std::to_string(i);
    const NetworkBuilder::Tensor last = made.back();
    if (random.one_in(3) && made.size() > 1) {
      made.push_back(builder.add(name, last, made[random.between(0, static_cast<uint32_t>(made.size()) - 2)]));
    } else if (random.one_in(5)) {
      const auto side = builder.linear(name + "_side", last, 32);
      const auto joined = builder.concat(name + "_joined", {builder.linear(name + "_main", last, 32), side});
      made.push_back(builder.linear(name, joined, 32));
    } else {
      made.push_back(builder.linear(name, last, 32));
    }
  }
  return builder.finish();
}

// Any function of the residency will do: the search must not lean on more being better.
CostFunction random_costs(uint64_t seed, bool with_energy) {
  return [seed, with_energy](std::size_t layer, const Residency& r) -> std::optional<LayerCost> {
    RandomSource random(seed * 7919 + layer * 104729 + (r.input ? 1 : 0) + (r.weights ? 2 : 0) + (r.output ? 4 : 0) +
                        r.reserved_bytes * 31);
    const double moved = 3.0 - (r.input ? 1 : 0) - (r.weights ? 1 : 0) - (r.output ? 1 : 0);
    if (moved < 3 && random.one_in(12)) {
      return std::nullopt;  // does not fit then
    }
    const double cycles = 100 * moved + random.between(0, 120) + double(r.reserved_bytes) / 512;
    return LayerCost{cycles, with_energy ? 50 * moved + random.between(0, 200) : 0};
  };
}

// Nothing where some layer cannot be mapped, or the buffer is too small for what stays at one time.
std::optional<LayerCost> cost_of(const NetworkTensors& tensors, uint64_t capacity, const std::vector<bool>& stays,
                                 const CostFunction& cost) {
  const std::vector<Residency> planned = residencies(tensors, stays);
  LayerCost total;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    uint64_t used = 0;
    for (std::size_t t = 0; t < stays.size(); ++t) {
      const Tensor& tensor = tensors.tensors()[t];
      used += stays[t] && tensor.first <= i && i <= tensor.last ? tensor.bytes : 0;
    }
    if (used > capacity) {
      return std::nullopt;
    }
    if (!tensors.moves_nothing(i)) {
      const std::optional<LayerCost> one = cost(i, planned[i]);
      if (!one) {
        return std::nullopt;
      }
      total += *one;
    }
  }
  return total;
}

// Calls visit(stays) for every set of tensors that may stay.
template <typename Visit>
void for_each_set(const NetworkTensors& tensors, const Visit& visit) {
  std::vector<std::size_t> may;
  for (std::size_t t = 0; t < tensors.tensors().size(); ++t) {
    if (tensors.tensors()[t].may_stay) {
      may.push_back(t);
    }
  }
  REQUIRE(may.size() < 16);
  for (uint32_t bits = 0; bits < 1U << may.size(); ++bits) {
    std::vector<bool> stays(tensors.tensors().size());
    for (std::size_t k = 0; k < may.size(); ++k) {
      stays[may[k]] = (bits >> k & 1) != 0;
    }
    visit(stays);
  }
}

TEST_CASE("the set of tensors that stay is the best of all sets") {
  uint64_t kept = 0, found_some = 0;
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    RandomSource random(seed);
    const Network network = random_network(random);
    const NetworkTensors tensors(network);
    const uint64_t capacity = random.pick({8192, 16384, 24576, 40960, 1 << 20});  // a tensor has 8 KiB
    const CostFunction cost = random_costs(seed, false);
    double best = std::numeric_limits<double>::infinity();
    for_each_set(tensors, [&](const std::vector<bool>& stays) {
      const auto total = cost_of(tensors, capacity, stays, cost);
      best = total ? std::min(best, total->cycles) : best;
    });
    const Fusion fusion =
        search_fusion(tensors, capacity, Objective::kCycles, cost, std::vector<bool>(tensors.tensors().size(), false));
    CAPTURE(seed);
    CHECK(fusion.exact);
    CHECK(fusion.cost.cycles == doctest::Approx(best).epsilon(1e-12));
    const auto again = cost_of(tensors, capacity, fusion.stays, cost);
    REQUIRE(again.has_value());
    CHECK(again->cycles == doctest::Approx(fusion.cost.cycles).epsilon(1e-12));
    for (const bool stays : fusion.stays) {
      kept += stays ? 1 : 0;
    }
    ++found_some;
  }
  CHECK(kept > found_some);  // more than one a network on average
}

TEST_CASE("of products, the search never makes a plan worse and is mostly the best of all") {
  uint64_t best_of_all = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    RandomSource random(seed);
    const Network network = random_network(random);
    const NetworkTensors tensors(network);
    const uint64_t capacity = random.pick({16384, 24576, 40960});
    const CostFunction cost = random_costs(seed, true);
    const std::vector<bool> none(tensors.tensors().size(), false);
    double best = std::numeric_limits<double>::infinity();
    for_each_set(tensors, [&](const std::vector<bool>& stays) {
      const auto total = cost_of(tensors, capacity, stays, cost);
      best = total ? std::min(best, network_value(*total, Objective::kEdp)) : best;
    });
    const Fusion fusion = search_fusion(tensors, capacity, Objective::kEdp, cost, none);
    const double value = network_value(fusion.cost, Objective::kEdp);
    CHECK(value <= network_value(*cost_of(tensors, capacity, none, cost), Objective::kEdp));
    CHECK(value >= best * (1 - 1e-12));
    best_of_all += value <= best * (1 + 1e-12) ? 1 : 0;
  }
  CHECK(best_of_all >= 55);
  MESSAGE(best_of_all << " of 60 the best of all sets");
}

Network chain_with_sums() {
  NetworkBuilder builder("chain", {1, 32, 32, 64});
  auto x = builder.linear("a", builder.input(), 64);
  for (int i = 0; i < 4; ++i) {
    const std::string name = "b" + std::to_string(i);
    const auto y = builder.linear(name + "_down", builder.linear(name + "_up", x, 256), 64);
    x = builder.add(name + "_add", y, x);
  }
  return builder.finish();
}

TEST_CASE("a searched plan is no worse than the rules of thumb, and better where the buffer is tight") {
  const Network network = chain_with_sums();
  bool any_better = false;
  for (const uint64_t kib : {80, 100, 150, 200, 300, 400, 600}) {
    arch::AcceleratorSpec spec = testing::sixteen_pes();
    spec.global_buffer.capacity = Bytes{kib << 10};
    MapperOptions options;
    options.strategy = StrategyName::kTwoStage;
    NetworkMapper mapper(spec, testing::some_rates(), options);
    const NetworkMapping mapped = mapper.map(network);
    CAPTURE(kib);
    CHECK(mapped.exact);
    CHECK(network_value(mapped.cost, options.objective) <= network_value(mapped.greedy, options.objective));
    any_better |= network_value(mapped.cost, options.objective) < 0.99 * network_value(mapped.greedy, options.objective);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      CHECK_NOTHROW(lower(network.layers[i], mapped.layers[i].mapping, spec, mapped.layers[i].residency));
    }
  }
  CHECK(any_better);
}

TEST_CASE("what a layer gets does not depend on what was mapped before") {
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  spec.global_buffer.capacity = Bytes{256 << 10};
  const workloads::Layer layer = testing::linear(1024, 128, 256);
  for (const uint64_t reserved : {0, 1000, 50000, 100000, 200000}) {
    NetworkMapper fresh(spec, testing::some_rates()), used(spec, testing::some_rates());
    for (const uint64_t other : {150000, 0, 30000, 90000}) {
      used.choose(layer, {false, false, false, other});
    }
    const LayerChoice* a = fresh.choose(layer, {false, false, false, reserved});
    const LayerChoice* b = used.choose(layer, {false, false, false, reserved});
    CAPTURE(reserved);
    REQUIRE(a != nullptr);
    REQUIRE(b != nullptr);
    CHECK(a->mapping == b->mapping);
    CHECK(a->occupied_bytes + reserved <= spec.global_buffer.capacity.value);
  }
  NetworkMapper mapper(spec, testing::some_rates());
  CHECK(mapper.choose(layer, {false, false, false, (256 << 10) - 64}) == nullptr);
}

TEST_CASE("constraints hold for every strategy, and the one to blame is named") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  const workloads::Layer layer = testing::linear(1024, 128, 256);
  for (const StrategyName strategy : {StrategyName::kTwoStage, StrategyName::kBest, StrategyName::kDescent}) {
    MapperOptions options;
    options.strategy = strategy;
    options.constraints.emplace();
    options.constraints->operands = {Operands::kStraight};
    options.constraints->pe_channels = SizeConstraint{{}, {}, {2}, false};
    NetworkMapper mapper(spec, testing::some_rates(), options);
    const LayerChoice* choice = mapper.choose(layer, {});
    REQUIRE(choice != nullptr);
    CHECK_FALSE(choice->mapping.swap_operands);
    CHECK(choice->mapping.pe_channels == 2);
  }
  MapperOptions options;
  options.constraints.emplace();
  options.constraints->pe_groups = SizeConstraint{2, {}, {}, false};
  NetworkBuilder builder("one", {1, 8, 8, 32});
  builder.linear("only", builder.input(), 32);
  NetworkMapper mapper(spec, testing::some_rates(), options);
  CHECK_THROWS_WITH_AS(mapper.map(builder.finish()), doctest::Contains("'pe_groups'"), UserError);
}

}  // namespace
}  // namespace tilewright::mappers
