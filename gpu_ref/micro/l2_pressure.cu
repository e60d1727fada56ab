// SPDX-License-Identifier: Apache-2.0
// What all SMs together get from L2, by loads, cp.async and bulk copies, with more and more bytes in flight. Each SM reads a
// region of its own, again and again, or all go through one buffer in turn for many passes; then SMs drift apart, and some ask
// for lines that others are just being given.
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
constexpr uint32_t kMoved = 16 << 20;  // by each SM: 128 times through its region

enum class Path : uint8_t { kLoad, kCopy, kBulk };
constexpr const char* kNames[] = {"load", "cp_async", "bulk"};

// A round is what all threads move by one instruction, or one bulk copy: a thread issues one every 180 cycles or so, and
// smaller ones would show that.
template <Path kPath>
constexpr uint32_t kRound = kPath == Path::kBulk ? 16 * 1024 : kThreads * 16;
template <Path kPath>
constexpr int kRounds = kMoved / kRound<kPath>;

// Where an SM's rounds lie.
struct Walk {
  uint32_t at, stride, end, back;
  __device__ Walk(bool own, uint32_t rank, uint32_t sms, uint32_t round)
      : at(own ? rank * kRegion : rank * round),
        stride(own ? round : sms * round),
        end(own ? (rank + 1) * kRegion : sms * kRegion),
        back(own ? kRegion : sms * kRegion) {}
  __device__ void step() {
    at += stride;
    at = at >= end ? at - back : at;
  }
};

template <int kDepth>
__device__ uint32_t load_rounds(const uint8_t* source, Walk walk) {
  uint32_t sum = 0;
  for (int round = 0; round < kRounds<Path::kLoad>; round += kDepth) {
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
__device__ void copy_rounds(const uint8_t* source, uint32_t tiles, Walk walk) {
  for (int round = 0; round < kRounds<Path::kCopy>; round += kDepth) {
#pragma unroll
    for (int d = 0; d < kDepth; ++d, walk.step()) {
      cp_async_wait<kDepth - 1>();
      cp_async16(tiles + d * kRound<Path::kCopy> + threadIdx.x * 16, source + walk.at + threadIdx.x * 16);
      cp_async_commit();
    }
  }
  cp_async_wait<0>();
}

template <int kDepth>
__device__ void bulk_rounds(const uint8_t* source, uint32_t barriers, uint32_t tiles, Walk walk) {
  constexpr int kAll = kRounds<Path::kBulk>;
  constexpr uint32_t kBytes = kRound<Path::kBulk>;
  for (int round = 0; round < kAll + kDepth; ++round) {
    const uint32_t slot = round % kDepth, barrier = barriers + slot * 8;
    if (round >= kDepth) {
      mbarrier_wait(barrier, (round / kDepth - 1) & 1);
    }
    if (round < kAll) {
      mbarrier_arrive_expect(barrier, kBytes);
      bulk_load(tiles + slot * kBytes, source + walk.at, kBytes, barrier);
      walk.step();
    }
  }
}

// SMs whose number is no multiple of `every` have nothing to do.
template <Path kPath, int kDepth>
__global__ void __launch_bounds__(kThreads)
    pressure_kernel(Stamp* stamps, const uint8_t* source, bool own, uint32_t every) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t sm = sm_id();
  if (sm % every != 0) {
    return;
  }
  const uint32_t barriers = shared_address(shared), tiles = barriers + kBarrierBytes;
  const Walk walk(own, sm / every, gridDim.x / every, kRound<kPath>);
  if (threadIdx.x == 0) {
    for (int slot = 0; slot < kDepth; ++slot) {
      mbarrier_init(barriers + slot * 8, 1);
    }
    mbarrier_init_fence();
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  uint32_t sum = 0;
  if constexpr (kPath == Path::kLoad) {
    sum = load_rounds<kDepth>(source, walk);
  } else if constexpr (kPath == Path::kCopy) {
    copy_rounds<kDepth>(source, tiles, walk);
  } else if (threadIdx.x == 0) {
    bulk_rounds<kDepth>(source, barriers, tiles, walk);
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
    for (int round = 1; round < kRounds<kPath>; ++round) {
      last.step();
    }
    const uint32_t found = *reinterpret_cast<const uint32_t*>(shared + kBarrierBytes + (kRounds<kPath> - 1) % kDepth * kRound<kPath>);
    if (threadIdx.x == 0 && found != pattern_word(last.at / 4)) {
      stamps[blockIdx.x].errors = 1;
    }
  }
}

template <Path kPath, int kDepth>
void measure(Bench& bench, const uint8_t* source) {
  static_assert(kRounds<kPath> % kDepth == 0);
  allow_shared(pressure_kernel<kPath, kDepth>, kWholeSmShared);
  for (const uint32_t every : {1u, 2u, 4u}) {
    for (const bool own : {true, false}) {
      const Repeat repeat{.warm_up = 2, .repeats = 5, .verifies = kPath != Path::kLoad};
      const auto samples = bench.measure(bench.sm_count(), repeat, [&](Stamp* stamps, int) {
        pressure_kernel<kPath, kDepth><<<bench.sm_count(), kThreads, kWholeSmShared>>>(stamps, source, own, every);
      });
      const double moved = kMoved;
      bench.add("l2_pressure", Mechanisms::kOne,
                {{"path", std::string(kNames[static_cast<int>(kPath)])},
                 {"lines", std::string(own ? "own" : "in_turn")},
                 {"bytes_in_flight", int64_t{kDepth} * kRound<kPath>},
                 {"sms", int64_t{(bench.sm_count() + static_cast<int>(every) - 1) / static_cast<int>(every)}}},
                samples, repeat,
                {{"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return moved / s.cycles_mean; }},
                 {"slowest_bytes_per_cycle", "B/cycle", [=](const Sample& s) { return moved / s.cycles; }}});
    }
  }
}

}  // namespace

void run_l2_pressure(Bench& bench) {
  const size_t bytes = size_t{kRegion} * bench.sm_count();
  DeviceBuffer<uint32_t> words(bytes / 4);
  fill_pattern(words.get(), bytes / 4);
  touch(words.get(), bytes);
  const auto* source = reinterpret_cast<const uint8_t*>(words.get());
  measure<Path::kLoad, 2>(bench, source);
  measure<Path::kLoad, 4>(bench, source);
  measure<Path::kLoad, 8>(bench, source);
  measure<Path::kLoad, 16>(bench, source);
  measure<Path::kCopy, 2>(bench, source);
  measure<Path::kCopy, 4>(bench, source);
  measure<Path::kCopy, 8>(bench, source);
  measure<Path::kCopy, 16>(bench, source);
  measure<Path::kBulk, 1>(bench, source);
  measure<Path::kBulk, 2>(bench, source);
  measure<Path::kBulk, 4>(bench, source);
  measure<Path::kBulk, 8>(bench, source);
}

}  // namespace tw::gpu
