// SPDX-License-Identifier: Apache-2.0
//
// What every module of a machine looks at during one run.
#pragma once

#include "mappers/program/tile_program.h"
#include "sim/accel/layout.h"
#include "sim/accel/observer.h"

namespace tilewright::accel {

struct RunContext {
  const mappers::TileProgram* program = nullptr;
  const TilePlaces* places = nullptr;
  Observer* observer = nullptr;  // null in timing-only runs
  Cycle cycle_limit = 0;         // a run that takes longer hangs

  const mappers::Tile& tile(uint32_t index) const { return program->tiles[index]; }
};

}  // namespace tilewright::accel
