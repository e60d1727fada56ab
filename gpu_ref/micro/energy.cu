// SPDX-License-Identifier: Apache-2.0
// Joules per action: a loop of one action runs for seconds, and the board's energy counter is read between
// two of its own ticks while the loop runs. Idle and an empty loop are measured the same way.
#include "micro/energy_steady.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kMaximumStages = 4;
constexpr uint32_t kBox = 16 * 1024;
constexpr int kInnerSteps = 64;  // actions a thread in one iteration of the outer loop

enum class Action : uint8_t {
  kEmpty,
  kFfma,
  kEx2,
  kLoadShared,
  kWgmmaSs,
  kWgmmaRs,
  kReadGlobal,
  kTmaLoad,
  kCpAsync
};

template <Action kAction>
__device__ void arithmetic_loop(const Work& work, uint32_t scratch, Stamp* stamps) {
  uint32_t x[8];
  start_values(x);
#pragma unroll 1
  for (int n = 0; n < work.iterations; ++n) {
    if constexpr (kAction == Action::kEx2) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        x[i] ^= n << 12;  // 2^-x settles on one value: start again from another
      }
    }
#pragma unroll
    for (int i = 0; i < kInnerSteps; ++i) {
      uint32_t& v = x[i % 8];
      if constexpr (kAction == Action::kFfma) {
        ffma_action(v);
      } else if constexpr (kAction == Action::kEx2) {
        ex2_action(v);
      } else if constexpr (kAction == Action::kLoadShared) {
        load_shared_action(v, scratch + i % 4 * kThreads * 16);
      }
    }
    if constexpr (kAction == Action::kEmpty) {
      asm volatile("nanosleep.u32 0;");
    }
  }
  keep(x, stamps);
}

template <Action kAction>
__device__ void matrix_loop(const Work& work, const uint8_t* tiles, Stamp* stamps) {
  const uint32_t a = shared_address(tiles) + threadIdx.x / 128 * 64 * kRowBytes,
                 b = shared_address(tiles) + 128 * kRowBytes;
  float d[64] = {};
  uint32_t fragments[4][4];
#pragma unroll
  for (int step = 0; step < 4; ++step) {
    load_a_fragment(fragments[step], tiles + threadIdx.x / 128 * 64 * kRowBytes, step);
  }
#pragma unroll 1
  for (int n = 0; n < work.iterations; ++n) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < kInnerSteps; ++i) {
      const uint32_t at = i % 4 * kStepBytes;
      if constexpr (kAction == Action::kWgmmaSs) {
        Wgmma<128>::ss(d, wgmma_descriptor(a + at), wgmma_descriptor(b + at));
      } else {
        Wgmma<128>::rs(d, fragments[i % 4], wgmma_descriptor(b + at));
      }
    }
    wgmma_commit();
    wgmma_wait<0>();
  }
  float sum = 0;
  for (const float v : d) {
    sum += v;
  }
  keep(__float_as_uint(sum), stamps);
}

__device__ void read_loop(const Work& work, Stamp* stamps) {
  const size_t chunk = size_t{kThreads} * 16 * 8, stride = chunk * gridDim.x;
  size_t at = blockIdx.x * chunk;
  uint32_t sum = 0;
#pragma unroll 1
  for (int n = 0; n < work.iterations; ++n) {
    uint4 v[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      v[i] = load_cg16(work.source + at + (threadIdx.x + size_t{kThreads} * i) * 16);
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      sum ^= v[i].x ^ v[i].y ^ v[i].z ^ v[i].w;
    }
    at += stride;
    at = at + chunk > work.bytes ? blockIdx.x * chunk : at;
  }
  keep(sum, stamps);
}

__device__ void tma_loop(const Work& work, uint32_t tiles, uint64_t* barriers) {
  if (threadIdx.x != 0) {
    return;
  }
  size_t at = size_t{blockIdx.x} * kBox;
  for (int n = 0; n < work.iterations + kMaximumStages; ++n) {
    const uint32_t slot = n % kMaximumStages, barrier = shared_address(&barriers[slot]);
    if (n >= kMaximumStages) {
      mbarrier_wait(barrier, (n / kMaximumStages - 1) & 1);
    }
    if (n < work.iterations) {
      mbarrier_arrive_expect(barrier, kBox);
      bulk_load(tiles + slot * kBox, work.source + at, kBox, barrier);
      at = (at + size_t{gridDim.x} * kBox) % work.bytes;
    }
  }
}

