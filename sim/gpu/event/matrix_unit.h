// SPDX-License-Identifier: Apache-2.0
//
// The matrix unit at event fidelity: takes the wgmma instructions of its warpgroups in turn, a few at a time, and runs one after
// the other. A batch is one commit group.
#pragma once

#include <deque>
#include <systemc>
#include <vector>

#include "sim/gpu/event/shared_pipe.h"
#include "sim/gpu/parts.h"
#include "sim/gpu/result.h"

namespace tilewright::gpu {

class EventMatrixUnit final : public sc_core::sc_module {
 public:
  EventMatrixUnit(const sc_core::sc_module_name& name, const arch::GpuSpec& spec) : sc_core::sc_module(name), spec_(spec) {}

  void reset(uint32_t warpgroups);
  void clear_warpgroup(uint32_t warpgroup, Cycle now) {
    groups_[warpgroup] = {};
    groups_[warpgroup].taken_at = now;
  }

  // All four warps are at the batch, in the issue phase of `now`.
  void offer(uint32_t warpgroup, const Op& op, Cycle now);
  // Phase 1 of `now`: ends, starts and takes what is due. What was taken to its end is listed in `released`.
  void act(Cycle now, std::vector<uint32_t>& released);
  Cycle next() const { return next_; }

  bool active(Cycle cycle) const { return running_ && use_.begin <= cycle && cycle < use_.end; }
  const BankUse& use() const { return use_; }

  uint64_t batches(uint32_t warpgroup) const { return groups_[warpgroup].offered; }
  // When the first `batches` of a warpgroup are known to be over; kNever while unknown.
  Cycle known_end(uint32_t warpgroup, uint64_t batches) const;

  void collect(GpuCounts& counts) const;

 private:
  struct Group {
    Op op;
    uint32_t to_take = 0;  // of what was offered last
    uint32_t place = 0;    // in its commit group
    bool found_idle = false;  // its first instruction: nothing was running or waiting
    uint64_t offered = 0, ended = 0;
    uint64_t last_taken = 0;   // for the turn
    Cycle taken_at = 0;
    Cycle next_at = 0;         // the warps reach the next instruction
    std::deque<Cycle> ends;    // of the latest batches
  };
  struct Taken {
    uint32_t warpgroup;
    Cycle at;
    bool chained;    // second of a batch that found the unit idle, soon after the first
    bool last;
    Op op;
  };
  void take(Cycle now, std::vector<uint32_t>& released);
  uint32_t choose(Cycle now);
  void start(Cycle now);
  void find_next(Cycle now);
  bool asks(const Group& group, Cycle now) const { return group.to_take > 0 && group.next_at <= now; }
  std::size_t room() const { return spec_.matrix.in_flight + (mutated(Mutation::kMatrixInFlightMore) ? 1 : 0); }

  const arch::GpuSpec& spec_;
  std::vector<Group> groups_;
  std::deque<Taken> queue_;  // front runs or is next
  bool running_ = false;
  BankUse use_;
  Cycle last_end_ = 0;
  uint64_t takes_ = 0;
  uint32_t latest_ = 0;  // warpgroup taken from last
  static constexpr uint32_t kNobody = UINT32_MAX;
  uint64_t offers_ = 0;  // batches not fully taken
  Cycle next_ = kNever;
  GpuCounts counts_;
};

}  // namespace tilewright::gpu
