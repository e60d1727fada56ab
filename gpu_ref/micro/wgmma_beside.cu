// SPDX-License-Identifier: Apache-2.0
// One warpgroup of wgmma beside a warpgroup that loads from or stores to shared memory, or fills it by TMA or
// cp.async. How much shared-memory bandwidth a matrix instruction leaves says what its operand reads take,
// which no counter of the load/store unit shows.
#include <algorithm>

#include "micro/suites.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu {
namespace {

constexpr int kBatch = 32;
constexpr uint32_t kTileBytesA = 64 * kRowBytes;
constexpr uint32_t kRingBytes = 64 * 1024;
constexpr int kWarpCopies = 32;  // ring of a warp that copies: 512 bytes each
constexpr int kGroups = 64;
constexpr uint64_t kIdleCycles = 100'000;

enum class Operand : uint8_t { kNone, kShared, kRegisters };
enum class Background : uint8_t { kNone, kLoads, kStores, kTma, kCpAsync };

struct Work {
  int groups;  // commit groups of the matrix instructions, each waited for
  Background background;
  const uint8_t* source;
  int warps;           // of the background
  uint32_t box_bytes;  // of a TMA copy; the ring holds kRingBytes of them
};

template <int kN, Operand kA>
__device__ __forceinline__ void multiply_groups(float (&d)[kN / 2], const uint32_t (&fragments)[4][4],
                                                uint32_t shared_a, uint32_t b, int groups) {
  for (int g = 0; g < groups; ++g) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const uint64_t matrix_b = wgmma_descriptor(b + i % 4 * kStepBytes);
      if constexpr (kA == Operand::kShared) {
        Wgmma<kN>::ss(d, wgmma_descriptor(shared_a + i % 4 * kStepBytes), matrix_b);
      } else {
        Wgmma<kN>::rs(d, fragments[i % 4], matrix_b);
      }
    }
    wgmma_commit();
    wgmma_wait<0>();
  }
}

// Each returns the bytes that its warp moved before `done` was seen.
__device__ uint64_t load_until(const volatile uint32_t* done, uint32_t ring, Stamp* stamps) {
  const uint32_t address = ring + threadIdx.x % 128 * 16;
  uint64_t bytes = 0;
  uint32_t sum = 0;
  while (*done == 0) {
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      uint32_t x, y, z, w;
      asm volatile("ld.volatile.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                   : "=r"(x), "=r"(y), "=r"(z), "=r"(w)
                   : "r"(address + i % 8 * 2048)
                   : "memory");
      sum ^= x ^ y ^ z ^ w;
    }
    bytes += 16 * 512;
  }
  if (sum == 0x9e3779b9u) {
    stamps[blockIdx.x].value[3] = sum;
  }
  return bytes;
}

__device__ uint64_t store_until(const volatile uint32_t* done, uint32_t ring) {
  const uint32_t address = ring + threadIdx.x % 128 * 16;
  uint64_t bytes = 0;
  while (*done == 0) {
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      asm volatile("st.volatile.shared.v4.u32 [%0], {%1, %1, %1, %1};" ::"r"(address + i % 8 * 2048),
                   "r"(static_cast<uint32_t>(bytes))
                   : "memory");
    }
    bytes += 16 * 512;
  }
  return bytes;
}

// One thread keeps the ring full of boxes in flight.
__device__ uint64_t tma_until(const volatile uint32_t* done, const Work& work, uint32_t ring,
                              uint64_t* barriers, uint64_t* issued) {
  const uint32_t slots = kRingBytes / work.box_bytes;
  uint64_t box = 0, landed_when_done = 0;
  bool over = false;
  uint32_t slot = 0, parity = 0;
  const uint64_t first = uint64_t{blockIdx.x} * kRingBytes;
  while (!over || slot != 0) {
    const uint32_t barrier = shared_address(&barriers[slot]);
    if (box >= slots) {
      mbarrier_wait(barrier, parity ^ 1);
    }
    mbarrier_arrive_expect(barrier, work.box_bytes);
    bulk_load(ring + slot * work.box_bytes, work.source + (first + box * work.box_bytes) % kResidentBytes,
              work.box_bytes, barrier);
    ++box;
    slot = slot + 1 == slots ? 0 : slot + 1;
    parity ^= slot == 0 ? 1u : 0u;
    if (!over && *done != 0) {
      over = true;
      landed_when_done = box > slots ? box - slots : 0;
    }
  }
  for (uint32_t s = 0; s < slots; ++s) {
    mbarrier_wait(shared_address(&barriers[s]), parity ^ 1);
  }
  *issued = box;
  return landed_when_done * work.box_bytes;
}