__device__ void cp_async_loop(const Work& work, uint32_t tiles) {
  size_t at = size_t{blockIdx.x} * kThreads * 16 * 8;
#pragma unroll 1
  for (int n = 0; n < work.iterations; ++n) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const uint32_t offset = (threadIdx.x + kThreads * i) * 16;
      cp_async16(tiles + n % 2 * (kThreads * 128) + offset, work.source + at + offset);
    }
    cp_async_commit();
    cp_async_wait<1>();
    at += size_t{gridDim.x} * kThreads * 128;
    at = at + kThreads * 128 > work.bytes ? size_t{blockIdx.x} * kThreads * 128 : at;
  }
  cp_async_wait<0>();
}

template <Action kAction>
__global__ void __launch_bounds__(kThreads, 1) energy_kernel(Stamp* stamps, Work work) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ uint64_t barriers[kMaximumStages];
  fill_tile(tiles, 512, 0, work.data);
  if (threadIdx.x < kMaximumStages) {
    mbarrier_init(shared_address(&barriers[threadIdx.x]), 1);
    mbarrier_init_fence();
  }
  fence_proxy_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  if constexpr (kAction == Action::kWgmmaSs || kAction == Action::kWgmmaRs) {
    matrix_loop<kAction>(work, tiles, stamps);
  } else if constexpr (kAction == Action::kReadGlobal) {
    read_loop(work, stamps);
  } else if constexpr (kAction == Action::kTmaLoad) {
    tma_loop(work, shared_address(tiles), barriers);
  } else if constexpr (kAction == Action::kCpAsync) {
    cp_async_loop(work, shared_address(tiles));
  } else {
    arithmetic_loop<kAction>(work, shared_address(tiles) + threadIdx.x * 16, stamps);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
}

struct Loop {
  const char* action;
  const char* unit;      // what one action is
  double per_iteration;  // actions a CTA in one iteration
  Data data;
  const uint8_t* source;
  size_t bytes;
  SteadyKernel kernel;
};

void measure(Bench& bench, const Loop& loop, int ctas, double seconds, double idle_w) {
  measure_steady(bench, "energy",
                 {{"action", std::string(loop.action)},
                  {"sms", int64_t{ctas}},
                  {"data", std::string(loop.data == Data::kZero ? "zero" : "random")},
                  {"per", std::string(loop.unit)}},
                 {loop.kernel, {0, loop.data, loop.source, loop.bytes}, loop.per_iteration, ctas, seconds, idle_w});
}

}  // namespace

void run_energy(Bench& bench) {
  const double seconds = bench.quick() ? 0.5 : 4.0;
  DeviceBuffer<uint8_t> buffer(kStreamBytes);
  fill_pattern(reinterpret_cast<uint32_t*>(buffer.get()), kStreamBytes / 4);
  const double idle_w = measure_idle(bench, "idle_power", seconds);
  const double per_thread = double{kThreads} * kInnerSteps, read = double{kThreads} * 128;
  const double flop = 2.0 * 64 * 128 * 16 * 2 * kInnerSteps;  // two warpgroups
  const uint8_t* data = buffer.get();
  const Loop loops[] = {
      {"empty_loop", "iteration", kThreads, Data::kZero, data, 0, energy_kernel<Action::kEmpty>},
      {"ffma", "thread_ffma", per_thread, Data::kRandom, data, 0, energy_kernel<Action::kFfma>},
      {"ex2", "thread_ex2", per_thread, Data::kRandom, data, 0, energy_kernel<Action::kEx2>},
      {"lds128", "byte", per_thread * 16, Data::kRandom, data, 0, energy_kernel<Action::kLoadShared>},
      {"wgmma_ss_n128", "flop", flop, Data::kZero, data, 0, energy_kernel<Action::kWgmmaSs>},
      {"wgmma_ss_n128", "flop", flop, Data::kRandom, data, 0, energy_kernel<Action::kWgmmaSs>},
      {"wgmma_rs_n128", "flop", flop, Data::kRandom, data, 0, energy_kernel<Action::kWgmmaRs>},
      {"l2_read", "byte", read, Data::kRandom, data, kResidentBytes, energy_kernel<Action::kReadGlobal>},
      {"hbm_read", "byte", read, Data::kRandom, data, kStreamBytes, energy_kernel<Action::kReadGlobal>},
      {"l2_cp_async", "byte", read, Data::kRandom, data, kResidentBytes, energy_kernel<Action::kCpAsync>},
      {"l2_tma", "byte", kBox, Data::kRandom, data, kResidentBytes, energy_kernel<Action::kTmaLoad>},
      {"hbm_tma", "byte", kBox, Data::kRandom, data, kStreamBytes, energy_kernel<Action::kTmaLoad>},
  };
  for (const Loop& loop : loops) {
    measure(bench, loop, bench.sm_count(), seconds, idle_w);
    measure(bench, loop, bench.sm_count() / 3, seconds, idle_w);
  }
}

}  // namespace tw::gpu
