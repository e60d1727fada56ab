// SPDX-License-Identifier: Apache-2.0
// Rates and latencies of the instructions a softmax is made of, alone and beside a busy matrix unit.
#include <algorithm>

#include "micro/suites.h"
#include "micro/wgmma_tiles.cuh"

namespace tw::gpu {
namespace {

constexpr int kIterations = 256;
constexpr int kUnroll = 8;
constexpr int kMmaGroups = 128;
constexpr int kRoundsPerLook = 8;  // often enough to stop soon, seldom enough to cost little

// kWeigh is what a softmax does to a score: an FFMA, an EX2 of it, an FADD of that to the row's sum.
enum class Instruction : uint8_t { kFfma, kFmul, kFmnmx, kEx2, kF2fp, kImad, kShfl, kLop3, kFadd, kWeigh };

struct InstructionName {
  Instruction instruction;
  const char* name;
};

// One instruction whose result feeds the next of its chain.
template <Instruction kInstruction>
__device__ __forceinline__ void step(uint32_t& x, uint32_t y, uint32_t z) {
  if constexpr (kInstruction == Instruction::kFfma) {
    asm volatile("fma.rn.f32 %0, %0, %1, %2;" : "+r"(x) : "r"(y), "r"(z));
  } else if constexpr (kInstruction == Instruction::kFmul) {
    asm volatile("mul.rn.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else if constexpr (kInstruction == Instruction::kFmnmx) {
    asm volatile("max.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else if constexpr (kInstruction == Instruction::kEx2) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+r"(x));
  } else if constexpr (kInstruction == Instruction::kF2fp) {
    asm volatile("cvt.rn.bf16x2.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else if constexpr (kInstruction == Instruction::kImad) {
    asm volatile("mad.lo.u32 %0, %0, %1, %2;" : "+r"(x) : "r"(y), "r"(z));
  } else if constexpr (kInstruction == Instruction::kShfl) {
    asm volatile("shfl.sync.bfly.b32 %0, %0, 1, 31, 0xffffffff;" : "+r"(x));
  } else if constexpr (kInstruction == Instruction::kFadd) {
    asm volatile("add.rn.f32 %0, %0, %1;" : "+r"(x) : "r"(y));
  } else {
    asm volatile("lop3.b32 %0, %0, %1, %2, 0x96;" : "+r"(x) : "r"(y), "r"(z));
  }
}

// Stage by stage over the chains, so that none waits for the one before.
template <int kChains>
__device__ __forceinline__ void weigh(uint32_t (&chains)[kChains], uint32_t y, uint32_t z) {
  uint32_t weight[kChains];
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    asm volatile("fma.rn.f32 %0, %1, %2, %3;" : "=r"(weight[c]) : "r"(chains[c]), "r"(y), "r"(z));
  }
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+r"(weight[c]));
  }
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    asm volatile("add.rn.f32 %0, %0, %1;" : "+r"(chains[c]) : "r"(weight[c]));
  }
}

template <Instruction kInstruction, int kChains>
__device__ __forceinline__ void steps(uint32_t (&chains)[kChains], uint32_t y, uint32_t z) {
#pragma unroll
  for (int j = 0; j < kUnroll; ++j) {
    if constexpr (kInstruction == Instruction::kWeigh) {
      weigh(chains, y, z);
    } else {
#pragma unroll
      for (int c = 0; c < kChains; ++c) {
        step<kInstruction>(chains[c], y, z);
      }
    }
  }
}

template <int kChains>
__device__ __forceinline__ void start(uint32_t (&chains)[kChains], uint32_t y) {
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    chains[c] = y + threadIdx.x * kChains + c;
  }
}

template <int kChains>
__device__ __forceinline__ void keep(const uint32_t (&chains)[kChains], Stamp* stamps) {
  uint32_t all = 0;
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    all ^= chains[c];
  }
  if (all == 0x9e3779b9u) {
    stamps[blockIdx.x].value[3] = all;
  }
}

