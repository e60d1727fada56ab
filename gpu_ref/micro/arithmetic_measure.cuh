// SPDX-License-Identifier: Apache-2.0
// How the arithmetic suite measures an instruction; for files that instantiate this for some (arithmetic.h).
#pragma once

#include "micro/arithmetic_kernels.cuh"

namespace tw::gpu::arithmetic {

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

// How fast an instruction runs beside a matrix unit without pause is what the two make of the register file:
// one mechanism. The points at N = 128 are instruction_beside_wgmma's.
template <Instruction kInstruction, bool kFromRegisters, int kN>
void measure_rate(Bench& bench, const char* name) {
  const double alone = matrix_alone(bench, kFromRegisters, kN);
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

}  // namespace tw::gpu::arithmetic
