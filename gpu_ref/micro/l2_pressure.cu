// SPDX-License-Identifier: Apache-2.0
// What all SMs together get from L2, by loads, cp.async and bulk copies, with more and more bytes in flight. Each SM reads a
// region of its own, again and again, or all go through one buffer in turn for many passes; then SMs drift apart, and some ask
// for lines that others are just being given. `l2_merge`: two SMs of a TPC, or all, read the same region, some a little later.
#include <algorithm>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * 32;
constexpr uint32_t kRegion = 128 * 1024;  // of an SM; 132 of them and their copies fit into L2
constexpr uint32_t kBarrierBytes = 1024;
constexpr uint32_t kMoved = 16 << 20;  // by each SM: 128 times through its region; 16 times where lines are shared
constexpr uint32_t kMovedShared = 2 << 20;

enum class Path : uint8_t { kLoad, kCopy, kBulk };
constexpr const char* kNames[] = {"load", "cp_async", "bulk"};

// A round is what all threads move by one instruction, or one bulk copy.
template <Path kPath>
constexpr uint32_t kRound = kPath == Path::kBulk ? 16 * 1024 : kThreads * 16;

// Who reads what and when. `share` SMs whose numbers follow each other read the same region, those of an odd number `skew`
// cycles later; 0: all SMs read all regions in turn.
struct Plan {
  uint32_t every;  // only SMs whose number is a multiple of it read
  uint32_t share;
  uint32_t skew;
  uint32_t moved;   // bytes by an SM
  uint32_t target;  // of the count of SMs that are ready, from which on they start
};

// Where an SM's rounds lie.
struct Walk {
  uint32_t at, stride, end, back;
  __device__ Walk(const Plan& plan, uint32_t rank, uint32_t sms, uint32_t round) {
    const uint32_t region = plan.share == 0 ? 0 : rank / plan.share;
    at = plan.share == 0 ? rank * round : region * kRegion;
    stride = plan.share == 0 ? sms * round : round;
    back = plan.share == 0 ? sms * kRegion : kRegion;
    end = region * kRegion + back;
  }
  __device__ void step() {
    at += stride;
    at = at >= end ? at - back : at;
  }
};

__device__ void start_together(unsigned int* ready, const Plan& plan, uint32_t sm) {
  atomicAdd(ready, 1u);
  while (*reinterpret_cast<volatile unsigned int*>(ready) < plan.target) {
  }
  const uint64_t begin = clock_now();
  while (clock_now() - begin < 1000 + (sm & 1) * plan.skew) {
  }
}

template <int kDepth>
__device__ uint32_t load_rounds(const uint8_t* source, Walk walk, int rounds) {
  uint32_t sum = 0;
  for (int round = 0; round < rounds; round += kDepth) {
    uint4 v[kDepth];
#pragma unroll
    for (int d = 0; d < kDepth; ++d, walk.step()) {
      v[d] = load_cg16(source + walk.at + threadIdx.x * 16);
    }
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
      sum ^= v[d].x ^ v[d].y ^ v[d].z ^ v[d].w;
    }
  }
  return sum;
}

template <int kDepth>
__device__ void copy_rounds(const uint8_t* source, uint32_t tiles, Walk walk, int rounds) {
  for (int round = 0; round < rounds; round += kDepth) {
#pragma unroll
    for (int d = 0; d < kDepth; ++d, walk.step()) {
      cp_async_wait<kDepth - 1>();
      cp_async16(tiles + d * kRound<Path::kCopy> + threadIdx.x * 16, source + walk.at + threadIdx.x * 16);
      cp_async_commit();
    }
  }
  cp_async_wait<0>();
}

// A thread of a warp of its own for each slot: one alone takes 270 cycles for a copy, and would show that.
template <int kDepth>
__device__ void bulk_rounds(const uint8_t* source, uint32_t barriers, uint32_t tiles, Walk walk, int rounds) {
  static_assert(kDepth <= kWarps);
  constexpr uint32_t kBytes = kRound<Path::kBulk>;
  const int slot = static_cast<int>(threadIdx.x / 32);
  const uint32_t barrier = barriers + slot * 8, tile = tiles + slot * kBytes;
  for (int d = 0; d < slot; ++d) {
    walk.step();
  }
  uint32_t phase = 0;
  for (int round = slot; round < rounds; round += kDepth, phase ^= 1) {
    mbarrier_arrive_expect(barrier, kBytes);
    bulk_load(tile, source + walk.at, kBytes, barrier);
    for (int d = 0; d < kDepth; ++d) {
      walk.step();
    }
    mbarrier_wait(barrier, phase);
  }
}

