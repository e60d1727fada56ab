// SPDX-License-Identifier: Apache-2.0
// Which of a scheduler's warps issues: one to four warps of each sub-core run the same straight code, and it is seen when each
// is done. Warps that are served one after the other finish one after the other, warps that take turns together.
#include <algorithm>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kRounds = 3;  // the first two fetch the instructions
constexpr int kInstructions = 192;
constexpr int kMostWarps = 4;  // of a sub-core

enum class Code : uint8_t { kFmul, kFmulChain, kFmnmx, kEx2, kShfl, kMix, kCount };
constexpr const char* kNames[] = {"FMUL", "FMUL chain", "FMNMX", "EX2", "SHFL", "EX2+4 FMUL+FMNMX"};

template <Code kCode>
__device__ __forceinline__ void step(float (&chains)[8], int i, float y) {
  float& x = kCode == Code::kFmulChain ? chains[0] : chains[i % 8];
  constexpr bool kMix = kCode == Code::kMix;
  if (kCode == Code::kEx2 || (kMix && i % 6 == 0)) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(x));
  } else if (kCode == Code::kFmnmx || (kMix && i % 6 == 3)) {
    asm volatile("max.f32 %0, %0, %1;" : "+f"(x) : "f"(y));
  } else if (kCode == Code::kShfl) {
    asm volatile("shfl.sync.bfly.b32 %0, %0, 1, 31, 0xffffffff;" : "+f"(x));
  } else {
    asm volatile("mul.f32 %0, %0, %1;" : "+f"(x) : "f"(y));
  }
}

// value[k]: when the sub-core's warp that is done as number k is done, cycles from the first warp's begin; sub-core 0.
template <Code kCode>
__global__ void __launch_bounds__(512, 1) order_kernel(Stamp* stamps, float y) {
  __shared__ uint64_t begins[16], ends[16];
  float chains[8];
  for (int i = 0; i < 8; ++i) {
    chains[i] = static_cast<float>(threadIdx.x + i);
  }
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  uint64_t begin = 0, end = 0;
#pragma unroll 1
  for (int round = 0; round < kRounds; ++round) {
    __syncthreads();
    begin = clock_now();
#pragma unroll
    for (int i = 0; i < kInstructions; ++i) {
      step<kCode>(chains, i, y);
    }
    end = clock_now();
  }
  float sum = 0;
  for (const float value : chains) {
    sum += value;
  }
  if (sum == 1.2345f) {
    stamps[0].errors = 1;
  }
  begins[threadIdx.x / 32] = begin;
  ends[threadIdx.x / 32] = end;
  __syncthreads();
  if (threadIdx.x == 0) {
    const int warps = static_cast<int>(blockDim.x) / 128;
    uint64_t done[kMostWarps] = {}, first = begins[0];
    for (int w = 0; w < warps; ++w) {
      first = min(first, begins[4 * w]);
      done[w] = ends[4 * w];
    }
    for (int i = 1; i < warps; ++i) {
      for (int k = i; k > 0 && done[k] < done[k - 1]; --k) {
        const uint64_t other = done[k - 1];
        done[k - 1] = done[k];
        done[k] = other;
      }
    }
    for (int k = 0; k < kMostWarps; ++k) {
      stamps[0].value[k] = k < warps ? done[k] - first : 0;
    }
    stamp_end(stamps);
  }
}

template <Code kCode>
void measure(Bench& bench) {
  for (int warps = 1; warps <= kMostWarps; ++warps) {
    const Repeat repeat{};
    const auto samples =
        bench.measure(1, repeat, [&](Stamp* stamps, int) { order_kernel<kCode><<<1, 128 * warps>>>(stamps, 1.0001f); });
    bench.add("issue_order", Mechanisms::kOne,
              {{"code", std::string(kNames[static_cast<int>(kCode)])}, {"warps_per_sub_core", int64_t{warps}}}, samples, repeat,
              {{"last_done_cycles", "cycle", [=](const Sample& s) { return s.mean_value(warps - 1); }},
               {"first_done_cycles", "cycle", [](const Sample& s) { return s.mean_value(0); }},
               {"second_done_cycles", "cycle", [=](const Sample& s) { return s.mean_value(std::min(warps, 2) - 1); }}});
  }
}

}  // namespace

void run_issue_order(Bench& bench) {
  measure<Code::kFmul>(bench);
  measure<Code::kFmulChain>(bench);
  measure<Code::kFmnmx>(bench);
  measure<Code::kEx2>(bench);
  measure<Code::kShfl>(bench);
  measure<Code::kMix>(bench);
}

}  // namespace tw::gpu
