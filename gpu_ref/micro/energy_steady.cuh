// SPDX-License-Identifier: Apache-2.0
// Loops that run for seconds while the board's energy counter is read between two of its own ticks.
#pragma once

#include "harness/bench.h"
#include "micro/device_data.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu {

constexpr int kThreads = 256;  // of a CTA, one an SM

struct Work {
  int iterations;
  Data data;
  const uint8_t* source;
  size_t bytes;
};

using SteadyKernel = void (*)(Stamp*, Work);

struct SteadyLoop {
  SteadyKernel kernel;
  Work work;             // iterations are chosen here
  double per_iteration;  // actions of a CTA
  int ctas;
  double seconds;
  double idle_w;
};

// Keeps a value from being optimised away.
__device__ __forceinline__ void keep(uint32_t value, Stamp* stamps) {
  if (value == 0x9e3779b9u) {
    stamps[blockIdx.x].value[3] = value;
  }
}

// The board's power with a context and nothing to do, as a point of `family`.
double measure_idle(Bench& bench, const char* family, double seconds);
// A point with joules per action, above idle and in all.
void measure_steady(Bench& bench, const char* family, Parameters parameters, const SteadyLoop& loop);

}  // namespace tw::gpu
