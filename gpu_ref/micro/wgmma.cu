// SPDX-License-Identifier: Apache-2.0
// wgmma m64nNk16: how often it can be issued and how long it takes, A from shared memory (SS) or registers
// (RS); and how much a stream of shared-memory stores beside it slows both.
#include "micro/suites.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu {
namespace {

constexpr uint32_t kTileBytesA = 64 * kRowBytes;

// The widest accumulators need more registers a thread than 384 threads can have.
constexpr int maximum_threads(int n) {
  return n > 192 ? 256 : 384;
}

enum class Operand : uint8_t { kShared, kRegisters };

struct Run {
  int groups;  // commit groups, each waited for
  Data data;
  int store_warps;  // warps behind the warpgroups that store to shared memory all the while
};

template <int kN, Operand kA>
__device__ __forceinline__ void multiply(float (&d)[kN / 2], const uint32_t (&fragments)[4][4], uint32_t a,
                                         uint32_t b, int step) {
  const uint64_t matrix_b = wgmma_descriptor(b + step * kStepBytes);
  if constexpr (kA == Operand::kShared) {
    Wgmma<kN>::ss(d, wgmma_descriptor(a + step * kStepBytes), matrix_b);
  } else {
    Wgmma<kN>::rs(d, fragments[step], matrix_b);
  }
}

// `kBatch` instructions a commit group, over the four K steps of the tile in turn.
template <int kN, Operand kA, int kBatch>
__device__ __forceinline__ void multiply_groups(float (&d)[kN / 2], const uint32_t (&fragments)[4][4],
                                                uint32_t a, uint32_t b, int groups) {
  for (int g = 0; g < groups; ++g) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      multiply<kN, kA>(d, fragments, a, b, i % 4);
    }
    wgmma_commit();
    wgmma_wait<0>();
  }
}

// Stores 16 bytes a thread, conflict-free, until the warpgroups are done; returns how often.
__device__ __forceinline__ uint32_t store_until(volatile uint32_t* done, uint32_t target, uint32_t address) {
  uint32_t count = 0;
  while (*done < target) {
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      asm volatile("st.volatile.shared.v4.u32 [%0], {%1, %1, %1, %1};" ::"r"(address), "r"(count) : "memory");
    }
    count += 16;
  }
  return count;
}

// A batch covers its first `kBatch` steps of K, at most the four of the tile.
template <int kN, int kBatch>
__device__ void count_wrong_sums(const float (&d)[kN / 2], int groups, Stamp* stamps) {
  constexpr uint32_t kSteps = kBatch < 4 ? kBatch : 4;
  static_assert(kBatch % kSteps == 0);
  const float times_each_step = static_cast<float>(groups) * (kBatch / kSteps);
  for (int i = 0; i < kN / 2; ++i) {
    float sum = 0;
    for (uint32_t k = 0; k < kSteps * 16; ++k) {
      sum += tile_value(Data::kSmallIntegers, accumulator_row(i), k) *
             tile_value(Data::kSmallIntegers, 1000 + accumulator_column(i), k);
    }
    if (d[i] != sum * times_each_step) {
      atomicAdd(&stamps[blockIdx.x].errors, 1u);
    }
  }
}

