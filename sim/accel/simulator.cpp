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

namespace {

// The SystemC hierarchy below a module; ports and events are left out.
void list_below(const sc_core::sc_object& object, std::vector<ModuleInfo>& modules) {
  for (const sc_core::sc_object* child : object.get_child_objects()) {
    if (dynamic_cast<const sc_core::sc_module*>(child) != nullptr) {
      modules.push_back({child->name(), child->kind()});
      list_below(*child, modules);
    }
  }
}

}  // namespace

std::vector<ModuleInfo> AcceleratorSimulator::modules() const {
  std::vector<ModuleInfo> modules{{machine_->top().name(), machine_->top().kind()}};
  list_below(machine_->top(), modules);
  return modules;
}

}  // namespace tilewright::accel
