// SPDX-License-Identifier: Apache-2.0
//
// A sub-core at event fidelity: a scheduler with its math pipes and its dispatch port. Operations that nobody outside can
// notice are issued far ahead, up to a cycle that the SM knows to be safe.
#pragma once

#include <array>
#include <systemc>
#include <vector>

#include "sim/gpu/event/mutation.h"
#include "sim/gpu/parts.h"
#include "sim/gpu/result.h"
#include "sim/gpu/warp_state.h"

namespace tilewright::gpu {

// A warp as the event model sees it. `ready` is kNever while it waits for something whose time is not known yet.
struct EventWarp {
  WarpState state;
  Cycle ready = 0;
  Cycle last_issue = 0;     // 0: never; else the cycle + 1
  Cycle recency = 0;        // likewise; 0 too once it gave way
  Cycle accounted = 0;      // every cycle before is in `cycles`
  Cycle distance = 0;       // least cycles to its next operation that others can notice
  WarpStall reason = WarpStall::kFixedLatency;
  uint8_t pipe = kNone;     // that the next issue needs
  uint32_t ahead = 0;       // sixteenths for which it may still be busy
  Role role = Role::kConsumer;
  uint32_t cta = 0;         // resident CTA
  uint32_t warpgroup = kNone;  // of the SM
  uint32_t looked = 0;      // cycles since it asked for the phase that it waits for, when it came to wait
  uint64_t wanted = 0;      // what it waits for: copies, phases, batches
  std::array<Cycle, kScoreboards> scoreboards{};  // the first cycle in which each is free, ...
  std::array<uint8_t, kScoreboards> shuffles{};   // ... as far as known: shuffles that were not served yet
  Cycle known_ready = kNever;  // `ready` without them, while it waits for one
  struct Marker {
    uint64_t copies;        // that must be done
    uint32_t barrier;
    Cycle issued;
  };
  std::deque<Marker> markers;  // arrivals that follow copies

  bool is_blocked() const { return ready == kNever && known_ready == kNever; }  // by its last operation
  void hold_scoreboard(uint8_t scoreboard, Cycle until) {
    if (scoreboard > 0) {
      scoreboards[scoreboard - 1U] = std::max(scoreboards[scoreboard - 1U], until);
    }
  }
};

class EventSubCore final : public sc_core::sc_module {
 public:
  EventSubCore(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, std::vector<EventWarp>& warps,
               std::vector<CtaRecord>& ctas);

  void reset();
  // In ascending order: of two warps that never issued, the lower number goes first.
  void add(uint32_t warp) {
    resident_.insert(std::lower_bound(resident_.begin(), resident_.end(), warp), warp);
    changed_ = true;
  }
  void remove(uint32_t warp) {
    std::erase(resident_, warp);
    last_ = warp == last_ ? kNobody : last_;
    changed_ = true;
  }

  // No operation that others can notice is issued before this cycle.
  Cycle bound();
  // Issues what is issued before `limit`, all of it private; `beside_matrix` holds throughout.
  void advance(Cycle limit, bool beside_matrix);
  // The warp that issues in `cycle`, to which everything was advanced; kNobody if none.
  uint32_t select(Cycle cycle) const;
  void issue_private(EventWarp& warp, Cycle cycle, bool beside_matrix);
  // Books the issue of an operation that is not private; its effect is the SM's to find.
  void issue_visible(EventWarp& warp, Cycle cycle, bool beside_matrix);
  // After the warp's state moved on: `ready` and what the next operation needs.
  void settle(EventWarp& warp, Cycle ready, WarpStall reason);

  static constexpr uint32_t kNobody = UINT32_MAX;
  std::array<RoleCycles, static_cast<std::size_t>(Role::kCount)> roles;
  std::array<uint64_t, static_cast<std::size_t>(MathKind::kCount)> math;

 private:
  Cycle candidate(const EventWarp& warp) const {
    const Cycle ready = &warp == &warps_[keeper_] ? warp.ready : std::max(warp.ready, others_);
    if (warp.pipe == kNone) {
      return ready;
    }
    const uint64_t busy = pipe_free_[warp.pipe];
    return std::max(ready, (busy - std::min<uint64_t>(busy, warp.ahead)) / 16);
  }
  void hold_pipe(uint8_t pipe, Cycle cycle, uint64_t sixteenths) {
    pipe_free_[pipe] = std::max(pipe_free_[pipe], cycle * 16) + sixteenths;
  }
  // What goes through a queue takes turns.
  bool takes_turns(uint32_t warp) const {
    return warps_[warp].pipe == static_cast<uint8_t>(Pipe::kMufu) || warps_[warp].pipe == static_cast<uint8_t>(Pipe::kDispatch);
  }
  // Of two that can issue: the one that issued more recently, unless it gave way or both take turns; else the one that has waited
  // longer; of equals the youngest.
  bool goes_before(uint32_t warp, uint32_t other) const {
    const Cycle recent = warps_[warp].recency, others_recent = warps_[other].recency;
    if (recent != others_recent && !(takes_turns(warp) && takes_turns(other)) && !mutated(Mutation::kRecencyIgnored)) {
      return recent > others_recent;
    }
    const Cycle ready = warps_[warp].ready, others_ready = warps_[other].ready;
    return ready != others_ready && !mutated(Mutation::kYoungestFirst) ? ready < others_ready : warp > other;
  }
  void account(EventWarp& warp, Cycle cycle);
  Cycle read(const EventWarp& warp, Cycle cycle, bool beside_matrix);
  Cycle read_slots(const BankReads& reads, Cycle cycle);
  void issue_math(EventWarp& warp, Cycle cycle, bool beside_matrix);

  const arch::GpuSpec& spec_;
  std::vector<EventWarp>& warps_;
  std::vector<CtaRecord>& ctas_;
  std::vector<uint32_t> resident_;
  std::array<uint64_t, static_cast<std::size_t>(Pipe::kCount)> pipe_free_{};  // sixteenths of a cycle
  std::array<Cycle, static_cast<std::size_t>(Pipe::kCount)> pipe_fresh_{};  // until when the last one's result is not there
  std::array<Cycle, 2> bank_free_{};  // of the registers, even and odd, ...
  std::array<Cycle, 2> slot_free_{};  // ... and beside the matrix unit
  Cycle others_ = 0;        // until then only the warp issues that ...
  uint32_t keeper_ = 0;     // ... used the ALU last
  uint32_t before_ = kNobody;  // last_ before this issue: whose operands the reuse cache keeps
  Cycle next_ = 0;  // one issue a cycle
  uint32_t last_ = kNobody;  // that issued last and did not yield
  Cycle bound_ = 0;
  bool changed_ = true;  // since bound_ was found
  struct Timing {
    uint32_t interval[2];  // sixteenths; [beside the matrix unit]
    uint32_t latency[2];   // [beside the matrix unit]
    uint32_t crowded;
    uint32_t ahead;        // sixteenths for which the pipe may be busy when it takes an instruction
    uint32_t read;         // cycles until the operands were read
    uint8_t pipe;
  };
  std::array<Timing, static_cast<std::size_t>(MathKind::kCount)> timing_{};
};

}  // namespace tilewright::gpu
