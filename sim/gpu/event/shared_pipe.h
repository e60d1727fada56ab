// SPDX-License-Identifier: Apache-2.0
//
// Shared memory's banks at event fidelity: a first-come queue of wavefronts that gets the cycles which the matrix unit leaves.
// How many cycles are left between two points is a closed form, so a queue of any length costs nothing until somebody waits
// for its head.
#pragma once

#include <deque>
#include <systemc>

#include "sim/base/units.h"
#include "sim/gpu/event/mutation.h"

namespace tilewright::gpu {

// The matrix unit's use of the banks while one instruction runs: `wavefronts` of `end - begin` cycles, spread evenly.
struct BankUse {
  Cycle begin = 0, end = 0;
  uint64_t wavefronts = 0;
  uint64_t taken(Cycle cycle) const {  // before `cycle`
    if (cycle <= begin) {
      return 0;
    }
    if (cycle >= end) {
      return wavefronts;
    }
    const uint64_t shift = mutated(Mutation::kPatternShifted) ? 1 : 0;
    return ((cycle - begin) * wavefronts + shift) / (end - begin);
  }
  uint64_t free(Cycle from, Cycle to) const { return (to - from) - (taken(to) - taken(from)); }
};

// What waits for its last wavefront.
struct PipeAction {
  enum class Kind : uint8_t { kNothing, kLoad, kLoadRoom, kArrive, kArriveInBanks, kBytes, kCopy, kShuffle, kFence } kind = Kind::kNothing;
  uint16_t target = 0;   // warp or barrier
  uint32_t amount = 0;   // arrivals or bytes
  uint64_t instruction = 0;
};

class EventSharedPipe final : public sc_core::sc_module {
 public:
  explicit EventSharedPipe(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}

  void reset() {
    actions_.clear();
    at_ = 0;
    asked_ = served_ = 0;
    use_ = {};
  }
  void set_use(const BankUse& use) { use_ = use; }  // after progress() to its change

  // Serves the cycles before `cycle`.
  void progress(Cycle cycle) {
    if (cycle <= at_) {
      return;
    }
    if (served_ < asked_) {
      served_ = std::min(asked_, served_ + use_.free(at_, cycle));
    }
    at_ = cycle;
  }
  // Wanted from cycle `from` on, which is not before what progress() was told.
  void push(Cycle from, uint32_t wavefronts, const PipeAction& action) {
    progress(mutated(Mutation::kPipeHeadEarly) && from > 0 ? from - 1 : from);
    asked_ += wavefronts;
    if (action.kind != PipeAction::Kind::kNothing) {
      actions_.push_back({asked_, action});
    }
  }
  // The cycle after the last wavefront of the first action; kNever if nothing waits.
  Cycle next() const;
  // After progress(): takes the first action if it is through.
  bool take(PipeAction& action) {
    if (actions_.empty() || actions_.front().last > served_) {
      return false;
    }
    action = actions_.front().action;
    actions_.pop_front();
    return true;
  }

 private:
  struct Waiting {
    uint64_t last;
    PipeAction action;
  };
  std::deque<Waiting> actions_;
  Cycle at_ = 0;
  uint64_t asked_ = 0, served_ = 0;
  BankUse use_;
};

inline Cycle EventSharedPipe::next() const {
  if (actions_.empty()) {
    return kNever;
  }
  const uint64_t wanted = actions_.front().last - served_;
  Cycle cycle = at_ + wanted;  // without the matrix unit
  for (uint64_t found = use_.free(at_, cycle); found < wanted; found = use_.free(at_, cycle)) {
    cycle += wanted - found;
  }
  return cycle;
}

}  // namespace tilewright::gpu
