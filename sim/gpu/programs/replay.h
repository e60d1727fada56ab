// SPDX-License-Identifier: Apache-2.0
//
// What an attention run brings from DRAM, found without time: the lines that its CTAs ask for, in the order
// in which a given pace has them ask, go through the tags of L2 (sim/gpu/tags.h). A share of the tokens
// stands for all, with as much of L2.
//
// For sampled runs, whose shortened items say what a tile and an item cost but not what is still in L2 when
// the next head's items come. Left out: lines on their way (a second request for one counts as held), the
// order within a tile, and results, which pass L2 without staying, as in the simulation.
#pragma once

#include "arch/gpu.h"
#include "sim/gpu/programs/attention.h"

namespace tilewright::gpu {

struct Pace {
  double tile_cycles = 1;
  double item_cycles = 0;  // beyond its tiles
};

// Bytes that DRAM reads, an estimate from the share of the tokens.
double replay_dram_bytes(const arch::GpuSpec& machine, const AttentionRun& run, const Pace& pace);

}  // namespace tilewright::gpu
