// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/simulator.h"

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/gpu/conservation.h"
#include "sim/gpu/machine.h"
#include "sim/gpu/parts.h"

namespace tilewright::gpu {

std::string_view name(WarpStall stall) {
  static constexpr std::string_view kNames[] = {"contention",   "fixed_latency", "shared_memory", "global_load",
                                                "copy_wait",    "copy_capacity", "barrier_wait",  "named_barrier",
                                                "matrix_issue", "matrix_wait",   "fence"};
  return kNames[static_cast<std::size_t>(stall)];
}

uint32_t ctas_per_sm(const arch::GpuSpec& spec, const CtaShape& shape) {
  const auto warps = static_cast<uint32_t>(shape.warps.size());
  const uint64_t shared = shape.shared_bytes + spec.shared_reserved.value;
  const uint64_t registers = uint64_t{warps} * kWarpLanes * shape.registers_per_thread;
  return static_cast<uint32_t>(std::min({uint64_t{spec.maximum_ctas}, uint64_t{spec.maximum_warps / warps},
                                         spec.shared_capacity.value / shared, spec.registers / registers}));
}

uint32_t load_lines(const arch::GpuSpec& spec, const CtaShape& shape, uint32_t ctas) {
  constexpr uint64_t kKilobytes[] = {0, 8, 16, 32, 64, 100, 132, 164, 196, 228};
  const uint64_t used = ctas * (shape.shared_bytes + spec.shared_reserved.value);
  uint64_t shared = spec.shared_capacity.value;
  for (const uint64_t kilobytes : kKilobytes) {
    shared = kilobytes * 1024 >= used ? std::min(shared, kilobytes * 1024) : shared;
  }
  return static_cast<uint32_t>((spec.unified_capacity.value - shared) / kLineBytes);
}

GpuSimulator::GpuSimulator(const arch::GpuSpec& spec, Fidelity fidelity)
    : spec_(spec), machine_(fidelity == Fidelity::kTick ? make_tick_machine(spec_) : make_event_machine(spec_)) {}
GpuSimulator::~GpuSimulator() = default;
GpuSimulator::GpuSimulator(GpuSimulator&&) noexcept = default;

GpuResult GpuSimulator::run(const Kernel& kernel, Cycle limit) {
  if (kernel.ctas.empty()) {
    return {};
  }
  if (ctas_per_sm(spec_, kernel.shape) == 0) {
    throw UserError(fmt::format("kernel '{}': a CTA of {} warps, {} B of shared memory and {} registers a thread does not fit "
                                "an SM of '{}'",
                                kernel.name, kernel.shape.warps.size(), kernel.shape.shared_bytes,
                                kernel.shape.registers_per_thread, spec_.name));
  }
  const GpuResult result = machine_->run(kernel, limit);
  check_conservation(result, kernel);
  return result;
}

std::vector<engine::ModuleInfo> GpuSimulator::modules() const { return engine::modules_of(machine_->top()); }

}  // namespace tilewright::gpu
