// SPDX-License-Identifier: Apache-2.0
// The frame into which streams of machine code are put. Two loops of 240 FFMA stand for code that
// tools/make_streams.py writes over them, instruction by instruction; warpgroups of one CTA run them in turn,
// with one that multiplies beside them or none. Compiled to a cubin of its own, twice: with A of the products
// from shared memory, and from registers (TW_FROM_REGISTERS).
#include "harness/stamp.cuh"
#include "micro/wgmma_tiles.cuh"
#include "streams/frame.h"

namespace tw::gpu::streams {

// Its values are kept in registers over the loop, so what stands in for an FFMA may use all of these.
template <int kBody>
__device__ __forceinline__ void body(float (&values)[kFrameRegisters], float a, float b) {
#pragma unroll
  for (int k = 0; k < kFrameInstructions; ++k) {
    asm volatile("fma.rn.f32 %0, %0, %1, %2;" : "+f"(values[k % kFrameRegisters]) : "f"(a), "f"(b));
  }
}

template <int kBody>
__device__ __forceinline__ uint64_t run(float (&values)[kFrameRegisters], float a, float b, int turns) {
  const uint64_t begin = clock_now();
#pragma unroll 1
  for (int turn = 0; turn < turns; ++turn) {
    body<kBody>(values, a, b);
  }
  return clock_now() - begin;
}

// Whether the others are done, the same answer for all of the warpgroup.
__device__ __forceinline__ bool over(const volatile int& done) {
  int answer;
  asm volatile(
      "{\n.reg .pred p, q;\nsetp.ne.s32 p, %1, 0;\nbarrier.cta.red.or.pred q, 2, 128, p;\nselp.s32 %0, 1, 0, q;\n}"
      : "=r"(answer)
      : "r"(static_cast<int>(done))
      : "memory");
  return answer != 0;
}

__device__ __forceinline__ void multiply(const uint8_t* tiles, const volatile int& done, Stamp* stamps) {
  float d[kFrameColumns / 2] = {};
  uint32_t fragment[4];
  load_a_fragment(fragment, tiles, 0);
  const uint32_t a = shared_address(tiles), b = a + 64 * kRowBytes;
  const uint64_t a_tile = wgmma_descriptor(a), b_tile = wgmma_descriptor(b);
  uint64_t products = 0;
  const uint64_t begin = clock_now();
  uint64_t end = begin;
  while (!over(done)) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < kFrameBatch; ++i) {
#ifdef TW_FROM_REGISTERS
      Wgmma<kFrameColumns>::rs(d, fragment, b_tile);
#else
      Wgmma<kFrameColumns>::ss(d, a_tile, b_tile);
#endif
    }
    wgmma_commit();
    wgmma_wait<0>();
    products += kFrameBatch;
    end = clock_now();
  }
  float sum = 0;
  for (const float value : d) {
    sum += value;
  }
  if (threadIdx.x == 0) {
    stamps[0].value[3] = (end - begin) << kProductsBits | (products + (sum == 1.2345f ? 1 : 0));
  }
}

}  // namespace tw::gpu::streams

// `first_multiplies`: the first warpgroup does. `one_body`: all others run the first body. value[k]: cycles of the k-th of them;
// value[3]: of the products, above kProductsBits, and how many.
extern "C" __global__ void __launch_bounds__(512, 1)
    stream_frame(tw::gpu::Stamp* stamps, const float* in, float* out, int turns, int first_multiplies, int one_body) {
  using namespace tw::gpu;
  using namespace tw::gpu::streams;
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ volatile int done;
  if (threadIdx.x == 0) {
    done = 0;
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  fill_tile(tiles, 64 + kFrameColumns, 0, Data::kZero);
  fence_proxy_async();
  __syncthreads();
  if (first_multiplies != 0 && threadIdx.x < 128) {
    multiply(tiles, done, stamps);
  } else {
    float values[kFrameRegisters];
    const float a = in[threadIdx.x + 1000], b = in[threadIdx.x + 2000];
#pragma unroll
    for (int k = 0; k < kFrameRegisters; ++k) {
      values[k] = in[threadIdx.x + k * 8];
    }
    const int group = static_cast<int>(threadIdx.x / 128) - (first_multiplies != 0 ? 1 : 0);
    named_sync(1, static_cast<int>(blockDim.x) - (first_multiplies != 0 ? 128 : 0));
    const uint64_t cycles = group % 2 == 0 || one_body != 0 ? run<0>(values, a, b, turns) : run<1>(values, a, b, turns);
    float sum = 0;
#pragma unroll
    for (int k = 0; k < kFrameRegisters; ++k) {
      sum += values[k];
    }
    out[threadIdx.x] = sum;
    done = 1;
    if (threadIdx.x % 128 == 0) {
      stamps[0].value[group] = cycles;
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
}
