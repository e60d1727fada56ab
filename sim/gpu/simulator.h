// SPDX-License-Identifier: Apache-2.0
//
// Runs kernels of warp programs on a modelled GPU. Elaborates the SystemC modules once; every run starts from the same state
// (nothing under way, DRAM rows closed, L2 holding what the kernel says), so a result depends on kernel and machine only.
//
//   GpuSimulator simulator(spec, Fidelity::kEvent);
//   GpuResult result = simulator.run(kernel);
//
// What is modelled and what is left out: docs/gpu.md. `spec.sm_count` SMs are simulated. Not thread-safe.
#pragma once

#include <memory>

#include "arch/gpu.h"
#include "sim/engine/modules.h"
#include "sim/gpu/result.h"

namespace tilewright::gpu {

enum class Fidelity : uint8_t { kTick, kEvent };

class GpuSimulator {
 public:
  GpuSimulator(const arch::GpuSpec& spec, Fidelity fidelity);
  ~GpuSimulator();
  GpuSimulator(GpuSimulator&&) noexcept;

  // Throws UserError where a CTA does not fit an SM, InternalError where the kernel deadlocks or a conservation law is broken,
  // Interrupted on SIGINT. `limit`: SM cycles.
  GpuResult run(const Kernel& kernel, Cycle limit = Cycle{1} << 40);
  std::vector<engine::ModuleInfo> modules() const;

  class Machine;  // one implementation per fidelity

 private:
  arch::GpuSpec spec_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace tilewright::gpu
