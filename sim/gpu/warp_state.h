// SPDX-License-Identifier: Apache-2.0
//
// Where a warp stands in its program, and what a barrier has counted: the meaning of operations, without their time. Used by
// both fidelities.
#pragma once

#include <deque>

#include "sim/base/error.h"
#include "sim/gpu/program.h"

namespace tilewright::gpu {

// Asynchronous instructions of a warp in order of issue; each is done when its counter, which the model keeps, is zero.
// `retired` of them, from the first on, are done without a gap.
class Outstanding {
 public:
  uint64_t issued() const { return retired_ + lines_.size(); }
  uint64_t retired() const { return retired_; }
  uint64_t issue(uint32_t lines) {
    lines_.push_back(lines);
    return issued() - 1;
  }
  uint32_t& lines_left(uint64_t instruction) { return lines_[instruction - retired_]; }
  // Takes what is done off the front; true if there was anything.
  bool retire() {
    const uint64_t before = retired_;
    while (!lines_.empty() && lines_.front() == 0) {
      lines_.pop_front();
      ++retired_;
    }
    return retired_ != before;
  }

 private:
  std::deque<uint32_t> lines_;
  uint64_t retired_ = 0;
};

struct WarpState {
  const WarpProgram* program = nullptr;
  const CtaWork* work = nullptr;
  uint32_t pc = 0;
  uint32_t left = 0;  // instructions of a kMath that are still to issue
  uint32_t depth = 0;
  std::size_t next_count = 0;
  std::array<uint32_t, kMaximumLoopDepth> iterations{};
  struct Cursor {
    uint32_t slot = 0;
    uint64_t round = 0;
  };
  std::array<Cursor, kMaximumCursors> cursors{};
  std::array<Stream, kMaximumStreams> streams{};
  Outstanding copies, loads;
  std::deque<uint64_t> group_ends;  // copies issued when each group was committed
  uint64_t groups = 0;              // committed
  bool accessed = false;            // shared memory or a barrier in it, since its last fence

  void start(const WarpProgram& with_program, const WarpRole& role, const CtaWork& with_work) {
    *this = WarpState();
    program = &with_program;
    work = &with_work;
    streams = with_work.streams;
    for (std::size_t s = 0; s < kMaximumStreams; ++s) {
      streams[s].position += role.stream_start[s];
    }
    settle();
  }

  const Op& op() const { return program->ops[pc]; }

  // To the next operation that takes time.
  void next() {
    accessed = op().kind != OpKind::kFence && (accessed || accesses_shared(op().kind));
    ++pc;
    settle();
  }

  // At a kEndLoop: true if the loop goes round once more.
  bool end_loop() {
    const bool again = --iterations[depth - 1] > 0;
    if (again) {
      pc = op().jump;
    } else {
      --depth;
      ++pc;
    }
    settle();
    return again;
  }

  uint32_t barrier_of(const Op& at) const {
    return at.barrier + (at.cursor == kNone ? 0 : cursors[at.cursor].slot);
  }
  // How many phases must be complete for a kWait to go on.
  uint64_t phases_wanted(const Op& at) const {
    const uint64_t round = at.cursor == kNone ? 0 : cursors[at.cursor].round;
    return round + 1 - (round + 1 < at.lag ? round + 1 : at.lag);
  }
  void commit_copies() {
    group_ends.push_back(copies.issued());
    ++groups;
  }
  // Copies that must be done so that at most `pending` groups are out.
  uint64_t copies_wanted(uint64_t pending) {
    if (groups <= pending) {
      return 0;
    }
    while (group_ends.size() > pending + 1) {
      group_ends.pop_front();
    }
    return group_ends.front();
  }

 private:
  void settle() {
    for (;;) {
      const Op& at = op();
      if (at.kind == OpKind::kLoop) {
        const uint32_t count = at.parameter == kNone       ? at.count
                               : at.parameter == kFromList ? work->counts[next_count++]
                                                           : work->parameters[at.parameter];
        if (count == 0) {
          pc = at.jump;
          continue;
        }
        iterations[depth++] = count;
      } else if (at.kind == OpKind::kAdvance) {
        Cursor& cursor = cursors[at.cursor];
        if (++cursor.slot == program->cursor_slots[at.cursor]) {
          cursor.slot = 0;
          ++cursor.round;
        }
      } else if (at.kind == OpKind::kSkip) {
        streams[at.stream].position += at.count;
      } else {
        left = at.count;
        return;
      }
      ++pc;
    }
  }
};

// An mbarrier: a phase is over when all arrivals and all announced bytes are in.
struct BarrierState {
  uint32_t count = 1;
  int64_t pending = 1;
  int64_t bytes = 0;
  uint64_t phases = 0;

  BarrierState() = default;
  explicit BarrierState(uint32_t arrivals) : count(arrivals), pending(arrivals) {}
  // True if the phase ended.
  bool update(uint32_t arrivals, uint32_t arrived_bytes) {
    pending -= arrivals;
    bytes -= arrived_bytes;
    if (pending == 0 && bytes == 0) {
      ++phases;
      pending = count;
      return true;
    }
    TILEWRIGHT_CHECK(pending >= 0, "more arrivals at an mbarrier than it was made for");
    return false;
  }
};

}  // namespace tilewright::gpu
