// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/slot_climb.h"

#include <algorithm>

namespace tilewright::mappers {
namespace {

constexpr std::size_t kInput = static_cast<std::size_t>(TileRole::kInput);
constexpr std::size_t kWeight = static_cast<std::size_t>(TileRole::kWeight);

}  // namespace

SlotClimb::SlotClimb(const Mapspace& space, const Mapping& mapping, const Halves& halves, Worth worth)
    : space_(space), worth_(std::move(worth)), mapping_(mapping) {
  const bool depthwise = halves.form->depthwise;
  lane_tiles_ = depthwise ? 1 : halves.lanes->tiles;
  pixel_tiles_ = halves.pixels->tiles;
  const uint64_t batches =
      depthwise ? halves.lanes->tiles : (halves.form->groups + halves.split.groups - 1) / halves.split.groups;
  const std::size_t lane_role = halves.form->swap ? kInput : kWeight;
  classes_[lane_role].tiles = lane_tiles_ * batches;
  classes_[lane_role == kInput ? kWeight : kInput].tiles = pixel_tiles_ * batches;
  bypass_ = halves.bypass;
  classes_[static_cast<std::size_t>(TileRole::kOutput)].tiles = lane_tiles_ * pixel_tiles_ * batches;
  begin_order();
}

// The next order (and, after it, the same with all inner tiles kept) that means something; false at the end.
bool SlotClimb::begin_order() {
  const std::size_t orders = space_.pe_orders().size() * space_.tile_orders().size();
  for (; order_ < 2 * orders; ++order_) {
    keeps_ = order_ % 2 == 1;
    mapping_.pe_order = space_.pe_orders()[order_ / 2 % space_.pe_orders().size()];
    mapping_.tile_order = space_.tile_orders()[order_ / 2 / space_.pe_orders().size()];
    const bool lanes_outer = mapping_.tile_order == LoopOrder::kWeightsOuter;
    // One tile on either side: the order of tiles is none.
    if ((lane_tiles_ == 1 || pixel_tiles_ == 1) && mapping_.tile_order != space_.tile_orders().front()) {
      continue;
    }
    const uint64_t inner = lanes_outer ? pixel_tiles_ : lane_tiles_;
    const bool inner_is_lanes = !lanes_outer;
    kept_role_ = inner_is_lanes != mapping_.swap_operands ? kWeight : kInput;
    const bool held = !bypass_ || kept_role_ != kWeight;
    const bool again = held && inner > 1 && (lanes_outer ? lane_tiles_ : pixel_tiles_) > 1;
    if (keeps_ && !again) {
      continue;
    }
    if (worth_ && !worth_({mapping_.dataflow, mapping_.pe_order, mapping_.tile_order}, keeps_)) {
      continue;
    }
    bool possible = true;
    for (std::size_t role = 0; role < kTileRoles; ++role) {
      Class& slots = classes_[role];
      slots.counts = space_.slots(static_cast<TileRole>(role), slots.tiles);
      if (bypass_ && role == kWeight) {
        slots.counts = {};
        slots.counts.insert(1);
      }
      if (role == kept_role_ && again) {
        // Kept: at least one slot for each inner tile. Not kept: fewer than that.
        for (const uint32_t count : space_.slots(static_cast<TileRole>(role), inner)) {
          slots.counts.insert(count);
        }
        slots.counts.erase_if([&](uint32_t count) { return (count >= inner) != keeps_; });
      }
      possible &= !slots.counts.empty();
      const auto two = std::find_if(slots.counts.begin(), slots.counts.end(), [](uint32_t c) { return c >= 2; });
      slots.start = two == slots.counts.end() ? (slots.counts.empty() ? 0 : slots.counts.size() - 1)
                                              : static_cast<std::size_t>(two - slots.counts.begin());
    }
    if (!possible) {
      continue;
    }
    fewer_ = 0;
    start_refused_ = proposed_ = climbing_ = false;
    return true;
  }
  return false;
}

void SlotClimb::set(Mapping& mapping) const {
  mapping = mapping_;
  mapping.input_slots = classes_[0].counts[classes_[0].at];
  mapping.weight_slots = classes_[1].counts[classes_[1].at];
  mapping.output_slots = classes_[2].counts[classes_[2].at];
}

bool SlotClimb::next(Mapping& mapping) {
  while (true) {
    if (order_ >= 2 * space_.pe_orders().size() * space_.tile_orders().size()) {
      return false;
    }
    if (climbing_) {
      set(mapping);
      return true;
    }
    // A start: two of each, and if that was refused, every way of taking fewer of some.
    while (proposed_ ? (start_refused_ && ++fewer_ < 8) : true) {
      proposed_ = true;
      bool differs = fewer_ == 0;
      for (std::size_t role = 0; role < kTileRoles; ++role) {
        Class& slots = classes_[role];
        const bool fewer = (fewer_ >> role & 1) != 0;
        slots.at = fewer ? 0 : slots.start;
        differs |= fewer && slots.start > 0;
      }
      bool redundant = false;
      for (std::size_t role = 0; role < kTileRoles; ++role) {
        redundant |= (fewer_ >> role & 1) != 0 && classes_[role].start == 0;
      }
      if (differs && !redundant) {
        set(mapping);
        return true;
      }
    }
    ++order_;
    if (!begin_order()) {
      return false;
    }
  }
}

void SlotClimb::report(const Evaluation* evaluation) {
  const bool was_start = !climbing_;
  climbing_ = false;
  if (evaluation == nullptr) {
    start_refused_ |= was_start && fewer_ == 0;
    return;
  }
  const Term limiter = evaluation->limiter();
  std::size_t role = kTileRoles;
  if (limiter == Term::kInputSlots) {
    role = 0;
  } else if (limiter == Term::kWeightSlots) {
    role = 1;
  } else if (limiter == Term::kOutputSlots) {
    role = 2;
  }
  if (role < kTileRoles && classes_[role].at + 1 < classes_[role].counts.size()) {
    ++classes_[role].at;
    climbing_ = true;
  }
}

}  // namespace tilewright::mappers
