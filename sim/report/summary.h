// SPDX-License-Identifier: Apache-2.0
//
// What every report derives from the plain records: sums over layers, savings relative to a reference path,
// the Pareto front. Text and page print the same values because both take them from here.
//
// Units as in sim/base/record.h: joules, seconds, cycles, fractions. Nothing throws.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/record.h"

namespace tilewright::report {

// The runs of one machine, in the record's order.
struct MachineRuns {
  std::string name;
  const ExperimentRecord::Machine* machine = nullptr;  // null where the record lists no such machine
  std::vector<const RunRecord*> runs;
  const RunRecord* reference = nullptr;  // null where the reference path was not run
};

std::vector<MachineRuns> by_machine(const ExperimentRecord& record, std::string_view reference_path);

// Layers added up.
struct LayerSum {
  std::string name;
  std::string kind;  // of the first layer
  std::size_t layers = 0;
  uint64_t macs = 0;
  Cycle cycles = 0;
  uint64_t dram_bytes = 0;
  EnergyByComponent energy;
  std::map<std::string, StallCycles> stalls;
  std::map<std::string, Cycle> limiters;  // cycles of the layers that each limiter bound

  std::string main_limiter() const;
};

std::vector<LayerSum> by_kind(const RunRecord& run);         // most cycles first
std::vector<LayerSum> by_layer_group(const RunRecord& run);  // in the order of first appearance

// The name under which a layer is summed: its group, or its own name where it has none.
const std::string& layer_group(const LayerRecord& layer);

EnergyEstimate total(const EnergyByComponent& energy);
EnergyEstimate on_chip(const EnergyByComponent& energy);  // without "dram"

// Component names of the runs in the order of the machine (datapath first, dram last); names not known
// follow.
std::vector<std::string> components(const std::vector<const RunRecord*>& runs);

// Seconds of some cycles of a run.
double seconds(const RunRecord& run, Cycle cycles);

// part / whole; 0 where the whole is 0.
double fraction(double part, double whole);

// Which energy a saving is about.
enum class EnergyScope { kOnChip, kWithDram };
EnergyEstimate energy_of(const RunRecord& run, EnergyScope scope);

// 1 - E(run) / E(reference), with the nominal constants, and with all constants at their low or at their high
// end in both runs. The two ends are not bounds: constants of different components may err in different
// directions.
EnergyEstimate energy_saving(const RunRecord& run, const RunRecord& reference, EnergyScope scope);

// What turning one knob gains: summed over its paths, (share of the energy saved) / (share of the MACs
// removed). 1 means that a removed MAC saves the reference path's average energy per MAC.
struct KnobSaving {
  struct Ratio {
    double value = 0;  // over the sum of all paths of the knob
    double lowest = 0;
    double highest = 0;  // of single paths
  };
  std::string knob;
  std::size_t paths = 0;  // that remove MACs
  double fewest_macs_removed = 0;
  double most_macs_removed = 0;  // fractions of the reference path's
  Ratio energy_on_chip;
  Ratio energy_with_dram;
  Ratio time;
  double joules_per_mac_on_chip = 0;
  double joules_per_mac_with_dram = 0;
};

// One entry a group, in the order of first appearance, without the reference path and without paths that
// remove no MACs.
std::vector<KnobSaving> knob_savings(const MachineRuns& runs);

// A path near a wanted saving.
struct NearPath {
  const RunRecord* run = nullptr;
  bool nearest_below = false;  // the largest saving below the wanted one
  bool nearest_above = false;  // the smallest saving at or above it
};

// All within `margin` (a fraction), and the nearest on either side however far; ascending saving.
std::vector<NearPath> near_saving(const MachineRuns& runs, double saving, double margin, EnergyScope scope);

// The runs that no other run dominates: none takes less energy (with DRAM), less time and keeps more MACs,
// equal in some and better in one. MACs kept stand in for what a path still computes; they are not accuracy.
std::vector<const RunRecord*> pareto_set(const std::vector<const RunRecord*>& runs);

}  // namespace tilewright::report
