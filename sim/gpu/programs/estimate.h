// SPDX-License-Identifier: Apache-2.0
//
// An attention run in full, or from samples. Both simulate all SMs: one the beginning of each CTA's first item, one two short
// items and then items as they are, up to a number of tiles. What a tile and an item cost in the second is laid out over the rest
// of each CTA's work; the slowest CTA ends the kernel. A CTA with little work is simulated whole.
//
// The interval comes from how much the cost of a tile differs from CTA to CTA in the sample (two standard deviations) and, on top,
// a floor for what a sample cannot see: how SMs drift apart over a long run, and what a colder or fuller L2 does. How often it
// holds the full simulation is measured by sim/gpu/benchmark/sampled_coverage.cpp.
#pragma once

#include "sim/gpu/programs/attention.h"
#include "sim/gpu/simulator.h"

namespace tilewright::gpu {

struct AttentionEstimate {
  bool sampled = false;
  double cycles = 0, low = 0, high = 0;  // kernel start to end, launch included
  double sm_cycles = 0;                  // summed over SMs
  double cta_cycles = 0;                 // summed over CTAs, each from its begin to its end
  double tile_cycles = 0;                // of an SM, for one tile
  std::map<std::string, double> counts;  // activity
  std::map<std::string, std::map<std::string, double>> stalls;  // "producer", "consumer": reason (or "issued") -> warp cycles
  double energy_j = 0;
  std::map<std::string, double> energy_by_component_j;
};

// Joules of the activity and of the time that `machine`'s SM clock makes of the cycles, whatever was there before.
void add_energy(const arch::GpuSpec& machine, AttentionEstimate& estimate);

AttentionEstimate run_attention(const arch::GpuSpec& machine, const AttentionRun& run, Fidelity fidelity, bool sampled);

}  // namespace tilewright::gpu
