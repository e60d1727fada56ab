// SPDX-License-Identifier: Apache-2.0
//
// Writes warp programs one operation a line, so that a twin reads like the kernel it stands for.
#pragma once

#include <algorithm>

#include "sim/gpu/program.h"

namespace tilewright::gpu {

class ProgramBuilder {
 public:
  explicit ProgramBuilder(std::string name) { program_.name = std::move(name); }

  uint8_t cursor(uint32_t slots) {
    program_.cursor_slots.push_back(static_cast<uint8_t>(slots));
    return static_cast<uint8_t>(program_.cursor_slots.size() - 1);
  }

  // `count` independent instructions; with `chains` below the latency each waits for the one that many before.
  void math(MathKind kind, uint32_t count, uint32_t spacing = 1, bool dependent = false) {
    if (kind == MathKind::kShfl) {
      shuffles(count, spacing, dependent);
    } else if (count > 0) {
      Op& op = add(OpKind::kMath, count);
      op.math = kind;
      op.spacing = static_cast<uint16_t>(spacing);
      op.dependent = dependent;
    }
  }
  void delay(uint32_t cycles) {
    if (cycles > 0) {
      add(OpKind::kDelay, cycles);
    }
  }
  void shared(bool store, uint32_t words, uint32_t wavefronts, bool dependent = false) {
    Op& op = add(store ? OpKind::kSharedStore : OpKind::kSharedLoad);
    op.words = static_cast<uint8_t>(words);
    op.wavefronts = static_cast<uint8_t>(wavefronts);
    op.dependent = dependent;
  }
  void global_load(uint8_t stream, uint32_t pieces, uint32_t bytes, uint32_t words, bool dependent = false) {
    transfer(OpKind::kGlobalLoad, stream, pieces, bytes);
    program_.ops.back().words = static_cast<uint8_t>(words);
    program_.ops.back().dependent = dependent;
  }
  void global_store(uint8_t stream, uint32_t pieces, uint32_t bytes, uint32_t words) {
    transfer(OpKind::kGlobalStore, stream, pieces, bytes);
    program_.ops.back().words = static_cast<uint8_t>(words);
  }
  void load_wait(uint32_t pending) { add(OpKind::kLoadWait, pending); }
  void copy(uint8_t stream, uint32_t pieces, uint32_t bytes, uint32_t wavefronts_per_line = 1) {
    transfer(OpKind::kCopy, stream, pieces, bytes);
    program_.ops.back().wavefronts = static_cast<uint8_t>(wavefronts_per_line);
  }
  void copy_commit() { add(OpKind::kCopyCommit); }
  void copy_wait(uint32_t pending) { add(OpKind::kCopyWait, pending); }
  void copy_arrive(uint32_t barrier, uint8_t at = kNone) { barrier_op(OpKind::kCopyArrive, barrier, at); }
  void box(uint8_t stream, uint32_t rows, uint32_t row_bytes, uint32_t pitch, bool tensor, uint32_t barrier,
           uint8_t at = kNone) {
    transfer(OpKind::kTma, stream, rows, row_bytes);
    Op& op = program_.ops.back();
    op.pitch = pitch;
    op.tensor = tensor;
    op.barrier = static_cast<uint8_t>(barrier);
    op.cursor = at;
  }
  void gather(uint8_t stream, uint32_t rows, uint32_t row_bytes, uint32_t barrier, uint8_t at) {
    transfer(OpKind::kGather, stream, rows, row_bytes);
    program_.ops.back().barrier = static_cast<uint8_t>(barrier);
    program_.ops.back().cursor = at;
  }
  void arrive(uint32_t barrier, uint32_t count, uint8_t at = kNone) {
    barrier_op(OpKind::kArrive, barrier, at).count = count;
  }
  void expect(uint32_t barrier, uint32_t bytes, uint8_t at = kNone) {
    barrier_op(OpKind::kExpect, barrier, at).bytes = bytes;
  }
  void wait(uint32_t barrier, uint8_t at, uint32_t lag = 0) {
    barrier_op(OpKind::kWait, barrier, at).lag = static_cast<uint8_t>(lag);
  }
  void named_sync(uint32_t barrier, uint32_t warps) { barrier_op(OpKind::kNamedSync, barrier, kNone).count = warps; }
  void named_arrive(uint32_t barrier, uint32_t warps) {
    barrier_op(OpKind::kNamedArrive, barrier, kNone).count = warps;
  }
  void matrix(uint32_t columns, uint32_t count, bool from_registers) {
    Op& op = add(OpKind::kMatrix, count);
    op.columns = static_cast<uint16_t>(columns);
    op.from_registers = from_registers;
  }
  // Arithmetic on integers that makes addresses, descriptors and conditions: instructions of each kind.
  struct Arithmetic {
    uint32_t alu, imad, other;
  };
  // Pipe by pipe in turn, as the compiler has them; the last one's result is waited for.
  void arithmetic(const Arithmetic& instructions) {
    const auto [alu, imad, other] = instructions;
    const uint32_t most = std::max({alu, imad, other});
    for (uint32_t i = 0; i < most; ++i) {
      math(MathKind::kLop3, alu * (i + 1) / most - alu * i / most);
      math(MathKind::kImad, imad * (i + 1) / most - imad * i / most);
      math(MathKind::kOther, other * (i + 1) / most - other * i / most, 1, i + 1 == most);
    }
  }
  // Each product but the first behind the arithmetic that makes its descriptors.
  void matrix_with_descriptors(uint32_t columns, uint32_t count, bool from_registers, const Arithmetic& descriptors) {
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) {
        arithmetic(descriptors);
      }
      matrix(columns, 1, from_registers);
      program_.ops.back().commits = i + 1 == count;
    }
  }
  // What the last operation waits for, or one of the compiler's instructions as it is.
  void wait_for_scoreboards(uint8_t waits) { program_.ops.back().waits = waits; }
  void tells_when_read(uint8_t scoreboard) { program_.ops.back().reads = scoreboard; }
  void looked(uint32_t cycles) { program_.ops.back().looked = static_cast<uint8_t>(cycles); }
  void commits(bool last) { program_.ops.back().commits = last; }
  void yields(bool yield) { program_.ops.back().yields = yield; }
  // In a chain if they are further apart than a shuffle's turn.
  void shuffles(uint32_t count, uint32_t spacing, bool dependent) {
    constexpr uint32_t kTurn = 4;
    for (uint32_t i = 0; i < count; ++i) {
      Op& op = add(OpKind::kShuffle);
      op.stall = static_cast<uint8_t>(std::min(spacing, kTurn));
      op.dependent = spacing > kTurn || (dependent && i + 1 == count);
    }
  }
  void instruction(MathKind kind, uint32_t stall, uint8_t sets, uint8_t reads, uint8_t waits,
                   bool yields = false, const workloads::RegisterReads& operands = {}) {
    if (const Op* const before = program_.ops.empty() ? nullptr : &program_.ops.back();
        before != nullptr && kind != MathKind::kShfl && before->kind == OpKind::kMath && before->math == kind && before->stall == stall && before->operands == operands &&
        before->sets + before->reads + sets + reads + waits == 0 && !before->yields && !yields) {
      program_.ops.back().spacing = static_cast<uint16_t>(stall);
      ++program_.ops.back().count;
      return;
    }
    Op& op = add(kind == MathKind::kShfl ? OpKind::kShuffle : OpKind::kMath);
    op.math = kind;
    op.stall = static_cast<uint8_t>(stall);
    op.sets = sets;
    op.reads = reads;
    op.waits = waits;
    op.yields = yields;
    op.operands = operands;
  }
  void matrix_wait(uint32_t pending) { add(OpKind::kMatrixWait, pending); }
  void fence() { add(OpKind::kFence); }
  void stamp(uint32_t slot) { add(OpKind::kStamp, slot); }
  void loop(uint32_t count) { add(OpKind::kLoop, count); }
  void loop_parameter(uint32_t parameter) { add(OpKind::kLoop).parameter = static_cast<uint8_t>(parameter); }
  void loop_from_list() { add(OpKind::kLoop).parameter = kFromList; }
  void end_loop() { add(OpKind::kEndLoop); }
  void advance(uint8_t at) { add(OpKind::kAdvance).cursor = at; }
  void skip(uint8_t stream, uint32_t positions) {
    if (positions > 0) {
      add(OpKind::kSkip, positions).stream = stream;
    }
  }

  WarpProgram take() {
    add(OpKind::kExit);
    finish(program_);
    return std::move(program_);
  }

 private:
  Op& add(OpKind kind, uint32_t count = 1) {
    Op op;
    op.kind = kind;
    op.count = count;
    program_.ops.push_back(op);
    return program_.ops.back();
  }
  void transfer(OpKind kind, uint8_t stream, uint32_t pieces, uint32_t bytes) {
    Op& op = add(kind);
    op.stream = stream;
    op.pieces = static_cast<uint16_t>(pieces);
    op.bytes = bytes;
  }
  Op& barrier_op(OpKind kind, uint32_t barrier, uint8_t at) {
    Op& op = add(kind);
    op.barrier = static_cast<uint8_t>(barrier);
    op.cursor = at;
    return op;
  }

  WarpProgram program_;
};

// Warps that run a program; returns its number.
inline uint32_t add_warps(Kernel& kernel, WarpProgram program, uint32_t warps, Role role = Role::kConsumer) {
  kernel.programs.push_back(std::move(program));
  const auto index = static_cast<uint32_t>(kernel.programs.size() - 1);
  for (uint32_t w = 0; w < warps; ++w) {
    WarpRole made;
    made.program = index;
    made.role = role;
    kernel.shape.warps.push_back(made);
  }
  return index;
}

// Four warps that issue wgmma together.
inline void add_warpgroup(Kernel& kernel, WarpProgram program) {
  const std::size_t first = kernel.shape.warps.size();
  add_warps(kernel, std::move(program), 4);
  for (std::size_t w = first; w < kernel.shape.warps.size(); ++w) {
    kernel.shape.warps[w].warpgroup = static_cast<uint8_t>(kernel.shape.warpgroups);
  }
  ++kernel.shape.warpgroups;
}

}  // namespace tilewright::gpu
