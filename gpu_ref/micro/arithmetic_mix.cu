// SPDX-License-Identifier: Apache-2.0
// The arithmetic suite's kernels of what a softmax does to a score.
#include "micro/arithmetic_measure.cuh"

namespace tw::gpu::arithmetic {

template void measure_alone<Instruction::kWeigh, 8>(Bench&, const char*, int);
template void measure_rates<Instruction::kWeigh>(Bench&, const char*);

}  // namespace tw::gpu::arithmetic
