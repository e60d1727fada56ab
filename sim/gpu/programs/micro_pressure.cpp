// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/l2_pressure.cu: where each SM has lines of its own, four times through its region instead of 128.
#include <algorithm>

#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/run.h"

namespace tilewright::gpu::micro {
namespace {

constexpr uint32_t kPressureWarps = 8;
constexpr uint32_t kRegion = 128 * 1024, kTimes = 4, kTimesShared = 16;
constexpr uint32_t kAccess = 512, kBulk = 16 * 1024;
constexpr uint32_t kLoopInstructions = 8;             // l2_pressure: the next place and its wrap
constexpr uint32_t kBulkBefore = 74, kBulkAfter = 32;  // as tma_stream's

struct Pressure {
  uint32_t piece = 0;  // bytes of an instruction
  uint32_t depth = 0;
  uint32_t between = 0;  // pieces from an instruction of a warp to its next, less one
  uint32_t skew = 0;     // cycles that SMs of an odd number start later
};

void start(ProgramBuilder& program, const arch::SubCoreSpec& sub_core, const Pressure& p) {
  program.loop_parameter(1);
  program.delay(p.skew > sub_core.branch_cycles ? p.skew - sub_core.branch_cycles : 1);
  program.end_loop();
  program.stamp(0);
}

WarpProgram loads(const GpuSpec& spec, const Pressure& p) {
  ProgramBuilder program("l2_pressure_load");
  start(program, spec.sub_core, p);
  program.loop_parameter(0);
  for (uint32_t d = 0; d < p.depth; ++d) {
    program.global_load(0, 1, p.piece, 4);
    program.skip(0, p.between);
  }
  program.load_wait(0);
  program.math(MathKind::kLop3, 4 * p.depth);
  program.end_loop();
  program.stamp(1);
  return program.take();
}

WarpProgram copies(const GpuSpec& spec, const Pressure& p) {
  ProgramBuilder program("l2_pressure_copy");
  start(program, spec.sub_core, p);
  program.loop_parameter(0);
  for (uint32_t d = 0; d < p.depth; ++d) {
    program.copy_wait(p.depth - 1);
    program.copy(0, 1, p.piece);
    program.copy_commit();
    program.math(MathKind::kLop3, kLoopInstructions);
    program.skip(0, p.between);
  }
  program.end_loop();
  program.copy_wait(0);
  program.stamp(1);
  return program.take();
}

// By a warp with a slot of its own.
WarpProgram bulks(const GpuSpec& spec, const Pressure& p, uint32_t slot) {
  ProgramBuilder program("l2_pressure_bulk");
  const uint8_t at = program.cursor(1);
  start(program, spec.sub_core, p);
  program.loop_parameter(0);
  program.delay(kBulkBefore);
  program.expect(slot, p.piece, at);
  program.box(0, 1, p.piece, 0, false, slot, at);
  program.delay(kBulkAfter);
  program.skip(0, p.between);
  program.wait(slot, at, 0);
  program.advance(at);
  program.end_loop();
  program.stamp(1);
  return program.take();
}

struct Shape {
  std::string path;
  uint32_t warps = 0;
  Pressure pressure;
  explicit Shape(const Parameters& parameters) : path(text(parameters, "path")) {
    const uint32_t in_flight = number(parameters, "bytes_in_flight");
    pressure.piece = path == "bulk" ? kBulk : kAccess;
    warps = path == "bulk" ? in_flight / kBulk : kPressureWarps;
    pressure.depth = in_flight / (pressure.piece * warps);
  }
};

Kernel pressure_kernel(const GpuSpec& spec, const Shape& shape) {
  const Pressure& p = shape.pressure;
  Kernel kernel = make_kernel("l2_pressure", kWholeSmShared);
  if (shape.path == "bulk") {
    kernel.shape.barrier_counts.assign(shape.warps, 1);
    for (uint32_t slot = 0; slot < shape.warps; ++slot) {
      add_warps(kernel, bulks(spec, p, slot), 1, Role::kProducer);
    }
  } else {
    const bool load = shape.path == "load";
    add_warps(kernel, load ? loads(spec, p) : copies(spec, p), shape.warps, load ? Role::kConsumer : Role::kProducer);
  }
  stagger_warps(kernel, 1);
  kernel.ctas.resize(spec.sm_count);
  return kernel;
}

// Of those of `sms` SMs, `every` numbers apart.
Metrics rates(const GpuSpec& spec, Kernel& kernel, uint32_t sms, uint32_t every, double moved) {
  const Ran ran = run(spec, kernel, spec.sm_count);
  double mean = 0, longest = 0;
  for (uint32_t rank = 0; rank < sms; ++rank) {
    const auto& stamps = ran.result.ctas[rank * every].stamps;
    const auto cycles = double(stamps[1] - stamps[0]);
    mean += cycles / sms;
    longest = std::max(longest, cycles);
  }
  return {{"bytes_per_cycle_per_sm", moved / mean}, {"slowest_bytes_per_cycle", moved / longest}};
}

}  // namespace

Metrics l2_pressure(const GpuSpec& spec, const Parameters& parameters) {
  const bool own = text(parameters, "lines") == "own";
  const uint32_t sms = number(parameters, "sms"), every = spec.sm_count / sms;
  Shape shape(parameters);
  Pressure& p = shape.pressure;
  p.between = (own ? 1 : sms) * shape.warps - 1;
  Kernel kernel = pressure_kernel(spec, shape);
  for (uint32_t rank = 0; rank < sms; ++rank) {
    CtaWork& work = kernel.ctas[rank * every];
    work.parameters[0] = kTimes * kRegion / (p.piece * shape.warps * p.depth);
    work.streams[0] = own ? Stream{uint64_t{rank} * kRegion, p.piece, nullptr, kRegion / p.piece, 0}
                          : Stream{0, p.piece, nullptr, uint64_t{sms} * kRegion / p.piece, uint64_t{rank} * shape.warps};
  }
  kernel.resident.push_back({0, uint64_t{sms} * kRegion});
  return rates(spec, kernel, sms, every, double(kTimes) * kRegion);
}

Metrics l2_merge(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t share = number(parameters, "shared_by");
  Shape shape(parameters);
  Pressure& p = shape.pressure;
  p.between = shape.warps - 1;
  p.skew = number(parameters, "skew_cycles");
  Kernel kernel = pressure_kernel(spec, shape);
  for (uint32_t rank = 0; rank < spec.sm_count; ++rank) {
    CtaWork& work = kernel.ctas[rank];
    work.parameters[0] = kTimesShared * kRegion / (p.piece * shape.warps * p.depth);
    work.parameters[1] = p.skew > 0 ? rank % 2 : 0;
    work.streams[0] = Stream{uint64_t{rank / share} * kRegion, p.piece, nullptr, kRegion / p.piece, 0};
  }
  kernel.resident.push_back({0, uint64_t{spec.sm_count} * kRegion});
  return rates(spec, kernel, spec.sm_count, 1, double(kTimesShared) * kRegion);
}

}  // namespace tilewright::gpu::micro
