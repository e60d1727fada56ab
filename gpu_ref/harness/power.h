// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "harness/nvml.h"

namespace tw::gpu {

// The board's energy counter at the moment when it changed.
struct Tick {
  double time_s, energy_j;
};

// Waits until the counter changes: between two such moments it has counted whole intervals. RunError if the
// driver has no such counter.
Tick next_tick(const Nvml& nvml);

// The whole interval, and the power of its two halves: how far those differ is the spread.
struct AveragePower {
  double power_w = 0, joules = 0, seconds = 0;
  std::vector<double> half_power_w;
};

// Average power of the board between ticks, at least `seconds` apart, reached half a second after the call.
// What is to be measured must run all the while: queue at least `seconds` + 1 of it before.
AveragePower average_power(const Nvml& nvml, double seconds);

}  // namespace tw::gpu