template <Instruction kInstruction, int kChains>
__global__ void __launch_bounds__(1024) instruction_kernel(Stamp* stamps, uint32_t y, uint32_t z) {
  uint32_t chains[kChains];
  start(chains, y);
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
#pragma unroll 1
  for (int i = 0; i < kIterations; ++i) {
    steps<kInstruction>(chains, y, z);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  keep(chains, stamps);
}

struct Progress {
  volatile uint32_t done;
  unsigned long long issued;
};

template <bool kFromRegisters, int kN>
__device__ __forceinline__ void multiply_without_pause(const uint8_t* tiles, int groups, Progress& progress,
                                                       Stamp* stamps) {
  const uint32_t a = shared_address(tiles), b = a + 64 * kRowBytes;
  float d[kN / 2] = {};
  uint32_t fragment[4];
  load_a_fragment(fragment, tiles, 0);
  if (threadIdx.x == 0) {
    stamp_begin(stamps);
  }
  for (int g = 0; g < groups; ++g) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < 32; ++i) {
      const uint32_t at = i % 4 * kStepBytes;
      if constexpr (kFromRegisters) {
        Wgmma<kN>::rs(d, fragment, wgmma_descriptor(b + at));
      } else {
        Wgmma<kN>::ss(d, wgmma_descriptor(a + at), wgmma_descriptor(b + at));
      }
    }
    wgmma_commit();
    wgmma_wait<0>();
  }
  named_sync(1, 128);
  if (threadIdx.x == 0) {
    stamp_end(stamps);
    progress.done = 1;
  }
  float sum = 0;
  for (const float v : d) {
    sum += v;
  }
  if (sum == 1.2345f) {
    stamps[0].value[3] = 1;
  }
}

template <Instruction kInstruction, int kChains>
__device__ __forceinline__ void run_until_done(uint32_t y, uint32_t z, Progress& progress, Stamp* stamps) {
  uint32_t chains[kChains];
  start(chains, y);
  uint32_t rounds = 0;
  const uint64_t begin = clock_now();
  while (__any_sync(0xffffffffu, progress.done == 0)) {  // the whole warp decides, so that it stays together
    for (int i = 0; i < kRoundsPerLook; ++i) {
      steps<kInstruction>(chains, y, z);
    }
    rounds += kRoundsPerLook;
  }
  const uint64_t taken = clock_now() - begin;
  if (threadIdx.x % 32 == 0) {
    atomicAdd(&progress.issued, static_cast<unsigned long long>(rounds) * kUnroll * kChains);
  }
  if (threadIdx.x == 128) {
    stamps[0].value[1] = taken;
  }
  keep(chains, stamps);
}

// Warpgroup 0 multiplies without pause; the other warps run the instruction until it is done.
// value[0]: instructions issued by those warps; value[1]: cycles they took.
template <Instruction kInstruction, bool kFromRegisters, int kN = 128, int kChains = 8>
__global__ void __launch_bounds__(384) beside_kernel(Stamp* stamps, uint32_t y, uint32_t z, int groups) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ Progress progress;
  fill_tile(tiles, 64 + kN, 0, Data::kRandom);
  if (threadIdx.x == 0) {
    progress.done = 0;
    progress.issued = 0;
    stamps[0].errors = 0;
  }
  fence_proxy_async();
  __syncthreads();
  if (threadIdx.x < 128) {
    multiply_without_pause<kFromRegisters, kN>(tiles, groups, progress, stamps);
  } else {
    run_until_done<kInstruction, kChains>(y, z, progress, stamps);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].value[0] = progress.issued;
  }
}

template <Instruction kInstruction, int kChains>
void measure_alone(Bench& bench, const char* name, int warps) {
  const Repeat repeat{};
  const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
    instruction_kernel<kInstruction, kChains><<<1, warps * 32>>>(stamps, 0x3f7fff00u, 0x3a83126fu);
  });
  const double per_warp = double{kIterations} * kUnroll * kChains;
  bench.add(
      "instruction", Mechanisms::kOne,
      {{"instruction", std::string(name)}, {"chains", int64_t{kChains}}, {"warps", int64_t{warps}}}, samples,
      repeat,
      {{"cycles_per_instruction_of_a_warp", "cycle", [=](const Sample& s) { return s.cycles / per_warp; }},
       {"thread_operations_per_cycle_per_sm", "1/cycle",
        [=](const Sample& s) { return per_warp * warps * 32 / s.cycles; }}});
}

