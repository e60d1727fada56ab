// SPDX-License-Identifier: Apache-2.0
//
// Random machines and random legal tile programs, far from anything a mapper would write: odd sizes, tiny buffers, uneven
// work, every kind of residency. The two fidelities must agree on all of them.
#pragma once

#include <cstdint>

#include "arch/accelerator.h"
#include "mappers/program/tile_program.h"

namespace tilewright::accel::testing {

// What most of the time should go to.
enum class Pressure : uint8_t { kAny, kDram, kNetwork };

struct Case {
  arch::AcceleratorSpec spec;
  mappers::TileProgram program;
};

Case random_case(uint64_t seed, Pressure pressure);

// Random timings that a DRAM could have; shared with the fuzz over mapped layers.
void randomise_dram(arch::DramSpec& dram, uint64_t seed);

}  // namespace tilewright::accel::testing
