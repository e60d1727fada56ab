// SPDX-License-Identifier: Apache-2.0
//
// What the two fidelities have in common from outside: a kernel of their own, elaborated once, run many times.
#pragma once

#include <systemc>

#include "sim/engine/context.h"
#include "sim/gpu/simulator.h"

namespace tilewright::gpu {

class GpuSimulator::Machine {
 public:
  virtual ~Machine() = default;
  virtual GpuResult run(const Kernel& kernel, Cycle limit) = 0;
  virtual const sc_core::sc_module& top() const = 0;
  engine::SimulationContext kernel;
};

// A top module in a kernel of its own; everything that touches SystemC happens while that kernel is the current one.
template <typename Top>
class MachineOf final : public GpuSimulator::Machine {
 public:
  explicit MachineOf(const arch::GpuSpec& spec) {
    const engine::SimulationContext::Use use(kernel);
    top_ = std::make_unique<Top>("gpu", spec);
    sc_core::sc_start(sc_core::SC_ZERO_TIME);  // elaborates: ports become pointers
  }
  ~MachineOf() override {
    const engine::SimulationContext::Use use(kernel);
    top_.reset();
  }
  GpuResult run(const Kernel& with, Cycle limit) override {
    const engine::SimulationContext::Use use(kernel);
    return top_->run(with, limit);
  }
  const sc_core::sc_module& top() const override { return *top_; }

 private:
  std::unique_ptr<Top> top_;
};

std::unique_ptr<GpuSimulator::Machine> make_event_machine(const arch::GpuSpec& spec);
std::unique_ptr<GpuSimulator::Machine> make_tick_machine(const arch::GpuSpec& spec);

}  // namespace tilewright::gpu
