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

std::unique_ptr<AcceleratorSimulator::Machine> make_event_machine(const arch::AcceleratorSpec& spec, const std::string& vcd);
std::unique_ptr<AcceleratorSimulator::Machine> make_tick_machine(const arch::AcceleratorSpec& spec, const std::string& vcd);

}  // namespace tilewright::accel
