// SPDX-License-Identifier: Apache-2.0
// One to three warpgroups that alternate matrix batches and counted arithmetic on the accumulators. The
// operands stay in shared memory and mean nothing; no softmax is computed. What is asked: how much of either
// hides behind the other, and what the hand-over, an open batch and a background fill change.
#include <algorithm>

#include "micro/suites.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu {
namespace {

constexpr int kTurns = 128;
constexpr int kScores = 64, kOutputs = 128;  // N of the two batches
constexpr uint32_t kTileBytes = 64 * kRowBytes;
constexpr uint32_t kOperandBytes = 10 * kTileBytes;  // A of three warpgroups (2 each), B of both batches
constexpr uint32_t kFillBox = 16 * 1024;
constexpr int kFillSlots = 4;

enum class Handover : uint8_t { kNone, kNamed, kMbarrier };
enum class Fill : uint8_t { kNone, kTma, kCpAsync };

// Units of arithmetic between the two batches of a turn; kUnit... below says how many instructions each is.
struct Mix {
  const char* name;
  int ffma, fmnmx, ex2, f2fp, shfl;
};

struct Task {
  int warpgroups;
  Handover handover;
  Fill fill;
  int ffma, fmnmx, ex2, f2fp, shfl;
  const uint8_t* source;
  int turns = kTurns;
};

struct Control {
  uint64_t turn[3];
  uint64_t fill[kFillSlots];
  uint32_t finished;
};

constexpr int kUnitFfma = 32, kUnitFmnmx = 16, kUnitEx2 = 8, kUnitF2fp = 8, kUnitShfl = 8;

template <int kInstructions, typename Step>
__device__ __forceinline__ void units(int count, float (&s)[kScores / 2], Step step) {
#pragma unroll 1
  for (int u = 0; u < count; ++u) {
#pragma unroll
    for (int i = 0; i < kInstructions; ++i) {
      step(s[i]);
    }
  }
}

__device__ __forceinline__ void arithmetic(const Task& task, float (&s)[kScores / 2]) {
  units<kUnitFfma>(task.ffma, s, [](float& x) {
    asm volatile("fma.rn.f32 %0, %0, %1, %1;" : "+f"(x) : "f"(0.37f));
  });
  units<kUnitFmnmx>(task.fmnmx, s, [](float& x) {
    asm volatile("max.f32 %0, %0, %1;" : "+f"(x) : "f"(-3.0f));
  });
  units<kUnitEx2>(task.ex2, s, [](float& x) { asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(x)); });
  units<kUnitF2fp>(task.f2fp, s, [](float& x) {
    uint32_t packed;
    asm volatile("cvt.rn.bf16x2.f32 %0, %1, %1;" : "=r"(packed) : "f"(x));
    x = __uint_as_float(packed & 0x3fffffffu);
  });
  units<kUnitShfl>(task.shfl, s, [](float& x) {
    asm volatile("shfl.sync.bfly.b32 %0, %0, 1, 31, 0xffffffff;" : "+f"(x));
  });
}

__device__ __forceinline__ void take_turn(const Task& task, Control& control, int group, int turn) {
  if (task.handover == Handover::kNamed) {
    named_sync(2 + group, 256);
  } else if (task.handover == Handover::kMbarrier) {
    mbarrier_wait(shared_address(&control.turn[group]), turn & 1);
    __syncwarp();
  }
}

__device__ __forceinline__ void pass_turn(const Task& task, Control& control, int group) {
  const int next = group + 1 == task.warpgroups ? 0 : group + 1;
  if (task.handover == Handover::kNamed) {
    named_arrive(2 + next, 256);
  } else if (task.handover == Handover::kMbarrier) {
    mbarrier_arrive(shared_address(&control.turn[next]));
  }
}

