// SPDX-License-Identifier: Apache-2.0
// fence.proxy.async where attention kernels have it: in warps beside others that multiply or copy, and in a
// warpgroup whose own wgmma are still running.
#include "micro/suites.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu {
namespace {

constexpr int kFences = 256;
constexpr int kRounds = 32;
constexpr uint32_t kTileBytesA = 64 * kRowBytes;

enum class Background : uint8_t { kNone, kWgmma, kCpAsync };

struct Work {
  Background background;
  int fence_warps;
  const uint8_t* source;
};

__device__ void multiply_until(const volatile uint32_t* done, uint32_t a, uint32_t b, Stamp* stamps) {
  float d[64] = {};
  while (*done == 0) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < 32; ++i) {
      const uint32_t at = i % 4 * kStepBytes;
      Wgmma<128>::ss(d, wgmma_descriptor(a + at), wgmma_descriptor(b + at));
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

__device__ void copy_until(const volatile uint32_t* done, const uint8_t* source, uint32_t ring) {
  const uint32_t mine = ring + threadIdx.x % 128 * 16;
  size_t at = threadIdx.x % 128 * 16;
  while (*done == 0) {
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      cp_async16(mine + i * 2048, source + at);
      at = (at + 2048) % kResidentBytes;
    }
    cp_async_commit();
    cp_async_wait<1>();
  }
  cp_async_wait<0>();
}

// Warps 0 to 3 are the background, the others fence. The first of those has the stamp.
__global__ void __launch_bounds__(512, 1) fences_kernel(Stamp* stamps, Work work) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ uint32_t done;
  fill_tile(tiles, 64 + 128, 0, Data::kRandom);
  if (threadIdx.x == 0) {
    done = 0;
    stamps[0].errors = 0;
  }
  fence_proxy_async();
  __syncthreads();
  const uint32_t a = shared_address(tiles), ring = a + 32 * 1024;
  if (threadIdx.x < 128) {
    if (work.background == Background::kWgmma) {
      multiply_until(&done, a, a + kTileBytesA, stamps);
    } else if (work.background == Background::kCpAsync) {
      copy_until(&done, work.source, ring);
    }
    return;
  }
  const uint64_t begun = clock_now();
  while (clock_now() - begun < 4000) {  // the background is under way
  }
  named_sync(1, work.fence_warps * 32);
  if (threadIdx.x == 128) {
    stamp_begin(stamps);
  }
#pragma unroll 1
  for (int i = 0; i < kFences / 16; ++i) {
#pragma unroll
    for (int k = 0; k < 16; ++k) {
      fence_proxy_async();
    }
  }
  named_sync(1, work.fence_warps * 32);
  if (threadIdx.x == 128) {
    stamp_end(stamps);
    *const_cast<volatile uint32_t*>(&done) = 1;
  }
}

// value[0]: cycles from before a batch of kCount to behind a fence after it; value[1]: to the batch's end.
template <int kCount>
__global__ void __launch_bounds__(128, 1) fence_after_kernel(Stamp* stamps) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  fill_tile(tiles, 64 + 128, 0, Data::kRandom);
  fence_proxy_async();
  __syncthreads();
  const uint32_t a = shared_address(tiles), b = a + kTileBytesA;
  float d[64] = {};
  uint64_t fenced = 0, ended = 0;
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
#pragma unroll 1
  for (int round = 0; round < kRounds + 1; ++round) {
    named_sync(1, 128);
    const uint64_t origin = clock_now();
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const uint32_t at = i % 4 * kStepBytes;
      Wgmma<128>::ss(d, wgmma_descriptor(a + at), wgmma_descriptor(b + at));
    }
    wgmma_commit();
    fence_proxy_async();
    const uint64_t fence = clock_now() - origin;
    wgmma_wait<0>();
    wait_for(__float_as_uint(d[0]) ^ __float_as_uint(d[63]));
    const uint64_t end = clock_now() - origin;
    fenced += round > 0 ? fence : 0;
    ended += round > 0 ? end : 0;
  }
  if (threadIdx.x == 0) {
    stamp_end(stamps);
    stamps[0].value[0] = fenced;
    stamps[0].value[1] = ended;
  }
  float sum = 0;
  for (const float value : d) {
    sum += value;
  }
  if (sum == 1.2345f) {
    stamps[0].errors = 1;
  }
}

const char* name_of(Background background) {
  constexpr const char* kNames[] = {"none", "wgmma", "cp_async"};
  return kNames[static_cast<int>(background)];
}

template <int kCount>
void measure_after(Bench& bench) {
  const Repeat repeat{};
  const auto kernel = fence_after_kernel<kCount>;
  allow_shared(kernel, kWholeSmShared);
  const auto samples =
      bench.measure(1, repeat, [&](Stamp* stamps, int) { kernel<<<1, 128, 64 * 1024>>>(stamps); });
  bench.add("fence_after_wgmma", Mechanisms::kOne, {{"n", int64_t{128}}, {"instructions", int64_t{kCount}}},
            samples, repeat,
            {{"fenced_cycles", "cycle", [](const Sample& s) { return s.mean_value(0) / kRounds; }},
             {"done_cycles", "cycle", [](const Sample& s) { return s.mean_value(1) / kRounds; }}});
}

}  // namespace

void run_fence_beside(Bench& bench) {
  DeviceBuffer<uint32_t> words(kResidentBytes / 4);
  fill_pattern(words.get(), words.count());
  touch(words.get(), kResidentBytes);
  const auto* source = reinterpret_cast<const uint8_t*>(words.get());
  allow_shared(fences_kernel, kWholeSmShared);
  for (const Background background : {Background::kNone, Background::kWgmma, Background::kCpAsync}) {
    for (const int warps : {1, 4, 8, 12}) {
      const Repeat repeat{};
      const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
        fences_kernel<<<1, 128 + 32 * warps, 128 * 1024>>>(stamps, Work{background, warps, source});
      });
      bench.add("fence_beside", Mechanisms::kOne,
                {{"background", std::string(name_of(background))}, {"warps", int64_t{warps}}}, samples,
                repeat, {{"cycles_per_fence", "cycle", [](const Sample& s) { return s.cycles / kFences; }}});
    }
  }
  measure_after<1>(bench);
  measure_after<4>(bench);
  measure_after<8>(bench);
}

}  // namespace tw::gpu
