// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/operation_beside.cu and issue_order.cu.
#include <algorithm>
#include <map>

#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/run.h"

namespace tilewright::gpu::micro {
namespace {

constexpr uint32_t kBegin = 4000;  // cycles: the background is under way
constexpr uint32_t kTurns = 8, kUnroll = 16;
constexpr uint32_t kCopyWarps = 4, kCopies = 16;

constexpr workloads::RegisterReads kOneRegister{1, 0, 1, 0};  // of FMUL and FMNMX in the benchmark: the same, an even one

// One of the chain's operations; each waits for the one before.
void add_operation(ProgramBuilder& program, const GpuSpec& spec, const std::string& operation) {
  static const std::map<std::string, MathKind> kMath = {
      {"EX2", MathKind::kEx2}, {"FMUL", MathKind::kFmul}, {"FMNMX", MathKind::kFmnmx}};
  if (const auto math = kMath.find(operation); math != kMath.end()) {
    if (math->second == MathKind::kEx2) {
      program.instruction(math->second, 1, 1, 0, 1);
    } else {
      program.instruction(math->second, spec.sub_core.fmul.latency, 0, 0, 0, true, kOneRegister);
    }
    return;
  }
  if (operation == "SHFL") {
    program.math(MathKind::kShfl, 1, 1, true);
  } else if (operation == "LDS") {
    program.shared(false, 1, 1, true);
  }
  if (operation.starts_with("try_wait")) {
    program.wait(1, kNone, 1);
  }
  if (operation.starts_with("arrive")) {
    program.arrive(0, 1);
  }
  if (operation.ends_with("fence")) {
    program.fence();
  }
}

void add_background(Kernel& kernel, const std::string& background) {
  if (background.starts_with("wgmma")) {
    const uint32_t columns = background.ends_with("64") ? 64 : 128;
    add_warpgroup(kernel, multiply_one_by_one(20000 / (16 * columns), columns, 32, background.find("RS") != std::string::npos));
    return;
  }
  ProgramBuilder copies("copies");
  copies.loop(background.ends_with("bursts") ? 20 : 200);
  for (uint32_t i = 0; i < kCopies; ++i) {
    copies.copy(0, 1, 512);
  }
  copies.copy_commit();
  copies.copy_wait(background.ends_with("bursts") ? 0 : 1);
  copies.delay(background.ends_with("bursts") ? 500 : 1);
  copies.end_loop();
  ProgramBuilder idle("idle");
  const bool one = background == "cp.async 1 warp", none = background == "none";
  WarpProgram program = copies.take(), nothing = idle.take();
  for (uint32_t w = 0; w < kCopyWarps; ++w) {
    add_warps(kernel, WarpProgram(none || (one && w > 0) ? nothing : program), 1);
    kernel.shape.warps.back().stream_start[0] = w;
  }
}

}  // namespace

Metrics operation_beside(const GpuSpec& spec, const Parameters& parameters) {
  Kernel kernel = make_kernel("operation_beside", kWholeSmShared);
  add_background(kernel, text(parameters, "background"));
  ProgramBuilder program("operation");
  program.delay(kBegin);
  program.stamp(2);
  program.loop(kTurns);
  for (uint32_t i = 0; i < kUnroll; ++i) {
    add_operation(program, spec, text(parameters, "operation"));
  }
  program.end_loop();
  program.stamp(3);
  add_warps(kernel, program.take(), number(parameters, "warps"));
  kernel.shape.barrier_counts = {1u << 30, 1};
  kernel.resident.push_back({0, kResidentBytes});
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, 512, nullptr, kResidentBytes / 512, 0};
  const auto& stamps = run(spec, kernel, 1).result.ctas.front().stamps;
  return {{"cycles_per_operation", double(stamps[3] - stamps[2] - spec.sub_core.clock_cycles) / (kTurns * kUnroll)}};
}

// The compiler marks every sixth FMNMX of a row to yield, dependent FMUL each.
Metrics issue_order(const GpuSpec& spec, const Parameters& parameters) {
  constexpr uint32_t kInstructions = 192;
  const std::string code = text(parameters, "code");
  const uint32_t warps = number(parameters, "warps_per_sub_core");
  const auto program_of = [&](uint32_t slot) {
    ProgramBuilder program("order");
    for (uint32_t i = 0; i < kInstructions; ++i) {
      const bool mix = code.starts_with("EX2+");
      const auto scoreboard = static_cast<uint8_t>(1 + i % 6);
      if (code == "EX2" || (mix && i % 6 == 0)) {
        program.instruction(MathKind::kEx2, code == "EX2" ? 8 : 1, scoreboard, 0, static_cast<uint8_t>(i < 8 ? 0 : 1U << (scoreboard - 1)));
      } else if (code == "FMNMX" || (mix && i % 6 == 3)) {
        program.instruction(MathKind::kFmnmx, 2, 0, 0, 0, i % 6 == 5);
      } else if (code == "SHFL") {
        program.instruction(MathKind::kShfl, 1, scoreboard, 0, static_cast<uint8_t>(i < 8 ? 0 : 1U << (scoreboard - 1)));
      } else {
        const bool chain = code == "FMUL chain";
        program.instruction(MathKind::kFmul, chain ? spec.sub_core.fmul.latency : 1, 0, 0, 0, chain);
      }
    }
    program.stamp(slot);
    return program.take();
  };
  Kernel kernel = make_kernel("issue_order", 1024);
  for (uint32_t w = 0; w < warps; ++w) {
    add_warps(kernel, program_of(w), spec.sub_core.count);
  }
  const auto& stamps = run(spec, kernel, 1).result.ctas.front().stamps;
  std::vector<double> done;
  for (uint32_t w = 0; w < warps; ++w) {
    done.push_back(double(stamps[w]));
  }
  std::sort(done.begin(), done.end());
  return {{"last_done_cycles", done.back()}, {"first_done_cycles", done.front()}, {"second_done_cycles", done[std::min(warps, 2U) - 1]}};
}

}  // namespace tilewright::gpu::micro
