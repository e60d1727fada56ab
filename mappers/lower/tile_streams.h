// SPDX-License-Identifier: Apache-2.0
//
// Which tiles of one class are in the global buffer, and in which order they are loaded. A class with n slots
// holds the n tiles loaded last; asking for any other loads it again, into the oldest slot.
#pragma once

#include <deque>

#include "mappers/lower/addresses.h"

namespace tilewright::mappers {

class TileStreams {
 public:
  TileStreams(TileProgram& program, bool with_coordinates)
      : program_(program), with_coordinates_(with_coordinates) {}

  // Index in TileProgram::tiles of the tile called `key` within its class; loads it where it is not held.
  // `make` gives its box. A resident class has one tile, made on first use.
  template <typename Make>
  uint32_t hold(TileRole role, uint64_t key, const Make& make) {
    Class& held = classes_[static_cast<std::size_t>(role)];
    const uint32_t slots = program_.classes[static_cast<std::size_t>(role)].slots;
    for (const auto& [held_key, tile] : held.tiles) {
      if (held_key == key || slots == 0) {
        return tile;
      }
    }
    const uint32_t tile = add(role, make());
    if (role != TileRole::kOutput && slots > 0) {
      program_.loads.push_back(tile);
    }
    held.tiles.emplace_back(key, tile);
    if (slots > 0 && held.tiles.size() > slots) {
      held.tiles.pop_front();
    }
    return tile;
  }

 private:
  struct Class {
    std::deque<std::pair<uint64_t, uint32_t>> tiles;
    uint32_t count = 0;
  };
  uint32_t add(TileRole role, const TileBox& box);

  TileProgram& program_;
  bool with_coordinates_;
  Class classes_[kTileRoles];
};

}  // namespace tilewright::mappers
