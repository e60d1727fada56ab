// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/moves.h"

#include <algorithm>

namespace tilewright::mappers {

uint32_t choices(const Mapspace& space, const Mapspace::Point& point, Move move) {
  const Mapspace::Shape& shape = space.shapes()[point.shape];
  const auto size = [](const auto& list) { return static_cast<uint32_t>(list.size()); };
  switch (move) {
    case Move::kSplit:
      return size(shape.splits);
    case Move::kLanes:
      return size(shape.lanes);
    case Move::kCut:
      return size(shape.cuts);
    case Move::kRows:
      return size(shape.rows);
    case Move::kColumns:
      return size(shape.columns);
    case Move::kPeOrder:
      return size(space.pe_orders());
    case Move::kTileOrder:
      return size(space.tile_orders());
    case Move::kDataflow:
      return size(space.dataflows());
    case Move::kShape:
      return size(space.shapes());
    case Move::kSlots:
    case Move::kCount:
      break;
  }
  return 0;
}

uint32_t& place(Mapspace::Point& point, Move move) {
  switch (move) {
    case Move::kSplit:
      return point.split;
    case Move::kLanes:
      return point.lanes;
    case Move::kCut:
      return point.cut;
    case Move::kRows:
      return point.rows;
    case Move::kColumns:
      return point.columns;
    case Move::kPeOrder:
      return point.pe_order;
    case Move::kTileOrder:
      return point.tile_order;
    case Move::kDataflow:
      return point.dataflow;
    case Move::kShape:
    case Move::kSlots:
    case Move::kCount:
      break;
  }
  return point.shape;
}

namespace {

void draw_slots(const Mapspace& space, Mapspace::Point& point, Random& random) {
  const uint32_t role = random.below(kTileRoles);
  const SlotCounts counts = space.slots(static_cast<TileRole>(role), kSlotCounts.back());
  point.slots[role] = counts[random.below(counts.size())];
}

}  // namespace

Mapspace::Point random_point(const Mapspace& space, Random& random) {
  Mapspace::Point point;
  point.shape = random.below(space.shapes().size());
  for (const Move move : {Move::kSplit, Move::kLanes, Move::kCut, Move::kRows, Move::kColumns, Move::kPeOrder,
                          Move::kTileOrder, Move::kDataflow}) {
    place(point, move) = random.below(choices(space, point, move));
  }
  for (uint32_t role = 0; role < kTileRoles; ++role) {
    const SlotCounts counts = space.slots(static_cast<TileRole>(role), kSlotCounts.back());
    point.slots[role] = counts[random.below(counts.size())];
  }
  return point;
}

Mapspace::Point random_step(const Mapspace& space, const Mapspace::Point& from, Random& random) {
  Mapspace::Point point = from;
  const auto move = static_cast<Move>(random.below(static_cast<std::size_t>(Move::kCount)));
  if (move == Move::kSlots) {
    draw_slots(space, point, random);
    return point;
  }
  if (move == Move::kShape) {
    return random.below(8) == 0 ? random_point(space, random) : from;
  }
  const uint32_t count = choices(space, point, move);
  uint32_t& at = place(point, move);
  if (count < 2) {
    return point;
  }
  if (random.below(4) == 0) {
    at = random.below(count);
    return point;
  }
  const uint32_t distance = 1 + random.below(3);
  at = random.below(2) == 0 ? at - std::min(at, distance) : std::min(at + distance, count - 1);
  return point;
}

}  // namespace tilewright::mappers
