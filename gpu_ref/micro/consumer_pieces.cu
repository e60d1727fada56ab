// SPDX-License-Identifier: Apache-2.0
// A consumer warpgroup's turn, piece by piece: the attention kernels' own functions in a loop, alone and together, by one
// to three warpgroups. The operands are zeros that nobody fills and every barrier is open, so nothing is waited for
// but the SM itself. Then what the pieces are made of: how late a result can be used, what a branch costs in loops
// that fit the instruction cache and in others, and how warps of one scheduler share it.
#include <algorithm>

#include "attention/consumer.cuh"
#include "micro/device_data.h"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kTurns = 64, kFirstTurns = 2;  // timed together, and before them
constexpr uint32_t kManyArrivals = 1000000;  // no phase ever ends

enum Part : unsigned { kScores = 1, kSoftmax = 2, kOutputs = 4, kWaits = 8, kReleases = 16, kMask = 32 };

template <int kKeys, int kHead, int kWarpgroups, Overlap kOrder, int kRing, Source kFrom>
struct Shape {
  static constexpr Source kSource = kFrom;
  static constexpr Overlap kOverlap = kOrder;
  static constexpr int kHeadSize = kHead, kQueryTile = 64 * kWarpgroups, kKeyTile = kKeys, kStages = kRing;
  static constexpr int kKeyBlock = kFrom == Source::kGathered ? 1 : kKeys;
  static constexpr int kConsumerWarpgroups = kWarpgroups, kClusterSize = 1;
};

struct Task {
  float scale;
  uint32_t passed;  // the parity of the phase before the first
  uint32_t valid;   // keys of the list: more than there are
  int turns;
};

template <typename T, int kCount>
__device__ __forceinline__ void keep(T (&values)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    if constexpr (sizeof(T) == sizeof(float)) {
      asm volatile("" : "+f"(values[i])::"memory");
    }
  }
}
template <int kCount>
__device__ __forceinline__ void keep(uint32_t (&values)[kCount][4]) {
#pragma unroll
  for (int i = 0; i < kCount * 4; ++i) {
    asm volatile("" : "+r"(values[i / 4][i % 4])::"memory");
  }
}

// Cycles of the slowest warp from one turn's begin to the next's, times kTurns, in value[0].
__device__ void report(Stamp* stamps, const uint32_t (&taken)[2]) {
  __shared__ uint32_t slowest[2];
  if (threadIdx.x == 0) {
    slowest[0] = slowest[1] = 0;
  }
  __syncthreads();
  if (threadIdx.x % 32 == 0) {
    atomicMax(&slowest[0], taken[0]);
    atomicMax(&slowest[1], taken[1]);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].value[0] = slowest[1] - slowest[0];
    stamp_end(stamps);
  }
}

__device__ void begin(Stamp* stamps) {
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
}

// Rounds of turns, the first few apart: what starting costs falls out of the difference.
template <typename Turn>
__device__ __forceinline__ void time_turns(Stamp* stamps, int turns, const Turn& turn) {
  uint32_t taken[2];
#pragma unroll 1
  for (int round = 0; round < 2; ++round) {
    __syncthreads();
    const auto began = static_cast<uint32_t>(clock_now());
    const int count = round == 0 ? kFirstTurns : kFirstTurns + turns;
#pragma unroll 1
    for (int i = 0; i < count; ++i) {
      turn();
    }
    taken[round] = static_cast<uint32_t>(clock_now()) - began;
  }
  report(stamps, taken);
}

template <typename P>
struct Registers {
  float scores[P::kKeyTile / 2], factor[2] = {1, 1};
  uint32_t weights[P::kKeyTile / 16][4];
  Sums<P> sums;
};

