// SPDX-License-Identifier: Apache-2.0
//
// What activity costs: energy = count of each action x its energy, plus leakage power x time, and the area of
// a machine. The numbers are files of kind `energy_table` (configs/arch/energy), each with a range and its
// source; docs/energy.md derives them.
//
// Scaling. Switching energy on the chip goes with the square of the supply voltage, leakage power with the
// voltage and with area. `toggle_rate` says how much the operands toggle relative to those of the calibration
// (Gaussian, half of them zero, Keller et al. 2023) and multiplies datapath, weight and input buffer and
// accumulator only; clocks, control and wires of the network are not data-dependent here. An SRAM's energy
// per byte goes with the square root of its bank's capacity (the exponent of CACTI's 22 nm column between 4
// KB and 1 MB). DRAM does not scale.
//
// Left out: temperature, process corners, a higher leakage exponent at high voltage (at 1.05 V the chip needs
// more than this says: docs/energy.md), gating, the energy of idle clocks, links between packages.
//
// Ranges: low and high are what the sources of an entry span. Totals add all lows and all highs, as if every
// entry erred the same way: an outer bound, not a deviation.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "arch/accelerator.h"
#include "sim/base/activity.h"
#include "sim/base/config/load.h"
#include "sim/base/record.h"
#include "sim/base/units.h"

namespace tilewright::arch {

template <class Q>
struct Ranged {
  Q nominal{}, low{}, high{};
  std::string source;
};
using EnergyEntry = Ranged<Joules>;
using PowerEntry = Ranged<Watts>;
using AreaEntry = Ranged<SquareMetres>;
struct PlainEntry {  // a number whose unit is in its key
  double nominal = 0, low = 0, high = 0;
  std::string source;
};

struct DatapathEnergy {
  EnergyEntry mac;        // one useful multiply-accumulate, its share of the adder tree and operand registers
  EnergyEntry idle_slot;  // one MAC slot clocked without useful work
};
struct BufferEnergy {
  EnergyEntry read_byte;
  EnergyEntry write_byte;
  Bytes reference_bank;  // the bank these were found at
};
struct AccumulatorEnergy {
  EnergyEntry update;  // read-modify-write of one lane's sum
  EnergyEntry read;    // one lane's sum on its way to the PPU
};
struct ControlEnergy {
  EnergyEntry slot;  // clock, address generation and sequencing, per MAC slot of a working PE
};
struct PpuEnergy {
  EnergyEntry value;  // scale, bias, clip, quantise one value
  EnergyEntry write_byte;
  EnergyEntry read_byte;
};
struct NocEnergy {
  EnergyEntry bit_millimetre;
  PlainEntry link_millimetres;  // mean length of a link of NocSpec
};
struct VectorUnitEnergy {
  EnergyEntry operation;  // one element in one pass, with its read from the unit's buffer
};
struct LeakagePower {
  PowerEntry square_millimetre;  // at the reference voltage
};
struct DramEnergy {
  EnergyEntry activate;  // one row, with its precharge
  EnergyEntry read_bit;  // array and on-die movement
  EnergyEntry write_bit;
  EnergyEntry read_io_bit;  // interface
  EnergyEntry write_io_bit;
  EnergyEntry refresh;         // one all-bank refresh of one channel
  PowerEntry standby_channel;  // as long as the layer takes
};
struct AreaTable {
  AreaEntry pe_sram_byte;
  AreaEntry shared_sram_byte;  // global buffer and the vector unit's buffers
  AreaEntry pe_logic_mac;      // everything of a PE but its SRAM, per MAC
  AreaEntry vector_lane;
};

struct EnergyTable {
  std::string name;
  std::string technology;
  OperatingPoint reference;  // where every energy of the chip was found
  PlainEntry toggle_rate;    // 1: the operands of the calibration
  DatapathEnergy datapath;
  BufferEnergy weight_buffer;
  BufferEnergy input_buffer;
  AccumulatorEnergy accumulator;
  ControlEnergy control;
  PpuEnergy ppu_and_output_buffer;
  BufferEnergy global_buffer;
  NocEnergy noc;
  VectorUnitEnergy vector_unit;
  LeakagePower leakage;
  std::optional<DramEnergy> dram;  // required where the machine has one
  AreaTable area;
};

void describe(config::Schema<EnergyTable>& schema);
config::Resolved<EnergyTable> load_energy_table(const std::filesystem::path& path,
                                                const config::Overrides& overrides = {});
// The table that a machine names, found relative to configs/arch or the repository.
config::Resolved<EnergyTable> load_energy_table_of(const AcceleratorSpec& machine);

// Joules per component: datapath, weight_buffer, input_buffer, accumulator, control, ppu_and_output_buffer,
// global_buffer, noc, vector_unit, leakage and, where the machine has one, dram. `cycles` are of the
// machine's operating point. Throws UserError where the machine has a DRAM and the table has none.
EnergyByComponent energy_of(const Activity& activity, Cycle cycles, const AcceleratorSpec& machine,
                            const EnergyTable& table);

// Ranges of a machine's area, in square metres, per part: pe_array, global_buffer, vector_unit.
std::map<std::string, AreaEntry> area_of(const AcceleratorSpec& machine, const AreaTable& table);
double total_area(const AcceleratorSpec& machine, const AreaTable& table);  // nominal

// Every entry of the table with its source, for reports. Values in base units (J, W, m2).
std::vector<SourcedValue> sources(const EnergyTable& table);

}  // namespace tilewright::arch
