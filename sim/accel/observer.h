// SPDX-License-Identifier: Apache-2.0
//
// What a functional run is told while time passes, in the order in which the machine does it. Both fidelities call
// these; nothing here feeds back into timing. Calls of one cycle come in the order of the machine's phases.
#pragma once

#include <cstdint>

#include "mappers/program/tile_program.h"

namespace tilewright::accel {

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void tile_loaded(uint32_t tile) = 0;                         // DRAM -> global buffer, all bytes
  virtual void chunk_delivered(uint32_t sender, uint32_t send) = 0;    // global buffer -> every destination
  virtual void step_ended(uint32_t endpoint, uint32_t step) = 0;       // sums updated; chunks about to be freed
  virtual void block_collected(uint32_t endpoint, uint32_t step) = 0;  // outputs of a draining step in the global buffer
  virtual void tile_stored(uint32_t tile) = 0;                         // global buffer -> DRAM, all bytes read
};

}  // namespace tilewright::accel
