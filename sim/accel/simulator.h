// SPDX-License-Identifier: Apache-2.0
//
// Runs tile programs on a modelled accelerator. Elaborates the SystemC modules once; every run starts from the same state
// (pipelines empty, rows closed, refresh counters at zero), so a result depends on program and machine only.
//
//   AcceleratorSimulator simulator(spec, Fidelity::kEvent);
//   LayerResult result = simulator.run(program);
//
// What is modelled and what is left out: docs/accelerator.md. Not thread-safe (one SystemC kernel at a time); several
// simulators may exist in one process and be used in turn.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arch/accelerator.h"
#include "mappers/program/tile_program.h"
#include "sim/accel/observer.h"
#include "sim/base/activity.h"
#include "sim/engine/modules.h"

namespace tilewright::accel {

enum class Fidelity : uint8_t { kTick, kEvent };

struct LayerResult {
  Cycle cycles = 0;
  Activity activity;
  // Per kind of unit, summed over its units: "pe", "vector_unit", "input_sender", "weight_sender", "load_dma", "store_dma".
  // For each: sum over reasons = cycles x units.
  std::map<std::string, StallCycles> stalls;
  Cycle row_link_busy = 0;      // summed over the row links
  Cycle collect_link_busy = 0;  // likewise
  Cycle bank_busy = 0;          // summed over the banks
  Cycle dram_busy = 0;          // data-bus cycles summed over the channels, in the DRAM's command clock
  friend bool operator==(const LayerResult&, const LayerResult&) = default;
};

class AcceleratorSimulator {
 public:
  // With a `vcd` path, every run is also written to that file (VCD): what each PE, sender and the DRAM's edge is at, cycle by
  // cycle. Tracing takes the kernel through every cycle and is slow; results are the same.
  AcceleratorSimulator(const arch::AcceleratorSpec& spec, Fidelity fidelity, const std::string& vcd = {});
  ~AcceleratorSimulator();
  AcceleratorSimulator(AcceleratorSimulator&&) noexcept;

  // Throws InternalError where the program deadlocks or a conservation law is broken, Interrupted on SIGINT.
  LayerResult run(const mappers::TileProgram& program, Observer* observer = nullptr);

  std::vector<engine::ModuleInfo> modules() const;

  class Machine;  // one implementation per fidelity

 private:
  arch::AcceleratorSpec spec_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace tilewright::accel
