// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The softmax that runs along with the tiles (Milakov and Gimelshein, arXiv 1805.02867), in powers of two. A
// thread holds two rows of the scores, one in accumulators 0, 1, 4, 5, ... and one in 2, 3, 6, 7, ...; four
// neighbouring lanes share a row.
namespace tw::gpu {

constexpr float kNegativeInfinity = -__builtin_huge_valf();

struct Rows {
  float maximum[2] = {kNegativeInfinity, kNegativeInfinity};
  float sum[2] = {0, 0};  // of this thread's columns only, until finish()
};

__device__ __forceinline__ float power_of_two(float x) {
  float y;
  asm volatile("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

__device__ __forceinline__ float largest_of_four(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

__device__ __forceinline__ float sum_of_four(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// Two chains a row: one alone would wait for itself.
template <int kCount>
__device__ __forceinline__ void row_maxima(const float (&scores)[kCount], float (&maximum)[2]) {
  float chain[4] = {scores[0], scores[2], scores[1], scores[3]};
#pragma unroll
  for (int i = 4; i < kCount; ++i) {
    float& mine = chain[i / 2 % 2 + i % 2 * 2];
    mine = fmaxf(mine, scores[i]);
  }
  maximum[0] = largest_of_four(fmaxf(chain[0], chain[2]));
  maximum[1] = largest_of_four(fmaxf(chain[1], chain[3]));
}

// Turns scores into weights relative to the new maximum; `factor` is what earlier outputs shrink by. At least
// one key of a tile is valid, so the new maximum is finite.
template <int kCount>
__device__ __forceinline__ void weigh(float (&scores)[kCount], Rows& rows, float scale_log2,
                                      float (&factor)[2]) {
  float maximum[2], shift[2];
  row_maxima(scores, maximum);
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    maximum[r] = fmaxf(maximum[r], rows.maximum[r]);
    factor[r] = power_of_two((rows.maximum[r] - maximum[r]) * scale_log2);
    shift[r] = maximum[r] * scale_log2;
    rows.maximum[r] = maximum[r];
    rows.sum[r] *= factor[r];
  }
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    const int r = i / 2 % 2;
    scores[i] = power_of_two(fmaf(scores[i], scale_log2, -shift[r]));
    rows.sum[r] += scores[i];
  }
}

template <int kCount>
__device__ __forceinline__ void rescale(float (&outputs)[kCount], const float (&factor)[2]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    outputs[i] *= factor[i / 2 % 2];
  }
}

__device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
  uint32_t packed;
  asm volatile("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

// The accumulators of one product are, packed, the operand of the next.
template <int kCount>
__device__ __forceinline__ void pack_weights(const float (&weights)[kCount],
                                             uint32_t (&packed)[kCount / 8][4]) {
#pragma unroll
  for (int i = 0; i < kCount; i += 2) {
    packed[i / 8][i % 8 / 2] = pack_bf16(weights[i], weights[i + 1]);
  }
}

}  // namespace tw::gpu
