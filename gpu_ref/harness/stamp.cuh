// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tw::gpu {

// What one CTA reports about itself. A CTA that took no part leaves `sm` at kNoSm.
struct Stamp {
  static constexpr uint32_t kNoSm = 0xffffffffu;
  uint32_t sm;
  uint32_t errors;  // elements that differed from what should have been moved
  uint64_t clock_begin, clock_end;
  uint64_t timer_begin, timer_end;
  uint64_t value[4];  // meaning belongs to the kernel
};

#ifdef __CUDACC__
__device__ __forceinline__ uint32_t sm_id() {
  uint32_t id;
  asm volatile("mov.u32 %0, %%smid;" : "=r"(id));
  return id;
}

__device__ __forceinline__ uint64_t clock_now() {
  uint64_t now;
  asm volatile("mov.u64 %0, %%clock64;" : "=l"(now)::"memory");
  return now;
}

// Nanoseconds, one counter for the whole card; it advances in coarse ticks.
__device__ __forceinline__ uint64_t timer_now() {
  uint64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now)::"memory");
  return now;
}

__device__ __forceinline__ void stamp_begin(Stamp* stamps) {
  Stamp& stamp = stamps[blockIdx.x];
  stamp.sm = sm_id();
  stamp.timer_begin = timer_now();
  stamp.clock_begin = clock_now();
}

__device__ __forceinline__ void stamp_end(Stamp* stamps) {
  Stamp& stamp = stamps[blockIdx.x];
  stamp.clock_end = clock_now();
  stamp.timer_end = timer_now();
}
#endif

}  // namespace tw::gpu
