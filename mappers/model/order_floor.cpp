// SPDX-License-Identifier: Apache-2.0
//
// What no slots can go below once halves and loop orders are chosen: what is sent, loaded and waited for is known then, and
// every class gets the most slots that there could be room for.
#include <algorithm>
#include <cmath>

#include "mappers/model/work.h"

namespace tilewright::mappers {
namespace {

// Cycles of a bound, contention and waits for the memory add up to max(busy, c) + max(0, memory - c) for a bound of c cycles.
// Fewer slots than there could be lengthen the bound, and may take more off the waits than they add; they come in whole
// numbers, though, and c cannot be below `cycles`.
struct Bound {
  double cycles, busy, memory;
  double least = std::max(cycles, busy) + std::max(0.0, memory - cycles);

  // Slots of a class, `most` of which are held for `term` cycles each at least.
  void choose(double term, uint32_t most) {
    const double low = std::min(busy, memory), high = std::max(busy, memory);
    if (cycles >= low || term <= 0) {
      return;
    }
    const double held = term * most, slots = std::floor(held / low);
    const double fewer = held / std::max(1.0, slots), more = held / (slots + 1);
    least = std::min(least, slots < 1 ? least : std::max(fewer, high));
    least = std::min(least, more < cycles ? least : high + low - more);
  }
  // Of mappings whose bounds are not known.
  void forget() { least = std::max({cycles, busy, memory}); }
};

}  // namespace

// Each class has what the others leave at their fewest. Slots of the inner loop's tiles: all of them, or fewer.
bool LayerModel::allocate_most(const Halves& h, bool keeps, Work& work) const {
  size_tiles(h, work);
  const uint64_t lane_tiles = h.form->depthwise ? 1 : h.lanes->tiles, pixel_tiles = h.pixels->tiles;
  const uint64_t inner = work.lanes_outer ? pixel_tiles : lane_tiles;
  const bool again = lane_tiles > 1 && pixel_tiles > 1;
  uint64_t used = residency_.reserved_bytes;
  const auto fewest = [&](const Work::Held& held, bool is_inner) {
    const uint64_t slots = is_inner && keeps ? inner : 1;
    used += held.bytes * (held.whole ? 1 : slots);
    return slots;
  };
  const uint64_t lane = fewest(work.lane_held, !work.lanes_outer), stream = fewest(work.stream_held, work.lanes_outer);
  const uint64_t output = fewest(work.output_held, false);
  if (used > spec_.global_buffer.capacity.value) {
    return false;
  }
  const uint64_t spare = spec_.global_buffer.capacity.value - used;
  const auto most = [&](const Work::Held& held, uint64_t slots, bool is_inner) {
    const uint64_t limit = is_inner && again && !keeps ? inner - 1 : held.tiles;
    return held.whole ? 0 : static_cast<uint32_t>(std::min({limit, held.tiles, slots + spare / std::max<uint64_t>(held.bytes, 1)}));
  };
  work.walks_known = !again || keeps;
  work.lane_slots = most(work.lane_held, lane, !work.lanes_outer);
  work.stream_slots = most(work.stream_held, stream, work.lanes_outer);
  work.output_slots = most(work.output_held, output, false);
  return true;
}

std::optional<LayerModel::Floor> LayerModel::floor_of_order(const Halves& h, const Choice& choice, bool keeps,
                                                            bool energy) const {
  Work work;
  choose_scopes(h, choice, work);
  if (!allocate_most(h, keeps, work)) {
    return std::nullopt;
  }
  count_sends(h, work);
  count_memory(h, choice, work);
  Evaluation least;
  const Expected expected = bound_time(h, work, least);
  Bound bound{least.cycles, least.cycles + least.contention, expected.at_least};
  const auto choose = [&](Term term, uint32_t most) { bound.choose(least.terms[static_cast<std::size_t>(term)], most); };
  choose(h.form->swap ? Term::kInputSlots : Term::kWeightSlots, work.lane_slots);
  choose(h.form->swap ? Term::kWeightSlots : Term::kInputSlots, work.stream_slots);
  choose(Term::kOutputSlots, work.output_slots);
  // Tiles of nothing but padding are never loaded: with slots for all others, but not for them, the rest is
  // loaded once, and with fewer slots again. Which of these mappings have which bound depends on the slots,
  // then.
  if (!work.walks_known && work.lanes_outer && h.pixels->needed_tiles <= work.stream_slots) {
    bound.forget();
  }
  Floor floor;
  floor.cycles = least.cycles;
  floor.expected = expected.waits + bound.least;
  if (energy) {
    count_actions(h, choice, work, least);
    floor.energy_j = rates_.of(least.counts, least.cycles);
  }
  return floor;
}

}  // namespace tilewright::mappers
