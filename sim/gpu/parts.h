// SPDX-License-Identifier: Apache-2.0
//
// What an SM, the memory side and the CTA dispatcher say to each other, and arithmetic on the machine's numbers that both
// fidelities need (sizes and shapes, no points in time).
#pragma once

#include <algorithm>
#include <array>
#include <systemc>

#include "arch/gpu.h"
#include "sim/gpu/program.h"

namespace tilewright::gpu {

enum class Client : uint8_t { kTma, kCopy, kLoad, kStore };

// One line on its way between an SM and L2. `key` orders what an SM asked for: cycle, then source, then place in the cycle.
struct LineRequest {
  uint64_t line = 0;  // byte address
  uint64_t key = 0;
  uint64_t instruction = 0;  // copies and loads: which of the warp's; boxes: unused
  uint32_t bytes = 0;
  uint16_t sm = 0;
  uint16_t target = 0;  // warp, or barrier for boxes
  Client client = Client::kTma;
  uint8_t sectors = 0;
  uint8_t wavefronts = 1;
};

enum class Source : uint8_t { kTma, kGatherEngine, kLsu };
inline uint64_t request_key(Cycle cycle, Source source, uint32_t index) {
  return (cycle << 12) | (static_cast<uint64_t>(source) << 10) | index;
}

class MemoryPath : public virtual sc_core::sc_interface {
 public:
  virtual void request(const LineRequest& request, Cycle issued) = 0;
};

class CtaDispatch : public virtual sc_core::sc_interface {
 public:
  virtual void finished(uint32_t sm, uint32_t slot, Cycle end) = 0;  // `end`: the first cycle without it
};

inline uint32_t matrix_wavefronts(const arch::MatrixSpec& matrix, const Op& op) {
  const auto b = static_cast<uint32_t>(divide_up(op.columns, matrix.columns_per_wavefront));
  return b + (op.from_registers ? 0 : matrix.a_wavefronts);
}
inline uint32_t matrix_cycles(const arch::MatrixSpec& matrix, const Op& op) {
  const auto full = static_cast<uint32_t>(divide_up(op.columns, matrix.columns_per_cycle));
  return std::max({full, matrix.minimum_cycles, matrix_wavefronts(matrix, op)});
}

// Of an instruction's cycles, those in which it reads its operands: loads, stores and shuffles get the rest.
inline uint64_t bank_cycles(const arch::MatrixSpec& matrix, const Op& op, uint64_t cycles) {
  return std::min<uint64_t>(matrix_wavefronts(matrix, op), cycles - std::min<uint64_t>(cycles, matrix.bank_cycles_left));
}

// Cycles that a wait for a finished phase still takes.
inline uint32_t wait_left(const arch::SynchronisationSpec& synchronisation, const Op& op) {
  return synchronisation.wait_cycles - std::min<uint32_t>(op.looked, synchronisation.wait_cycles - 1);
}

inline const arch::InstructionSpec& instruction_spec(const arch::SubCoreSpec& core, MathKind kind) {
  switch (kind) {
    case MathKind::kFfma:
      return core.ffma;
    case MathKind::kFmul:
      return core.fmul;
    case MathKind::kImad:
      return core.imad;
    case MathKind::kFmnmx:
      return core.fmnmx;
    case MathKind::kF2fp:
      return core.f2fp;
    case MathKind::kLop3:
      return core.lop3;
    case MathKind::kEx2:
      return core.ex2;
    case MathKind::kOther:
      return core.other;
    case MathKind::kControl:
      return core.control;
    case MathKind::kSpecial:
      return core.special;
    default:
      return core.shfl;
  }
}

inline uint32_t latency_of(const arch::InstructionSpec& instruction, bool beside_matrix) {
  return beside_matrix && instruction.latency_beside_matrix > 0 ? instruction.latency_beside_matrix : instruction.latency;
}

// Whether a warp that issued `op` comes back behind those that are waiting: told to, or from a branch.
inline bool gives_way(const Op& op) { return op.yields || op.kind == OpKind::kEndLoop; }
// Of the math pipes, those whose instructions keep the scheduler until their operands are read; ...
inline bool holds_scheduler(MathKind kind) { return kind == MathKind::kFfma || kind == MathKind::kFmul; }
// ... and those after which nobody but their warp issues until the pipe is free, unless it yields.
inline bool keeps_others_out(Pipe pipe) { return pipe == Pipe::kAlu; }
// Cycles from `cycle` until banks of registers begin to serve beside the matrix unit; `open` of a slot's first cycles are good for it.
inline uint32_t closed_for(const arch::RegisterFileSpec& file, Cycle cycle, uint32_t open) {
  const auto place = static_cast<uint32_t>(cycle % file.slot_cycles);
  return place < open ? 0 : file.slot_cycles - place;
}
// The MUFU reads its operand from a queue, with nobody waiting; beside the matrix unit its result comes later if no slot is open.
inline uint32_t late_result(const arch::RegisterFileSpec& file, MathKind kind, Cycle cycle, bool beside_matrix) {
  return beside_matrix && pipe_of(kind) == Pipe::kMufu ? closed_for(file, cycle, file.slot_open_cycles) : 0;
}
// Operands that an instruction reads of the even and the odd bank, and waits for.
using BankReads = std::array<uint32_t, 2>;
inline BankReads bank_reads(const Op& op, bool kept) {
  const Pipe pipe = pipe_of(op.math);
  if (pipe != Pipe::kFma && pipe != Pipe::kAlu) {
    return {0, 0};
  }
  const workloads::RegisterReads& reads = op.operands;
  return kept ? BankReads{reads.even, reads.odd} : BankReads{reads.even_lost, reads.odd_lost};
}

inline bool uses_dispatch(OpKind kind) {
  switch (kind) {
    case OpKind::kSharedLoad:
    case OpKind::kSharedStore:
    case OpKind::kShuffle:
    case OpKind::kGlobalLoad:
    case OpKind::kGlobalStore:
    case OpKind::kCopy:
    case OpKind::kCopyCommit:
    case OpKind::kCopyWait:
    case OpKind::kCopyArrive:
    case OpKind::kArrive:
    case OpKind::kExpect:
      return true;
    default:
      return false;
  }
}

// Sixteenths of a cycle for which an operation other than math holds its sub-core's dispatch port.
inline uint32_t dispatch_cycles(const arch::GpuSpec& spec, const Op& op);
inline uint32_t dispatch_sixteenths(const arch::GpuSpec& spec, const Op& op, bool beside_matrix) {
  if (op.kind == OpKind::kShuffle && beside_matrix) {
    return spec.sub_core.shfl.beside_matrix_sixteenths;
  }
  return 16 * dispatch_cycles(spec, op);
}
inline uint32_t dispatch_cycles(const arch::GpuSpec& spec, const Op& op) {
  switch (op.kind) {
    case OpKind::kShuffle:
      return spec.sub_core.shfl.interval;
    case OpKind::kCopy:
    case OpKind::kCopyArrive:
      return spec.copy.dispatch_cycles;
    case OpKind::kCopyCommit:
    case OpKind::kCopyWait:
      return spec.copy.group_cycles;
    case OpKind::kArrive:
    case OpKind::kExpect:
      return spec.synchronisation.arrive_dispatch_cycles;
    default:
      return spec.shared_memory.dispatch_cycles + spec.shared_memory.dispatch_cycles_per_word * op.words;
  }
}

inline uint32_t access_wavefronts(const arch::SharedMemorySpec& shared, const Op& op) {
  if (op.kind != OpKind::kSharedLoad) {
    return std::max<uint32_t>(op.wavefronts, op.words);
  }
  const auto back = static_cast<uint32_t>(divide_up(uint64_t{op.words} * 4 * kWarpLanes, shared.load_bytes_per_cycle));
  return std::max<uint32_t>(op.wavefronts, back);
}

// From the cycle after a shuffle's wavefront to its result: the issue and the wavefront are the latency's first two cycles.
inline uint32_t shuffle_latency(const arch::GpuSpec& spec) { return spec.sub_core.shfl.latency - std::min(spec.sub_core.shfl.latency, 2U); }

inline uint32_t line_sixteenths(const arch::GlobalPathSpec& path, Client client) {
  switch (client) {
    case Client::kTma:
      return path.tma_line_sixteenths;
    case Client::kCopy:
      return path.copy_line_sixteenths;
    default:
      return path.load_line_sixteenths;
  }
}

// Where a line lives. Partition and slice are hashes of the address, as the touch-order and bandwidth records ask for an even
// spread; which bits Hopper hashes is not known.
inline uint64_t mix_line(uint64_t line) {
  uint64_t x = line / kLineBytes;
  x = (x ^ (x >> 15)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 29)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 32);
}
inline uint32_t home_partition(const arch::L2Spec& l2, uint64_t line) {
  return l2.partitions == 1 ? 0U : static_cast<uint32_t>(mix_line(line / 4096 * 4096) >> 11) % l2.partitions;
}
inline uint32_t tpc_of_sm(uint32_t sm) { return sm / 2; }
inline uint32_t gpc_of_sm(const arch::GpuSpec& spec, uint32_t sm) { return tpc_of_sm(sm) % spec.gpcs; }
inline uint32_t partition_of_sm(const arch::GpuSpec& spec, uint32_t sm) { return gpc_of_sm(spec, sm) % spec.l2.partitions; }
inline uint32_t slice_of(const arch::L2Spec& l2, uint64_t line) {
  return static_cast<uint32_t>(mix_line(line) % (l2.slices / l2.partitions));
}
inline uint32_t service_cycles(const arch::L2Spec& l2, uint32_t sectors) {
  return std::max(1U, static_cast<uint32_t>(divide_up(sectors * kSectorBytes, l2.slice_bytes_per_cycle)));
}
// DRAM is read in halves of a line.
inline uint8_t whole_halves(uint8_t sectors) {
  return static_cast<uint8_t>(((sectors & 3) != 0 ? 3 : 0) | ((sectors & 12) != 0 ? 12 : 0));
}

