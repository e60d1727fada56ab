// SPDX-License-Identifier: Apache-2.0
//
// What warps do, and on what: warp programs, the CTAs that run them, and the addresses they touch. Types only; no timing. Both
// fidelities read these; the twins in sim/gpu/programs write them.
//
// A program is a list of operations with counted loops. An operation stands for one or more instructions of one warp; what
// each costs is in docs/gpu.md. Addresses come from streams: position -> (table) -> byte address.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/units.h"
#include "workloads/register_reads.h"

namespace tilewright::gpu {

inline constexpr uint32_t kLineBytes = 128;
inline constexpr uint32_t kSectorBytes = 32;
inline constexpr uint32_t kWarpLanes = 32;
inline constexpr std::size_t kMaximumStreams = 7;
inline constexpr std::size_t kMaximumCursors = 6;
inline constexpr std::size_t kMaximumLoopDepth = 4;
inline constexpr std::size_t kMaximumParameters = 6;
inline constexpr std::size_t kMaximumStamps = 18;

inline constexpr std::size_t kScoreboards = 6;

enum class MathKind : uint8_t { kFfma, kFmul, kImad, kFmnmx, kF2fp, kLop3, kEx2, kShfl, kOther, kControl, kSpecial, kCount };
enum class Pipe : uint8_t { kFma, kAlu, kMufu, kDispatch, kOther, kControl, kCount };
Pipe pipe_of(MathKind kind);

enum class OpKind : uint8_t {
  kMath,          // `count` instructions `math`, `spacing` cycles apart at least
  kDelay,         // one instruction that holds its warp for `count` cycles: what is not modelled further
  kSharedLoad,    // `words` a lane, `wavefronts` of the banks
  kSharedStore,
  kShuffle,       // through the banks' pipe, as a load; the result on scoreboard `sets`
  kGlobalLoad,    // `pieces` of `bytes` from `stream`, into registers
  kGlobalStore,   // likewise to global memory; nobody waits for it
  kLoadWait,      // until at most `count` of the warp's global loads are out
  kCopy,          // cp.async: `pieces` of `bytes` from `stream`; each line takes `wavefronts` to be written
  kCopyCommit,
  kCopyWait,      // until at most `count` groups are out
  kCopyArrive,    // cp.async.mbarrier.arrive.noinc on `barrier`
  kTma,           // one box of `pieces` rows of `bytes`, `pitch` apart, completing on `barrier`
  kGather,        // hardware gather: `pieces` rows of `bytes`, each from the stream's table, completing on `barrier`
  kArrive,        // `count` arrivals on `barrier` by one instruction
  kExpect,        // one arrival that also announces `bytes`
  kWait,          // until `barrier` has completed the phase that `cursor` is at, less `lag`
  kNamedSync,     // named barrier `barrier` of `count` warps
  kNamedArrive,
  kMatrix,        // `count` wgmma m64nNk16, N = `columns`, by the four warps of a warpgroup; ends a commit group or not
  kMatrixWait,    // until at most `count` groups are out
  kFence,         // fence.proxy.async
  kStamp,         // reads the clock into the CTA's stamp `count`
  kLoop,          // `count` times, or as often as the CTA's parameter `parameter` says
  kEndLoop,
  kAdvance,       // `cursor` to its next slot
  kSkip,          // `stream` forward by `count` positions
  kExit,
};

inline constexpr uint8_t kNone = 0xff;
inline constexpr uint8_t kFromList = 0xfe;  // as Op::parameter: the next of the CTA's counts

struct Op {
  OpKind kind = OpKind::kExit;
  MathKind math = MathKind::kFfma;
  bool dependent = false;       // what follows needs the result (kMath, kShuffle, kSharedLoad, kGlobalLoad)
  bool from_registers = false;  // kMatrix: A
  bool commits = true;          // kMatrix: the last of its commit group
  bool tensor = false;          // kTma: a tensor box, else a bulk copy
  uint8_t stream = kNone;
  uint8_t cursor = kNone;
  uint8_t barrier = kNone;      // the first of as many as the cursor has slots
  uint8_t parameter = kNone;
  uint8_t lag = 0;
  uint8_t words = 1;
  uint8_t wavefronts = 1;
  bool yields = false;          // the scheduler lets another warp go before this one's next
  uint8_t stall = 0;            // kMath, kShuffle: cycles to the warp's next instruction; 0: one, or the latency if `dependent`
  uint8_t sets = 0;             // kMath, kShuffle: scoreboard that is held until the result is there, from 1 on; 0: none
  uint8_t reads = 0;            // kMath, kArrive: ... until the operands were read
  uint8_t waits = 0;            // bit k: issues only when scoreboard k + 1 is free
  workloads::RegisterReads operands;  // kMath
  uint8_t looked = 0;           // kWait: cycles since the try_wait whose answer is needed here
  uint16_t spacing = 1;
  uint16_t columns = 0;
  uint16_t pieces = 1;
  uint32_t count = 1;
  uint32_t bytes = 0;
  uint32_t pitch = 0;
  uint32_t jump = 0;            // kLoop: behind its kEndLoop; kEndLoop: behind its kLoop
  uint32_t distance = 0;        // least cycles from this operation's first issue to that of one that others can notice
};

// What a fence.proxy.async behind it has to wait for.
inline bool accesses_shared(OpKind kind) {
  return kind == OpKind::kSharedLoad || kind == OpKind::kSharedStore || kind == OpKind::kArrive || kind == OpKind::kExpect ||
         kind == OpKind::kWait;
}

// Not noticed by anything outside the warp's sub-core.
bool is_private(OpKind kind);

struct WarpProgram {
  std::string name;
  std::vector<Op> ops;
  std::vector<uint8_t> cursor_slots;  // slots of each cursor
};

// Resolves loops and distances; throws InternalError for a program that no machine could run.
void finish(WarpProgram& program);

// position -> index: table[position mod size], or position mod size; address = base + index * unit.
struct Stream {
  uint64_t base = 0;
  uint64_t unit = 0;
  const uint32_t* table = nullptr;
  uint64_t size = 1;
  uint64_t position = 0;
  uint64_t address(uint64_t at) const {
    const uint64_t place = at < size ? at : at % size;
    return base + (table != nullptr ? uint64_t{table[place]} : place) * unit;
  }
};

enum class Role : uint8_t { kProducer, kConsumer, kCount };

struct WarpRole {
  uint32_t program = 0;
  Role role = Role::kConsumer;
  uint8_t warpgroup = kNone;
  std::array<uint32_t, kMaximumStreams> stream_start{};  // added to the CTA's stream positions
};

struct CtaShape {
  std::vector<WarpRole> warps;
  std::vector<uint32_t> barrier_counts;  // arrivals that complete a phase
  uint8_t progress_barrier = kNone;      // whose completed phases are recorded, as a measure of how far a CTA is
  uint32_t named_barriers = 0;
  uint32_t warpgroups = 0;
  uint32_t registers_per_thread = 128;   // as launched
  uint64_t shared_bytes = 0;
};

struct CtaWork {
  std::array<uint32_t, kMaximumParameters> parameters{};
  std::array<Stream, kMaximumStreams> streams{};
  std::vector<uint32_t> counts;  // trips of the loops that ask for them, in order; every warp goes through all of them
};

// Bytes that L2 holds when the kernel starts, with copies in every partition as far as they fit or at home only.
struct ResidentRange {
  uint64_t base = 0;
  uint64_t bytes = 0;
  bool copies = true;
};

struct Kernel {
  std::string name;
  std::vector<WarpProgram> programs;
  CtaShape shape;
  std::vector<CtaWork> ctas;
  std::vector<ResidentRange> resident;
};

// Visits the lines of a kCopy, kGlobalLoad, kGlobalStore, kTma or kGather at the stream's present position:
// visit(line address, bytes within it, sectors).
template <typename Visit>
void for_each_line(const Op& op, const Stream& stream, const Visit& visit) {
  const bool box = op.kind == OpKind::kTma;
  const uint64_t start = box ? stream.address(stream.position) : 0;
  for (uint32_t piece = 0; piece < op.pieces; ++piece) {
    uint64_t at = box ? start + uint64_t{piece} * op.pitch : stream.address(stream.position + piece);
    const uint64_t end = at + op.bytes;
    while (at < end) {
      const uint64_t line = at / kLineBytes * kLineBytes;
      const uint64_t stop = end < line + kLineBytes ? end : line + kLineBytes;
      const auto first = static_cast<uint32_t>((at - line) / kSectorBytes);
      const auto last = static_cast<uint32_t>((stop - 1 - line) / kSectorBytes);
      const uint32_t sectors = ((2U << last) - 1) & ~((1U << first) - 1);
      visit(line, static_cast<uint32_t>(stop - at), static_cast<uint8_t>(sectors));
      at = stop;
    }
  }
}

// Positions that an operation uses up.
inline uint32_t positions_of(const Op& op) { return op.kind == OpKind::kTma ? 1U : op.pieces; }

}  // namespace tilewright::gpu
