// SPDX-License-Identifier: Apache-2.0
//
// What a machine asks of the DRAM and what it gets back. Used by both fidelities; holds no timing.
#pragma once

#include <cstdint>

#include "sim/base/units.h"

namespace tilewright::memory {

// Lies within one channel-interleave unit, so it belongs to one channel; whole bursts are transferred.
struct DramTransaction {
  uint64_t tag = 0;      // the asker's; comes back with the completion
  uint64_t address = 0;  // bytes, over all channels
  uint32_t bytes = 0;
  bool write = false;
};

// `cycle` is the first edge of the DRAM's command clock at which all data is there (reads) or taken (writes).
struct DramCompletion {
  uint64_t tag = 0;
  Cycle cycle = 0;
  bool write = false;
};

}  // namespace tilewright::memory
