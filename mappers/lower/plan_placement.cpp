// SPDX-License-Identifier: Apache-2.0
//
// What stays in the PE buffers, which PE works where, which sender feeds it, and the room in the global
// buffer.
#include <algorithm>
#include <numeric>

#include "mappers/lower/plan.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

constexpr uint64_t kSlotAlignment = 64;

}  // namespace

void Plan::choose_scopes() {
  const uint64_t pixel_blocks = divide_up(mapping.tile_rows, mapping.block_rows) *
                                divide_up(mapping.tile_columns, mapping.block_columns);
  const uint64_t stream_sets = divide_up(pixel_blocks, mapping.pe_pixels);
  const uint64_t lane_sets = divide_up(lane_blocks(mapping.tile_channels), mapping.pe_channels);
  const bool lanes_outer = mapping.pe_order == LoopOrder::kWeightsOuter;
  const auto choose = [](Side& side, uint64_t sets, uint64_t other_sets, bool outer, uint64_t room) {
    if (side.run_length > 1 && sets * side.set_bytes <= room) {
      side.scope = Scope::kTileRun;
    } else if (outer && other_sets > 1 && side.set_bytes <= room) {
      side.scope = Scope::kBlockRun;
    } else if (!outer && other_sets > 1 && sets * side.set_bytes <= room) {
      side.scope = Scope::kPass;
    } else {
      side.scope = Scope::kStep;
    }
  };
  choose(lane, lane_sets, stream_sets, lanes_outer, spec->pe.weight_buffer.value);
  if (depthwise) {
    stream.scope = Scope::kStep;  // other channels need other inputs
  } else {
    choose(stream, stream_sets, lane_sets, !lanes_outer, spec->pe.input_buffer.value);
  }
}

uint32_t Plan::stream_groups() const {
  return mapping.pe_groups * mapping.pe_pixels * (depthwise ? mapping.pe_channels : 1);
}

uint32_t Plan::stream_group(uint32_t group, uint32_t lane_part, uint32_t pixel_part) const {
  if (depthwise) {
    return endpoint(group, lane_part, pixel_part);
  }
  return group * mapping.pe_pixels + pixel_part;
}

uint32_t Plan::endpoint(uint32_t group, uint32_t lane_part, uint32_t pixel_part) const {
  const uint32_t before = group * mapping.pe_channels * mapping.pe_pixels;
  return before + (lane_parts_adjacent ? pixel_part * mapping.pe_channels + lane_part
                                       : lane_part * mapping.pe_pixels + pixel_part);
}

uint32_t Plan::sender(uint32_t multicast_group, uint32_t multicast_groups) const {
  const uint32_t senders = spec->noc.rows;
  return multicast_groups >= senders
             ? static_cast<uint32_t>(uint64_t{multicast_group} * senders / multicast_groups)
             : multicast_group;
}

// Multicast groups inside one row leave the other rows' links free: the side that sends more gets the
// neighbours.
void Plan::place_endpoints() {
  const uint64_t pixel_blocks = divide_up(mapping.tile_rows, mapping.block_rows) *
                                divide_up(mapping.tile_columns, mapping.block_columns);
  const uint64_t stream_sets = divide_up(pixel_blocks, mapping.pe_pixels);
  const uint64_t lane_sets = divide_up(lane_blocks(mapping.tile_channels), mapping.pe_channels);
  const auto sent_per_pass = [](const Side& side, uint64_t sets, uint64_t other_sets) {
    const uint64_t once = sets * side.set_bytes;
    switch (side.scope) {
      case Scope::kStep:
        return once * other_sets;
      case Scope::kBlockRun:
      case Scope::kPass:
        return once;
      case Scope::kTileRun:
        return once / side.run_length;
    }
    return once;
  };
  lane_parts_adjacent = sent_per_pass(stream, stream_sets, lane_sets) * mapping.pe_pixels >=
                        sent_per_pass(lane, lane_sets, stream_sets) * mapping.pe_channels;
}

void Plan::allocate(const Residency& residency) {
  uint64_t used = 0;
  const auto place = [&](TileRole role, bool resident, uint64_t tensor_bytes, uint64_t tile_bytes,
                         uint64_t tiles, uint32_t wanted) {
    SlotClass& slots = classes[static_cast<std::size_t>(role)];
    slots.slots = resident ? 0 : static_cast<uint32_t>(std::min<uint64_t>(wanted, tiles));
    slots.slot_bytes = round_up(resident ? tensor_bytes : tile_bytes, kSlotAlignment);
    slots.base = used;
    used += slots.slot_bytes * std::max(1U, slots.slots);
  };
  for (Side* side : {&stream, &lane}) {
    if (side->bypasses) {
      continue;
    }
    const uint32_t wanted = side->role == TileRole::kInput ? mapping.input_slots : mapping.weight_slots;
    place(side->role, side->resident, side->tensor_bytes, side->tile_bytes, uint64_t{side->tiles} * batches,
          wanted);
    side->slots = classes[static_cast<std::size_t>(side->role)].slots;
  }
  place(TileRole::kOutput, output_resident, output_tensor_bytes, output_tile_bytes,
        uint64_t{batches} * lane_tiles * pixel_tiles(), mapping.output_slots);
  need("global_buffer", used + residency.reserved_bytes, spec->global_buffer.capacity.value);
}

}  // namespace tilewright::mappers