template <typename P, unsigned kParts>
__device__ __forceinline__ void in_order(const Task& task, const Places<P>& places, uint32_t queries,
                                         Registers<P>& r, const Ring<P::kStages>& ring) {
  if constexpr ((kParts & kWaits) != 0) {
    wait_full<P>(places.key_full(ring.stage), task.passed);
  }
  if constexpr ((kParts & kScores) != 0) {
    issue_scores<P>(r.scores, queries, places.keys(ring.stage));
    wgmma_wait<0>();
  }
  keep(r.scores);
  if constexpr ((kParts & kReleases) != 0) {
    release<P>(places.key_empty(ring.stage));
  }
  if constexpr ((kParts & kMask) != 0) {
    mask_tail<P>(r.scores, task.valid);
  }
  if constexpr ((kParts & kSoftmax) != 0) {
    weigh(r.scores, r.sums.rows, task.scale, r.factor);
    rescale(r.sums.outputs, r.factor);
    pack_weights(r.scores, r.weights);
  }
  keep(r.weights);
  if constexpr ((kParts & kWaits) != 0) {
    wait_full<P>(places.value_full(ring.stage), task.passed);
  }
  if constexpr ((kParts & kOutputs) != 0) {
    issue_outputs<P>(r.sums.outputs, r.weights, places.values(ring.stage));
    wgmma_wait<0>();
  }
  keep(r.sums.outputs);
  if constexpr ((kParts & kReleases) != 0) {
    release<P>(places.value_empty(ring.stage));
  }
}

template <typename P, unsigned kParts>
__device__ __forceinline__ void pipelined(const Task& task, const Places<P>& places, uint32_t queries,
                                          Registers<P>& r, const Ring<P::kStages>& ring,
                                          const Ring<P::kStages>& previous) {
  if constexpr ((kParts & kWaits) != 0) {
    wait_full<P>(places.key_full(ring.stage), task.passed);
  }
  if constexpr ((kParts & kScores) != 0) {
    issue_scores<P>(r.scores, queries, places.keys(ring.stage));
  }
  if constexpr ((kParts & kWaits) != 0) {
    wait_full<P>(places.value_full(previous.stage), task.passed);
  }
  if constexpr ((kParts & kOutputs) != 0) {
    issue_outputs<P>(r.sums.outputs, r.weights, places.values(previous.stage));
  }
  if constexpr ((kParts & (kScores | kOutputs)) != 0) {
    wgmma_wait<(kParts & kOutputs) != 0 ? 1 : 0>();
  }
  keep(r.scores);
  if constexpr ((kParts & kReleases) != 0) {
    release<P>(places.key_empty(ring.stage));
  }
  if constexpr ((kParts & kMask) != 0) {
    mask_tail<P>(r.scores, task.valid);
  }
  if constexpr ((kParts & kSoftmax) != 0) {
    weigh(r.scores, r.sums.rows, task.scale, r.factor);
  }
  if constexpr ((kParts & kOutputs) != 0) {
    wgmma_wait<0>();
  }
  keep(r.sums.outputs);
  if constexpr ((kParts & kReleases) != 0) {
    release<P>(places.value_empty(previous.stage));
  }
  if constexpr ((kParts & kSoftmax) != 0) {
    rescale(r.sums.outputs, r.factor);
    pack_weights(r.scores, r.weights);
  }
  keep(r.weights);
}

template <typename P, unsigned kParts>
__global__ void __launch_bounds__(128 * P::kConsumerWarpgroups, 1) piece_kernel(Stamp* stamps, Task task) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const Places<P> places(shared);
  for (uint32_t i = threadIdx.x; i < Layout<P>::kSharedBytes / 4; i += blockDim.x) {
    reinterpret_cast<uint32_t*>(shared)[i] = 0;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 0; i < 4 + 4 * P::kStages; ++i) {
      mbarrier_init(places.barrier(i), kManyArrivals);
    }
    mbarrier_init_fence();
  }
  fence_proxy_async();
  begin(stamps);
  const uint32_t queries = places.queries(0, static_cast<int>(threadIdx.x) / 128);
  Registers<P> r = {};
  Ring<P::kStages> ring, previous;
  time_turns(stamps, task.turns, [&] {
    if constexpr (P::kOverlap == Overlap::kNone) {
      in_order<P, kParts>(task, places, queries, r, ring);
    } else {
      pipelined<P, kParts>(task, places, queries, r, ring, previous);
    }
    ring.next();
    previous.next();
  });
  float sum = r.sums.rows.sum[0] + r.sums.rows.sum[1] + r.factor[0] + r.factor[1];
  for (const float value : r.sums.outputs) {
    sum += value;
  }
  for (const float value : r.scores) {
    sum += value;
  }
  for (int i = 0; i < P::kKeyTile / 4; ++i) {
    sum += __uint_as_float(r.weights[i / 4][i % 4]);
  }
  if (sum == 1.2345f) {
    stamps[0].value[3] = 1;
  }
}