template <Path kPath, int kDepth>
__global__ void __launch_bounds__(kThreads)
    pressure_kernel(Stamp* stamps, const uint8_t* source, unsigned int* ready, const __grid_constant__ Plan plan) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t sm = sm_id();
  if (sm % plan.every != 0) {
    return;
  }
  const uint32_t barriers = shared_address(shared), tiles = barriers + kBarrierBytes;
  const Walk walk(plan, sm / plan.every, gridDim.x / plan.every, kRound<kPath>);
  const int rounds = static_cast<int>(plan.moved / kRound<kPath>);
  if (threadIdx.x == 0) {
    for (int slot = 0; slot < kDepth; ++slot) {
      mbarrier_init(barriers + slot * 8, 1);
    }
    mbarrier_init_fence();
    stamps[blockIdx.x].errors = 0;
    start_together(ready, plan, sm);
    stamp_begin(stamps);
  }
  __syncthreads();
  uint32_t sum = 0;
  if constexpr (kPath == Path::kLoad) {
    sum = load_rounds<kDepth>(source, walk, rounds);
  } else if constexpr (kPath == Path::kCopy) {
    copy_rounds<kDepth>(source, tiles, walk, rounds);
  } else if (threadIdx.x % 32 == 0 && threadIdx.x / 32 < kDepth) {
    bulk_rounds<kDepth>(source, barriers, tiles, walk, rounds);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  if (kPath == Path::kLoad && sum == 0x9e3779b9u) {
    stamps[blockIdx.x].value[3] = sum;
  }
  if (kPath != Path::kLoad) {  // the last round lies in the last slot
    Walk last = walk;
    for (int round = 1; round < rounds; ++round) {
      last.step();
    }
    const uint32_t slot = static_cast<uint32_t>(rounds - 1) % kDepth;
    const uint32_t found = *reinterpret_cast<const uint32_t*>(shared + kBarrierBytes + slot * kRound<kPath>);
    if (threadIdx.x == 0 && found != pattern_word(last.at / 4)) {
      stamps[blockIdx.x].errors = 1;
    }
  }
}

// What the SMs read, and how many of them have begun so far.
struct Source {
  const uint8_t* bytes;
  unsigned int* ready;
  unsigned int begun = 0;
};

template <Path kPath, int kDepth>
std::vector<Sample> measure(Bench& bench, Source& source, Plan plan, const Repeat& repeat) {
  allow_shared(pressure_kernel<kPath, kDepth>, kWholeSmShared);
  return bench.measure(bench.sm_count(), repeat, [&](Stamp* stamps, int) {
    source.begun += static_cast<unsigned int>(bench.sm_count()) / plan.every;
    plan.target = source.begun;
    pressure_kernel<kPath, kDepth>
        <<<bench.sm_count(), kThreads, kWholeSmShared>>>(stamps, source.bytes, source.ready, plan);
  });
}

template <Path kPath, int kDepth>
void pressure(Bench& bench, Source& source) {
  for (const uint32_t every : {1u, 2u, 3u}) {
    for (const bool own : {true, false}) {
      const Repeat repeat{.warm_up = 2, .repeats = 5, .verifies = kPath != Path::kLoad};
      const auto samples = measure<kPath, kDepth>(bench, source, {every, own ? 1u : 0u, 0, kMoved, 0}, repeat);
      const double moved = kMoved;
      bench.add("l2_pressure", Mechanisms::kOne,
                {{"path", std::string(kNames[static_cast<int>(kPath)])},
                 {"lines", std::string(own ? "own" : "in_turn")},
                 {"bytes_in_flight", int64_t{kDepth} * kRound<kPath>},
                 {"sms", int64_t{bench.sm_count() / static_cast<int>(every)}}},
                samples, repeat,
                {{"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return moved / s.cycles_mean; }},
                 {"slowest_bytes_per_cycle", "B/cycle", [=](const Sample& s) { return moved / s.cycles; }}});
    }
  }
}

template <Path kPath, int kDepth>
void merge(Bench& bench, Source& source, uint32_t share, uint32_t skew) {
  const Repeat repeat{.warm_up = 2, .repeats = 5, .verifies = true};
  const auto samples = measure<kPath, kDepth>(bench, source, {1, share, skew, kMovedShared, 0}, repeat);
  const double moved = kMovedShared;
  bench.add("l2_merge", Mechanisms::kOne,
            {{"path", std::string(kNames[static_cast<int>(kPath)])},
             {"bytes_in_flight", int64_t{kDepth} * kRound<kPath>},
             {"shared_by", int64_t{share}},
             {"skew_cycles", int64_t{skew}}},
            samples, repeat,
            {{"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return moved / s.cycles_mean; }},
             {"slowest_bytes_per_cycle", "B/cycle", [=](const Sample& s) { return moved / s.cycles; }}});
}

template <Path kPath, int kDepth>
void merges(Bench& bench, Source& source) {
  for (const uint32_t skew : {0u, 20u, 50u, 100u, 200u, 500u, 1000u, 2000u}) {
    merge<kPath, kDepth>(bench, source, 2, skew);
    merge<kPath, kDepth>(bench, source, static_cast<uint32_t>(bench.sm_count()), skew);
  }
}

}  // namespace

void run_l2_pressure(Bench& bench) {
  const size_t bytes = size_t{kRegion} * bench.sm_count();
  DeviceBuffer<uint32_t> words(bytes / 4);
  DeviceBuffer<unsigned int> ready(1);
  TW_CUDA(cudaMemset(ready.get(), 0, sizeof(unsigned int)));
  fill_pattern(words.get(), bytes / 4);
  touch(words.get(), bytes);
  Source source{reinterpret_cast<const uint8_t*>(words.get()), ready.get()};
  pressure<Path::kLoad, 16>(bench, source);  // fewer than it has room for would not tell how many are in flight
  pressure<Path::kCopy, 2>(bench, source);
  pressure<Path::kCopy, 4>(bench, source);
  pressure<Path::kCopy, 8>(bench, source);
  pressure<Path::kCopy, 16>(bench, source);
  pressure<Path::kBulk, 1>(bench, source);
  pressure<Path::kBulk, 2>(bench, source);
  pressure<Path::kBulk, 4>(bench, source);
  pressure<Path::kBulk, 8>(bench, source);
  merges<Path::kCopy, 4>(bench, source);
  merges<Path::kBulk, 4>(bench, source);
}

}  // namespace tw::gpu
