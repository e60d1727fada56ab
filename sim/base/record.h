// SPDX-License-Identifier: Apache-2.0
//
// What a run leaves behind, as plain values: the simulator fills these, energy is added, reports print them.
// The JSON keys of `tilewright run --format json` are these names with their unit (docs: command line contract).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/activity.h"
#include "sim/base/units.h"

namespace tilewright {

// An estimate with the range its sources span. Joules.
struct EnergyEstimate {
  double nominal = 0;
  double low = 0;
  double high = 0;
  EnergyEstimate& operator+=(const EnergyEstimate& other) {
    nominal += other.nominal;
    low += other.low;
    high += other.high;
    return *this;
  }
};

// Energy per component ("datapath", "weight_buffer", ..., "dram"), in the energy table's words.
using EnergyByComponent = std::map<std::string, EnergyEstimate>;

// One entry of an energy table, as reports show it. Values in base units.
struct SourcedValue {
  std::string component;
  std::string action;
  std::string unit;  // "J", "W", "m2", "mm" or empty
  double nominal = 0, low = 0, high = 0;
  std::string source;
};

struct LayerRecord {
  std::string name;
  std::string group;  // what it is counted as in tables ("enc0.qk", "Conv2DFuse"); empty: its name
  std::string kind;   // "conv2d", "depthwise", "linear", ... (workloads/layer.h)
  uint64_t macs = 0;
  Cycle cycles = 0;
  double utilisation = 0;  // macs / (cycles x the machine's MACs per cycle)
  std::string limiter;     // what the layer was bound by: "compute", "dram", "noc", "vector_unit", ...
  std::string mapping;     // one line, as the mapper prints it
  Activity activity;
  std::map<std::string, StallCycles> stalls;  // per unit; units of one kind are summed ("pe", "sender", "dma", "dram")
  EnergyByComponent energy;
  uint64_t dram_bytes = 0;
  std::string output_hash;  // functional runs: FNV-1a of the INT8 outputs, 16 hex digits
  bool reused = false;  // the result of an equal layer was taken (same shape, mapping, residency)
};

// A number somebody published for this run, shown beside ours with where it comes from.
struct PublishedValue {
  std::string what;
  double value = 0;
  std::string unit;
  std::string source;
};

struct RunRecord {
  std::string name;  // of the execution path
  std::string machine;
  std::string workload;
  std::string group;   // which knob this path turns ("full", "encoder_depth", "fuse_input_channels", "combined", ...)
  uint64_t macs = 0;
  uint64_t weight_bytes = 0;
  Cycle cycles = 0;
  double time_s = 0;
  double utilisation = 0;
  Activity activity;
  std::map<std::string, StallCycles> stalls;
  EnergyByComponent energy;
  std::vector<LayerRecord> layers;
  uint64_t functional_layers = 0;  // computed and found equal to the reference
  uint64_t saturations = 0;        // of 24-bit sums, in functional runs
  std::optional<double> accuracy;  // only with a citation; never invented
  std::string accuracy_source;
  std::vector<PublishedValue> published;

  EnergyEstimate total_energy() const;    // every component
  EnergyEstimate on_chip_energy() const;  // without "dram"
};

// Everything one `tilewright run` computed: machines x paths.
struct ExperimentRecord {
  std::string experiment;
  std::string fidelity;  // "event" or "tick"
  std::string configuration_hash;
  std::string command;
  std::string description;
  std::string version;
  // Peaks of each machine, for the roofline: name -> value.
  struct Machine {
    std::string name;
    double clock_hz = 0;
    double macs_per_cycle = 0;
    double dram_bytes_per_second = 0;
    double area_m2 = 0;
    std::string summary;  // one line
    std::string energy_table;                  // its name
    double toggle_rate = 1;                    // of the operands, relative to the table's calibration
    std::vector<SourcedValue> energy_sources;  // what every joule of this machine rests on
  };
  std::vector<Machine> machines;
  std::vector<RunRecord> runs;
};

inline EnergyEstimate RunRecord::total_energy() const {
  EnergyEstimate sum;
  for (const auto& [component, energy_of_component] : energy) {
    sum += energy_of_component;
  }
  return sum;
}

inline EnergyEstimate RunRecord::on_chip_energy() const {
  EnergyEstimate sum;
  for (const auto& [component, energy_of_component] : energy) {
    if (component != "dram") {
      sum += energy_of_component;
    }
  }
  return sum;
}

}  // namespace tilewright
