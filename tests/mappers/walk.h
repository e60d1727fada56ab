// SPDX-License-Identifier: Apache-2.0
//
// Walks a tile program lowered with coordinates, element by element, and compares it with the layer's
// definition. It knows nothing of plans and scopes: only of the layer, the storage order, and what the
// program says it does.
#pragma once

#include "arch/accelerator.h"
#include "mappers/program/tile_program.h"
#include "workloads/layer.h"

namespace tilewright::mappers::testing {

// Throws std::runtime_error saying what is wrong:
// - every (group, channel, pixel, tap, input channel) is multiplied exactly once, by a step whose MACs count
// it;
// - the chunks a step reads hold the operands it needs, and came from a tile that holds them;
// - the DRAM bytes of every tile are exactly those of its box; outputs are written exactly once.
void walk(const workloads::Layer& layer, const TileProgram& program);

}  // namespace tilewright::mappers::testing