template <Instruction kInstruction, bool kFromRegisters>
void measure_beside(Bench& bench, const char* name, double matrix_alone) {
  const Repeat repeat{};
  const size_t shared = (64 + 128) * kRowBytes;
  const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
    beside_kernel<kInstruction, kFromRegisters>
        <<<1, 256, shared>>>(stamps, 0x3f7fff00u, 0x3a83126fu, kMmaGroups);
  });
  bench.add("instruction_beside_wgmma", Mechanisms::kCombined,
            {{"instruction", std::string(name)},
             {"a", std::string(kFromRegisters ? "RS" : "SS")},
             {"n", int64_t{128}},
             {"warps", int64_t{4}}},
            samples, repeat,
            {{"thread_operations_per_cycle_per_sm", "1/cycle",
              [](const Sample& s) { return s.mean_value(0) * 32 / s.mean_value(1); }},
             {"wgmma_cycles", "cycle", [](const Sample& s) { return s.cycles / (kMmaGroups * 32.0); }},
             {"wgmma_slow_down", "1", [=](const Sample& s) { return s.cycles / matrix_alone; }}});
}

// The matrix work of beside_kernel with the other warps absent.
template <bool kFromRegisters, int kN = 128>
double matrix_alone(Bench& bench) {
  const auto samples = bench.measure(1, {}, [&](Stamp* stamps, int) {
    beside_kernel<Instruction::kFfma, kFromRegisters, kN>
        <<<1, 128, (64 + kN) * kRowBytes>>>(stamps, 1, 1, kMmaGroups);
  });
  std::vector<double> cycles;
  for (const Sample& sample : samples) {
    cycles.push_back(sample.cycles);
  }
  return median(cycles);
}

// How fast an instruction runs beside a matrix unit without pause is what the two make of the register file:
// one mechanism. The points at N = 128 are instruction_beside_wgmma's.
template <Instruction kInstruction, bool kFromRegisters, int kN>
void measure_rate(Bench& bench, const char* name) {
  const double alone = matrix_alone<kFromRegisters, kN>(bench);
  for (const int warps : {4, 8}) {
    const Repeat repeat{};
    const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
      beside_kernel<kInstruction, kFromRegisters, kN>
          <<<1, 128 + warps * 32, (64 + kN) * kRowBytes>>>(stamps, 0x3f7fff00u, 0x3a83126fu, kMmaGroups);
    });
    constexpr bool kMix = kInstruction == Instruction::kWeigh;
    bench.add(kMix ? "mix_beside_wgmma" : "rate_beside_wgmma",
              kMix ? Mechanisms::kCombined : Mechanisms::kOne,
              {{"instruction", std::string(name)},
               {"a", std::string(kFromRegisters ? "RS" : "SS")},
               {"n", int64_t{kN}},
               {"warps", int64_t{warps}}},
              samples, repeat,
              {{"cycles_per_instruction_of_a_sub_core", "cycle",
                [](const Sample& s) { return 4 * s.mean_value(1) / s.mean_value(0); }},
               {"wgmma_cycles", "cycle", [](const Sample& s) { return s.cycles / (kMmaGroups * 32.0); }},
               {"wgmma_slow_down", "1", [=](const Sample& s) { return s.cycles / alone; }}});
  }
}

// One chain by one warp of each sub-core: how long a result takes beside a matrix unit without pause.
template <Instruction kInstruction, bool kFromRegisters, int kN>
void measure_latency(Bench& bench, const char* name) {
  const Repeat repeat{};
  const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
    beside_kernel<kInstruction, kFromRegisters, kN, 1>
        <<<1, 256, (64 + kN) * kRowBytes>>>(stamps, 0x3f7fff00u, 0x3a83126fu, kMmaGroups);
  });
  bench.add(
      "latency_beside_wgmma", Mechanisms::kOne,
      {{"instruction", std::string(name)},
       {"a", std::string(kFromRegisters ? "RS" : "SS")},
       {"n", int64_t{kN}},
       {"warps", int64_t{4}}},
      samples, repeat,
      {{"latency_cycles", "cycle", [](const Sample& s) { return 4 * s.mean_value(1) / s.mean_value(0); }},
       {"wgmma_cycles", "cycle", [](const Sample& s) { return s.cycles / (kMmaGroups * 32.0); }}});
}

