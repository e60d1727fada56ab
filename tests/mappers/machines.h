// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arch/accelerator.h"
#include "mappers/model/energy_rates.h"

namespace tilewright::mappers::testing {

// The size of the machine the main experiment runs on, written out so that no file can change a test.
inline arch::AcceleratorSpec sixteen_pes() {
  arch::AcceleratorSpec spec;
  spec.name = "sixteen_pes";
  spec.pe_count = 16;
  spec.pe.weight_buffer = Bytes{65536};
  spec.pe.input_buffer = Bytes{65536};
  spec.pe.output_buffer = Bytes{8192};
  spec.global_buffer.capacity = Bytes{4 << 20};
  spec.vector_unit.input_buffer = Bytes{16384};
  spec.vector_unit.output_buffer = Bytes{8192};
  spec.dataflows = {arch::Dataflow::kOsLws};
  spec.operating_point.clock = Hertz{975'000'000};
  spec.dram.command_clock = Hertz{800'000'000};
  spec.dram.burst_bytes = Bytes{32};
  spec.dram.burst_cycles = 2;
  spec.dram.channels = 4;
  spec.dram.read_latency = 20;
  return spec;
}

// Energies of the sizes that configs/arch/energy has, in round numbers.
inline EnergyRates some_rates() {
  EnergyRates rates;
  for (std::size_t i = 0; i < kActionCount; ++i) {
    rates.per_action[i] = 1e-13 * double(1 + i % 5);
  }
  rates.per_action[static_cast<std::size_t>(Action::kDramReadBytes)] = 6e-11;
  rates.per_action[static_cast<std::size_t>(Action::kDramWriteBytes)] = 4e-11;
  rates.per_cycle = 2e-12;
  return rates;
}

}  // namespace tilewright::mappers::testing