// A turn: scores by SS, outputs by RS from the turn before, arithmetic on the scores, which become the next
// A.
template <int kOpenBatches>
__device__ void turns(const Task& task, Control& control, const uint8_t* tiles, Stamp* stamps) {
  const int group = threadIdx.x / 128;
  const uint32_t base = shared_address(tiles), a = base + group * 2 * kTileBytes,
                 keys = base + 6 * kTileBytes, values = base + 8 * kTileBytes;
  float s[kScores / 2] = {}, o[kOutputs / 2] = {};
  uint32_t p[4][4] = {};
  if (group == 0) {
    if (task.handover == Handover::kMbarrier) {
      mbarrier_arrive(shared_address(&control.turn[0]));
    }
  } else if (group == task.warpgroups - 1 && task.handover == Handover::kNamed) {
    named_arrive(2, 256);  // the first turn is a gift
  }
#pragma unroll 1
  for (int turn = 0; turn < task.turns; ++turn) {
    take_turn(task, control, group, turn);
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < 8; ++k) {
      const uint32_t at = k / 4 * kTileBytes + k % 4 * kStepBytes;
      Wgmma<kScores>::ss(s, wgmma_descriptor(a + at), wgmma_descriptor(keys + at));
    }
    wgmma_commit();
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Wgmma<kOutputs>::rs(o, p[k], wgmma_descriptor(values + k * kStepBytes));
    }
    wgmma_commit();
    pass_turn(task, control, group);
    wgmma_wait<kOpenBatches>();
    arithmetic(task, s);
    wgmma_wait<0>();
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      asm volatile("cvt.rn.bf16x2.f32 %0, %1, %2;"
                   : "=r"(p[i / 4][i % 4])
                   : "f"(s[2 * i + 1]), "f"(s[2 * i]));
    }
  }
  float sum = 0;
  for (const float v : o) {
    sum += v;
  }
  if (sum == 1.2345f) {
    stamps[blockIdx.x].value[3] = 1;
  }
}

// One warp fills a ring from the cache until the warpgroups are done; returns the bytes it moved.
__device__ uint64_t fill_by_tma(const Task& task, Control& control, uint32_t ring) {
  uint64_t boxes = 0;
  if (threadIdx.x % 32 == 0) {
    volatile uint32_t* finished = &control.finished;
    while (*finished < static_cast<uint32_t>(task.warpgroups) || boxes < kFillSlots) {
      const auto slot = static_cast<uint32_t>(boxes % kFillSlots);
      const uint32_t barrier = shared_address(&control.fill[slot]);
      if (boxes >= kFillSlots) {
        mbarrier_wait(barrier, (boxes / kFillSlots - 1) & 1);
      }
      mbarrier_arrive_expect(barrier, kFillBox);
      bulk_load(ring + slot * kFillBox, task.source + boxes * kFillBox % kResidentBytes, kFillBox, barrier);
      ++boxes;
    }
    for (uint64_t last = boxes - kFillSlots; last < boxes; ++last) {
      mbarrier_wait(shared_address(&control.fill[last % kFillSlots]), (last / kFillSlots) & 1);
    }
  }
  __syncwarp();
  return boxes * kFillBox;
}

__device__ uint64_t fill_by_cp_async(const Task& task, Control& control, uint32_t ring) {
  const uint32_t lane = threadIdx.x % 32;
  volatile uint32_t* finished = &control.finished;
  uint64_t copies = 0;
  while (*finished < static_cast<uint32_t>(task.warpgroups)) {
#pragma unroll
    for (int i = 0; i < 8; ++i, ++copies) {
      const uint64_t at = copies * 512 + lane * 16;
      cp_async16(ring + static_cast<uint32_t>(at % (kFillBox * kFillSlots)),
                 task.source + at % kResidentBytes);
    }
    cp_async_commit();
    cp_async_wait<4>();
  }
  cp_async_wait<0>();
  return copies * 512;
}

