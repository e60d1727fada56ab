// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/clock.h"

#include <algorithm>

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

}  // namespace tilewright::engine
