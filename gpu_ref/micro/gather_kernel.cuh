// SPDX-License-Identifier: Apache-2.0
// Rows into a ring of stages in shared memory, by a list of row numbers; one consumer warp that only gives
// the stages back. Nothing is computed on the rows.
#pragma once

#include "harness/stamp.cuh"
#include "micro/device_data.h"
#include "micro/ptx.cuh"

namespace tw::gpu {

constexpr int kStageRows = 64;
constexpr int kTiles = 256;
constexpr int kMaximumStages = 8;
constexpr uint32_t kBarrierBytes = 1024;

enum class Method : uint8_t { kCpAsync, kBulkRow, kTensorRow, kTensorDense };
enum class Layout : uint8_t {
  kSwizzled,   // halves of 128 bytes a row, under the 128-byte swizzle
  kLinear,     // rows one behind the other
  kChunkMajor  // 16-byte chunks of all rows together: the matrix unit's layout without a swizzle
};

// Where 16-byte chunk `chunk` of row `row` lies in a stage.
template <Layout kLayout, int kRowBytes>
__host__ __device__ constexpr uint32_t place(uint32_t row, uint32_t chunk) {
  if constexpr (kLayout == Layout::kSwizzled) {
    return chunk / 8 * (kStageRows * 128) + swizzle128(row * 128 + chunk % 8 * 16);
  } else if constexpr (kLayout == Layout::kLinear) {
    return row * kRowBytes + chunk * 16;
  } else {
    return (chunk * kStageRows + row) * 16;
  }
}

struct Job {
  const uint8_t* source;
  const uint32_t* list;  // kTiles * kStageRows row numbers a CTA
  int stages;
  bool verify;
};

struct Pipe {
  uint32_t full, empty, data;
  int stages;
};

// Where a producer or the consumer stands in the ring: the stage, and how often it went round, in one bit.
struct Cursor {
  const Pipe& pipe;
  uint32_t stage = 0, parity = 0;
  __device__ uint32_t full() const { return pipe.full + stage * 8; }
  __device__ uint32_t empty() const { return pipe.empty + stage * 8; }
  __device__ void wait_empty() const { mbarrier_wait(empty(), parity ^ 1); }
  __device__ void wait_full() const { mbarrier_wait(full(), parity); }
  __device__ void advance() {
    stage = stage + 1 == static_cast<uint32_t>(pipe.stages) ? 0 : stage + 1;
    parity ^= stage == 0 ? 1u : 0u;
  }
};

// Every lane keeps row numbers of the next tile, and hands them to the lanes that copy the row.
template <Layout kLayout, int kRowBytes, int kProducers>
__device__ void produce_cp_async(const Job& job, const Pipe& pipe, const uint32_t* list) {
  constexpr int kWarpRows = kStageRows / kProducers, kLanesPerRow = kRowBytes / 16,
                kPassRows = 32 / kLanesPerRow;
  constexpr int kHeld = (kWarpRows + 31) / 32, kPasses = kWarpRows / kPassRows,
                kBatch = kPasses < 8 ? kPasses : 8;
  const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, chunk = lane % kLanesPerRow;
  const uint32_t first = warp * kWarpRows;
  uint32_t offsets[kPasses], held[kHeld], next[kHeld];
#pragma unroll
  for (int p = 0; p < kPasses; ++p) {
    offsets[p] = pipe.data + place<kLayout, kRowBytes>(first + p * kPassRows + lane / kLanesPerRow, chunk);
  }
#pragma unroll
  for (int h = 0; h < kHeld; ++h) {
    next[h] = list[first + (h * 32 + lane) % kWarpRows];
  }
  Cursor at{pipe};
  for (int tile = 0; tile < kTiles; ++tile, at.advance()) {
#pragma unroll
    for (int h = 0; h < kHeld; ++h) {
      held[h] = next[h];
      next[h] = list[min(tile + 1, kTiles - 1) * kStageRows + first + (h * 32 + lane) % kWarpRows];
    }
    // Row numbers for eight copies at a time, then the copies: a copy right behind its shuffle waits for it.
    at.wait_empty();
    __syncwarp();
    const uint32_t stage = at.stage * kStageRows * kRowBytes;
#pragma unroll
    for (int first_pass = 0; first_pass < kPasses; first_pass += kBatch) {
      const uint8_t* from[kBatch];
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const int row = (first_pass + i) * kPassRows + static_cast<int>(lane) / kLanesPerRow;
        const uint32_t index = __shfl_sync(0xffffffffu, held[(first_pass + i) * kPassRows / 32], row % 32);
        from[i] = job.source + size_t{index} * kRowBytes + chunk * 16;
      }
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        cp_async16(offsets[first_pass + i] + stage, from[i]);
      }
    }
    cp_async_arrive_noinc(at.full());
  }
}

