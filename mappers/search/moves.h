// SPDX-License-Identifier: Apache-2.0
//
// Points of a mapspace drawn at random, and steps from one to the next.
#pragma once

#include "mappers/search/mapspace.h"

namespace tilewright::mappers {

// xorshift64*: the same numbers on every platform.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x2545f491ULL) { next(); }
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dULL;
  }
  uint32_t below(std::size_t count) { return static_cast<uint32_t>((next() >> 33) % count); }
  double fraction() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

// What a step changes. Sizes of one axis move together with their blocks, which depend on them.
enum class Move : uint8_t { kSplit, kLanes, kCut, kRows, kColumns, kPeOrder, kTileOrder, kSlots, kDataflow, kShape, kCount };

Mapspace::Point random_point(const Mapspace& space, Random& random);
// A near neighbour: mostly the next values of one list, sometimes any.
Mapspace::Point random_step(const Mapspace& space, const Mapspace::Point& point, Random& random);

// The list that a move chooses from, and the place in it (slots: of the given class).
uint32_t choices(const Mapspace& space, const Mapspace::Point& point, Move move);
uint32_t& place(Mapspace::Point& point, Move move);

inline constexpr std::array<uint32_t, 9> kSlotCounts = {1, 2, 3, 4, 6, 8, 12, 16, 4096};

}  // namespace tilewright::mappers
