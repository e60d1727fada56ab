// SPDX-License-Identifier: Apache-2.0
//
// Which constraints are named where nothing can be mapped.
#include <doctest/doctest.h>

#include "mappers/search/conflict.h"
#include "mappers/search/find_mapping.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/machines.h"
#include "tests/mappers/random_case.h"

namespace tilewright::mappers {
namespace {

using Keys = std::vector<std::string>;

SizeConstraint at_least(uint32_t value) {
  SizeConstraint constraint;
  constraint.at_least = value;
  return constraint;
}

Keys conflict_of(const workloads::Layer& layer, const MappingConstraints& constraints) {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  LayerModel model(layer, spec, {}, testing::some_rates());
  return conflicting_constraints(model, constraints, Factors::kImperfect);
}

std::string message_of(const workloads::Layer& layer, const MappingConstraints& constraints) {
  SearchOptions options;
  options.constraints = constraints;
  options.budget = 1000;
  try {
    find_mapping(layer, testing::sixteen_pes(), {}, testing::some_rates(), options);
  } catch (const UserError& error) {
    return error.diagnostics().at(0).message;
  }
  return "";
}

TEST_CASE("one constraint that nothing satisfies is named alone, whatever else is asked for") {
  MappingConstraints constraints;
  constraints.pe_channels = at_least(17);  // of 16 PEs
  constraints.tile_orders = {LoopOrder::kWeightsOuter};
  constraints.weight_slots = at_least(2);
  const workloads::Layer layer = testing::linear(64, 64, 64);
  CHECK(conflict_of(layer, constraints) == Keys{"pe_channels"});
  CHECK(message_of(layer, constraints) == "layer \"linear\": the constraint 'pe_channels' allows no mapping of it");
}

TEST_CASE("two constraints that only clash with each other are named together, and no third") {
  MappingConstraints constraints;
  constraints.block_rows = at_least(8);  // 64 pixels, and 16 accumulators
  constraints.block_columns = at_least(8);
  constraints.dataflows = {arch::Dataflow::kOsLws};
  constraints.pe_pixels = at_least(2);
  const workloads::Layer layer = testing::conv2d(32, 32, 32, {3, 1, 1});
  CHECK(conflict_of(layer, constraints) == Keys{"block_rows", "block_columns"});
  CHECK(message_of(layer, constraints) == "layer \"conv2d\": the constraints 'block_rows', 'block_columns' together allow no "
                                          "mapping of it, and any fewer of them would");
}

TEST_CASE("constraints that overfill a buffer together are named, and the buffer") {
  MappingConstraints constraints;
  constraints.tile_channels = at_least(512);  // 2 MiB of weights
  constraints.weight_slots = at_least(4);
  constraints.pe_orders = {LoopOrder::kPixelsOuter};
  const workloads::Layer layer = testing::linear(64, 4096, 4096);
  CHECK(conflict_of(layer, constraints) == Keys{"tile_channels", "weight_slots"});
  CHECK(message_of(layer, constraints) ==
        "layer \"linear\": the constraints 'tile_channels', 'weight_slots' together allow no mapping of it, and any fewer of "
        "them would (global_buffer is too small for all that is left)");
  constraints.weight_slots.reset();
  CHECK(conflict_of(layer, constraints).empty());
}

TEST_CASE("a packing that the layer does not have") {
  MappingConstraints constraints;
  constraints.packings = {Packing::kTapPair};
  CHECK(conflict_of(testing::linear(64, 64, 64), constraints) == Keys{"packings"});
  constraints.packings.clear();
  constraints.operands = {Operands::kSwapped};
  CHECK(conflict_of(testing::conv2d(8, 32, 32, {3, 1, 1}), constraints) == Keys{"operands"});
}

TEST_CASE("weights past the global buffer, on a machine without a way for them; a layer without weights is not asked") {
  MappingConstraints constraints;
  constraints.bypass = {arch::Bypass::kWeights};
  CHECK(conflict_of(testing::linear(64, 64, 64), constraints) == Keys{"bypass"});
  CHECK(conflict_of(testing::matmul(2, 16, 16, 16), constraints).empty());
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  spec.dma.bypass = arch::Bypass::kWeights;
  SearchOptions options;
  options.constraints = constraints;
  options.budget = 2000;
  CHECK(find_mapping(testing::linear(64, 64, 64), spec, {}, testing::some_rates(), options).mapping.bypass ==
        arch::Bypass::kWeights);
  options.constraints.operands = {Operands::kSwapped};
  LayerModel model(testing::linear(64, 64, 64), spec, {}, testing::some_rates());
  CHECK(conflicting_constraints(model, options.constraints, Factors::kImperfect) == Keys{"operands", "bypass"});
}

// A fetched matrix needs no room in the global buffer, so a layer fits that did not.
TEST_CASE("weights past the global buffer need no room in it") {
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  spec.global_buffer.capacity = Bytes{4096};
  const workloads::Layer layer = testing::linear(8, 3072, 64);
  CHECK_THROWS_AS(find_mapping(layer, spec, {}, testing::some_rates(), {}), UserError);
  spec.dma.bypass = arch::Bypass::kWeights;
  CHECK(find_mapping(layer, spec, {}, testing::some_rates(), {}).mapping.bypass == arch::Bypass::kWeights);
}

TEST_CASE("of random constraints, what is named leaves nothing, and all but one of it leaves something") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  uint64_t conflicts = 0, pairs = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    testing::RandomSource random(seed);
    const workloads::Layer layer = random.one_in(2) ? testing::conv2d(24, 64, 256, {3, 1, 1}) : testing::linear(400, 512, 2048);
    MappingConstraints constraints;
    for (const auto member : {&MappingConstraints::block_rows, &MappingConstraints::block_columns,
                              &MappingConstraints::channel_tiles, &MappingConstraints::tile_rows,
                              &MappingConstraints::tile_columns, &MappingConstraints::tile_channels,
                              &MappingConstraints::chunk_channels, &MappingConstraints::weight_slots}) {
      if (random.one_in(2)) {
        constraints.*member = at_least(random.pick({2, 3, 4, 6, 8, 12, 16, 64}));
      }
    }
    CAPTURE(seed);
    LayerModel model(layer, spec, {}, testing::some_rates());
    const Keys conflict = conflicting_constraints(model, constraints, Factors::kImperfect);
    if (conflict.empty()) {
      SearchOptions options;
      options.strategy = StrategyName::kExhaustive;
      options.constraints = constraints;
      options.budget = 2000;
      options.bound = false;
      CHECK_NOTHROW(find_mapping(layer, spec, {}, testing::some_rates(), options));
      continue;
    }
    ++conflicts;
    pairs += conflict.size() > 1 ? 1 : 0;
    MappingConstraints named = constraints;
    for (const std::string& key : given_constraints(constraints)) {
      if (std::find(conflict.begin(), conflict.end(), key) == conflict.end()) {
        clear_constraint(named, key);
      }
    }
    CHECK(conflicting_constraints(model, named, Factors::kImperfect) == conflict);
    for (const std::string& key : conflict) {
      MappingConstraints fewer = named;
      clear_constraint(fewer, key);
      CHECK(conflicting_constraints(model, fewer, Factors::kImperfect).empty());
    }
  }
  CHECK(conflicts >= 50);
  CHECK(pairs >= 20);
  MESSAGE(conflicts << " conflicts, " << pairs << " of more than one constraint");
}

}  // namespace
}  // namespace tilewright::mappers
