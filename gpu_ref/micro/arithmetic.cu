// SPDX-License-Identifier: Apache-2.0
// Rates and latencies of the instructions a softmax is made of, alone and beside a busy matrix unit.
#include "micro/arithmetic.h"

#include "micro/suites.h"

namespace tw::gpu {

void run_arithmetic(Bench& bench) {
  using namespace arithmetic;
  const double ss = matrix_alone(bench, false, 128), rs = matrix_alone(bench, true, 128);
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