struct DramPlace {
  uint32_t channel = 0;  // over all stacks
  uint64_t address = 0;  // within the stack
};
// Interleave units go round the stacks; within a stack, higher bits are folded onto those that choose the channel.
inline DramPlace dram_place(const arch::GpuSpec& spec, uint64_t address) {
  const uint64_t unit = spec.dram.channel_interleave.value;
  const uint64_t block = address / unit;
  const uint64_t row = block / spec.memory_stacks;
  const uint64_t stack = (block % spec.memory_stacks + row / 64) % spec.memory_stacks;
  const uint64_t channel_mask = spec.dram.channels - 1;
  const uint64_t folded = row ^ ((mix_line(row / spec.dram.channels * kLineBytes) >> 7) & channel_mask);
  const uint64_t within = folded * unit + address % unit;
  return {static_cast<uint32_t>(stack * spec.dram.channels + (folded & channel_mask)), within};
}

uint32_t ctas_per_sm(const arch::GpuSpec& spec, const CtaShape& shape);

// Lines of global loads that L1 has room for beside the shared memory of so many CTAs. Shared memory comes in the sizes that
// CUDA's tuning guide for compute capability 9.0 lists; cp.async and boxes pass L1 by.
uint32_t load_lines(const arch::GpuSpec& spec, const CtaShape& shape, uint32_t ctas);

}  // namespace tilewright::gpu
