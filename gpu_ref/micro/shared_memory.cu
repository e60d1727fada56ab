// SPDX-License-Identifier: Apache-2.0
// Shared-memory accesses by width, stride between lanes and number of warps: the cost of bank conflicts.
#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kUnroll = 16;
constexpr int kIterations = 256;
constexpr uint32_t kRegionBytes = 32 * 1024;

template <int kWidth>
__device__ __forceinline__ uint32_t load_shared(uint32_t address) {
  uint32_t a, b = 0, c = 0, d = 0;
  if constexpr (kWidth == 4) {
    asm volatile("ld.volatile.shared.u32 %0, [%1];" : "=r"(a) : "r"(address) : "memory");
  } else if constexpr (kWidth == 8) {
    asm volatile("ld.volatile.shared.v2.u32 {%0, %1}, [%2];" : "=r"(a), "=r"(b) : "r"(address) : "memory");
  } else {
    asm volatile("ld.volatile.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
                 : "r"(address)
                 : "memory");
  }
  return a ^ b ^ c ^ d;
}

template <int kWidth>
__device__ __forceinline__ void store_shared(uint32_t address, uint32_t first_word) {
  if constexpr (kWidth == 4) {
    asm volatile("st.volatile.shared.u32 [%0], %1;" ::"r"(address), "r"(first_word) : "memory");
  } else if constexpr (kWidth == 8) {
    asm volatile("st.volatile.shared.v2.u32 [%0], {%1, %2};" ::"r"(address), "r"(first_word),
                 "r"(first_word + 1)
                 : "memory");
  } else {
    asm volatile("st.volatile.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(first_word),
                 "r"(first_word + 1), "r"(first_word + 2), "r"(first_word + 3)
                 : "memory");
  }
}

// A store is over for its warp long before it is over for the memory: a load behind it returns when it is.
__device__ __forceinline__ void wait_for_stores(uint32_t address) {
  wait_for(load_shared<4>(address));
}

// Word w of the region holds w, both before a load and after a store.
__device__ void count_wrong_words(const uint32_t* region, uint32_t stride_bytes, uint32_t width,
                                  Stamp* stamps) {
  for (uint32_t lane = threadIdx.x; lane < 32; lane += blockDim.x) {
    for (uint32_t word = 0; word < width / 4; ++word) {
      const uint32_t index = (lane * stride_bytes % kRegionBytes) / 4 + word;
      if (region[index] != index) {
        atomicAdd(&stamps[blockIdx.x].errors, 1u);
      }
    }
  }
}

template <int kWidth, bool kStore>
__global__ void shared_access_kernel(Stamp* stamps, uint32_t stride_bytes) {
  extern __shared__ uint32_t region[];
  for (uint32_t i = threadIdx.x; i < kRegionBytes / 4; i += blockDim.x) {
    region[i] = kStore ? 0xdeadbeefu : i;
  }
  __shared__ unsigned long long first_begin, last_end;
  const uint32_t offset = (threadIdx.x % 32) * stride_bytes % kRegionBytes;
  const uint32_t address = shared_address(region) + offset;
  uint32_t sum = 0;
  if (threadIdx.x == 0) {
    first_begin = ~0ull;
    last_end = 0;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  const uint64_t begin = clock_now();
  for (int i = 0; i < kIterations; ++i) {
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) {
      if constexpr (kStore) {
        store_shared<kWidth>(address, offset / 4);
      } else {
        sum += load_shared<kWidth>(address);
      }
    }
  }
  if constexpr (kStore) {
    wait_for_stores(address);
  }
  const uint64_t end = clock_now();
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  if (threadIdx.x % 32 == 0) {
    atomicMin(&first_begin, static_cast<unsigned long long>(begin));
    atomicMax(&last_end, static_cast<unsigned long long>(end));
  }
  __syncthreads();
  stamps[blockIdx.x].value[0] = last_end - first_begin;
  if constexpr (kStore) {
    count_wrong_words(region, stride_bytes, kWidth, stamps);
  } else {
    uint32_t expected = 0;
    for (uint32_t word = 0; word < kWidth / 4; ++word) {
      expected ^= offset / 4 + word;
    }
    if (sum != expected * (kIterations * kUnroll)) {
      atomicAdd(&stamps[blockIdx.x].errors, 1u);
    }
  }
}

// A chain of addresses, each loaded from the word before.
__global__ void shared_latency_kernel(Stamp* stamps) {
  __shared__ uint32_t chain[1024];
  for (uint32_t i = threadIdx.x; i < 1024; i += blockDim.x) {
    chain[i] = shared_address(chain) + (i * 5 + 7) % 1024 * 4;
  }
  __syncthreads();
  uint32_t address = shared_address(chain);
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
    for (int i = 0; i < kIterations; ++i) {
#pragma unroll
      for (int j = 0; j < kUnroll; ++j) {
        asm volatile("ld.volatile.shared.u32 %0, [%0];" : "+r"(address)::"memory");
      }
    }
    stamp_end(stamps);
    stamps[blockIdx.x].value[0] = address;
  }
}

struct Access {
  int width;
  bool store;
  void (*kernel)(Stamp*, uint32_t);
};

constexpr Access kAccesses[] = {
    {4, false, shared_access_kernel<4, false>},   {8, false, shared_access_kernel<8, false>},
    {16, false, shared_access_kernel<16, false>}, {4, true, shared_access_kernel<4, true>},
    {8, true, shared_access_kernel<8, true>},     {16, true, shared_access_kernel<16, true>}};

void measure_access(Bench& bench, const Access& access, int stride_in_accesses, int warps) {
  const Repeat repeat{.verifies = true};
  const auto stride = static_cast<uint32_t>(stride_in_accesses * access.width);
  const auto samples = bench.measure(
      1, repeat, [&](Stamp* stamps, int) { access.kernel<<<1, warps * 32, kRegionBytes>>>(stamps, stride); });
  const double instructions = double{kIterations} * kUnroll * warps;
  bench.add(
      access.store ? "shared_store" : "shared_load", Mechanisms::kOne,
      {{"width_bytes", int64_t{access.width}},
       {"stride_accesses", int64_t{stride_in_accesses}},
       {"warps", int64_t{warps}}},
      samples, repeat,
      {{"cycles_per_instruction", "cycle", [=](const Sample& s) { return s.mean_value(0) / instructions; }},
       {"bytes_per_cycle", "B/cycle",
        [=](const Sample& s) { return instructions * 32 * access.width / s.mean_value(0); }}});
}

}  // namespace

void run_shared_memory(Bench& bench) {
  for (const Access& access : kAccesses) {
    for (const int stride : {0, 1, 2, 3, 4, 5, 8, 16, 32, 33}) {
      measure_access(bench, access, stride, 16);
    }
    for (const int warps : {1, 2, 4, 8, 32}) {
      measure_access(bench, access, 1, warps);
    }
  }
  const Repeat repeat{};
  const auto samples =
      bench.measure(1, repeat, [](Stamp* stamps, int) { shared_latency_kernel<<<1, 32>>>(stamps); });
  bench.add(
      "shared_latency", Mechanisms::kOne, {{"width_bytes", int64_t{4}}}, samples, repeat,
      {{"latency_cycles", "cycle", [](const Sample& s) { return s.cycles / (kIterations * kUnroll); }}});
}

}  // namespace tw::gpu
