// SPDX-License-Identifier: Apache-2.0
//
// What the two fidelities have in common from outside: a kernel of their own, elaborated once, run many times.
#pragma once

#include <systemc>

#include "sim/accel/run_context.h"
#include "sim/accel/simulator.h"
#include "sim/engine/context.h"
#include "sim/engine/vcd_trace.h"

namespace tilewright::accel {

class AcceleratorSimulator::Machine {
 public:
  virtual ~Machine() = default;
  virtual LayerResult run(const RunContext& context) = 0;
  virtual const sc_core::sc_module& top() const = 0;
  // What every unit waits for; the text of a deadlock report.
  virtual std::string describe_state() const = 0;

  engine::SimulationContext kernel;
  std::unique_ptr<engine::VcdTrace> trace;  // declared after the kernel: closed before it goes
};

// A top module in a kernel of its own; everything that touches SystemC happens while that kernel is the current one.
template <typename Top>
class MachineOf final : public AcceleratorSimulator::Machine {
 public:
  MachineOf(const arch::AcceleratorSpec& spec, const std::string& vcd) {
    const engine::SimulationContext::Use use(kernel);
    top_ = std::make_unique<Top>("accelerator", spec);
    if (!vcd.empty()) {
      trace = std::make_unique<engine::VcdTrace>(vcd);
      top_->trace(*trace);
    }
    sc_core::sc_start(sc_core::SC_ZERO_TIME);  // elaborates: ports become pointers
  }
  ~MachineOf() override {
    const engine::SimulationContext::Use use(kernel);
    trace.reset();
    top_.reset();
  }
  LayerResult run(const RunContext& context) override {
    const engine::SimulationContext::Use use(kernel);
    return top_->run(context);
  }
  const sc_core::sc_module& top() const override { return *top_; }
  std::string describe_state() const override { return top_->describe_state(); }

 private:
  std::unique_ptr<Top> top_;
};

std::unique_ptr<AcceleratorSimulator::Machine> make_event_machine(const arch::AcceleratorSpec& spec, const std::string& vcd);
std::unique_ptr<AcceleratorSimulator::Machine> make_tick_machine(const arch::AcceleratorSpec& spec, const std::string& vcd);

}  // namespace tilewright::accel
