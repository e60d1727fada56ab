// SPDX-License-Identifier: Apache-2.0
//
// What moving a tensor asks of the DRAM, judged by the pieces of its first tile.
#pragma once

#include "arch/accelerator.h"
#include "mappers/program/tile_program.h"

namespace tilewright::mappers {

struct DramUse {
  double bytes = 0;
  double burst_bytes = 0;    // whole bursts
  double strided_bytes = 0;  // and what short pieces and idle channels cost, as if they were bytes
  double transactions = 0;
};

// `bytes` in tiles like `pattern` (nullptr: nothing is moved). `alike`: all tiles are cut into pieces of one
// size, so that whole bursts may be counted in a bound.
DramUse dram_use(const arch::AcceleratorSpec& spec, double bytes, const DramPattern* pattern, bool alike);

// Peak bytes of the DRAM in a cycle of the accelerator; without DRAM, more than anybody asks for.
double dram_bytes_per_cycle(const arch::AcceleratorSpec& spec);

}  // namespace tilewright::mappers
