// SPDX-License-Identifier: Apache-2.0
// Joules of a loop of wgmma with something beside it, on few SMs to all: the more there is to do, the lower the clock that the
// board's power limit allows, and with it the voltage. How joules an action change with the clock follows.
#include "micro/energy_steady.cuh"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kMatrixSteps = 64;  // wgmma of a warpgroup in one iteration
constexpr size_t kSourceBytes = size_t{16} << 20;
constexpr uint32_t kOperandBytes = 64 * 1024, kCopySlots = 16;

enum class Beside : uint8_t { kNothing, kFfma, kEx2, kLoadShared, kCopy };
constexpr const char* kNames[] = {"nothing", "ffma", "ex2", "lds128", "cp_async"};

template <Beside kBeside>
__device__ void one_beside(uint32_t (&x)[8], int i, uint32_t scratch, uint32_t copies, const Work& work, size_t& at) {
  uint32_t& v = x[i % 8];
  if constexpr (kBeside == Beside::kFfma) {
    ffma_action(v);
  } else if constexpr (kBeside == Beside::kEx2) {
    ex2_action(v);
  } else if constexpr (kBeside == Beside::kLoadShared) {
    load_shared_action(v, scratch + i % 4 * kThreads * 16);
  } else if constexpr (kBeside == Beside::kCopy) {
    cp_async16(copies + (i % kCopySlots * kThreads + threadIdx.x) * 16, work.source + at);
    at += size_t{gridDim.x} * kThreads * 16;
    at = at >= work.bytes ? at - work.bytes : at;
  }
}

// In one iteration each of two warpgroups multiplies kMatrixSteps times, and each thread does `kSteps` of the other.
template <Beside kBeside, int kSteps>
__global__ void __launch_bounds__(kThreads, 1) clock_kernel(Stamp* stamps, Work work) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  fill_tile(tiles, 512, 0, work.data);
  fence_proxy_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  const uint32_t a = shared_address(tiles) + threadIdx.x / 128 * 64 * kRowBytes, b = shared_address(tiles) + 128 * kRowBytes,
                 scratch = shared_address(tiles) + threadIdx.x * 16, copies = shared_address(tiles) + kOperandBytes;
  size_t at = (size_t{blockIdx.x} * kThreads + threadIdx.x) * 16;
  constexpr int kInner = kBeside == Beside::kCopy ? 8 : 64;
  static_assert(kSteps % kInner == 0);
  float d[64] = {};
  uint32_t x[8];
  start_values(x);
#pragma unroll 1
  for (int n = 0; n < work.iterations; ++n) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < kMatrixSteps; ++i) {
      const uint32_t step = i % 4 * kStepBytes;
      Wgmma<128>::ss(d, wgmma_descriptor(a + step), wgmma_descriptor(b + step));
    }
    wgmma_commit();
#pragma unroll 1
    for (int outer = 0; outer < kSteps; outer += kInner) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        x[i] ^= kBeside == Beside::kEx2 ? n << 12 : 0;  // 2^-x settles on one value: start again from another
      }
#pragma unroll
      for (int i = 0; i < kInner; ++i) {
        one_beside<kBeside>(x, i, scratch, copies, work, at);
      }
      if constexpr (kBeside == Beside::kCopy) {
        cp_async_commit();
        cp_async_wait<1>();
      }
    }
    wgmma_wait<0>();
  }
  cp_async_wait<0>();
  float sum = 0;
  for (const float v : d) {
    sum += v;
  }
  x[0] ^= __float_as_uint(sum);
  keep(x, stamps);
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
}

template <Beside kBeside, int kSteps>
void measure(Bench& bench, const uint8_t* source, double seconds, double idle_w) {
  for (const int share : {4, 3, 2, 1}) {
    const int ctas = bench.sm_count() * share / 4;
    measure_steady(bench, "energy_clock",
                   {{"beside", std::string(kNames[static_cast<int>(kBeside)])}, {"steps", int64_t{kSteps}}, {"sms", int64_t{ctas}}},
                   {clock_kernel<kBeside, kSteps>, {0, Data::kRandom, source, kSourceBytes}, 1, ctas, seconds, idle_w});
  }
}

}  // namespace

void run_energy_clock(Bench& bench) {
  const double seconds = bench.quick() ? 0.5 : 4.0;
  DeviceBuffer<uint8_t> buffer(kSourceBytes);
  fill_pattern(reinterpret_cast<uint32_t*>(buffer.get()), kSourceBytes / 4);
  const double idle_w = measure_idle(bench, "energy_clock_idle", seconds);
  measure<Beside::kNothing, 0>(bench, buffer.get(), seconds, idle_w);
  measure<Beside::kFfma, 1024>(bench, buffer.get(), seconds, idle_w);
  measure<Beside::kFfma, 2048>(bench, buffer.get(), seconds, idle_w);
  measure<Beside::kEx2, 256>(bench, buffer.get(), seconds, idle_w);
  measure<Beside::kLoadShared, 64>(bench, buffer.get(), seconds, idle_w);
  measure<Beside::kCopy, 32>(bench, buffer.get(), seconds, idle_w);
}

}  // namespace tw::gpu
