// SPDX-License-Identifier: Apache-2.0
#include "mappers/lower/tile_streams.h"

namespace tilewright::mappers {

uint32_t TileStreams::add(TileRole role, const TileBox& box) {
  const auto index = static_cast<uint32_t>(program_.tiles.size());
  Tile tile;
  tile.role = role;
  tile.index = classes_[static_cast<std::size_t>(role)].count++;
  tile.bytes = box.bytes;
  tile.dram = box.dram;
  program_.tiles.push_back(tile);
  if (with_coordinates_) {
    const auto signed_of = [](uint32_t value) { return static_cast<int32_t>(value); };
    program_.tile_boxes.push_back({signed_of(box.groups.begin), signed_of(box.groups.end),
                                   signed_of(box.rows.begin), signed_of(box.rows.end),
                                   signed_of(box.columns.begin), signed_of(box.columns.end),
                                   signed_of(box.channels.begin), signed_of(box.channels.end)});
  }
  return index;
}

}  // namespace tilewright::mappers