// ---- what results, branches and a scheduler's warps cost ----

enum class Chain : uint8_t { kEx2, kEx2Fmul, kEx2Fmnmx, kShflFmnmx, kFmul, kFmnmx, kFmulFmnmx, kSpecial, kCount };
constexpr const char* kChainNames[] = {"EX2", "EX2+FMUL", "EX2+FMNMX", "SHFL+FMNMX", "FMUL", "FMNMX", "FMUL+FMNMX", "S2UR+FADD"};
constexpr int kLinks = 16;

template <Chain kChain>
__device__ __forceinline__ void link(float& x, float y) {
  if constexpr (kChain <= Chain::kEx2Fmnmx) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(x));
  }
  if constexpr (kChain == Chain::kShflFmnmx) {
    asm volatile("shfl.sync.bfly.b32 %0, %0, 1, 31, 0xffffffff;" : "+f"(x));
  }
  if constexpr (kChain == Chain::kEx2Fmul || kChain == Chain::kFmul || kChain == Chain::kFmulFmnmx) {
    asm volatile("mul.f32 %0, %0, %1;" : "+f"(x) : "f"(y));
  }
  if constexpr (kChain == Chain::kEx2Fmnmx || kChain == Chain::kShflFmnmx || kChain == Chain::kFmnmx ||
                kChain == Chain::kFmulFmnmx) {
    asm volatile("max.f32 %0, %0, %1;" : "+f"(x) : "f"(y));
  }
  if constexpr (kChain == Chain::kSpecial) {
    uint32_t sm;
    asm volatile("mov.u32 %0, %%smid;" : "=r"(sm));
    x += __uint_as_float(sm);
  }
}

template <Chain kChain>
__global__ void __launch_bounds__(384, 1) chain_kernel(Stamp* stamps, Task task) {
  float x = static_cast<float>(threadIdx.x);
  const float y = task.scale;
  begin(stamps);
  time_turns(stamps, task.turns, [&] {
#pragma unroll
    for (int i = 0; i < kLinks; ++i) {
      link<kChain>(x, y);
    }
  });
  if (x == 1.2345f) {
    stamps[0].value[3] = 1;
  }
}

// kBranches times: a branch over kSkipped instructions, always taken, and a share of kBody FFMA.
template <int kBranches, int kBody, int kSkipped>
__global__ void __launch_bounds__(384, 1) branch_kernel(Stamp* stamps, Task task) {
  uint32_t x = threadIdx.x;
  float chains[8];
  for (int i = 0; i < 8; ++i) {
    chains[i] = static_cast<float>(x + i);
  }
  begin(stamps);
  time_turns(stamps, task.turns, [&] {
#pragma unroll
    for (int i = 0; i < kBranches; ++i) {
      if (kSkipped > 0 && task.passed == 0) {
#pragma unroll
        for (int k = 0; k < kSkipped; ++k) {
          asm volatile("xor.b32 %0, %0, %1;" : "+r"(x) : "r"(task.valid + k));
        }
        asm volatile("" ::: "memory");
      }
#pragma unroll
      for (int k = 0; k < kBody / kBranches; ++k) {
        asm volatile("fma.rn.f32 %0, %0, %1, %1;" : "+f"(chains[k % 8]) : "f"(0.37f));
      }
    }
  });
  float sum = static_cast<float>(x);
  for (const float value : chains) {
    sum += value;
  }
  if (sum == 1.2345f) {
    stamps[0].value[3] = 1;
  }
}

