// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/clock.h"

#include <algorithm>
#include <numeric>

#include "sim/base/error.h"

namespace tilewright::engine {

Clock::Clock(Hertz frequency) : frequency_(frequency.value) {
  if (frequency_ == 0 || frequency_ > kFemtosecondsPerSecond) {
    throw UserError("a clock must run at 1 Hz to 1000 THz, got " + std::to_string(frequency_) + " Hz");
  }
  whole_period_ = kFemtosecondsPerSecond / frequency_;
  period_rest_ = kFemtosecondsPerSecond % frequency_;
  narrow_cycles_ = UINT64_MAX / (2 * std::max(whole_period_ + 1, frequency_));
}

// Edges k / f and c / g that do not coincide are at least gcd(f, g) / (f g) apart. If that is a femtosecond
// or more, rounding both up to femtoseconds leaves their order.
Crossing::Crossing(const Clock& from, const Clock& to) : from_clock_(from), to_clock_(to) {
  const uint64_t common = std::gcd(from.frequency(), to.frequency());
  from_ = from.frequency() / common;
  to_ = to.frequency() / common;
  const bool exact = static_cast<Wide>(from_) * to.frequency() <= kFemtosecondsPerSecond;
  exact_cycles_ = exact ? (UINT64_MAX - from_) / to_ : 0;
}

}  // namespace tilewright::engine
