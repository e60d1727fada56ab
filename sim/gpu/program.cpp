// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/program.h"

#include <algorithm>

#include "sim/base/error.h"

namespace tilewright::gpu {

Pipe pipe_of(MathKind kind) {
  switch (kind) {
    case MathKind::kFfma:
    case MathKind::kFmul:
    case MathKind::kImad:
      return Pipe::kFma;
    case MathKind::kFmnmx:
    case MathKind::kF2fp:
    case MathKind::kLop3:
      return Pipe::kAlu;
    case MathKind::kEx2:
      return Pipe::kMufu;
    case MathKind::kOther:
      return Pipe::kOther;
    case MathKind::kControl:
    case MathKind::kSpecial:
      return Pipe::kControl;
    default:
      return Pipe::kDispatch;
  }
}

bool is_private(OpKind kind) {
  switch (kind) {
    case OpKind::kMath:
    case OpKind::kDelay:
    case OpKind::kStamp:
    case OpKind::kCopyCommit:
    case OpKind::kEndLoop:
      return true;
    default:
      return false;
  }
}

namespace {

void resolve_loops(WarpProgram& program) {
  std::vector<uint32_t> open;
  for (uint32_t at = 0; at < program.ops.size(); ++at) {
    Op& op = program.ops[at];
    if (op.kind == OpKind::kLoop) {
      open.push_back(at);
      TILEWRIGHT_CHECK(open.size() <= kMaximumLoopDepth, "a warp program nests its loops too deeply");
    } else if (op.kind == OpKind::kEndLoop) {
      TILEWRIGHT_CHECK(!open.empty(), "a warp program ends a loop that it did not begin");
      op.jump = open.back() + 1;
      program.ops[open.back()].jump = at + 1;
      open.pop_back();
    }
  }
  TILEWRIGHT_CHECK(open.empty(), "a warp program leaves a loop open");
}

// From the end: what follows straight on. Behind a loop's end either way may be taken, so nothing is promised.
void find_distances(WarpProgram& program) {
  uint32_t following = 0;
  for (std::size_t at = program.ops.size(); at-- > 0;) {
    Op& op = program.ops[at];
    uint32_t own = 0;
    switch (op.kind) {
      case OpKind::kMath:
        own = (op.count - 1) * op.spacing + std::max<uint32_t>(op.stall, 1);
        break;
      case OpKind::kDelay:
        own = op.count;
        break;
      case OpKind::kStamp:
      case OpKind::kCopyCommit:
        own = 1;
        break;
      case OpKind::kEndLoop:
        own = 1;
        following = 0;
        break;
      case OpKind::kAdvance:
      case OpKind::kSkip:
        break;
      default:
        following = 0;
    }
    op.distance = own + following;
    following = op.distance;
    if (op.kind == OpKind::kLoop) {
      following = 0;  // it may run no times at all
    }
  }
}

void check_op(const WarpProgram& program, const Op& op) {
  const auto check = [&](bool holds, const char* what) {
    if (!holds) {
      throw InternalError("warp program '" + program.name + "': " + what);
    }
  };
  check(op.cursor == kNone || op.cursor < program.cursor_slots.size(), "an operation names a cursor it does not have");
  check(op.stream == kNone || op.stream < kMaximumStreams, "an operation names a stream beyond the last");
  check(op.spacing >= 1, "instructions closer than a cycle");
  check(op.kind == OpKind::kLoop || op.kind == OpKind::kCopyWait || op.kind == OpKind::kMatrixWait ||
            op.kind == OpKind::kLoadWait || op.kind == OpKind::kStamp || op.kind == OpKind::kSkip || op.count >= 1,
        "an operation of no instructions");
  check(op.sets <= kScoreboards && op.reads <= kScoreboards && op.waits >> kScoreboards == 0, "a scoreboard beyond the last");
  const bool is_math = op.kind == OpKind::kMath || op.kind == OpKind::kShuffle;
  check(is_math || (op.stall == 0 && op.sets == 0), "only math has results that a scoreboard tells of");
  check(op.kind != OpKind::kMath || op.math != MathKind::kShfl, "a shuffle goes through the banks, not a math pipe");
  check(op.kind == OpKind::kMath || op.kind == OpKind::kArrive || op.reads == 0, "only math and arrivals tell when they have read");
  check(op.kind != OpKind::kStamp || op.count < kMaximumStamps, "a stamp beyond the last");
  check(op.kind != OpKind::kMatrix || (op.columns >= 8 && op.columns <= 256 && op.columns % 8 == 0),
        "wgmma of an impossible width");
}

}  // namespace

void finish(WarpProgram& program) {
  TILEWRIGHT_CHECK(!program.ops.empty() && program.ops.back().kind == OpKind::kExit, "a warp program must end with exit");
  TILEWRIGHT_CHECK(program.cursor_slots.size() <= kMaximumCursors, "a warp program has too many cursors");
  for (const Op& op : program.ops) {
    check_op(program, op);
  }
  resolve_loops(program);
  find_distances(program);
}

}  // namespace tilewright::gpu