template <Method kMethod, int kRowBytes>
__device__ void produce_by_tma(const Job& job, const Pipe& pipe, const uint32_t* list, const CUtensorMap* map,
                               int threads) {
  // At most two rows a thread, their numbers fetched a tile ahead.
  const int rows = kMethod == Method::kTensorDense ? 1 : kStageRows, mine = static_cast<int>(threadIdx.x);
  const auto number = [&](int tile, int row) {
    return row < rows ? list[min(tile, kTiles - 1) * kStageRows + row] : 0u;
  };
  uint32_t next[2] = {number(0, mine), number(0, mine + threads)};
  Cursor at{pipe};
  for (int tile = 0; tile < kTiles; ++tile, at.advance()) {
    const uint32_t held[2] = {next[0], next[1]};
    next[0] = number(tile + 1, mine);
    next[1] = number(tile + 1, mine + threads);
    at.wait_empty();
    const uint32_t stage = pipe.data + at.stage * kStageRows * kRowBytes, full = at.full();
    if (mine == 0) {
      mbarrier_arrive_expect(full, kStageRows * kRowBytes);
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int row = mine + i * threads;
      if (row >= rows) {
        continue;
      }
      if constexpr (kMethod == Method::kBulkRow) {
        bulk_load(stage + row * kRowBytes, job.source + size_t{held[i]} * kRowBytes, kRowBytes, full);
      } else {
        for (int half = 0; half < kRowBytes / 128; ++half) {
          tensor_load(stage + half * kStageRows * 128 + row * 128, map, half * 64, static_cast<int>(held[i]),
                      full);
        }
      }
    }
  }
}

// Takes every stage, looks at it when asked to, and gives it back.
template <Layout kLayout, int kRowBytes>
__device__ void consume(const Job& job, const Pipe& pipe, const uint32_t* list, const uint8_t* data,
                        bool dense, Stamp* stamps) {
  const uint32_t lane = threadIdx.x % 32;
  Cursor at{pipe};
  for (int tile = 0; tile < kTiles; ++tile, at.advance()) {
    at.wait_full();
    __syncwarp();
    if (job.verify) {
      const uint8_t* stage = data + at.stage * kStageRows * kRowBytes;
      for (uint32_t i = lane; i < kStageRows * (kRowBytes / 16); i += 32) {
        const uint32_t row = i / (kRowBytes / 16), chunk = i % (kRowBytes / 16);
        const size_t from = size_t{dense ? list[tile * kStageRows] + row : list[tile * kStageRows + row]};
        const uint32_t found =
            *reinterpret_cast<const uint32_t*>(stage + place<kLayout, kRowBytes>(row, chunk));
        if (found != pattern_word(from * (kRowBytes / 4) + chunk * 4)) {
          atomicAdd(&stamps[blockIdx.x].errors, 1u);
        }
      }
    }
    __syncwarp();
    if (lane == 0) {
      mbarrier_arrive(at.empty());
    }
  }
}

template <Method kMethod, Layout kLayout, int kRowBytes, int kProducers>
__global__ void __launch_bounds__(160, 1)
    gather_kernel(Stamp* stamps, const __grid_constant__ CUtensorMap map, Job job) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t base = shared_address(shared);
  const Pipe pipe{base, base + kMaximumStages * 8, base + kBarrierBytes, job.stages};
  const uint32_t* list = job.list + size_t{blockIdx.x} * kTiles * kStageRows;
  if (threadIdx.x == 0) {
    for (int s = 0; s < job.stages; ++s) {
      mbarrier_init(pipe.full + s * 8, kMethod == Method::kCpAsync ? kProducers * 32 : 1);
      mbarrier_init(pipe.empty + s * 8, 1);
    }
    mbarrier_init_fence();
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  if (threadIdx.x < kProducers * 32) {
    if constexpr (kMethod == Method::kCpAsync) {
      produce_cp_async<kLayout, kRowBytes, kProducers>(job, pipe, list);
    } else {
      produce_by_tma<kMethod, kRowBytes>(job, pipe, list, &map, kProducers * 32);
    }
  } else {
    consume<kLayout, kRowBytes>(job, pipe, list, shared + kBarrierBytes, kMethod == Method::kTensorDense,
                                stamps);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
}

}  // namespace tw::gpu
