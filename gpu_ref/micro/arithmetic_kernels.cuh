// SPDX-License-Identifier: Apache-2.0
// The arithmetic suite's kernels: instructions in chains, alone and beside a matrix unit without pause.
#pragma once

#include "micro/arithmetic.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu::arithmetic {

inline constexpr int kIterations = 256;
inline constexpr int kUnroll = 8;
inline constexpr int kMmaGroups = 128;
inline constexpr int kRoundsPerLook = 8;  // often enough to stop soon, seldom enough to cost little

// One instruction whose result feeds the next of its chain.
template <Instruction kInstruction>
__device__ __forceinline__ void step(uint32_t& x, uint32_t y, uint32_t z) {
  if constexpr (kInstruction == Instruction::kFfma) {
    asm volatile("fma.rn.f32 %0, %0, %1, %2;" : "+r"(x) : "r"(y), "r"(z));
  } else if constexpr (kInstruction == Instruction::kFmul) {
    asm volatile("mul.rn.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else if constexpr (kInstruction == Instruction::kFmnmx) {
    asm volatile("max.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else if constexpr (kInstruction == Instruction::kEx2) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+r"(x));
  } else if constexpr (kInstruction == Instruction::kF2fp) {
    asm volatile("cvt.rn.bf16x2.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else if constexpr (kInstruction == Instruction::kImad) {
    asm volatile("mad.lo.u32 %0, %0, %1, %2;" : "+r"(x) : "r"(y), "r"(z));
  } else if constexpr (kInstruction == Instruction::kShfl) {
    asm volatile("shfl.sync.bfly.b32 %0, %0, 1, 31, 0xffffffff;" : "+r"(x));
  } else if constexpr (kInstruction == Instruction::kFadd) {
    asm volatile("add.rn.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else {
    asm volatile("lop3.b32 %0, %0, %1, %2, 0x96;" : "+r"(x) : "r"(y), "r"(z));
  }
}

// Stage by stage over the chains, so that none waits for the one before.
template <int kChains>
__device__ __forceinline__ void weigh(uint32_t (&chains)[kChains], uint32_t y, uint32_t z) {
  uint32_t weight[kChains];
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    asm volatile("fma.rn.f32 %0, %1, %2, %3;" : "=r"(weight[c]) : "r"(chains[c]), "r"(y), "r"(z));
  }
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+r"(weight[c]));
  }
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    asm volatile("add.rn.f32 %0, %0, %1;" : "+r"(chains[c]) : "r"(weight[c]));
  }
}

template <Instruction kInstruction, int kChains>
__device__ __forceinline__ void steps(uint32_t (&chains)[kChains], uint32_t y, uint32_t z) {
#pragma unroll
  for (int j = 0; j < kUnroll; ++j) {
    if constexpr (kInstruction == Instruction::kWeigh) {
      weigh(chains, y, z);
    } else {
#pragma unroll
      for (int c = 0; c < kChains; ++c) {
        step<kInstruction>(chains[c], y, z);
      }
    }
  }
}

template <int kChains>
__device__ __forceinline__ void start(uint32_t (&chains)[kChains], uint32_t y) {
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    chains[c] = y + threadIdx.x * kChains + c;
  }
}

template <int kChains>
__device__ __forceinline__ void keep(const uint32_t (&chains)[kChains], Stamp* stamps) {
  uint32_t all = 0;
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    all ^= chains[c];
  }
  if (all == 0x9e3779b9u) {
    stamps[blockIdx.x].value[3] = all;
  }
}

template <Instruction kInstruction, int kChains>
__global__ void __launch_bounds__(1024) instruction_kernel(Stamp* stamps, uint32_t y, uint32_t z) {
  uint32_t chains[kChains];
  start(chains, y);
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
#pragma unroll 1
  for (int i = 0; i < kIterations; ++i) {
    steps<kInstruction>(chains, y, z);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  keep(chains, stamps);
}

struct Progress {
  volatile uint32_t done;
  unsigned long long issued;
};

template <bool kFromRegisters, int kN>
__device__ __forceinline__ void multiply_without_pause(const uint8_t* tiles, int groups, Progress& progress,
                                                       Stamp* stamps) {
  const uint32_t a = shared_address(tiles), b = a + 64 * kRowBytes;
  float d[kN / 2] = {};
  uint32_t fragment[4];
  load_a_fragment(fragment, tiles, 0);
  if (threadIdx.x == 0) {
    stamp_begin(stamps);
  }
  for (int g = 0; g < groups; ++g) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < 32; ++i) {
      const uint32_t at = i % 4 * kStepBytes;
      if constexpr (kFromRegisters) {
        Wgmma<kN>::rs(d, fragment, wgmma_descriptor(b + at));
      } else {
        Wgmma<kN>::ss(d, wgmma_descriptor(a + at), wgmma_descriptor(b + at));
      }
    }
    wgmma_commit();
    wgmma_wait<0>();
  }
  named_sync(1, 128);
  if (threadIdx.x == 0) {
    stamp_end(stamps);
    progress.done = 1;
  }
  float sum = 0;
  for (const float v : d) {
    sum += v;
  }
  if (sum == 1.2345f) {
    stamps[0].value[3] = 1;
  }
}

template <Instruction kInstruction, int kChains>
__device__ __forceinline__ void run_until_done(uint32_t y, uint32_t z, Progress& progress, Stamp* stamps) {
  uint32_t chains[kChains];
  start(chains, y);
  uint32_t rounds = 0;
  const uint64_t begin = clock_now();
  while (__any_sync(0xffffffffu, progress.done == 0)) {  // the whole warp decides, so that it stays together
    for (int i = 0; i < kRoundsPerLook; ++i) {
      steps<kInstruction>(chains, y, z);
    }
    rounds += kRoundsPerLook;
  }
  const uint64_t taken = clock_now() - begin;
  if (threadIdx.x % 32 == 0) {
    atomicAdd(&progress.issued, static_cast<unsigned long long>(rounds) * kUnroll * kChains);
  }
  if (threadIdx.x == 128) {
    stamps[0].value[1] = taken;
  }
  keep(chains, stamps);
}

// Warpgroup 0 multiplies without pause; the other warps run the instruction until it is done.
// value[0]: instructions issued by those warps; value[1]: cycles they took.
template <Instruction kInstruction, bool kFromRegisters, int kN = 128, int kChains = 8>
__global__ void __launch_bounds__(384) beside_kernel(Stamp* stamps, uint32_t y, uint32_t z, int groups) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ Progress progress;
  fill_tile(tiles, 64 + kN, 0, Data::kRandom);
  if (threadIdx.x == 0) {
    progress.done = 0;
    progress.issued = 0;
    stamps[0].errors = 0;
  }
  fence_proxy_async();
  __syncthreads();
  if (threadIdx.x < 128) {
    multiply_without_pause<kFromRegisters, kN>(tiles, groups, progress, stamps);
  } else {
    run_until_done<kInstruction, kChains>(y, z, progress, stamps);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].value[0] = progress.issued;
  }
}

}  // namespace tw::gpu::arithmetic
