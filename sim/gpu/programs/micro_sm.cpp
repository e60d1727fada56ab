// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/shared_memory.cu, arithmetic.cu, synchronisation.cu and launch.cu.
#include <algorithm>
#include <map>

#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/run.h"
#include "sim/gpu/parts.h"

namespace tilewright::gpu::micro {
namespace {

constexpr uint32_t kRegionBytes = 32 * 1024;

// Most distinct words that any bank has to give for one access of a warp.
uint32_t conflict_wavefronts(const arch::SharedMemorySpec& shared, uint32_t width, uint32_t stride_accesses) {
  std::map<uint32_t, std::map<uint32_t, bool>> words_of_bank;
  for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
    const uint32_t at = lane * stride_accesses * width % kRegionBytes;
    for (uint32_t word = 0; word < width / 4; ++word) {
      words_of_bank[(at / 4 + word) % shared.banks][at / 4 + word] = true;
    }
  }
  std::size_t most = 1;
  for (const auto& [bank, words] : words_of_bank) {
    most = std::max(most, words.size());
  }
  return static_cast<uint32_t>(most);
}

MathKind math_kind(const std::string& name) {
  static const std::map<std::string, MathKind> kKinds = {
      {"FFMA", MathKind::kFfma}, {"FMUL", MathKind::kFmul}, {"FMNMX", MathKind::kFmnmx}, {"EX2", MathKind::kEx2},
      {"FADD", MathKind::kFmul},  // the same pipe, rate and operands
      {"F2FP", MathKind::kF2fp}, {"IMAD", MathKind::kImad}, {"SHFL", MathKind::kShfl},   {"LOP3", MathKind::kLop3}};
  return kKinds.at(name);
}

uint32_t chain_spacing(const GpuSpec& spec, MathKind kind, uint32_t chains) {
  return std::max<uint32_t>(1, static_cast<uint32_t>(divide_up(instruction_spec(spec.sub_core, kind).latency, chains)));
}

}  // namespace

Metrics shared_access(const GpuSpec& spec, const Parameters& parameters, bool store) {
  const uint32_t width = number(parameters, "width_bytes"), warps = number(parameters, "warps");
  const uint32_t wavefronts = conflict_wavefronts(spec.shared_memory, width, number(parameters, "stride_accesses"));
  constexpr uint32_t kIterations = 64, kUnroll = 16;
  ProgramBuilder program("shared_access");
  program.stamp(0);
  program.loop(kIterations);
  for (uint32_t i = 0; i < kUnroll; ++i) {
    program.shared(store, width / 4, wavefronts);
  }
  program.end_loop();
  program.shared(false, 1, 1, true);  // a store is over when a load behind it returns
  program.stamp(1);
  Kernel kernel = make_kernel("shared_access", kRegionBytes);
  add_warps(kernel, program.take(), warps);
  const double cycles = run(spec, kernel, 1).first_cycles / (double(kIterations) * kUnroll * warps);
  return {{"cycles_per_instruction", cycles}, {"bytes_per_cycle", 32.0 * width / cycles}};
}

Metrics shared_latency(const GpuSpec& spec) {
  ProgramBuilder program("shared_latency");
  program.stamp(0);
  for (uint32_t i = 0; i < 256; ++i) {
    program.shared(false, 1, 1, true);
  }
  program.stamp(1);
  Kernel kernel = make_kernel("shared_latency", 4096);
  add_warps(kernel, program.take(), 1);
  return {{"latency_cycles", run(spec, kernel, 1).first_cycles / 256}};
}

// As its machine code has it: an EX2, the sum of the one before the last, and the product for one that comes.
void add_mix(ProgramBuilder& program, uint32_t steps, const workloads::RegisterReads& product) {
  for (uint32_t i = 0; i < steps; ++i) {
    program.instruction(MathKind::kEx2, 1, static_cast<uint8_t>(1 + i % 3), 0, 0);
    program.instruction(MathKind::kFmul, 4, 0, 0, static_cast<uint8_t>(1U << (i + 1) % 3));
    program.instruction(MathKind::kFfma, 3, 0, 0, 0, false, product);
  }
}

// So many instructions of every chain.
void add_steps(ProgramBuilder& program, const GpuSpec& spec, const std::string& name, uint32_t chains, uint32_t steps) {
  if (name == "FFMA+EX2+FADD") {
    add_mix(program, chains * steps, {});
  } else {
    program.math(math_kind(name), chains * steps, chain_spacing(spec, math_kind(name), chains));
  }
}

