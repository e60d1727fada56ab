// SPDX-License-Identifier: Apache-2.0
// The arithmetic suite's kernels of what is neither the FMA pipe's nor the ALU's: EX2, F2FP, SHFL.
#include "micro/arithmetic_measure.cuh"

namespace tw::gpu::arithmetic {

template void measure_instruction<Instruction::kEx2>(Bench&, const char*, double, double);
template void measure_rates<Instruction::kEx2>(Bench&, const char*);
template void measure_latencies<Instruction::kEx2>(Bench&, const char*);
template void measure_instruction<Instruction::kF2fp>(Bench&, const char*, double, double);
template void measure_rates<Instruction::kF2fp>(Bench&, const char*);
template void measure_latencies<Instruction::kF2fp>(Bench&, const char*);
template void measure_instruction<Instruction::kShfl>(Bench&, const char*, double, double);
template void measure_rates<Instruction::kShfl>(Bench&, const char*);
template void measure_latencies<Instruction::kShfl>(Bench&, const char*);

}  // namespace tw::gpu::arithmetic