// With a fill, a fourth warpgroup leaves registers to the others: four of them would have 128 a thread.
template <int kOpenBatches, bool kFilled>
__global__ void __launch_bounds__(kFilled ? 512 : 384, 1) pingpong_kernel(Stamp* stamps, Task task) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ Control control;
  fill_tile(tiles, kOperandBytes / kRowBytes, 0, Data::kRandom);
  if (threadIdx.x == 0) {
    for (uint64_t& barrier : control.turn) {
      mbarrier_init(shared_address(&barrier), 128);
    }
    for (uint64_t& barrier : control.fill) {
      mbarrier_init(shared_address(&barrier), 1);
    }
    mbarrier_init_fence();
    control.finished = 0;
    stamps[blockIdx.x].errors = 0;
    stamps[blockIdx.x].value[0] = 0;
  }
  fence_proxy_async();
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < task.warpgroups * 128) {
    if constexpr (kFilled) {
      asm volatile("setmaxnreg.inc.sync.aligned.u32 152;");
    }
    if (threadIdx.x == 0) {
      stamp_begin(stamps);
    }
    named_sync(1, task.warpgroups * 128);
    turns<kOpenBatches>(task, control, tiles, stamps);
    named_sync(1, task.warpgroups * 128);
    if (threadIdx.x == 0) {
      stamp_end(stamps);
    }
    if (threadIdx.x % 128 == 0) {
      atomicAdd(&control.finished, 1u);
    }
    if (threadIdx.x / 128 == 0 && task.handover == Handover::kNamed) {
      named_sync(2, 256);  // takes the last turn that was passed
    }
  } else if constexpr (kFilled) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (static_cast<int>(threadIdx.x) >= task.warpgroups * 128 + 32) {
      return;
    }
    const uint32_t ring = shared_address(tiles) + kOperandBytes;
    const uint64_t moved =
        task.fill == Fill::kTma ? fill_by_tma(task, control, ring) : fill_by_cp_async(task, control, ring);
    if (threadIdx.x % 32 == 0) {
      stamps[blockIdx.x].value[0] = moved;
    }
  }
}

const char* name_of(Handover handover) {
  return handover == Handover::kNone ? "none" : handover == Handover::kNamed ? "named_barrier" : "mbarrier";
}

const char* name_of(Fill fill) {
  return fill == Fill::kNone ? "none" : fill == Fill::kTma ? "tma" : "cp_async";
}

struct Setting {
  int warpgroups;
  Handover handover;
  Fill fill;
  int open_batches;
  Mix mix;
};

// A name for the point, no measurement: arithmetic over matrix time if a warp had its scheduler to itself and
// an instruction took the cycles that the arithmetic suite finds. The matrix time of a turn is 512 cycles.
double nominal_ratio(const Mix& mix) {
  const int cycles = mix.ffma * kUnitFfma + mix.fmnmx * kUnitFmnmx * 2 + mix.ex2 * kUnitEx2 * 8 +
                     mix.f2fp * kUnitF2fp * 2 + mix.shfl * kUnitShfl * 4;
  return cycles / 512.0;
}

void measure_setting(Bench& bench, const uint8_t* source, const Setting& setting) {
  const Mix& mix = setting.mix;
  const Task task{setting.warpgroups, setting.handover, setting.fill, mix.ffma, mix.fmnmx, mix.ex2,
                  mix.f2fp,           mix.shfl,         source};
  const size_t shared = kOperandBytes + kFillBox * kFillSlots;
  const bool filled = setting.fill != Fill::kNone;
  const auto kernel = setting.open_batches == 1
                          ? (filled ? pingpong_kernel<1, true> : pingpong_kernel<1, false>)
                          : (filled ? pingpong_kernel<0, true> : pingpong_kernel<0, false>);
  allow_shared(kernel, shared);
  const int threads = 128 * setting.warpgroups + (filled ? 128 : 0);
  const Repeat repeat{};
  const auto samples =
      bench.measure(1, repeat, [&](Stamp* stamps, int) { kernel<<<1, threads, shared>>>(stamps, task); });
  const double turns = double{kTurns} * setting.warpgroups;
  bench.add(
      "pingpong", Mechanisms::kCombined,
      {{"warpgroups", int64_t{setting.warpgroups}},
       {"handover", std::string(name_of(setting.handover))},
       {"fill", std::string(name_of(setting.fill))},
       {"open_batches", int64_t{setting.open_batches}},
       {"mix", std::string(mix.name)},
       {"ffma", int64_t{mix.ffma * kUnitFfma}},
       {"fmnmx", int64_t{mix.fmnmx * kUnitFmnmx}},
       {"ex2", int64_t{mix.ex2 * kUnitEx2}},
       {"f2fp", int64_t{mix.f2fp * kUnitF2fp}},
       {"shfl", int64_t{mix.shfl * kUnitShfl}},
       {"nominal_ratio", nominal_ratio(mix)},
       {"score_wgmma", std::string("8 x m64n64k16 SS")},
       {"output_wgmma", std::string("4 x m64n128k16 RS")}},
      samples, repeat,
      {{"cycles_per_turn", "cycle", [=](const Sample& s) { return s.cycles / turns; }},
       {"cycles_per_turn_of_a_warpgroup", "cycle", [](const Sample& s) { return s.cycles / kTurns; }},
       {"filled_bytes_per_cycle", "B/cycle", [](const Sample& s) { return s.mean_value(0) / s.cycles; }}});
}

