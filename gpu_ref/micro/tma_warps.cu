// SPDX-License-Identifier: Apache-2.0
// How fast copies of one row each are issued: by one elected thread a warp, or by all lanes, which the hardware takes
// one after the other; by one warp and by many, which shows what the copy engine itself needs for a box.
#include "micro/ptx.cuh"
#include "micro/suites.h"
#include "micro/tma_boxes.cuh"

namespace tw::gpu {
namespace {

enum class Issuer : uint8_t { kElected, kLanes };

constexpr int kMaximumWarps = 16;
constexpr int kBatches = 2;  // on their way at a time, of a warp
constexpr int kRounds = 64;

struct Job {
  const uint8_t* source;
  int rows;  // of a batch
};

template <Copy kCopy, int kRowBytes>
__device__ __forceinline__ void copy_row(uint32_t to, const CUtensorMap* map, const uint8_t* source, int row,
                                         uint32_t barrier) {
  if constexpr (kCopy == Copy::kBulk) {
    bulk_load(to, source + size_t(row) * kRowBytes, kRowBytes, barrier);
  } else {
    tensor_load(to, map, 0, row, barrier);
  }
}

// Each warp has its own barriers and its own part of shared memory; a batch of rows follows the other.
template <Copy kCopy, Issuer kIssuer, int kRowBytes>
__global__ void __launch_bounds__(kMaximumWarps * 32)
    tma_rows_kernel(Stamp* stamps, const __grid_constant__ CUtensorMap map, Job job) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const uint32_t barriers = shared_address(shared) + warp * kBatches * 8;
  const uint32_t data = shared_address(shared) + kBarrierBytes + warp * kBatches * job.rows * kRowBytes;
  if (lane < kBatches) {
    mbarrier_init(barriers + lane * 8, 1);
    mbarrier_init_fence();
  }
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_begin(stamps);
  }
  for (int round = 0; round < kRounds; ++round) {
    const uint32_t batch = round % kBatches, barrier = barriers + batch * 8;
    if (round >= kBatches) {
      mbarrier_wait(barrier, (round / kBatches - 1) & 1);
    }
    __syncwarp();
    const uint32_t to = data + batch * job.rows * kRowBytes;
    const int first = (round * static_cast<int>(blockDim.x / 32) + static_cast<int>(warp)) * job.rows;
    if constexpr (kIssuer == Issuer::kElected) {
      if (elect_one()) {
        mbarrier_arrive_expect(barrier, job.rows * kRowBytes);
        for (int row = 0; row < job.rows; ++row) {
          copy_row<kCopy, kRowBytes>(to + row * kRowBytes, &map, job.source, first + row, barrier);
        }
      }
    } else {
      if (lane == 0) {
        mbarrier_arrive_expect(barrier, job.rows * kRowBytes);
      }
      __syncwarp();
      if (static_cast<int>(lane) < job.rows) {
        copy_row<kCopy, kRowBytes>(to + lane * kRowBytes, &map, job.source, first + static_cast<int>(lane), barrier);
      }
    }
    __syncwarp();
  }
  for (int batch = 0; batch < kBatches; ++batch) {
    mbarrier_wait(barriers + batch * 8, (kRounds / kBatches - 1) & 1);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  // What the last round of this warp brought.
  const int first = ((kRounds - 1) * static_cast<int>(blockDim.x / 32) + static_cast<int>(warp)) * job.rows;
  const uint8_t* tile = shared + kBarrierBytes + (warp * kBatches + (kRounds - 1) % kBatches) * job.rows * kRowBytes;
  for (int at = static_cast<int>(lane) * 4; at < job.rows * kRowBytes; at += 128) {
    const uint32_t found = *reinterpret_cast<const uint32_t*>(tile + at);
    if (found != pattern_word((size_t(first) * kRowBytes + at) / 4)) {
      atomicAdd(&stamps[0].errors, 1u);
    }
  }
}

template <Copy kCopy, Issuer kIssuer, int kRowBytes>
void measure_rows(Bench& bench, const uint32_t* words, int warps, int rows) {
  const size_t shared = kBarrierBytes + size_t(warps) * kBatches * rows * kRowBytes;
  if (shared > kWholeSmShared) {
    return;
  }
  const CUtensorMap map =
      make_tensor_map(words, kResidentBytes / kRowBytes, kRowBytes / 2, 1, kRowBytes / 2, Swizzle::kNone);
  const auto kernel = tma_rows_kernel<kCopy, kIssuer, kRowBytes>;
  allow_shared(kernel, shared);
  const Job job{reinterpret_cast<const uint8_t*>(words), rows};
  const Repeat repeat{.warm_up = 2, .repeats = 7, .verifies = true};
  const auto samples =
      bench.measure(1, repeat, [&](Stamp* stamps, int) { kernel<<<1, warps * 32, shared>>>(stamps, map, job); });
  const double copies = double(kRounds) * rows;
  bench.add("tma_rows", Mechanisms::kOne,
            {{"copy", std::string(kCopy == Copy::kBulk ? "bulk" : "tensor")},
             {"issuer", std::string(kIssuer == Issuer::kLanes ? "lanes" : "elected")},
             {"row_bytes", int64_t{kRowBytes}},
             {"warps", int64_t{warps}},
             {"rows", int64_t{rows}},
             {"residency", std::string("l2")}},
            samples, repeat,
            {{"cycles_per_row", "cycle", [=](const Sample& s) { return s.cycles_mean / (copies * warps); }},
             {"cycles_per_row_of_a_warp", "cycle", [=](const Sample& s) { return s.cycles_mean / copies; }}});
}

template <Copy kCopy, int kRowBytes>
void measure_issuers(Bench& bench, const uint32_t* words) {
  for (const int warps : {1, 2, 4, 8, 16}) {
    for (const int rows : {8, 16, 32}) {
      measure_rows<kCopy, Issuer::kElected, kRowBytes>(bench, words, warps, rows);
      measure_rows<kCopy, Issuer::kLanes, kRowBytes>(bench, words, warps, rows);
    }
  }
}

}  // namespace

void run_tma_warps(Bench& bench) {
  DeviceBuffer<uint32_t> words(kResidentBytes / 4);
  fill_pattern(words.get(), words.count());
  touch(words.get(), kResidentBytes);
  measure_issuers<Copy::kBulk, 128>(bench, words.get());
  measure_issuers<Copy::kBulk, 256>(bench, words.get());
  measure_issuers<Copy::kTensor, 128>(bench, words.get());
}

}  // namespace tw::gpu
