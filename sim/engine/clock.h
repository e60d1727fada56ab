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
inline constexpr uint64_t kFemtosecondsPerSecond = 1'000'000'000'000'000;

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

  uint64_t frequency() const { return frequency_; }

 private:
  uint64_t frequency_;
  Femtoseconds whole_period_ = 0;  // 10^15 = whole_period_ * frequency_ + period_rest_
  uint64_t period_rest_ = 0;
  Cycle narrow_cycles_ = 0;        // up to here no product leaves 64 bits
};

// From the edges of one clock to those of another. Where both frequencies are multiples of one that is not
// too small, as clocks of whole megahertz are, in one division of small numbers; the results are those of
// Clock::seen_by.
class Crossing {
 public:
  Crossing(const Clock& from, const Clock& to);

  // The edge of the other clock at which what happens at this edge is seen.
  Cycle seen(Cycle cycle) const {
    if (cycle <= exact_cycles_) {
      return cycle * to_ / from_ + 1;
    }
    return from_clock_.seen_by(to_clock_, cycle);
  }
  // The last edge of the other clock that lies strictly before this edge; there must be one.
  Cycle last_before(Cycle cycle) const {
    if (cycle <= exact_cycles_) {
      return (cycle * to_ + from_ - 1) / from_ - 1;
    }
    return to_clock_.first_edge_strictly_after(from_clock_.edge_time(cycle) - 1) - 1;
  }

 private:
  Clock from_clock_, to_clock_;
  uint64_t from_ = 1, to_ = 1;  // frequencies divided by their greatest common divisor
  Cycle exact_cycles_ = 0;      // up to here edges in femtoseconds are in the order of the exact ones
};

}  // namespace tilewright::engine
