// SPDX-License-Identifier: Apache-2.0
// How long a softmax warp waits for a result while other warps of its SM multiply or copy: chains of one operation by one warp of
// one sub-core, and by one and two warps of each, beside wgmma without pause and beside cp.async in a stream that runs as fast as
// it can.
#include <algorithm>

#include "micro/suites.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu {
namespace {

constexpr int kTurns = 32, kUnroll = 16;
constexpr uint32_t kTileBytesA = 64 * kRowBytes;
constexpr uint32_t kManyArrivals = 1000000;  // no phase ends
constexpr int kInFlight = 16;                // copies of a warp

enum class Background : uint8_t { kNone, kSs64, kSs128, kRs128, kCopyOneWarp, kCopyFourWarps, kCopyBursts, kCount };
constexpr const char* kBackgrounds[] = {"none",           "wgmma SS N=64",    "wgmma SS N=128", "wgmma RS N=128",
                                        "cp.async 1 warp", "cp.async 4 warps", "cp.async bursts"};

enum class Operation : uint8_t {
  kShfl,
  kLoad,
  kTryWait,
  kFence,
  kArrive,
  kArriveFence,
  kTryWaitFence,
  kEx2,
  kFmul,
  kFmnmx,
  kCount
};
constexpr const char* kOperations[] = {"SHFL",     "LDS",           "try_wait", "fence", "arrive", "arrive+fence",
                                       "try_wait+fence", "EX2", "FMUL",     "FMNMX"};

template <bool kFromRegisters, int kN>
__device__ void multiply_until(const volatile uint32_t* done, const uint8_t* tiles, Stamp* stamps) {
  const uint32_t a = shared_address(tiles), b = a + kTileBytesA;
  float d[kN / 2] = {};
  uint32_t fragment[4];
  load_a_fragment(fragment, tiles, 0);
  while (*done == 0) {
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
  float sum = 0;
  for (const float value : d) {
    sum += value;
  }
  if (sum == 1.2345f) {
    stamps[0].value[3] = 1;
  }
}

// `pause`: cycles between bursts of kInFlight copies a warp.
__device__ void copy_until(const volatile uint32_t* done, const uint8_t* source, uint32_t ring, uint32_t pause) {
  const uint32_t mine = ring + threadIdx.x % 128 * 16;
  size_t at = threadIdx.x % 128 * 16;
  while (*done == 0) {
#pragma unroll
    for (int i = 0; i < kInFlight; ++i) {
      cp_async16(mine + i * 2048, source + at);
      at = (at + 2048) % kResidentBytes;
    }
    cp_async_commit();
    if (pause > 0) {
      cp_async_wait<0>();
      const uint64_t from = clock_now();
      while (clock_now() - from < pause) {
      }
    } else {
      cp_async_wait<1>();
    }
  }
  cp_async_wait<0>();
}

template <Operation kOperation>
__device__ __forceinline__ void step(uint32_t& x, uint32_t y, uint32_t barrier) {
  if constexpr (kOperation == Operation::kShfl) {
    asm volatile("shfl.sync.bfly.b32 %0, %0, 1, 31, 0xffffffff;" : "+r"(x));
  } else if constexpr (kOperation == Operation::kLoad) {
    asm volatile("ld.shared.u32 %0, [%0];" : "+r"(x)::"memory");
  } else if constexpr (kOperation == Operation::kEx2) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+r"(x));
  } else if constexpr (kOperation == Operation::kFmul) {
    asm volatile("mul.rn.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else if constexpr (kOperation == Operation::kFmnmx) {
    asm volatile("max.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  }
  if constexpr (kOperation == Operation::kTryWait || kOperation == Operation::kTryWaitFence) {
    mbarrier_wait(barrier, 1);  // the phase before the first: over
  }
  if constexpr (kOperation == Operation::kArrive || kOperation == Operation::kArriveFence) {
    if (threadIdx.x % 32 == 0) {
      mbarrier_arrive(barrier);
    }
  }
  if constexpr (kOperation == Operation::kFence || kOperation == Operation::kArriveFence ||
                kOperation == Operation::kTryWaitFence) {
    fence_proxy_async();
  }
}

struct Work {
  Background background;
  int warps;
  const uint8_t* source;
};

// Warpgroup 0 is the background, the others run the operation; the first of those has the stamp.
template <Operation kOperation>
__global__ void __launch_bounds__(384, 1) operation_kernel(Stamp* stamps, Work work) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ uint32_t done;
  __shared__ uint64_t barrier;
  __shared__ uint32_t itself[32];  // what a chain of loads goes through: every word is its own address
  fill_tile(tiles, 64 + 128, 0, Data::kRandom);
  if (threadIdx.x < 32) {
    itself[threadIdx.x] = shared_address(&itself[threadIdx.x]);
  }
  if (threadIdx.x == 0) {
    done = 0;
    stamps[0].errors = 0;
    mbarrier_init(shared_address(&barrier), kManyArrivals);
    mbarrier_init_fence();
  }
  fence_proxy_async();
  __syncthreads();
  const uint32_t ring = shared_address(tiles) + 32 * 1024;
  if (threadIdx.x < 128) {
    switch (work.background) {
      case Background::kSs64:
        multiply_until<false, 64>(&done, tiles, stamps);
        return;
      case Background::kSs128:
        multiply_until<false, 128>(&done, tiles, stamps);
        return;
      case Background::kRs128:
        multiply_until<true, 128>(&done, tiles, stamps);
        return;
      case Background::kCopyOneWarp:
        if (threadIdx.x < 32) {
          copy_until(&done, work.source, ring, 0);
        }
        return;
      case Background::kCopyFourWarps:
        copy_until(&done, work.source, ring, 0);
        return;
      case Background::kCopyBursts:
        copy_until(&done, work.source, ring, 500);
        return;
      default:
        return;
    }
  }
  const uint64_t begun = clock_now();
  while (clock_now() - begun < 4000) {  // the background is under way
  }
  uint32_t x = kOperation == Operation::kLoad ? itself[threadIdx.x % 32] : 0x3f7fff00u + threadIdx.x;
  named_sync(1, work.warps * 32);
  if (threadIdx.x == 128) {
    stamp_begin(stamps);
  }
#pragma unroll 1
  for (int i = 0; i < kTurns; ++i) {
#pragma unroll
    for (int k = 0; k < kUnroll; ++k) {
      step<kOperation>(x, 0x3f7fff00u, shared_address(&barrier));
    }
  }
  named_sync(1, work.warps * 32);
  if (threadIdx.x == 128) {
    stamp_end(stamps);
    *const_cast<volatile uint32_t*>(&done) = 1;
  }
  if (x == 0x9e3779b9u) {
    stamps[0].value[3] = x;
  }
}

template <Operation kOperation>
void measure(Bench& bench, const uint8_t* source) {
  const auto kernel = operation_kernel<kOperation>;
  allow_shared(kernel, kWholeSmShared);
  for (int b = 0; b < static_cast<int>(Background::kCount); ++b) {
    for (const int warps : {1, 4, 8}) {
      const Repeat repeat{};
      const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
        kernel<<<1, 128 + 32 * warps, 128 * 1024>>>(stamps, Work{static_cast<Background>(b), warps, source});
      });
      bench.add("operation_beside", Mechanisms::kOne,
                {{"operation", std::string(kOperations[static_cast<int>(kOperation)])},
                 {"background", std::string(kBackgrounds[b])},
                 {"warps", int64_t{warps}}},
                samples, repeat,
                {{"cycles_per_operation", "cycle", [](const Sample& s) { return s.cycles / (kTurns * kUnroll); }}});
    }
  }
}

}  // namespace

void run_operation_beside(Bench& bench) {
  DeviceBuffer<uint32_t> words(kResidentBytes / 4);
  fill_pattern(words.get(), words.count());
  touch(words.get(), kResidentBytes);
  const auto* source = reinterpret_cast<const uint8_t*>(words.get());
  measure<Operation::kShfl>(bench, source);
  measure<Operation::kLoad>(bench, source);
  measure<Operation::kTryWait>(bench, source);
  measure<Operation::kFence>(bench, source);
  measure<Operation::kArrive>(bench, source);
  measure<Operation::kArriveFence>(bench, source);
  measure<Operation::kTryWaitFence>(bench, source);
  measure<Operation::kEx2>(bench, source);
  measure<Operation::kFmul>(bench, source);
  measure<Operation::kFmnmx>(bench, source);
}

}  // namespace tw::gpu
