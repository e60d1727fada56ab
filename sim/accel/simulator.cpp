// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/simulator.h"

#include "sim/accel/conservation.h"
#include "sim/accel/machine.h"

namespace tilewright::accel {

AcceleratorSimulator::AcceleratorSimulator(const arch::AcceleratorSpec& spec, Fidelity fidelity, const std::string& vcd)
    : spec_(spec), machine_(fidelity == Fidelity::kTick ? make_tick_machine(spec, vcd) : make_event_machine(spec, vcd)) {}

AcceleratorSimulator::~AcceleratorSimulator() = default;
AcceleratorSimulator::AcceleratorSimulator(AcceleratorSimulator&&) noexcept = default;

LayerResult AcceleratorSimulator::run(const mappers::TileProgram& program, Observer* observer) {
  const TilePlaces places(program);
  RunContext context;
  context.program = &program;
  context.places = &places;
  context.observer = observer;
  context.cycle_limit = cycle_limit(program, spec_);
  const LayerResult result = machine_->run(context);
  check_conservation(result, program, spec_);
  return result;
}

std::vector<engine::ModuleInfo> AcceleratorSimulator::modules() const { return engine::modules_of(machine_->top()); }

}  // namespace tilewright::accel
