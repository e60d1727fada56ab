// SPDX-License-Identifier: Apache-2.0
//
// What a mapping costs, by adding up instead of simulating: for each resource the cycles it is busy, so that
// the largest is a lower bound on the layer's cycles, and beside it what is likely to be lost while buffers
// are refilled. Counts are exact for the DRAM, the PE buffers and the busiest PE; links are averages over
// rows. Left out: conflicts, packet headers, DRAM turnarounds and refresh, rounding of packets to whole
// cycles.
#pragma once

#include <string_view>

#include "mappers/lower/plan.h"
#include "sim/base/units.h"

namespace tilewright::mappers {

struct CostEstimate {
  // Busy cycles of the busiest unit of each kind.
  double compute = 0;          // the PE that has most to do
  double row_links = 0;        // average row link
  double collect_links = 0;    // average row's way back
  double output_ports = 0;     // of a PE: draining sums and sending packets
  double banks = 0;            // average bank of the global buffer
  double dma = 0;              // per port and direction
  double dram = 0;             // at the peak rate, whole bursts
  double row_links_bound = 0;  // the same, without PEs that partial tiles leave idle
  double fill = 0;             // until the first tiles are loaded
  double fill_bound = 0;       // until the first step can start
  double link_fill = 0;        // until the first packet can be sent
  double drain = 0;            // from the last step to the last byte stored
  // Expected, not bounds.
  double refill = 0;        // waiting while a PE buffer's contents are exchanged
  double dram_strided = 0;  // DRAM cycles when short pieces and unevenly used channels are charged
  double slot_cycle =
      0;              // cycles if each tile class only ever waits for its slots to be freed and loaded again
  double phases = 0;  // cycles if what is loaded once arrives during the first walk over it

  uint64_t dram_read_bytes = 0, dram_write_bytes = 0;
  uint64_t injected_bytes = 0;   // by all senders
  uint64_t delivered_bytes = 0;  // x destinations
  uint64_t output_bytes = 0;
  double weight_read_bytes = 0;  // from the PEs' weight buffers into the lanes' registers
  uint64_t steps = 0;
  uint64_t macs = 0;

  double bound() const;         // no machine of this spec is faster with this mapping
  double expected() const;      // cycles
  double energy_proxy() const;  // picojoule-like weights for MACs and for moving data
  // What the search ranks by: cycles, and a little energy, so that a few per cent of time are not bought with
  // a multiple of the DRAM traffic.
  double score() const;
  std::string_view limiter() const;
};

// The plan must be legal (plan.shortfall() empty).
CostEstimate estimate(const Plan& plan);
// Throws UserError where the mapping does not fit. Vector-unit layers are estimated without a plan.
CostEstimate estimate(const workloads::Layer& layer, const Mapping& mapping,
                      const arch::AcceleratorSpec& spec, const Residency& residency);

}  // namespace tilewright::mappers
