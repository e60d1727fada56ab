// SPDX-License-Identifier: Apache-2.0
// The arithmetic suite's kernels of the FMA pipe, and what its matrix work takes alone.
#include <stdexcept>
#include <string>

#include "micro/arithmetic_measure.cuh"

namespace tw::gpu::arithmetic {

namespace {

template <bool kFromRegisters, int kN>
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

}  // namespace

double matrix_alone(Bench& bench, bool from_registers, int n) {
  switch (n) {
    case 64:
      return from_registers ? matrix_alone<true, 64>(bench) : matrix_alone<false, 64>(bench);
    case 128:
      return from_registers ? matrix_alone<true, 128>(bench) : matrix_alone<false, 128>(bench);
    case 256:
      return from_registers ? matrix_alone<true, 256>(bench) : matrix_alone<false, 256>(bench);
    default:
      throw std::logic_error("no kernel of the arithmetic suite multiplies " + std::to_string(n) + " columns");
  }
}

template void measure_instruction<Instruction::kFfma>(Bench&, const char*, double, double);
template void measure_rates<Instruction::kFfma>(Bench&, const char*);
template void measure_latencies<Instruction::kFfma>(Bench&, const char*);
template void measure_instruction<Instruction::kFmul>(Bench&, const char*, double, double);
template void measure_rates<Instruction::kFmul>(Bench&, const char*);
template void measure_latencies<Instruction::kFmul>(Bench&, const char*);
template void measure_alone<Instruction::kFadd, 8>(Bench&, const char*, int);
template void measure_rates<Instruction::kFadd>(Bench&, const char*);

}  // namespace tw::gpu::arithmetic
