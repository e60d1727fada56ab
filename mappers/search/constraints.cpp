// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/constraints.h"

#include <algorithm>

#include "arch/load.h"
#include "mappers/search/objective.h"

namespace tilewright::mappers {

std::span<const config::EnumName<Packing>> enumeration_names(Packing) {
  static constexpr config::EnumName<Packing> kNames[] = {{Packing::kUnpacked, "unpacked"},
                                                         {Packing::kRow, "row"},
                                                         {Packing::kIm2col, "im2col"},
                                                         {Packing::kTapPair, "tap_pair"}};
  return kNames;
}

std::span<const config::EnumName<LoopOrder>> enumeration_names(LoopOrder) {
  static constexpr config::EnumName<LoopOrder> kNames[] = {{LoopOrder::kWeightsOuter, "weights_outer"},
                                                           {LoopOrder::kPixelsOuter, "pixels_outer"}};
  return kNames;
}

std::span<const config::EnumName<Operands>> enumeration_names(Operands) {
  static constexpr config::EnumName<Operands> kNames[] = {{Operands::kStraight, "straight"},
                                                          {Operands::kSwapped, "swapped"}};
  return kNames;
}

std::span<const config::EnumName<Factors>> enumeration_names(Factors) {
  static constexpr config::EnumName<Factors> kNames[] = {{Factors::kPerfect, "perfect"},
                                                         {Factors::kImperfect, "imperfect"}};
  return kNames;
}

std::span<const config::EnumName<Objective>> enumeration_names(Objective) {
  static constexpr config::EnumName<Objective> kNames[] = {
      {Objective::kCycles, "cycles"}, {Objective::kEnergy, "energy"}, {Objective::kEdp, "edp"}};
  return kNames;
}

bool SizeConstraint::allows(uint32_t value, uint32_t extent) const {
  return (!at_least || value >= *at_least) && (!at_most || value <= *at_most) && (!whole || value >= extent) &&
         (one_of.empty() || std::find(one_of.begin(), one_of.end(), value) != one_of.end());
}

void describe(config::Schema<SizeConstraint>& schema) {
  using S = SizeConstraint;
  schema.name("size_constraint", "what a size of a mapping may be; all that is given must hold");
  schema.field(&S::at_least, "at_least", "smallest value").range(1, 4294967295.0);
  schema.field(&S::at_most, "at_most", "largest value").range(1, 4294967295.0);
  schema.field(&S::one_of, "one_of", "the only values").range(1, 4294967295.0);
  schema.field(&S::whole, "whole", "the layer's whole extent");
  schema.check([](const S& size, config::Checker& check) {
    if (size.at_least && size.at_most && *size.at_least > *size.at_most) {
      check.error("at_least", "must not be above 'at_most' (" + std::to_string(*size.at_most) + "), is " +
                                  std::to_string(*size.at_least));
    }
  });
}

namespace {

// Calls visit(member, key, what it says) for every constraint, in the order of the file.
template <typename Visit>
void for_each_constraint(const Visit& visit) {
  using M = MappingConstraints;
  visit(&M::factors, "factors", "sizes to try: divisors only, or also such that leave a smaller last part");
  visit(&M::dataflows, "dataflows", "of the PE; the machine must have them");
  visit(&M::packings, "packings", "how few input channels fill the vector");
  visit(&M::operands, "operands", "weights on the lanes (straight) or pixels (swapped)");
  visit(&M::bypass, "bypass", "operands that go past the global buffer; the machine must have a way for them");
  visit(&M::pe_orders, "pe_orders", "outermost loop between global buffer and PEs");
  visit(&M::tile_orders, "tile_orders", "outermost loop between DRAM and global buffer");
  visit(&M::pe_groups, "pe_groups", "groups (heads) side by side");
  visit(&M::pe_channels, "pe_channels", "blocks of output channels side by side");
  visit(&M::pe_pixels, "pe_pixels", "blocks of pixels side by side");
  visit(&M::block_rows, "block_rows", "pixel rows of a PE's pass");
  visit(&M::block_columns, "block_columns", "pixel columns of a PE's pass");
  visit(&M::channel_tiles, "channel_tiles", "output channels of a PE's pass, in lanes");
  visit(&M::chunk_kernel_rows, "chunk_kernel_rows", "kernel rows of a chunk");
  visit(&M::chunk_channels, "chunk_channels", "input channels of a chunk");
  visit(&M::tile_rows, "tile_rows", "output rows of a tile in the global buffer");
  visit(&M::tile_columns, "tile_columns", "output columns of a tile in the global buffer");
  visit(&M::tile_channels, "tile_channels", "output channels of a tile in the global buffer");
  visit(&M::input_slots, "input_slots", "input tiles in the global buffer");
  visit(&M::weight_slots, "weight_slots", "weight tiles in the global buffer");
  visit(&M::output_slots, "output_slots", "output tiles in the global buffer");
}

template <typename Value>
bool is_given(const std::optional<Value>& value) {
  return value.has_value();
}
template <typename Value>
bool is_given(const std::vector<Value>& values) {
  return !values.empty();
}

}  // namespace

std::vector<std::string> given_constraints(const MappingConstraints& constraints) {
  std::vector<std::string> keys;
  for_each_constraint([&](auto member, const char* key, const char*) {
    if (is_given(constraints.*member)) {
      keys.emplace_back(key);
    }
  });
  return keys;
}

void clear_constraint(MappingConstraints& constraints, const std::string& wanted) {
  for_each_constraint([&](auto member, const char* key, const char*) {
    if (wanted == key) {
      constraints.*member = {};
    }
  });
}

void describe(config::Schema<MappingConstraints>& schema) {
  using M = MappingConstraints;
  schema.kind("mapping_constraints", "which mappings a search may choose; what is absent is free");
  schema.field(&M::name, "name", "shown in results").required().non_empty();
  schema.field(&M::description, "description", "one sentence").required().non_empty();
  for_each_constraint([&](auto member, const char* key, const char* documentation) { schema.field(member, key, documentation); });
}

}  // namespace tilewright::mappers