// Independent FMUL or EX2 by all warps of every scheduler. value[0], value[1]: when the first warp is done and the last.
template <bool kEx2Only>
__global__ void __launch_bounds__(1024, 1) share_kernel(Stamp* stamps, Task task) {
  __shared__ uint32_t first, last;
  float chains[8];
  for (int i = 0; i < 8; ++i) {
    chains[i] = static_cast<float>(threadIdx.x + i);
  }
  if (threadIdx.x == 0) {
    first = UINT32_MAX;
    last = 0;
  }
  begin(stamps);
  const auto began = static_cast<uint32_t>(clock_now());
#pragma unroll 1
  for (int turn = 0; turn < task.turns; ++turn) {
#pragma unroll
    for (int i = 0; i < kTurns; ++i) {
      if constexpr (kEx2Only) {
        asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(chains[i % 8]));
      } else {
        asm volatile("mul.f32 %0, %0, %1;" : "+f"(chains[i % 8]) : "f"(task.scale));
      }
    }
  }
  const uint32_t taken = static_cast<uint32_t>(clock_now()) - began;
  if (threadIdx.x % 32 == 0) {
    atomicMin(&first, taken);
    atomicMax(&last, taken);
  }
  float sum = 0;
  for (const float value : chains) {
    sum += value;
  }
  if (sum == 1.2345f) {
    stamps[0].value[3] = 1;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].value[0] = first;
    stamps[0].value[1] = last;
    stamp_end(stamps);
  }
}

// ---- the points ----

constexpr Task kTask = {0.1f, 1, 1U << 20, kTurns};

template <typename Kernel>
std::vector<Sample> time_kernel(Bench& bench, Kernel kernel, int warpgroups, uint32_t shared) {
  if (shared > 0) {
    allow_shared(kernel, shared);
  }
  return bench.measure(1, Repeat{}, [&](Stamp* stamps, int) { kernel<<<1, 128 * warpgroups, shared>>>(stamps, kTask); });
}

std::string parts_name(unsigned parts) {
  constexpr const char* kNames[] = {"scores", "softmax", "outputs", "waits", "releases", "mask"};
  std::string name;
  for (int i = 0; i < 6; ++i) {
    if ((parts >> i & 1) != 0) {
      name += (name.empty() ? "" : "+") + std::string(kNames[i]);
    }
  }
  return name;
}

template <typename P, unsigned kParts>
void measure_piece(Bench& bench) {
  for (int warpgroups = 1; warpgroups <= P::kConsumerWarpgroups; ++warpgroups) {
    const auto samples = time_kernel(bench, piece_kernel<P, kParts>, warpgroups, Layout<P>::kSharedBytes);
    bench.add("consumer_piece", Mechanisms::kOne,
              {{"key_tile", int64_t{P::kKeyTile}},
               {"head_size", int64_t{P::kHeadSize}},
               {"overlap", std::string(P::kOverlap == Overlap::kNone ? "none" : "pipelined")},
               {"fences", int64_t{P::kSource == Source::kGathered}},
               {"parts", parts_name(kParts)},
               {"warpgroups", int64_t{warpgroups}}},
              samples, Repeat{}, {{"turn_cycles", "cycle", [](const Sample& s) { return s.mean_value(0) / kTurns; }}});
  }
}

template <typename P>
void measure_pieces(Bench& bench) {
  constexpr unsigned kAll = kScores | kSoftmax | kOutputs;
  measure_piece<P, kScores>(bench);
  measure_piece<P, kSoftmax>(bench);
  measure_piece<P, kOutputs>(bench);
  measure_piece<P, kScores | kSoftmax>(bench);
  measure_piece<P, kSoftmax | kOutputs>(bench);
  measure_piece<P, kAll>(bench);
  measure_piece<P, kAll | kWaits>(bench);
  measure_piece<P, kAll | kReleases>(bench);
  measure_piece<P, kAll | kWaits | kReleases | kMask>(bench);
}