Metrics instruction(const GpuSpec& spec, const Parameters& parameters) {
  const std::string name = text(parameters, "instruction");
  const uint32_t chains = number(parameters, "chains"), warps = number(parameters, "warps");
  constexpr uint32_t kIterations = 256, kUnroll = 8;
  ProgramBuilder program("instruction");
  program.stamp(0);
  program.loop(kIterations);
  add_steps(program, spec, name, chains, kUnroll);
  program.end_loop();
  program.stamp(1);
  Kernel kernel = make_kernel("instruction", 1024);
  add_warps(kernel, program.take(), warps);
  const double cycles = run(spec, kernel, 1).first_cycles;
  const double instructions = double(kIterations) * kUnroll * chains;
  return {{"cycles_per_instruction_of_a_warp", cycles / instructions},
          {"thread_operations_per_cycle_per_sm", instructions * warps * 32 / cycles},
          {"cycles", cycles}};
}

// Eight chains' steps with the registers that the compiler gave them: chain after chain in the other bank, a constant in a uniform
// register; of FFMA all chains in one bank, and where there are two constants both kept in the reuse cache. Those of the ALU are two
// cycles apart, every sixth marked to yield.
void add_steps_beside(ProgramBuilder& program, const std::string& name, uint32_t steps) {
  using workloads::RegisterReads;
  constexpr RegisterReads kEven{1, 0, 1, 0}, kOdd{0, 1, 0, 1}, kEvenOfThree{1, 0, 2, 1}, kOddOfThree{0, 1, 1, 2};
  constexpr RegisterReads kEvenOfMix{2, 1, 2, 1};
  if (name == "FFMA+EX2+FADD") {
    add_mix(program, steps, kEvenOfMix);
    return;
  }
  const MathKind kind = math_kind(name);
  const bool alu = pipe_of(kind) == Pipe::kAlu;
  const auto in_turn = [&](RegisterReads even, RegisterReads odd) {
    for (uint32_t i = 0; i < steps; ++i) {
      program.instruction(kind, alu ? 2 : 1, 0, 0, 0, alu && i % 6 == 5, i % 2 == 0 ? even : odd);
    }
  };
  if (name == "FFMA") {
    in_turn(kEvenOfThree, kEvenOfThree);
  } else if (name == "IMAD" || name == "LOP3") {
    in_turn(kEvenOfThree, kOddOfThree);
  } else if (name == "FMUL" || name == "FADD" || name == "FMNMX" || name == "F2FP") {
    in_turn(kEven, kOdd);
  } else {
    program.math(kind, steps);
  }
}

// Warps run the instruction in rounds while a warpgroup multiplies for longer, and the other way round.
Metrics instruction_beside_wgmma(const GpuSpec& spec, const Parameters& parameters) {
  const std::string name = text(parameters, "instruction");
  const bool registers = text(parameters, "a") == "RS";
  const uint32_t columns = number(parameters, "n"), warps = number(parameters, "warps");
  constexpr uint32_t kRounds = 8, kRoundInstructions = 512, kUnrolled = 128;  // as compiled
  constexpr uint32_t kBeforeLook = 11, kBehindLook = 42;  // stalls of the look whether the products are done: address; condition and vote
  const auto ran = [&](uint32_t groups, uint32_t rounds) {
    ProgramBuilder other("run_until_done");
    other.stamp(2);
    other.loop(rounds);
    other.loop(kRoundInstructions / kUnrolled);
    add_steps_beside(other, name, kUnrolled);
    other.end_loop();
    other.delay(kBeforeLook);
    other.shared(false, 1, 1, true);
    other.delay(kBehindLook);
    other.end_loop();
    other.stamp(3);
    Kernel kernel = make_kernel("instruction_beside_wgmma", 64 * 1024);
    add_warpgroup(kernel, multiply_one_by_one(groups, columns, 32, registers));
    add_warps(kernel, other.take(), warps);
    return run(spec, kernel, 1);
  };
  const Ran matrix_longer = ran(80 * 128 / columns, kRounds), matrix_shorter = ran(8, 80), alone = ran(8, 0);
  const auto& stamps = matrix_longer.result.ctas.front().stamps;
  const double rate = double(kRounds) * kRoundInstructions * warps / double(stamps[3] - stamps[2]);
  return {{"thread_operations_per_cycle_per_sm", rate * 32},
          {"cycles_per_instruction_of_a_sub_core", 4 / rate},
          {"wgmma_cycles", matrix_shorter.first_cycles / (8 * 32.0)},
          {"wgmma_slow_down", matrix_shorter.first_cycles / alone.first_cycles}};
}

