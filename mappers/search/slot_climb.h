// SPDX-License-Identifier: Apache-2.0
//
// Loop orders and slots for one pair of halves. More slots of a class make only that class's term smaller and take room,
// so from the fewest that overlap (two of each class that has more than one tile) it is enough to give more to the class
// that decides the time, one step after the other; and, apart, to keep all tiles of the inner loop, which saves loading
// them again. Where two of each do not fit, fewer are tried.
#pragma once

#include <functional>

#include "mappers/search/mapspace.h"

namespace tilewright::mappers {

class SlotClimb {
 public:
  // Loop orders of a choice, and whether all tiles of the inner loop stay: false where none of their slots can be better.
  using Worth = std::function<bool(const Choice& orders, bool keeps)>;

  SlotClimb(const Mapspace& space, const Mapping& mapping, const Halves& halves, Worth worth = {});

  bool next(Mapping& mapping);
  void report(const Evaluation* evaluation);

 private:
  struct Class {
    SlotCounts counts;
    std::size_t start = 0, at = 0;
    uint64_t tiles = 1;
  };
  bool begin_order();
  void set(Mapping& mapping) const;

  const Mapspace& space_;
  Worth worth_;
  Mapping mapping_;
  std::array<Class, kTileRoles> classes_;  // by role
  std::size_t order_ = 0;                  // pe order, tile order, kept or not
  uint32_t fewer_ = 0;                     // classes that start with their fewest, as bits
  bool start_refused_ = false, proposed_ = false, climbing_ = false;
  std::size_t kept_role_ = 0;
  bool keeps_ = false;
  bool bypass_ = false;  // weights have no slots
  uint64_t lane_tiles_ = 1, pixel_tiles_ = 1;
};

}  // namespace tilewright::mappers