// Warpgroups share B and have an A of their own each. value[0]: stores by all store warps' lane 0.
template <int kN, Operand kA, int kBatch>
__global__ void __launch_bounds__(maximum_threads(kN)) wgmma_kernel(Stamp* stamps, Run run, int warpgroups) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ uint32_t done, stores;
  const int group = threadIdx.x / 128;
  uint8_t* b = tiles + 4 * kTileBytesA;
  uint8_t* scratch = b + kN * kRowBytes;
  fill_tile(tiles, 256, 0, run.data);
  fill_tile(b, kN, 1000, run.data);
  if (threadIdx.x == 0) {
    done = stores = 0;
    stamps[blockIdx.x].errors = 0;
  }
  fence_proxy_async();
  __syncthreads();
  const uint8_t* a = tiles + group * kTileBytesA;
  if (group < warpgroups) {
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
    named_sync(1, 128 * warpgroups);
    multiply_groups<kN, kA, kBatch>(d, fragments, shared_address(a), shared_address(b), run.groups);
    named_sync(1, 128 * warpgroups);
    if (threadIdx.x == 0) {
      stamp_end(stamps);
      done = 1;
    }
    if (run.data == Data::kSmallIntegers && group == 0) {
      count_wrong_sums<kN, kBatch>(d, run.groups, stamps);
    } else {
      float sum = 0;
      for (const float value : d) {
        sum += value;
      }
      if (sum == 1.2345f) {
        stamps[blockIdx.x].value[1] = 1;
      }
    }
  } else {
    const uint32_t count =
        store_until(&done, 1, shared_address(scratch) + (threadIdx.x - 128 * warpgroups) * 16);
    if (threadIdx.x % 32 == 0) {
      atomicAdd(&stores, count);
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].value[0] = stores;
  }
}

template <int kN, Operand kA, int kBatch>
std::vector<Sample> launch(Bench& bench, const Repeat& repeat, const Run& run, int warpgroups, int ctas) {
  const size_t shared = 4 * kTileBytesA + kN * kRowBytes + 16 * 1024;
  allow_shared(wgmma_kernel<kN, kA, kBatch>, shared);
  return bench.measure(ctas, repeat, [&](Stamp* stamps, int) {
    wgmma_kernel<kN, kA, kBatch>
        <<<ctas, 128 * warpgroups + 32 * run.store_warps, shared>>>(stamps, run, warpgroups);
  });
}

const char* name_of(Operand a) {
  return a == Operand::kShared ? "SS" : "RS";
}

template <int kN, Operand kA, int kBatch>
void measure_interval(Bench& bench, int warpgroups) {
  // Sums of small integers stay exact below 2^24: 64 products of at most 9, times groups * kBatch / 4.
  const Run run{.groups = kBatch == 1 ? 256 : 64, .data = Data::kSmallIntegers, .store_warps = 0};
  const Repeat repeat{.verifies = true};
  const auto samples = launch<kN, kA, kBatch>(bench, repeat, run, warpgroups, 1);
  const double count = double(run.groups) * kBatch;
  bench.add("wgmma", Mechanisms::kOne,
            {{"n", int64_t{kN}},
             {"a", std::string(name_of(kA))},
             {"batch", int64_t{kBatch}},
             {"warpgroups", int64_t{warpgroups}}},
            samples, repeat,
            {{"cycles_per_group", "cycle", [=](const Sample& s) { return s.cycles / run.groups; }},
             {"cycles_per_instruction_per_sm", "cycle",
              [=](const Sample& s) { return s.cycles / (count * warpgroups); }},
             {"flop_per_cycle", "FLOP/cycle",
              [=](const Sample& s) { return count * warpgroups * 64 * kN * 32 / s.cycles; }}});
}

template <int kN, Operand kA>
void measure_size(Bench& bench) {
  measure_interval<kN, kA, 1>(bench, 1);  // latency of one and its wait
  measure_interval<kN, kA, 4>(bench, 1);  // the difference to the next is the interval, free of the wait
  measure_interval<kN, kA, 32>(bench, 1);
  measure_interval<kN, kA, 32>(bench, 2);
}

template <int kN, Operand kA>
void measure_beside_stores(Bench& bench) {
  for (const int store_warps : {0, 1, 2, 4, 8}) {
    if (128 + 32 * store_warps > maximum_threads(kN)) {
      continue;
    }
    const Run run{.groups = 64, .data = Data::kRandom, .store_warps = store_warps};
    const Repeat repeat{};
    const auto samples = launch<kN, kA, 32>(bench, repeat, run, 1, 1);
    bench.add(
        "wgmma_beside_stores", Mechanisms::kCombined,
        {{"n", int64_t{kN}}, {"a", std::string(name_of(kA))}, {"store_warps", int64_t{store_warps}}}, samples,
        repeat,
        {{"cycles_per_instruction", "cycle", [=](const Sample& s) { return s.cycles / (run.groups * 32.0); }},
         {"stored_bytes_per_cycle", "B/cycle",
          [](const Sample& s) { return s.mean_value(0) * 512 / s.cycles; }}});
  }
}

