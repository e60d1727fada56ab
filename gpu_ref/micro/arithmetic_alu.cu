// SPDX-License-Identifier: Apache-2.0
// The arithmetic suite's kernels of the ALU, and of IMAD.
#include "micro/arithmetic_measure.cuh"

namespace tw::gpu::arithmetic {

template void measure_instruction<Instruction::kFmnmx>(Bench&, const char*, double, double);
template void measure_rates<Instruction::kFmnmx>(Bench&, const char*);
template void measure_latencies<Instruction::kFmnmx>(Bench&, const char*);
template void measure_instruction<Instruction::kLop3>(Bench&, const char*, double, double);
template void measure_rates<Instruction::kLop3>(Bench&, const char*);
template void measure_latencies<Instruction::kLop3>(Bench&, const char*);
template void measure_instruction<Instruction::kImad>(Bench&, const char*, double, double);
template void measure_latencies<Instruction::kImad>(Bench&, const char*);

}  // namespace tw::gpu::arithmetic
