// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/energy.cu and energy_clock.cu. Energy per action follows from the machine's table: the loops do nothing
// else. Where the matrix unit runs it depends on the clock; loops without it were measured at one clock only.
#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/run.h"

namespace tilewright::gpu::micro {
namespace {

constexpr double kFlop = 2.0 * 64 * 128 * 16;  // of one wgmma of N = 128
constexpr double kOperandWavefronts = 48;      // of it, A from shared memory
constexpr double kWarpgroups = 2, kMatrixSteps = 64, kThreads = 256;

// Of the matrix unit's floating-point operation, its operands' way through shared memory included.
double matrix_flop(const arch::GpuEnergySpec& table, double wavefronts) {
  return table.matrix_flop_j + wavefronts * 128 * table.shared_byte_j / kFlop;
}

}  // namespace

Metrics energy(const GpuSpec& spec, const Parameters& parameters) {
  const std::string action = text(parameters, "action");
  const arch::GpuEnergySpec& table = spec.energy;
  const double issue = table.issue_j / kWarpLanes;
  const auto matrix = [&](double wavefronts) {
    return table.at(spec.sm_clock) * matrix_flop(table, wavefronts);
  };
  double joules = 0;
  if (action == "ffma") {
    joules = table.math_j + issue;
  } else if (action == "ex2") {
    joules = table.ex2_j + issue;
  } else if (action == "lds128") {
    joules = table.shared_byte_j + issue / 16;
  } else if (text(parameters, "data") == "random" && action == "wgmma_ss_n128") {
    joules = matrix(kOperandWavefronts);
  } else if (text(parameters, "data") == "random" && action == "wgmma_rs_n128") {
    joules = matrix(32);
  } else if (action == "l2_read" || action == "l2_cp_async" || action == "l2_tma") {
    joules = table.l2_byte_j + table.shared_byte_j;
  } else if (action == "hbm_read" || action == "hbm_tma") {
    joules = table.l2_byte_j + table.shared_byte_j + table.dram_byte_j;
  } else {
    return {};
  }
  return {{"joules_per_action_above_idle", joules}};
}

// An iteration of a CTA: wgmma of two warpgroups, and `steps` of each thread beside them.
Metrics energy_clock(const GpuSpec& spec, const Parameters& parameters) {
  const arch::GpuEnergySpec& table = spec.energy;
  const std::string beside = text(parameters, "beside");
  const double actions = number(parameters, "steps") * kThreads;
  constexpr double kVector = 16;  // bytes of an LDS.128 or a cp.async
  double joules = kWarpgroups * kMatrixSteps * kFlop * matrix_flop(table, kOperandWavefronts);
  if (beside == "ffma") {
    joules += actions * table.math_j;
  } else if (beside == "ex2") {
    joules += actions * table.ex2_j;
  } else if (beside == "lds128") {
    joules += actions * kVector * table.shared_byte_j;
  } else if (beside == "cp_async") {
    joules += actions * kVector * (table.l2_byte_j + table.shared_byte_j);
  }
  return {{"joules_per_action_above_idle", table.at(spec.sm_clock) * joules}};
}

}  // namespace tilewright::gpu::micro
