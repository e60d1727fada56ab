// SPDX-License-Identifier: Apache-2.0
//
// What a machine, or whoever maps for it, allows of the mappings that it could run (kind: mapping_constraints). Every
// key is a field of Mapping; what is absent is free. docs/mapper.md has the list.
#pragma once

#include <optional>
#include <vector>

#include "mappers/program/mapping.h"
#include "sim/base/config/load.h"

namespace tilewright::mappers {

enum class Operands : uint8_t { kStraight, kSwapped };
// Which sizes a search tries: divisors only, or also those that leave a smaller last part.
enum class Factors : uint8_t { kPerfect, kImperfect };

std::span<const config::EnumName<Packing>> enumeration_names(Packing);
std::span<const config::EnumName<LoopOrder>> enumeration_names(LoopOrder);
std::span<const config::EnumName<Operands>> enumeration_names(Operands);
std::span<const config::EnumName<Factors>> enumeration_names(Factors);

// All that are given must hold.
struct SizeConstraint {
  std::optional<uint32_t> at_least, at_most;
  std::vector<uint32_t> one_of;
  bool whole = false;  // the whole extent of the layer, whatever it is
  bool allows(uint32_t value, uint32_t extent) const;
};

struct MappingConstraints {
  std::string name;
  std::string description;
  std::optional<Factors> factors;
  std::vector<arch::Dataflow> dataflows;
  std::vector<Packing> packings;
  std::vector<Operands> operands;
  std::vector<arch::Bypass> bypass;
  std::vector<LoopOrder> pe_orders, tile_orders;
  std::optional<SizeConstraint> pe_groups, pe_channels, pe_pixels;
  std::optional<SizeConstraint> block_rows, block_columns, channel_tiles;
  std::optional<SizeConstraint> chunk_kernel_rows, chunk_channels;
  std::optional<SizeConstraint> tile_rows, tile_columns, tile_channels;
  std::optional<SizeConstraint> input_slots, weight_slots, output_slots;
};

// Keys of those that are given, in the order of the file; and to take one back.
std::vector<std::string> given_constraints(const MappingConstraints& constraints);
void clear_constraint(MappingConstraints& constraints, const std::string& key);

void describe(config::Schema<SizeConstraint>& schema);
void describe(config::Schema<MappingConstraints>& schema);

}  // namespace tilewright::mappers