template <Chain kChain>
void measure_chain(Bench& bench) {
  for (int warpgroups = 1; warpgroups <= 3; ++warpgroups) {
    const auto samples = time_kernel(bench, chain_kernel<kChain>, warpgroups, 0);
    bench.add("result_chain", Mechanisms::kOne,
              {{"links", std::string(kChainNames[static_cast<int>(kChain)])}, {"warps_per_sub_core", int64_t{warpgroups}}}, samples,
              Repeat{}, {{"link_cycles", "cycle", [](const Sample& s) { return s.mean_value(0) / (kTurns * kLinks); }}});
  }
}

template <int kBranches, int kBody, int kSkipped>
void measure_branch(Bench& bench) {
  const auto samples = time_kernel(bench, branch_kernel<kBranches, kBody, kSkipped>, 1, 0);
  bench.add("branch", Mechanisms::kOne,
            {{"branches", int64_t{kSkipped > 0 ? kBranches : 0}}, {"instructions", int64_t{kBody}}, {"skipped", int64_t{kSkipped}}},
            samples, Repeat{}, {{"turn_cycles", "cycle", [](const Sample& s) { return s.mean_value(0) / kTurns; }}});
}

template <bool kEx2Only>
void measure_share(Bench& bench) {
  for (int warps = 1; warps <= 8; ++warps) {
    const auto samples = time_kernel(bench, share_kernel<kEx2Only>, warps, 0);
    bench.add("issue_share", Mechanisms::kOne,
              {{"instruction", std::string(kEx2Only ? "EX2" : "FMUL")}, {"warps_per_sub_core", int64_t{warps}}}, samples, Repeat{},
              {{"first_done_cycles", "cycle", [](const Sample& s) { return s.mean_value(0) / kTurns; }},
               {"last_done_cycles", "cycle", [](const Sample& s) { return s.mean_value(1) / kTurns; }}});
  }
}

}  // namespace

void run_consumer_pieces(Bench& bench) {
  measure_pieces<Shape<64, 128, 1, Overlap::kNone, 2, Source::kDense>>(bench);
  measure_pieces<Shape<112, 128, 3, Overlap::kNone, 2, Source::kDense>>(bench);
  measure_pieces<Shape<160, 128, 2, Overlap::kPipelined, 2, Source::kDense>>(bench);
  measure_pieces<Shape<128, 128, 2, Overlap::kPipelined, 3, Source::kDense>>(bench);
  measure_pieces<Shape<128, 64, 3, Overlap::kPipelined, 2, Source::kDense>>(bench);
  constexpr unsigned kTurn = kScores | kSoftmax | kOutputs | kWaits | kReleases | kMask;
  measure_piece<Shape<64, 128, 1, Overlap::kNone, 2, Source::kGathered>, kTurn>(bench);
  measure_piece<Shape<160, 128, 2, Overlap::kPipelined, 2, Source::kGathered>, kTurn>(bench);
  measure_chain<Chain::kEx2>(bench);
  measure_chain<Chain::kEx2Fmul>(bench);
  measure_chain<Chain::kEx2Fmnmx>(bench);
  measure_chain<Chain::kShflFmnmx>(bench);
  measure_chain<Chain::kFmul>(bench);
  measure_chain<Chain::kFmnmx>(bench);
  measure_chain<Chain::kFmulFmnmx>(bench);
  measure_chain<Chain::kSpecial>(bench);
  measure_branch<1, 64, 0>(bench);
  measure_branch<1, 256, 0>(bench);
  measure_branch<1, 320, 0>(bench);
  measure_branch<1, 384, 0>(bench);
  measure_branch<1, 480, 0>(bench);
  measure_branch<1, 640, 0>(bench);
  measure_branch<2, 64, 96>(bench);
  measure_branch<2, 256, 16>(bench);
  measure_branch<2, 256, 96>(bench);
  measure_branch<2, 480, 16>(bench);
  measure_branch<2, 480, 96>(bench);
  measure_branch<4, 480, 16>(bench);
  measure_branch<4, 480, 96>(bench);
  measure_share<false>(bench);
  measure_share<true>(bench);
}

}  // namespace tw::gpu
