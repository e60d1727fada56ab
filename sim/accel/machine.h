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

// Who is wired to whom is the same at both fidelities; what they tell each other is not. `Top` has the modules as members.
template <typename Top>
void bind_ports(Top& top) {
  for (const auto& endpoint : top.endpoints_) {
    endpoint->fabric(top.fabric_);
    endpoint->global_buffer(top.global_buffer_);
  }
  for (const auto& sender : top.senders_) {
    sender->fabric(top.fabric_);
    sender->global_buffer(top.global_buffer_);
    for (const auto& endpoint : top.endpoints_) {
      sender->endpoints(*endpoint);
    }
  }
  if (top.dram_ != nullptr) {
    for (const auto& sender : top.senders_) {
      sender->load(*top.load_);
    }
    top.load_->fabric(top.fabric_);
    top.load_->global_buffer(top.global_buffer_);
    top.load_->dram(*top.dram_);
    top.store_->fabric(top.fabric_);
    top.store_->global_buffer(top.global_buffer_);
    top.store_->dram(*top.dram_);
  }
}

template <typename Top>
void trace_modules(Top& top, engine::VcdTrace& vcd) {
  top.scheduler_.set_traced(true);
  for (const auto& endpoint : top.endpoints_) {
    endpoint->trace(vcd);
  }
  for (const auto& sender : top.senders_) {
    sender->trace(vcd);
  }
}

// A top module in a kernel of its own; everything that touches SystemC happens while that kernel is the current one.
template <typename Top>
class MachineOf final : public AcceleratorSimulator::Machine {
 public:
  MachineOf(const arch::AcceleratorSpec& spec, const std::string& vcd) {
    const engine::SimulationContext::Use use(kernel);
    top_ = std::make_unique<Top>("accelerator", spec);
    if (!vcd.empty()) {
      trace = std::make_unique<engine::VcdTrace>(vcd);
      trace_modules(*top_, *trace);
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