__device__ uint64_t cp_async_until(const volatile uint32_t* done, const Work& work, uint32_t ring) {
  const uint32_t warp = threadIdx.x % 128 / 32, lane = threadIdx.x % 32;
  const uint32_t mine = ring + warp * kWarpCopies * 512 + lane * 16;
  const size_t stride = size_t{static_cast<uint32_t>(work.warps)} * 512;
  size_t at = (size_t{blockIdx.x} * kRingBytes + warp * 512 + lane * 16) % kResidentBytes;
  uint64_t copies = 0;
  while (*done == 0) {
#pragma unroll
    for (int batch = 0; batch < kWarpCopies / 8; ++batch) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        cp_async16(mine + (batch * 8 + i) * 512, work.source + at);
        at = (at + stride) % kResidentBytes;
      }
      cp_async_commit();
      cp_async_wait<3>();
    }
    copies += kWarpCopies;
  }
  cp_async_wait<0>();
  return copies * 512;
}

// What the fill left in the ring is what the source holds there.
__device__ uint32_t wrong_words(const Work& work, const uint8_t* ring, uint64_t boxes, uint64_t copied) {
  const uint64_t first = uint64_t{blockIdx.x} * kRingBytes;
  uint32_t wrong = 0;
  if (work.background == Background::kTma) {
    const uint64_t last_round = (boxes * work.box_bytes - kRingBytes + first) % kResidentBytes;
    for (uint32_t at = threadIdx.x * 4; at < kRingBytes; at += blockDim.x * 4) {
      const uint64_t from = (last_round + at) % kResidentBytes;
      wrong += *reinterpret_cast<const uint32_t*>(ring + at) != pattern_word(from / 4) ? 1 : 0;
    }
  } else if (work.background == Background::kCpAsync) {
    if (threadIdx.x >= 128 && copied >= kWarpCopies * 512) {
      const uint32_t warp = threadIdx.x % 128 / 32, lane = threadIdx.x % 32;
      for (int i = 0; i < kWarpCopies; ++i) {
        const uint64_t copy = copied / 512 - kWarpCopies + i;
        const uint64_t from = (first + (copy * work.warps + warp) * 512 + lane * 16) % kResidentBytes;
        const uint8_t* found = ring + (warp * kWarpCopies + i) * 512 + lane * 16;
        wrong += *reinterpret_cast<const uint32_t*>(found) != pattern_word(from / 4) ? 1 : 0;
      }
    }
  }
  return wrong;
}

// value[0]: bytes that the background moved while the matrix instructions ran.
template <int kN, Operand kA>
__global__ void __launch_bounds__(256, 1) beside_fill_kernel(Stamp* stamps, Work work) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ uint64_t barriers[32], issued;
  __shared__ uint32_t done;
  __shared__ unsigned long long moved;
  const uint8_t *a = tiles, *ring = tiles + kTileBytesA + 256 * kRowBytes;
  const uint32_t b = shared_address(tiles) + kTileBytesA;
  fill_tile(tiles, 64 + kN, 0, Data::kRandom);
  if (threadIdx.x < 32) {
    mbarrier_init(shared_address(&barriers[threadIdx.x]), 1);
    mbarrier_init_fence();
  }
  if (threadIdx.x == 0) {
    done = 0;
    moved = issued = 0;
    stamps[blockIdx.x].errors = 0;
  }
  fence_proxy_async();
  __syncthreads();
  uint64_t bytes = 0;
  if (threadIdx.x < 128) {
    float d[kN / 2];
    uint32_t fragments[4][4];
    for (int step = 0; step < 4; ++step) {
      load_a_fragment(fragments[step], a, step);
    }
    for (float& value : d) {
      value = 0;
    }
    if (threadIdx.x == 0) {
      stamp_begin(stamps);
    }
    named_sync(1, 128);
    if constexpr (kA == Operand::kNone) {
      const uint64_t begin = clock_now();
      while (clock_now() - begin < kIdleCycles) {
      }
    } else {
      multiply_groups<kN, kA>(d, fragments, shared_address(a), b, work.groups);
    }
    named_sync(1, 128);
    if (threadIdx.x == 0) {
      stamp_end(stamps);
      *reinterpret_cast<volatile uint32_t*>(&done) = 1;
    }
    float sum = 0;
    for (const float value : d) {
      sum += value;
    }
    if (sum == 1.2345f) {
      stamps[blockIdx.x].value[1] = 1;
    }
  } else if (static_cast<int>(threadIdx.x) < 128 + 32 * work.warps) {
    if (work.background == Background::kLoads) {
      bytes = load_until(&done, shared_address(ring), stamps);
    } else if (work.background == Background::kStores) {
      bytes = store_until(&done, shared_address(ring));
    } else if (work.background == Background::kTma) {
      bytes = threadIdx.x == 128 ? tma_until(&done, work, shared_address(ring), barriers, &issued) : 0;
    } else if (work.background == Background::kCpAsync) {
      bytes = cp_async_until(&done, work, shared_address(ring));
    }
    if (threadIdx.x % 32 == 0) {
      atomicAdd(&moved, static_cast<unsigned long long>(bytes));
    }
  }
  __syncthreads();
  const uint32_t wrong = wrong_words(work, ring, issued, bytes);
  if (wrong != 0) {
    atomicAdd(&stamps[blockIdx.x].errors, wrong);
  }
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].value[0] = moved;
  }
}

