// SPDX-License-Identifier: Apache-2.0
// Who gets the matrix unit when: how long a warpgroup is held while it issues a batch, and when the batches
// of two or three warpgroups end that ask for the unit at about the same time. One batch of each a round,
// rounds apart by a barrier, so that the order is the unit's choice and not the programs'. And how often a
// warpgroup can issue where every instruction has a descriptor of its own that is made just before.
#include "micro/suites.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu {
namespace {

constexpr int kRounds = 32;
constexpr uint32_t kTileBytesA = 64 * kRowBytes;

// What one thread of each warpgroup saw of a round, from the barrier on, summed over the rounds.
struct Seen {
  uint64_t begun, issued, done;
};

template <int kN, bool kFromRegisters, int kCount, bool kMade>
__device__ __forceinline__ Seen one_batch(float (&d)[kN / 2], const uint32_t (&fragments)[4][4], uint32_t a,
                                          uint32_t b, uint64_t delay) {
  const uint64_t origin = clock_now();
  while (clock_now() - origin < delay) {
  }
  const uint64_t begun = clock_now();
  wgmma_fence();
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    const uint32_t at = i % 4 * kStepBytes + (kMade ? i / 4 * 2048 : 0);
    const uint64_t matrix_b = wgmma_descriptor(b + at);
    if constexpr (kFromRegisters) {
      Wgmma<kN>::rs(d, fragments[i % 4], matrix_b);
    } else {
      Wgmma<kN>::ss(d, wgmma_descriptor(a + at), matrix_b);
    }
  }
  wgmma_commit();
  const uint64_t issued = clock_now();
  wgmma_wait<0>();
  for (const float value : d) {  // the clock is read when all results are there, whatever the compiler moves
    asm volatile("" ::"f"(value) : "memory");
  }
  wait_for(__float_as_uint(d[0]) ^ __float_as_uint(d[kN / 2 - 1]));
  return {begun - origin, issued - origin, clock_now() - origin};
}

// Warpgroup 0 has batches of kFirst instructions, the others of kOther. value[g]: cycles from the barrier to
// the end of warpgroup g's batch; value[3]: to warpgroup 0's last issue. All summed over the rounds. `kMade`:
// every instruction has descriptors of its own, made just before it, as where a ring of tiles is read.
template <int kN, bool kFromRegisters, int kFirst, int kOther, bool kMade>
__global__ void __launch_bounds__(384, 1) turns_kernel(Stamp* stamps, int warpgroups, uint64_t offset) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  const int group = static_cast<int>(threadIdx.x) / 128;
  uint8_t* const b = tiles + 3 * kTileBytesA;
  fill_tile(tiles, 96 * 1024 / kRowBytes, 0, Data::kRandom);
  fence_proxy_async();
  __syncthreads();
  const uint8_t* const a = tiles + group * kTileBytesA;
  float d[kN / 2] = {};
  uint32_t fragments[4][4];
  for (int step = 0; step < 4; ++step) {
    load_a_fragment(fragments[step], a, step);
  }
  Seen sum = {0, 0, 0};
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
#pragma unroll 1
  for (int round = 0; round < kRounds + 1; ++round) {
    const uint32_t tile = kMade ? round % 2 * 32 * 1024 : 0;
    const uint32_t at_a = shared_address(a) + tile, at_b = shared_address(b) + tile;
    named_sync(1, 128 * warpgroups);
    const Seen seen =
        group == 0 ? one_batch<kN, kFromRegisters, kFirst, kMade>(d, fragments, at_a, at_b, 0)
                   : one_batch<kN, kFromRegisters, kOther, kMade>(d, fragments, at_a, at_b, group * offset);
    if (round > 0) {  // the first one fetches its instructions
      sum.begun += seen.begun;
      sum.issued += seen.issued;
      sum.done += seen.done;
    }
  }
  if (threadIdx.x == 0) {
    stamp_end(stamps);
    stamps[0].value[3] = sum.issued;
  }
  if (threadIdx.x % 128 == 0) {
    stamps[0].value[group] = sum.done;
  }
  float total = 0;
  for (const float v : d) {
    total += v;
  }
  if (total == 1.2345f) {
    stamps[0].errors = 1;
  }
}