Metrics synchronisation_operation(const GpuSpec& spec, const Parameters& parameters) {
  const std::string operation = text(parameters, "operation");
  const uint32_t threads = number(parameters, "threads");
  const auto warps = static_cast<uint32_t>(divide_up(threads, kWarpLanes));
  constexpr uint32_t kOperations = 256, kUnroll = 16;
  ProgramBuilder program("operation");
  const uint8_t at = program.cursor(1);
  program.stamp(0);
  program.loop(kOperations / kUnroll);
  for (uint32_t i = 0; i < kUnroll; ++i) {
    if (operation == "mbarrier_arrive") {
      program.arrive(0, std::min(threads, kWarpLanes));
    } else if (operation == "mbarrier_try_wait_done") {
      program.wait(0, at, 1);
    } else if (operation == "mbarrier_expect_and_wait") {
      program.expect(1, 0);
      program.wait(1, at);
      program.advance(at);
    } else if (operation == "fence_proxy_async") {
      program.fence();
    } else if (operation == "store_and_fence_proxy_async") {
      program.shared(true, 1, 1);
      program.fence();
    } else if (operation == "bar_sync") {
      program.named_sync(0, warps);
    } else if (operation == "bar_warp_sync") {
      program.math(MathKind::kFfma, 1);
    } else if (operation == "cp_async_arrive_noinc") {
      program.copy_arrive(0);
    } else if (operation == "cp_async_commit_group") {
      program.copy_commit();
    } else if (operation == "cp_async_wait_group_empty") {
      program.copy_wait(0);
    } else {
      return {};
    }
  }
  program.end_loop();
  if (operation == "mbarrier_arrive") {
    program.shared(false, 1, 1, true);  // the queue to the banks has no bound here; on silicon it holds the warp
  }
  program.stamp(1);
  Kernel kernel = make_kernel(operation, 8192);
  kernel.shape.barrier_counts = {(1u << 20) - 1, 1};
  kernel.shape.named_barriers = 1;
  add_warps(kernel, program.take(), warps);
  return {{"cycles_per_operation", run(spec, kernel, 1).first_cycles / kOperations}};
}

Metrics handover(const GpuSpec& spec, const Parameters& parameters) {
  const std::string by = text(parameters, "by");
  const uint32_t group = number(parameters, "arrivals_per_phase"), warps = group / kWarpLanes;
  constexpr uint32_t kRounds = 64;
  Kernel kernel = make_kernel("handover", 8192);
  kernel.shape.barrier_counts = {group, group};
  kernel.shape.named_barriers = 2;
  for (const bool first : {true, false}) {
    ProgramBuilder program(first ? "first" : "second");
    const uint8_t at = program.cursor(1);
    const uint32_t own = first ? 0 : 1, other = 1 - own;
    const auto signal = [&] {
      if (by == "named_barrier") {
        program.named_arrive(own, 2 * warps);
      } else if (by == "mbarrier") {
        program.arrive(own, kWarpLanes);
      } else {
        program.copy_arrive(own);
      }
    };
    const auto wait = [&] {
      by == "named_barrier" ? program.named_sync(other, 2 * warps) : program.wait(other, at);
    };
    program.stamp(0);
    program.loop(kRounds);
    if (first) {
      signal();
      wait();
    } else {
      wait();
      signal();
    }
    program.advance(at);
    program.end_loop();
    program.stamp(1);
    add_warps(kernel, program.take(), warps);
  }
  if (by == "cp_async_arrive_and_arrive") {
    return {};  // the form that the attention kernels do not use
  }
  return {{"cycles_per_round_trip", run(spec, kernel, 1).first_cycles / kRounds}};
}

Metrics cta_gap(const GpuSpec& spec, const Parameters& parameters) {
  ProgramBuilder program("stay");
  program.delay(number(parameters, "stay_cycles"));
  Kernel kernel = make_kernel("cta_gap", number(parameters, "shared_bytes"));
  add_warps(kernel, program.take(), number(parameters, "threads") / kWarpLanes);
  kernel.ctas.resize(8);
  GpuSpec one = spec;
  one.sm_count = 1;
  const GpuResult result = GpuSimulator(one, Fidelity::kEvent).run(kernel);
  const std::size_t side_by_side = ctas_per_sm(one, kernel.shape);
  if (side_by_side >= kernel.ctas.size()) {
    return {};
  }
  return {{"gap_cycles", double(result.ctas[side_by_side].begin - result.ctas[0].end)}};
}

}  // namespace tilewright::gpu::micro
