// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/wgmma.cu, matrix_turns.cu and pingpong.cu.
#include <algorithm>

#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/run.h"

namespace tilewright::gpu::micro {
namespace {

constexpr uint32_t kLookCycles = 22;  // instructions that hold the clock back until the results are there
constexpr uint32_t kSpinCycles = 12;  // instructions of the loop that looks at the clock, when it ends at once

// Instructions of descriptors_kernel between two wgmma, as its machine code has them, ...
ProgramBuilder::Arithmetic descriptor_arithmetic(bool uniform, bool registers) {
  if (uniform) {
    return registers ? ProgramBuilder::Arithmetic{0, 0, 5} : ProgramBuilder::Arithmetic{0, 0, 10};
  }
  return registers ? ProgramBuilder::Arithmetic{4, 1, 2} : ProgramBuilder::Arithmetic{8, 2, 4};
}
// ... and before the first.
void add_first_descriptors(ProgramBuilder& program, bool uniform, bool registers) {
  if (uniform) {
    program.arithmetic({0, 0, registers ? 10U : 16U});
  } else {
    program.arithmetic(registers ? ProgramBuilder::Arithmetic{6, 5, 3} : ProgramBuilder::Arithmetic{10, 5, 5});
  }
}

}  // namespace

Metrics matrix_turns(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t columns = number(parameters, "n"), warpgroups = number(parameters, "warpgroups");
  const uint32_t first = number(parameters, "instructions");
  const uint32_t other = warpgroups > 1 ? number(parameters, "instructions_of_others") : 0;
  const uint32_t offset = warpgroups > 1 ? number(parameters, "offset_cycles") : 0;
  const bool made = warpgroups > 1 && text(parameters, "descriptors") == "made";
  Kernel kernel = make_kernel("matrix_turns", 64 * 1024);
  kernel.shape.named_barriers = 1;
  for (uint32_t g = 0; g < warpgroups; ++g) {
    ProgramBuilder program("one_batch");
    program.named_sync(0, 4 * warpgroups);
    if (g == 0) {
      program.stamp(0);
    }
    program.delay(kSpinCycles + g * offset);
    const bool registers = text(parameters, "a") == "RS";
    if (made) {
      add_first_descriptors(program, false, registers);
      program.matrix_with_descriptors(columns, g == 0 ? first : other, registers, descriptor_arithmetic(false, registers));
    } else {
      program.matrix(columns, g == 0 ? first : other, registers);
    }
    if (g == 0) {
      program.stamp(4);
    }
    program.matrix_wait(0);
    program.delay(kLookCycles);
    program.stamp(1 + g);
    add_warpgroup(kernel, program.take());
  }
  const auto& stamps = run(spec, kernel, 1).result.ctas.front().stamps;
  const auto since = [&](uint32_t slot) { return double(stamps[slot] - stamps[0]); };
  if (warpgroups == 1) {
    return {{"issued_cycles", since(4)}, {"done_cycles", since(1)}};
  }
  return {{"first_done_cycles", since(1)},
          {"second_done_cycles", since(2)},
          {"third_done_cycles", since(warpgroups > 2 ? 3 : 2)},
          {"last_done_cycles", std::max({since(1), since(2), warpgroups > 2 ? since(3) : 0})},
          {"first_issued_cycles", since(4)}};
}

Metrics wgmma(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t columns = number(parameters, "n"), batch = number(parameters, "batch");
  const uint32_t warpgroups = number(parameters, "warpgroups");
  const std::string made = parameters.contains("descriptors") ? text(parameters, "descriptors") : "";
  const bool uniform = made == "uniform", registers = text(parameters, "a") == "RS";
  constexpr uint32_t kGroups = 64;
  Kernel kernel = make_kernel("wgmma", 64 * 1024);
  for (uint32_t g = 0; g < warpgroups; ++g) {
    add_warpgroup(kernel, multiply_groups(kGroups, [&](ProgramBuilder& program) {
      if (made.empty()) {
        program.matrix(columns, batch, registers);
      } else {
        add_first_descriptors(program, uniform, registers);
        program.matrix_with_descriptors(columns, batch, registers, descriptor_arithmetic(uniform, registers));
      }
    }));
  }
  const double cycles = run(spec, kernel, 1).first_cycles;
  const double count = double(kGroups) * batch * warpgroups;
  return {{"cycles_per_group", cycles / kGroups},
          {"cycles_per_instruction_per_sm", cycles / count},
          {"flop_per_cycle", count * 64 * columns * 32 / cycles}};
}

Metrics wgmma_beside_stores(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t columns = number(parameters, "n"), warps = number(parameters, "store_warps");
  constexpr uint32_t kGroups = 16, kStores = 16;
  const auto ran = [&](uint32_t groups, uint32_t rounds) {
    ProgramBuilder store("store_until");
    store.stamp(2);
    store.loop(rounds);
    for (uint32_t i = 0; i < kStores; ++i) {
      store.shared(true, 4, 4);
    }
    store.shared(false, 1, 1, true);
    store.end_loop();
    store.stamp(3);
    Kernel kernel = make_kernel("wgmma_beside_stores", 64 * 1024);
    add_warpgroup(kernel, multiply_groups(groups, columns, 32, text(parameters, "a") == "RS"));
    add_warps(kernel, store.take(), warps);
    return run(spec, kernel, 1);
  };
  if (warps == 0) {
    return {{"cycles_per_instruction", ran(kGroups, 1).first_cycles / (kGroups * 32.0)}, {"stored_bytes_per_cycle", 0.0}};
  }
  const Ran longer = ran(kGroups, 20), shorter = ran(4, 200);
  const auto& stamps = longer.result.ctas.front().stamps;
  return {{"cycles_per_instruction", shorter.first_cycles / (4 * 32.0)},
          {"stored_bytes_per_cycle", 20.0 * kStores * warps * 512 / double(stamps[3] - stamps[2])}};
}

Metrics wgmma_all_sms(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t columns = number(parameters, "n"), warpgroups = number(parameters, "warpgroups");
  const Metrics one = wgmma(spec, {{"n", columns}, {"a", "SS"}, {"batch", 32}, {"warpgroups", warpgroups}});
  const double flop = one.at("flop_per_cycle");
  return {{"flop_per_cycle_per_sm", flop}, {"flop_per_second", flop * spec.sm_count * double(spec.sm_clock.value)}};
}

Metrics pingpong(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t warpgroups = number(parameters, "warpgroups");
  const std::string handover = text(parameters, "handover"), fill = text(parameters, "fill");
  constexpr uint32_t kTurns = 32;
  constexpr uint32_t kUnit[] = {32, 16, 8, 8, 8};
  constexpr const char* kMix[] = {"ffma", "fmnmx", "ex2", "f2fp", "shfl"};
  constexpr MathKind kKind[] = {MathKind::kFfma, MathKind::kFmnmx, MathKind::kEx2, MathKind::kF2fp, MathKind::kShfl};
  Kernel kernel = make_kernel("pingpong", kWholeSmShared);
  kernel.shape.barrier_counts.assign(warpgroups, 128);
  kernel.shape.named_barriers = warpgroups;
  for (uint32_t g = 0; g < warpgroups; ++g) {
    ProgramBuilder program("turns");
    const uint8_t at = program.cursor(1);
    const uint32_t next = g + 1 == warpgroups ? 0 : g + 1;
    if (handover == "named_barrier" && g == warpgroups - 1) {
      program.named_arrive(0, 8);  // the first turn is a gift
    } else if (handover == "mbarrier" && g == 0) {
      program.arrive(0, kWarpLanes);
    }
    program.stamp(0);
    program.loop(kTurns);
    if (handover == "named_barrier") {
      program.named_sync(g, 8);
    } else if (handover == "mbarrier") {
      program.wait(g, at);
      program.advance(at);
    }
    // What the machine code has around the products: the warpgroup's places, descriptors in vector and uniform registers.
    program.arithmetic({9, 3, 14});
    program.matrix_with_descriptors(64, 8, false, {4, 1, 8});
    program.matrix_with_descriptors(128, 4, true, {0, 0, 3});
    if (handover == "named_barrier") {
      program.named_arrive(next, 8);
    } else if (handover == "mbarrier") {
      program.arrive(next, kWarpLanes);
    }
    program.matrix_wait(number(parameters, "open_batches"));
    program.math(MathKind::kLop3, 5);
    program.math(MathKind::kOther, 4, 1, true);  // how many units there are
    for (uint32_t k = 0; k < 5; ++k) {
      const uint32_t units = number(parameters, kMix[k]) / kUnit[k];
      if (units == 0) {
        program.delay(spec.sub_core.branch_cycles);
        continue;
      }
      program.loop(units);
      program.math(MathKind::kOther, 2);
      program.math(MathKind::kImad, 1);
      program.math(kKind[k], kUnit[k]);
      program.math(MathKind::kLop3, kKind[k] == MathKind::kF2fp ? 9 : 1);  // what was packed is cut to a small number
      program.end_loop();
    }
    program.matrix_wait(0);
    program.math(MathKind::kF2fp, 16, 1, true);
    program.end_loop();
    program.stamp(1);
    if (handover == "named_barrier" && g == 0) {
      program.named_sync(0, 8);  // takes the last turn that was passed
    }
    add_warpgroup(kernel, program.take());
  }
  const double turns = double(kTurns) * warpgroups;
  const uint32_t rounds = fill == "tma" ? 400 : 600;  // outlast the turns; what is left over does not count
  if (fill != "none") {
    ProgramBuilder program("fill");
    const uint8_t at = program.cursor(4);
    kernel.shape.barrier_counts.insert(kernel.shape.barrier_counts.end(), 4, 1);
    program.loop(rounds);
    if (fill == "tma") {
      program.wait(warpgroups, at, 1);
      program.expect(warpgroups, 16 * 1024, at);
      program.box(0, 1, 16 * 1024, 0, false, warpgroups, at);
      program.advance(at);
    } else {
      for (uint32_t i = 0; i < 8; ++i) {
        program.math(MathKind::kLop3, 4);  // instructions of the loop: where the next copy goes
        program.copy(0, 1, 512);
      }
      program.copy_commit();
      program.copy_wait(4);
      program.shared(false, 1, 1, true);  // are the others done?
    }
    program.end_loop();
    for (uint32_t slot = 0; slot < 4 && fill == "tma"; ++slot) {
      program.wait(warpgroups, at, 1);
      program.advance(at);
    }
    program.copy_wait(0);
    add_warps(kernel, program.take(), 1, Role::kProducer);
    kernel.resident.push_back({0, kResidentBytes});
  }
  CtaWork work;
  work.streams[0] = {0, fill == "tma" ? 16U * 1024 : 512U, nullptr, kResidentBytes / (fill == "tma" ? 16384 : 512), 0};
  kernel.ctas.push_back(work);
  const double cycles = run(spec, kernel, 1).first_cycles;
  return {{"cycles_per_turn", cycles / turns}, {"cycles_per_turn_of_a_warpgroup", cycles / kTurns}};
}

}  // namespace tilewright::gpu::micro