const char* name_of(Background background) {
  constexpr const char* kNames[] = {"none", "loads", "stores", "tma", "cp_async"};
  return kNames[static_cast<int>(background)];
}

const char* name_of(Operand a) {
  return a == Operand::kNone ? "none" : a == Operand::kShared ? "SS" : "RS";
}

template <int kN, Operand kA>
void measure(Bench& bench, const Work& work, int ctas) {
  const size_t shared = kTileBytesA + 256 * kRowBytes + kRingBytes;
  const auto kernel = beside_fill_kernel<kN, kA>;
  allow_shared(kernel, kWholeSmShared);
  static_assert(kTileBytesA + 256 * kRowBytes + kRingBytes <= kWholeSmShared);
  const bool fills = work.background == Background::kTma || work.background == Background::kCpAsync;
  const Repeat repeat{.verifies = fills};
  const auto samples =
      bench.measure(ctas, repeat, [&](Stamp* stamps, int) { kernel<<<ctas, 256, shared>>>(stamps, work); });
  const double instructions = kA == Operand::kNone ? 0 : double(work.groups) * kBatch;
  bench.add(fills ? "wgmma_beside_fill" : "wgmma_beside_shared", Mechanisms::kCombined,
            {{"n", int64_t{kA == Operand::kNone ? 0 : kN}},
             {"a", std::string(name_of(kA))},
             {"background", std::string(name_of(work.background))},
             {"background_warps", int64_t{work.warps}},
             {"box_bytes", int64_t{work.box_bytes}},
             {"sms", int64_t{ctas}}},
            samples, repeat,
            {{"background_bytes_per_cycle_per_sm", "B/cycle",
              [](const Sample& s) { return s.mean_value(0) / s.cycles_mean; }},
             {"cycles_per_wgmma", "cycle",
              [=](const Sample& s) { return instructions > 0 ? s.cycles_mean / instructions : 0.0; }},
             {"flop_per_cycle_per_sm", "FLOP/cycle",
              [=](const Sample& s) { return instructions * 64 * kN * 32 / s.cycles_mean; }}});
}

template <int kN, Operand kA>
void measure_matrix(Bench& bench, const uint8_t* source) {
  if constexpr (kA != Operand::kNone) {
    measure<kN, kA>(bench, {kGroups, Background::kNone, source, 0, 0}, 1);
  }
  for (const int warps : {1, 2, 4}) {
    measure<kN, kA>(bench, {kGroups, Background::kLoads, source, warps, 0}, 1);
    measure<kN, kA>(bench, {kGroups, Background::kStores, source, warps, 0}, 1);
  }
  for (const int ctas : {1, bench.sm_count()}) {
    for (const uint32_t box_bytes : {2048u, 4096u, 16384u}) {
      measure<kN, kA>(bench, {kGroups, Background::kTma, source, 1, box_bytes}, ctas);
    }
    for (const int warps : {1, 4}) {
      measure<kN, kA>(bench, {kGroups, Background::kCpAsync, source, warps, 0}, ctas);
    }
  }
}

}  // namespace

void run_wgmma_beside(Bench& bench) {
  DeviceBuffer<uint32_t> words(kResidentBytes / 4);
  fill_pattern(words.get(), words.count());
  touch(words.get(), kResidentBytes);
  const auto* source = reinterpret_cast<const uint8_t*>(words.get());
  measure_matrix<8, Operand::kNone>(bench, source);
  measure_matrix<64, Operand::kShared>(bench, source);
  measure_matrix<128, Operand::kShared>(bench, source);
  measure_matrix<256, Operand::kShared>(bench, source);
  measure_matrix<64, Operand::kRegisters>(bench, source);
  measure_matrix<128, Operand::kRegisters>(bench, source);
  measure_matrix<256, Operand::kRegisters>(bench, source);
}

}  // namespace tw::gpu