// All SMs at once, on zeros and on random data: the second is what the power limit sees.
void measure_all_sms(Bench& bench) {
  for (const Data data : {Data::kZero, Data::kRandom}) {
    const Run run{.groups = bench.quick() ? 256 : 4096, .data = data, .store_warps = 0};
    const Repeat repeat{};
    const auto samples = launch<256, Operand::kShared, 32>(bench, repeat, run, 2, bench.sm_count());
    const double flop = double(run.groups) * 32 * 2 * 64 * 256 * 32;
    bench.add("wgmma_all_sms", Mechanisms::kOne,
              {{"n", int64_t{256}},
               {"a", std::string("SS")},
               {"warpgroups", int64_t{2}},
               {"data", std::string(data == Data::kZero ? "zero" : "random")}},
              samples, repeat,
              {{"flop_per_cycle_per_sm", "FLOP/cycle", [=](const Sample& s) { return flop / s.cycles_mean; }},
               {"flop_per_second", "FLOP/s", [=](const Sample& s) { return flop * s.ctas / s.time_s; }}});
  }
}

// The same for seconds, until the power limit has settled the clock.
template <Operand kA>
void measure_sustained(Bench& bench, Data data) {
  if (bench.once()) {
    return;
  }
  constexpr int kN = 128;
  const size_t shared = 4 * kTileBytesA + kN * kRowBytes + 16 * 1024;
  const Run run{.groups = 4096, .data = data, .store_warps = 0};
  const auto kernel = wgmma_kernel<kN, kA, 32>;
  allow_shared(kernel, shared);
  const Sustained sustained =
      bench.sustain(bench.sm_count(), bench.quick() ? 0.3 : 3.0,
                    [&](Stamp* stamps, int) { kernel<<<bench.sm_count(), 256, shared>>>(stamps, run, 2); });
  const double flop = double(run.groups) * 32 * 2 * 64 * kN * 32;
  bench.add("wgmma_sustained", Mechanisms::kOne,
            {{"n", int64_t{kN}},
             {"a", std::string(name_of(kA))},
             {"warpgroups", int64_t{2}},
             {"data", std::string(data == Data::kZero ? "zero" : "random")}},
            sustained,
            {{"flop_per_second", "FLOP/s", [=](const Sample& s) { return flop * s.ctas / s.time_s; }},
             {"flop_per_cycle_per_sm", "FLOP/cycle", [=](const Sample& s) { return flop / s.cycles_mean; }}});
}

template <int... kSizes>
void measure_sizes(Bench& bench) {
  (measure_size<kSizes, Operand::kShared>(bench), ...);
  (measure_size<kSizes, Operand::kRegisters>(bench), ...);
}

}  // namespace

void run_wgmma(Bench& bench) {
  measure_sizes<8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256>(bench);
  measure_beside_stores<64, Operand::kShared>(bench);
  measure_beside_stores<128, Operand::kShared>(bench);
  measure_beside_stores<256, Operand::kShared>(bench);
  measure_beside_stores<64, Operand::kRegisters>(bench);
  measure_beside_stores<128, Operand::kRegisters>(bench);
  measure_beside_stores<256, Operand::kRegisters>(bench);
  measure_all_sms(bench);
  measure_sustained<Operand::kShared>(bench, Data::kRandom);
  measure_sustained<Operand::kRegisters>(bench, Data::kRandom);
  measure_sustained<Operand::kShared>(bench, Data::kZero);
}

}  // namespace tw::gpu
