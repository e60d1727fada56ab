// SPDX-License-Identifier: Apache-2.0
//
// What one DRAM channel counts, defined in docs/dram.md ("Counts") and equal in both fidelities. Complete
// after finish(end): cycles 0 ... end-1.
#pragma once

#include <cstdint>
#include <ostream>

#include "sim/base/units.h"

namespace tilewright::memory {

struct DramStatistics {
  uint64_t read_bursts = 0;
  uint64_t write_bursts = 0;
  uint64_t activates = 0;
  uint64_t precharges = 0;  // banks closed, also those that a refresh closed
  uint64_t refreshes = 0;
  uint64_t row_hits = 0, row_misses = 0, row_conflicts = 0;  // per burst
  Cycle data_bus_cycles = 0;                                 // cycles in which data moved
  Cycle refresh_cycles = 0;                                  // cycles blocked by a due or running refresh
  Cycle queue_cycles = 0;                                    // cycles in which something was queued
  Cycle cycles = 0;                                          // the `end` of finish()
  friend bool operator==(const DramStatistics&, const DramStatistics&) = default;

  DramStatistics& operator+=(const DramStatistics& other) {
    read_bursts += other.read_bursts;
    write_bursts += other.write_bursts;
    activates += other.activates;
    precharges += other.precharges;
    refreshes += other.refreshes;
    row_hits += other.row_hits;
    row_misses += other.row_misses;
    row_conflicts += other.row_conflicts;
    data_bus_cycles += other.data_bus_cycles;
    refresh_cycles += other.refresh_cycles;
    queue_cycles += other.queue_cycles;
    cycles += other.cycles;
    return *this;
  }

  friend std::ostream& operator<<(std::ostream& out, const DramStatistics& s) {
    return out << "reads " << s.read_bursts << " writes " << s.write_bursts << " activates " << s.activates
               << " precharges " << s.precharges << " refreshes " << s.refreshes << " hits " << s.row_hits
               << " misses " << s.row_misses << " conflicts " << s.row_conflicts << " data "
               << s.data_bus_cycles << " refresh cycles " << s.refresh_cycles << " queue cycles "
               << s.queue_cycles << " cycles " << s.cycles;
  }
};

}  // namespace tilewright::memory