// All SMs for seconds: the clock that a mix of matrix and arithmetic work leaves under the power limit.
void measure_sustained(Bench& bench, const uint8_t* source, const Mix& mix) {
  if (bench.once()) {
    return;
  }
  constexpr int kWarpgroups = 2, kLongTurns = 32 * kTurns;
  const Task task{kWarpgroups, Handover::kNamed, Fill::kTma, mix.ffma, mix.fmnmx,
                  mix.ex2,     mix.f2fp,         mix.shfl,   source,   kLongTurns};
  const size_t shared = kOperandBytes + kFillBox * kFillSlots;
  const auto kernel = pingpong_kernel<1, true>;
  allow_shared(kernel, shared);
  const Sustained sustained =
      bench.sustain(bench.sm_count(), bench.quick() ? 0.3 : 3.0, [&](Stamp* stamps, int) {
        kernel<<<bench.sm_count(), 128 * (kWarpgroups + 1), shared>>>(stamps, task);
      });
  const double turns = double{kLongTurns} * kWarpgroups;
  bench.add("pingpong_sustained", Mechanisms::kCombined,
            {{"warpgroups", int64_t{kWarpgroups}},
             {"handover", std::string("named_barrier")},
             {"fill", std::string("tma")},
             {"open_batches", int64_t{1}},
             {"mix", std::string(mix.name)},
             {"nominal_ratio", nominal_ratio(mix)},
             {"sms", int64_t{bench.sm_count()}}},
            sustained,
            {{"cycles_per_turn", "cycle", [=](const Sample& s) { return s.cycles_mean / turns; }},
             {"turns_per_second", "1/s", [=](const Sample& s) { return turns * s.ctas / s.time_s; }},
             {"filled_bytes_per_cycle", "B/cycle",
              [](const Sample& s) { return s.mean_value(0) / s.cycles_mean; }}});
}

Mix only_ffma(int quarters) {
  return {"ffma", 4 * quarters, 0, 0, 0, 0};
}
Mix only_ex2(int quarters) {
  return {"ex2", 0, 0, 2 * quarters, 0, 0};
}
Mix mixed(int thirds) {
  return {"mixed", thirds, thirds, thirds, thirds, thirds};
}

}  // namespace

void run_pingpong(Bench& bench) {
  DeviceBuffer<uint32_t> source(kResidentBytes / 4);
  fill_pattern(source.get(), source.count());
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(source.get());
  const auto usual = [](int warpgroups) { return warpgroups == 1 ? Handover::kNone : Handover::kNamed; };
  for (const int warpgroups : {1, 2, 3}) {
    const Handover handover = usual(warpgroups);
    measure_setting(bench, bytes, {warpgroups, handover, Fill::kNone, 1, {"matrix_only", 0, 0, 0, 0, 0}});
    for (const int quarters : {1, 2, 4, 6, 8}) {
      for (const Mix& mix : {only_ffma(quarters), only_ex2(quarters), mixed((3 * quarters + 3) / 4)}) {
        measure_setting(bench, bytes, {warpgroups, handover, Fill::kNone, 1, mix});
      }
    }
    for (const int quarters : {1, 3, 6}) {
      measure_setting(bench, bytes, {warpgroups, handover, Fill::kNone, 0, mixed(quarters)});
      measure_setting(bench, bytes, {warpgroups, handover, Fill::kTma, 1, mixed(quarters)});
      measure_setting(bench, bytes, {warpgroups, handover, Fill::kCpAsync, 1, mixed(quarters)});
      if (warpgroups > 1) {
        measure_setting(bench, bytes, {warpgroups, Handover::kNone, Fill::kNone, 1, mixed(quarters)});
        measure_setting(bench, bytes, {warpgroups, Handover::kMbarrier, Fill::kNone, 1, mixed(quarters)});
      }
    }
  }
  measure_sustained(bench, bytes, {"matrix_only", 0, 0, 0, 0, 0});
  measure_sustained(bench, bytes, mixed(3));
}

}  // namespace tw::gpu
