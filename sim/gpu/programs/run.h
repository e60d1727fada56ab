// SPDX-License-Identifier: Apache-2.0
//
// What the twins have in common: a kernel of equal CTAs on so many SMs, run at event fidelity.
#pragma once

#include <nlohmann/json.hpp>

#include "sim/gpu/programs/builder.h"
#include "sim/gpu/simulator.h"

namespace tilewright::gpu::micro {

// Of the CTAs' bodies, from the first stamp 0 to the last stamp 1 of each.
struct Ran {
  GpuResult result;
  double mean_cycles = 0;
  double first_cycles = 0;  // CTA 0
  double span_cycles = 0;   // from the first stamp 0 to the last stamp 1 of all
};

inline Kernel make_kernel(std::string name, uint64_t shared_bytes) {
  Kernel kernel;
  kernel.name = std::move(name);
  kernel.shape.shared_bytes = shared_bytes;
  kernel.shape.registers_per_thread = 32;
  return kernel;
}

// A kernel without CTAs gets one on each SM that needs no addresses.
inline Ran run(arch::GpuSpec spec, Kernel& kernel, uint32_t sms) {
  spec.sm_count = sms;
  if (kernel.ctas.empty()) {
    kernel.ctas.resize(sms);
  }
  Ran ran;
  Cycle begin = kNever, end = 0;
  ran.result = GpuSimulator(spec, Fidelity::kEvent).run(kernel);
  for (const CtaRecord& cta : ran.result.ctas) {
    begin = std::min(begin, cta.stamps[0]);
    end = std::max(end, cta.stamps[1]);
    ran.mean_cycles += double(cta.stamps[1] - cta.stamps[0]) / double(ran.result.ctas.size());
  }
  ran.span_cycles = double(end - begin);
  ran.first_cycles = double(ran.result.ctas.front().stamps[1] - ran.result.ctas.front().stamps[0]);
  return ran;
}

// Each warp begins stream 0 so many positions after the warp before it.
inline void stagger_warps(Kernel& kernel, uint32_t positions) {
  for (uint32_t w = 0; w < kernel.shape.warps.size(); ++w) {
    kernel.shape.warps[w].stream_start[0] = w * positions;
  }
}

// A warpgroup's products, batch by batch, each batch waited for before the next is issued.
template <typename AddBatch>
WarpProgram multiply_groups(uint32_t groups, const AddBatch& add_batch) {
  ProgramBuilder program("multiply_groups");
  program.stamp(0);
  program.loop(groups);
  add_batch(program);
  program.matrix_wait(0);
  program.end_loop();
  program.stamp(1);
  return program.take();
}
// A batch whose descriptors are held, each product in an issue slot of its own. The compiler has HGMMA follow HGMMA after N/8 - 4
// cycles, four at least.
inline void add_products(ProgramBuilder& program, uint32_t columns, uint32_t batch, bool from_registers) {
  const uint32_t stall = std::max(columns / 8, 8U) - 4;
  for (uint32_t left = batch; left > 0; --left) {
    program.matrix(columns, 1, from_registers);
    program.commits(left == 1);
    program.delay(left > 1 ? stall - 2 : 0);
  }
}
inline WarpProgram multiply_one_by_one(uint32_t groups, uint32_t columns, uint32_t batch, bool from_registers) {
  return multiply_groups(groups, [&](ProgramBuilder& program) { add_products(program, columns, batch, from_registers); });
}
inline WarpProgram multiply_groups(uint32_t groups, uint32_t columns, uint32_t batch, bool from_registers) {
  return multiply_groups(groups, [&](ProgramBuilder& program) { program.matrix(columns, batch, from_registers); });
}

inline uint32_t number(const nlohmann::ordered_json& parameters, const char* key) {
  return parameters.at(key).get<uint32_t>();
}
inline std::string text(const nlohmann::ordered_json& parameters, const char* key) {
  return parameters.at(key).get<std::string>();
}

constexpr uint64_t kWholeSmShared = 200 * 1024;
constexpr uint64_t kResidentBytes = 16 << 20;
constexpr uint32_t kCopyBytes = kWarpLanes * 16;  // of a warp's cp.async

}  // namespace tilewright::gpu::micro
