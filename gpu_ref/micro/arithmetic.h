// SPDX-License-Identifier: Apache-2.0
// The arithmetic suite's measurements, by instruction. Each instruction's kernels take ptxas a quarter of a minute (32 wgmma
// written out, five shapes), so that files share the instructions out and compile side by side.
#pragma once

#include <cstdint>

#include "harness/bench.h"

namespace tw::gpu::arithmetic {

// kWeigh is what a softmax does to a score: an FFMA, an EX2 of it, an FADD of that to the row's sum.
enum class Instruction : uint8_t { kFfma, kFmul, kFmnmx, kEx2, kF2fp, kImad, kShfl, kLop3, kFadd, kWeigh };

// The matrix work of beside_kernel with the other warps absent, in cycles: of FFMA's kernels, with A from registers or
// shared memory and N of 64, 128 or 256.
double matrix_alone(Bench& bench, bool from_registers, int n);

// What files with explicit instantiations of these define (arithmetic_measure.cuh).
template <Instruction kInstruction, int kChains>
void measure_alone(Bench& bench, const char* name, int warps);
template <Instruction kInstruction>
void measure_instruction(Bench& bench, const char* name, double alone_ss, double alone_rs);
template <Instruction kInstruction>
void measure_rates(Bench& bench, const char* name);
template <Instruction kInstruction>
void measure_latencies(Bench& bench, const char* name);

}  // namespace tw::gpu::arithmetic