template <Instruction kInstruction>
void measure_latencies(Bench& bench, const char* name) {
  measure_latency<kInstruction, false, 64>(bench, name);
  measure_latency<kInstruction, true, 128>(bench, name);
  measure_latency<kInstruction, false, 160>(bench, name);
  measure_latency<kInstruction, true, 64>(bench, name);
}

template <Instruction kInstruction>
void measure_rates(Bench& bench, const char* name) {
  measure_rate<kInstruction, false, 64>(bench, name);
  measure_rate<kInstruction, true, 64>(bench, name);
  measure_rate<kInstruction, true, 128>(bench, name);
  measure_rate<kInstruction, false, 256>(bench, name);
  measure_rate<kInstruction, true, 256>(bench, name);
}

template <Instruction kInstruction>
void measure_instruction(Bench& bench, const char* name, double alone_ss, double alone_rs) {
  measure_alone<kInstruction, 1>(bench, name, 1);
  measure_alone<kInstruction, 8>(bench, name, 1);
  for (const int warps : {4, 8, 16}) {
    measure_alone<kInstruction, 8>(bench, name, warps);
  }
  measure_beside<kInstruction, false>(bench, name, alone_ss);
  measure_beside<kInstruction, true>(bench, name, alone_rs);
}

}  // namespace

void run_arithmetic(Bench& bench) {
  const double ss = matrix_alone<false>(bench), rs = matrix_alone<true>(bench);
  measure_instruction<Instruction::kFfma>(bench, "FFMA", ss, rs);
  measure_instruction<Instruction::kFmul>(bench, "FMUL", ss, rs);
  measure_instruction<Instruction::kFmnmx>(bench, "FMNMX", ss, rs);
  measure_instruction<Instruction::kEx2>(bench, "EX2", ss, rs);
  measure_instruction<Instruction::kF2fp>(bench, "F2FP", ss, rs);
  measure_instruction<Instruction::kImad>(bench, "IMAD", ss, rs);
  measure_instruction<Instruction::kShfl>(bench, "SHFL", ss, rs);
  measure_instruction<Instruction::kLop3>(bench, "LOP3", ss, rs);
  measure_alone<Instruction::kFadd, 8>(bench, "FADD", 8);
  measure_alone<Instruction::kWeigh, 8>(bench, "FFMA+EX2+FADD", 4);
  measure_alone<Instruction::kWeigh, 8>(bench, "FFMA+EX2+FADD", 8);
  measure_rates<Instruction::kFfma>(bench, "FFMA");
  measure_rates<Instruction::kFmul>(bench, "FMUL");
  measure_rates<Instruction::kFadd>(bench, "FADD");
  measure_rates<Instruction::kFmnmx>(bench, "FMNMX");
  measure_rates<Instruction::kEx2>(bench, "EX2");
  measure_rates<Instruction::kF2fp>(bench, "F2FP");
  measure_rates<Instruction::kShfl>(bench, "SHFL");
  measure_rates<Instruction::kLop3>(bench, "LOP3");
  measure_rates<Instruction::kWeigh>(bench, "FFMA+EX2+FADD");
  measure_latencies<Instruction::kFfma>(bench, "FFMA");
  measure_latencies<Instruction::kFmul>(bench, "FMUL");
  measure_latencies<Instruction::kFmnmx>(bench, "FMNMX");
  measure_latencies<Instruction::kEx2>(bench, "EX2");
  measure_latencies<Instruction::kF2fp>(bench, "F2FP");
  measure_latencies<Instruction::kImad>(bench, "IMAD");
  measure_latencies<Instruction::kShfl>(bench, "SHFL");
  measure_latencies<Instruction::kLop3>(bench, "LOP3");
}

}  // namespace tw::gpu