// Batches of 16 instructions, each with its own place in the tile; the tile alternates between two, so that
// no descriptor can be made ahead of the loop. A kernel that goes through a ring of tiles is made like this.
// Where the tile does not depend on the thread, the compiler makes the descriptors on the uniform datapath.
template <int kN, bool kFromRegisters, bool kUniform>
__global__ void __launch_bounds__(256, 1) descriptors_kernel(Stamp* stamps, int warpgroups) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  constexpr uint32_t kOtherTile = 32 * 1024;
  fill_tile(tiles, 96 * 1024 / kRowBytes, 0, Data::kRandom);
  fence_proxy_async();
  __syncthreads();
  const uint32_t a = shared_address(tiles) + (kUniform ? 0 : threadIdx.x / 128 * kTileBytesA);
  const uint32_t b = a + 2 * kTileBytesA;
  float d[kN / 2] = {};
  uint32_t fragments[4][4];
  for (int step = 0; step < 4; ++step) {
    load_a_fragment(fragments[step], tiles, step);
  }
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  named_sync(1, 128 * warpgroups);
#pragma unroll 1
  for (int round = 0; round < kRounds; ++round) {
    const uint32_t tile = round % 2 * kOtherTile;
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      const uint32_t at = i / 4 * 2048 + i % 4 * kStepBytes;
      if constexpr (kFromRegisters) {
        Wgmma<kN>::rs(d, fragments[i % 4], wgmma_descriptor(b + tile + at));
      } else {
        Wgmma<kN>::ss(d, wgmma_descriptor(a + tile + at), wgmma_descriptor(b + tile + at));
      }
    }
    wgmma_commit();
    wgmma_wait<0>();
  }
  named_sync(1, 128 * warpgroups);
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  float total = 0;
  for (const float v : d) {
    total += v;
  }
  if (total == 1.2345f) {
    stamps[0].errors = 1;
  }
}

template <int kN, bool kFromRegisters, bool kUniform>
void measure_descriptors(Bench& bench) {
  const auto kernel = descriptors_kernel<kN, kFromRegisters, kUniform>;
  allow_shared(kernel, kWholeSmShared);
  for (const int warpgroups : {1, 2}) {
    const Repeat repeat{};
    const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
      kernel<<<1, 128 * warpgroups, 128 * 1024>>>(stamps, warpgroups);
    });
    bench.add("matrix_descriptors", Mechanisms::kOne,
              {{"n", int64_t{kN}},
               {"a", std::string(kFromRegisters ? "RS" : "SS")},
               {"descriptors", std::string(kUniform ? "uniform" : "vector")},
               {"batch", int64_t{16}},
               {"warpgroups", int64_t{warpgroups}}},
              samples, repeat,
              {{"cycles_per_group", "cycle", [](const Sample& s) { return s.cycles / kRounds; }}});
  }
}

