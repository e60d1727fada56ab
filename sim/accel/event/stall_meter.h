// SPDX-License-Identifier: Apache-2.0
//
// Charges the cycles between two changes of a unit's state to that state, in closed form.
#pragma once

#include "sim/base/activity.h"
#include "sim/base/units.h"

namespace tilewright::accel {

class StallMeter {
 public:
  void reset() { *this = StallMeter(); }
  void change(Stall state, Cycle now) {
    if (state != state_) {
      cycles_.add(state_, now - since_);
      state_ = state;
      since_ = now;
    }
  }
  Stall state() const { return state_; }
  const StallCycles& close(Cycle end) {
    cycles_.add(state_, end - since_);
    since_ = end;
    return cycles_;
  }

 private:
  Stall state_ = Stall::kIdle;
  Cycle since_ = 0;
  StallCycles cycles_;
};

}  // namespace tilewright::accel
