// SPDX-License-Identifier: Apache-2.0
//
// A clock domain with an exact period: edge k of a clock of f hertz lies at ceil(k * 10^15 / f) femtoseconds, so no
// rounding piles up however long a run is. A signal sent at an edge of one domain is seen at the first edge of
// the other that lies strictly later (one register on the receiving side).
#pragma once

#include <cstdint>

#include "sim/base/units.h"

namespace tilewright::engine {

__extension__ using Wide = unsigned __int128;  // products of cycles and femtoseconds
using Femtoseconds = uint64_t;  // 2^64 fs are five hours of modelled time

class Clock {
 public:
  // Throws UserError for 0 Hz and for clocks above 10^15 Hz, whose edges would coincide.
  explicit Clock(Hertz frequency);

  Femtoseconds edge_time(Cycle cycle) const {
    if (cycle <= narrow_cycles_) {  // ceil(k * 10^15 / f) in 64 bits
      return cycle * whole_period_ + (cycle * period_rest_ + (frequency_ - 1)) / frequency_;
    }
    const auto product = static_cast<Wide>(cycle) * kFemtosecondsPerSecond + (frequency_ - 1);
    return static_cast<Femtoseconds>(product / frequency_);
  }

  Cycle first_edge_strictly_after(Femtoseconds time) const {
    const auto product = static_cast<Wide>(time) * frequency_;
    return static_cast<Cycle>(product / kFemtosecondsPerSecond) + 1;
  }

  // The edge of `other` at which what happens at this clock's edge `cycle` is seen.
  Cycle seen_by(const Clock& other, Cycle cycle) const {
    return other.first_edge_strictly_after(edge_time(cycle));
  }

 private:
  static constexpr uint64_t kFemtosecondsPerSecond = 1'000'000'000'000'000;
  uint64_t frequency_;
  Femtoseconds whole_period_ = 0;  // 10^15 = whole_period_ * frequency_ + period_rest_
  uint64_t period_rest_ = 0;
  Cycle narrow_cycles_ = 0;        // up to here no product leaves 64 bits
};

}  // namespace tilewright::engine