template <int kN, bool kFromRegisters, int kFirst, int kOther, bool kMade = false>
void measure(Bench& bench, const char* family, int warpgroups, int offset) {
  const size_t shared = 96 * 1024;
  const auto kernel = turns_kernel<kN, kFromRegisters, kFirst, kOther, kMade>;
  allow_shared(kernel, kWholeSmShared);
  const Repeat repeat{};
  const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
    kernel<<<1, 128 * warpgroups, shared>>>(stamps, warpgroups, static_cast<uint64_t>(offset));
  });
  const auto of = [](int slot) { return [=](const Sample& s) { return s.mean_value(slot) / kRounds; }; };
  const auto last = [=](const Sample& s) {
    double most = 0;
    for (int g = 0; g < warpgroups; ++g) {
      most = std::max(most, s.mean_value(g) / kRounds);
    }
    return most;
  };
  Parameters parameters = {{"n", int64_t{kN}},
                           {"a", std::string(kFromRegisters ? "RS" : "SS")},
                           {"warpgroups", int64_t{warpgroups}},
                           {"instructions", int64_t{kFirst}}};
  if (warpgroups == 1) {
    bench.add(family, Mechanisms::kOne, parameters, samples, repeat,
              {{"issued_cycles", "cycle", of(3)}, {"done_cycles", "cycle", of(0)}});
    return;
  }
  parameters.push_back({"instructions_of_others", int64_t{kOther}});
  parameters.push_back({"offset_cycles", int64_t{offset}});
  parameters.push_back({"descriptors", std::string(kMade ? "made" : "held")});
  bench.add(family, Mechanisms::kOne, parameters, samples, repeat,
            {{"first_done_cycles", "cycle", of(0)},
             {"second_done_cycles", "cycle", of(1)},
             {"third_done_cycles", "cycle", of(warpgroups > 2 ? 2 : 1)},
             {"last_done_cycles", "cycle", last},
             {"first_issued_cycles", "cycle", of(3)}});
}

template <int kN, bool kFromRegisters>
void measure_issue(Bench& bench) {
  measure<kN, kFromRegisters, 1, 1>(bench, "matrix_issue", 1, 0);
  measure<kN, kFromRegisters, 2, 1>(bench, "matrix_issue", 1, 0);
  measure<kN, kFromRegisters, 3, 1>(bench, "matrix_issue", 1, 0);
  measure<kN, kFromRegisters, 4, 1>(bench, "matrix_issue", 1, 0);
  measure<kN, kFromRegisters, 8, 1>(bench, "matrix_issue", 1, 0);
  measure<kN, kFromRegisters, 16, 1>(bench, "matrix_issue", 1, 0);
}

template <int kN, bool kFromRegisters>
void measure_turns(Bench& bench) {
  for (const int offset : {0, 50, 200, 600}) {
    measure<kN, kFromRegisters, 8, 8>(bench, "matrix_turns", 2, offset);
    measure<kN, kFromRegisters, 16, 4>(bench, "matrix_turns", 2, offset);
    measure<kN, kFromRegisters, 16, 1>(bench, "matrix_turns", 2, offset);
  }
  for (const int offset : {0, 100, 300}) {
    measure<kN, kFromRegisters, 8, 8>(bench, "matrix_turns", 3, offset);
  }
  for (const int offset : {0, 100, 300, 600}) {
    measure<kN, kFromRegisters, 16, 16>(bench, "matrix_turns", 2, offset);
    measure<kN, kFromRegisters, 16, 16, true>(bench, "matrix_turns", 2, offset);
  }
  measure<kN, kFromRegisters, 16, 16, true>(bench, "matrix_turns", 3, 300);
}

}  // namespace

void run_matrix_turns(Bench& bench) {
  measure_descriptors<8, false, false>(bench);
  measure_descriptors<8, true, false>(bench);
  measure_descriptors<8, false, true>(bench);
  measure_descriptors<8, true, true>(bench);
  measure_descriptors<32, false, false>(bench);
  measure_descriptors<32, true, false>(bench);
  measure_descriptors<32, false, true>(bench);
  measure_descriptors<32, true, true>(bench);
  measure_descriptors<64, false, false>(bench);
  measure_descriptors<64, true, false>(bench);
  measure_descriptors<64, false, true>(bench);
  measure_descriptors<64, true, true>(bench);
  measure_descriptors<128, false, false>(bench);
  measure_descriptors<128, true, false>(bench);
  measure_descriptors<128, false, true>(bench);
  measure_descriptors<128, true, true>(bench);
  measure_descriptors<160, false, false>(bench);
  measure_issue<64, false>(bench);
  measure_issue<64, true>(bench);
  measure_issue<128, false>(bench);
  measure_issue<128, true>(bench);
  measure_issue<160, false>(bench);
  measure_turns<64, false>(bench);
  measure_turns<128, false>(bench);
  measure_turns<128, true>(bench);
  measure_turns<160, false>(bench);
}

}  // namespace tw::gpu
