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

// One action of a thread on `v`. c - x: the value keeps changing instead of settling, as it does in real work.
__device__ __forceinline__ void ffma_action(uint32_t& v) {
  asm volatile("fma.rn.f32 %0, %0, %1, %2;" : "+r"(v) : "r"(0xbf800000u), "r"(0x3fa83126u));
}
__device__ __forceinline__ void ex2_action(uint32_t& v) {
  asm volatile("{.reg .f32 negative; neg.f32 negative, %0; ex2.approx.ftz.f32 %0, negative;}" : "+r"(v));
}
__device__ __forceinline__ void load_shared_action(uint32_t& v, uint32_t address) {
  uint32_t a, b, c, d;
  asm volatile("ld.volatile.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
               : "r"(address)
               : "memory");
  v ^= a ^ b ^ c ^ d;
}

// What the actions start from, other values in each thread.
__device__ __forceinline__ void start_values(uint32_t (&x)[8]) {
#pragma unroll
  for (uint32_t i = 0; i < 8; ++i) {
    x[i] = 0x3f000000u + pattern_word(threadIdx.x * 8 + i) % 0x800000u;
  }
}
__device__ __forceinline__ void keep(const uint32_t (&x)[8], Stamp* stamps) {
  keep(x[0] ^ x[1] ^ x[2] ^ x[3] ^ x[4] ^ x[5] ^ x[6] ^ x[7], stamps);
}

// The board's power with a context and nothing to do, as a point of `family`.
double measure_idle(Bench& bench, const char* family, double seconds);
// A point with joules per action, above idle and in all.
void measure_steady(Bench& bench, const char* family, Parameters parameters, const SteadyLoop& loop);

}  // namespace tw::gpu
