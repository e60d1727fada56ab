// SPDX-License-Identifier: Apache-2.0
// How instructions reach the warps: loops of straight code, shorter and longer than what a sub-core keeps at
// hand, by one and two warps of every sub-core, who run the same code or copies of their own.
#include <algorithm>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kFirstRounds = 4, kRounds = 36;

enum class Kind : uint8_t { kFmul, kFmnmx, kMix };  // kMix: an EX2, six FMUL and an FMNMX
constexpr const char* kKindNames[] = {"FMUL", "FMNMX", "EX2+6 FMUL+FMNMX"};

// Which of the copies a warp runs.
enum class Sharing : uint8_t { kAll, kOneForWarp, kOneForSubCore, kNone };
constexpr const char* kSharingNames[] = {"all run one", "a copy for each warp of a sub-core",
                                         "a copy for each sub-core", "a copy for each warp"};

template <Kind kKind, int kCopy>
__device__ __forceinline__ void step(float (&chains)[8], int i) {
  const float y = 1.0001f + 0.001f * kCopy;  // keeps the copies apart
  float& x = chains[i % 8];
  if (kKind == Kind::kFmnmx || (kKind == Kind::kMix && i % 8 == 7)) {
    asm volatile("max.f32 %0, %0, %1;" : "+f"(x) : "f"(y));
  } else if (kKind == Kind::kMix && i % 8 == 0) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(x));
  } else {
    asm volatile("mul.f32 %0, %0, %1;" : "+f"(x) : "f"(y));
  }
}

template <Kind kKind, int kInstructions, int kCopy>
__device__ __forceinline__ uint32_t run_copy(float (&chains)[8]) {
  uint32_t begin = 0;
#pragma unroll 1
  for (int round = 0; round < kRounds; ++round) {
    if (round == kFirstRounds) {
      begin = static_cast<uint32_t>(clock_now());
    }
#pragma unroll
    for (int i = 0; i < kInstructions; ++i) {
      step<kKind, kCopy>(chains, i);
    }
  }
  return static_cast<uint32_t>(clock_now()) - begin;
}

template <Kind kKind, int kInstructions>
__global__ void __launch_bounds__(256, 1) fetch_kernel(Stamp* stamps, Sharing sharing) {
  __shared__ uint32_t slowest;
  float chains[8];
  for (int i = 0; i < 8; ++i) {
    chains[i] = static_cast<float>(threadIdx.x + i);
  }
  if (threadIdx.x == 0) {
    slowest = 0;
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  const uint32_t warp = threadIdx.x / 32;
  const uint32_t copy = sharing == Sharing::kAll             ? 0
                        : sharing == Sharing::kOneForWarp    ? warp / 4
                        : sharing == Sharing::kOneForSubCore ? warp % 4
                                                             : warp;
  uint32_t taken = 0;
  switch (copy) {
    case 0:
      taken = run_copy<kKind, kInstructions, 0>(chains);
      break;
    case 1:
      taken = run_copy<kKind, kInstructions, 1>(chains);
      break;
    case 2:
      taken = run_copy<kKind, kInstructions, 2>(chains);
      break;
    case 3:
      taken = run_copy<kKind, kInstructions, 3>(chains);
      break;
    case 4:
      taken = run_copy<kKind, kInstructions, 4>(chains);
      break;
    case 5:
      taken = run_copy<kKind, kInstructions, 5>(chains);
      break;
    case 6:
      taken = run_copy<kKind, kInstructions, 6>(chains);
      break;
    default:
      taken = run_copy<kKind, kInstructions, 7>(chains);
  }
  if (threadIdx.x % 32 == 0) {
    atomicMax(&slowest, taken);
  }
  float sum = 0;
  for (const float value : chains) {
    sum += value;
  }
  if (sum == 1.2345f) {
    stamps[0].value[3] = 1;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].value[0] = slowest;
    stamp_end(stamps);
  }
}

template <Kind kKind, int kInstructions>
void measure(Bench& bench) {
  for (const int warps : {1, 2}) {
    for (const Sharing sharing :
         {Sharing::kAll, Sharing::kOneForWarp, Sharing::kOneForSubCore, Sharing::kNone}) {
      if (warps == 1 && (sharing == Sharing::kOneForWarp || sharing == Sharing::kNone)) {
        continue;
      }
      const Repeat repeat{};
      const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
        fetch_kernel<kKind, kInstructions><<<1, 128 * warps>>>(stamps, sharing);
      });
      bench.add("instruction_fetch", Mechanisms::kOne,
                {{"code", std::string(kKindNames[static_cast<int>(kKind)])},
                 {"instructions", int64_t{kInstructions}},
                 {"sharing", std::string(kSharingNames[static_cast<int>(sharing)])},
                 {"warps_per_sub_core", int64_t{warps}}},
                samples, repeat, {{"round_cycles", "cycle", [](const Sample& s) {
                                     return s.mean_value(0) / (kRounds - kFirstRounds);
                                   }}});
    }
  }
}

template <Kind kKind>
void measure_lengths(Bench& bench) {
  measure<kKind, 64>(bench);
  measure<kKind, 128>(bench);
  measure<kKind, 160>(bench);
  measure<kKind, 192>(bench);
  measure<kKind, 256>(bench);
  measure<kKind, 320>(bench);
  measure<kKind, 384>(bench);
  measure<kKind, 512>(bench);
  measure<kKind, 768>(bench);
}

}  // namespace

void run_instruction_fetch(Bench& bench) {
  measure_lengths<Kind::kFmul>(bench);
  measure_lengths<Kind::kFmnmx>(bench);
  measure_lengths<Kind::kMix>(bench);
}

}  // namespace tw::gpu
