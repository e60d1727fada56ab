// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/event/sub_core.h"

namespace tilewright::gpu {

EventSubCore::EventSubCore(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, std::vector<EventWarp>& warps,
                           std::vector<CtaRecord>& ctas)
    : sc_core::sc_module(name), spec_(spec), warps_(warps), ctas_(ctas) {
  for (std::size_t k = 0; k < timing_.size(); ++k) {
    const auto kind = static_cast<MathKind>(k);
    const arch::InstructionSpec& instruction = instruction_spec(spec.sub_core, kind);
    const Pipe pipe = pipe_of(kind);
    const uint32_t early = mutated(Mutation::kPipeFreeEarly) && instruction.interval > 1 ? 1 : 0;
    timing_[k].interval[0] = 16 * (instruction.interval - early);
    timing_[k].interval[1] = mutated(Mutation::kMatrixFactorIgnored) ? 16 * instruction.interval
                                                                     : instruction.beside_matrix_sixteenths - early;
    timing_[k].latency[0] = instruction.latency;
    timing_[k].latency[1] = mutated(Mutation::kMatrixFactorIgnored) ? instruction.latency : latency_of(instruction, true);
    timing_[k].crowded = instruction.crowded_cycles;
    timing_[k].ahead = 16 * instruction.interval * (instruction.queue + (mutated(Mutation::kPipeQueueMore) ? 1 : 0));
    timing_[k].read = instruction.interval;
    timing_[k].pipe = static_cast<uint8_t>(pipe);
  }
  reset();
}

void EventSubCore::reset() {
  resident_.clear();
  pipe_free_.fill(0);
  pipe_fresh_.fill(0);
  bank_free_.fill(0);
  slot_free_.fill(0);
  others_ = 0;
  keeper_ = 0;
  before_ = kNobody;
  next_ = 0;
  last_ = kNobody;
  changed_ = true;
  roles = {};
  math = {};
}

Cycle EventSubCore::bound() {
  if (!changed_) {
    return bound_;
  }
  changed_ = false;
  Cycle bound = kNever;
  for (const uint32_t index : resident_) {
    const EventWarp& warp = warps_[index];
    if (warp.ready != kNever) {
      bound = std::min(bound, std::max(candidate(warp), next_) + warp.distance);
    }
  }
  bound_ = bound;
  return bound;
}

uint32_t EventSubCore::select(Cycle cycle) const {
  if (next_ > cycle) {
    return kNobody;
  }
  uint32_t chosen = kNobody;
  for (const uint32_t index : resident_) {
    const EventWarp& warp = warps_[index];
    if (candidate(warp) <= cycle && (chosen == kNobody || goes_before(index, chosen))) {
      chosen = index;
    }
  }
  return chosen;
}

// The first cycle in which any warp can issue; of those that can then, the one that goes before the others.
void EventSubCore::advance(Cycle limit, bool beside_matrix) {
  while (next_ < limit) {
    Cycle cycle = limit;
    uint32_t chosen = kNobody;
    for (const uint32_t index : resident_) {
      const Cycle can = std::max(candidate(warps_[index]), next_);
      if (can < cycle || (can == cycle && chosen != kNobody && goes_before(index, chosen))) {
        cycle = can;
        chosen = index;
      }
    }
    if (chosen == kNobody) {
      return;
    }
    issue_private(warps_[chosen], cycle, beside_matrix);
  }
}

void EventSubCore::account(EventWarp& warp, Cycle cycle) {
  RoleCycles& cycles = roles[static_cast<std::size_t>(warp.role)];
  cycles.stalls[static_cast<std::size_t>(warp.reason)] += warp.ready - warp.accounted;
  cycles.stalls[static_cast<std::size_t>(WarpStall::kContention)] += cycle - warp.ready;
  ++cycles.issued;
  warp.accounted = cycle + 1;
  warp.last_issue = cycle + 1;
  warp.recency = gives_way(warp.state.op()) && !mutated(Mutation::kYieldIgnored) ? 0 : cycle + 1;
  before_ = last_;
  last_ = warp.state.op().yields && !mutated(Mutation::kYieldIgnored) ? kNobody : static_cast<uint32_t>(&warp - warps_.data());
  next_ = cycle + 1;
  changed_ = true;
}

void EventSubCore::settle(EventWarp& warp, Cycle ready, WarpStall reason) {
  changed_ = true;
  const Op& op = warp.state.op();
  bool unknown = false;
  for (uint32_t k = 0; k < kScoreboards && op.waits >> k != 0 && !mutated(Mutation::kScoreboardIgnored); ++k) {
    if ((op.waits >> k & 1) != 0) {
      ready = std::max(ready, warp.scoreboards[k]);
      unknown = unknown || warp.shuffles[k] > 0;
    }
  }
  warp.ready = unknown ? kNever : ready;
  warp.known_ready = unknown ? ready : kNever;
  warp.reason = reason;
  warp.distance = op.distance;
  warp.ahead = 0;
  if (op.kind == OpKind::kMath) {
    warp.pipe = timing_[static_cast<std::size_t>(op.math)].pipe;
    warp.ahead = timing_[static_cast<std::size_t>(op.math)].ahead;
  } else {
    warp.pipe = uses_dispatch(op.kind) ? static_cast<uint8_t>(Pipe::kDispatch) : kNone;
  }
}

// The first cycle in which an instruction has its operands, or will have them in time.
Cycle EventSubCore::read(const EventWarp& warp, Cycle cycle, bool beside_matrix) {
  const bool kept = before_ == static_cast<uint32_t>(&warp - warps_.data()) || mutated(Mutation::kReuseKept);
  const BankReads reads = bank_reads(warp.state.op(), kept);
  if (beside_matrix) {
    return mutated(Mutation::kSlotForgotten) ? cycle : read_slots(reads, cycle);
  }
  Cycle at = cycle;
  for (std::size_t bank = 0; bank < reads.size() && !mutated(Mutation::kBankFree); ++bank) {
    const Cycle read_by = std::max(bank_free_[bank], cycle) + reads[bank];
    at = reads[bank] > 0 ? std::max(at, read_by - std::min<Cycle>(read_by, spec_.sub_core.register_file.lookahead_cycles)) : at;
  }
  for (std::size_t bank = 0; bank < reads.size(); ++bank) {
    bank_free_[bank] = reads[bank] > 0 ? std::max(at, bank_free_[bank]) + reads[bank] : bank_free_[bank];
  }
  return at;
}

Cycle EventSubCore::read_slots(const BankReads& reads, Cycle cycle) {
  const arch::RegisterFileSpec& file = spec_.sub_core.register_file;
  const uint32_t most = *std::max_element(reads.begin(), reads.end());
  if (most == 0) {
    return cycle;
  }
  const bool more = most > file.slot_reads;
  Cycle at = cycle;
  for (std::size_t bank = 0; bank < reads.size(); ++bank) {
    at = reads[bank] > 0 ? std::max(at, slot_free_[bank]) : at;
  }
  at += closed_for(file, at, more ? 1 : file.slot_open_cycles);
  const Cycle after = (at / file.slot_cycles + 1) * file.slot_cycles;
  for (std::size_t bank = 0; bank < reads.size(); ++bank) {
    if (reads[bank] > 0) {
      slot_free_[bank] = after + (reads[bank] > file.slot_reads ? file.slot_cycles : 0);
    }
  }
  return more ? at + file.slot_open_cycles : at;
}

void EventSubCore::issue_math(EventWarp& warp, Cycle cycle, bool beside_matrix) {
  const Op& op = warp.state.op();
  const Timing& timing = timing_[static_cast<std::size_t>(op.math)];
  ++math[static_cast<std::size_t>(op.math)];
  cycle = read(warp, cycle, beside_matrix);
  const Cycle late = late_result(spec_.sub_core.register_file, op.math, cycle, beside_matrix && !mutated(Mutation::kSlotForgotten));
  if (holds_scheduler(op.math) && !mutated(Mutation::kSchedulerFree)) {
    next_ = cycle + 1;
  }
  if (keeps_others_out(pipe_of(op.math)) && !op.yields && !mutated(Mutation::kOthersLetIn)) {
    keeper_ = static_cast<uint32_t>(&warp - warps_.data());
    others_ = cycle + timing.read;
  }
  const Cycle start = std::max(cycle, pipe_free_[timing.pipe] / 16);
  hold_pipe(timing.pipe, cycle, timing.interval[beside_matrix ? 1 : 0]);
  const bool crowded = cycle < pipe_fresh_[timing.pipe] && !mutated(Mutation::kCrowdIgnored);
  const uint32_t latency = timing.latency[beside_matrix ? 1 : 0];
  pipe_fresh_[timing.pipe] = cycle + timing.latency[0];
  warp.hold_scoreboard(op.sets, start + late + latency + (crowded ? timing.crowded : 0));
  warp.hold_scoreboard(op.reads, start + timing.read);
  if (--warp.state.left > 0) {
    warp.ready = cycle + op.spacing;
    warp.reason = WarpStall::kFixedLatency;
    warp.distance -= op.spacing;
    return;
  }
  const uint32_t stall = op.stall > 0 && !mutated(Mutation::kStallIgnored) ? op.stall : op.dependent ? latency : 1;
  warp.state.next();
  settle(warp, cycle + stall, WarpStall::kFixedLatency);
}

void EventSubCore::issue_private(EventWarp& warp, Cycle cycle, bool beside_matrix) {
  account(warp, cycle);
  const Op& op = warp.state.op();
  switch (op.kind) {
    case OpKind::kMath:
      issue_math(warp, cycle, beside_matrix);
      return;
    case OpKind::kDelay:
      warp.state.next();
      settle(warp, cycle + op.count, WarpStall::kFixedLatency);
      return;
    case OpKind::kStamp:
      // Sub-cores run ahead of each other: the latest of several warps counts, not the last that was simulated.
      ctas_[warp.cta].stamps[op.count] = std::max(ctas_[warp.cta].stamps[op.count], cycle);
      warp.state.next();
      settle(warp, cycle + spec_.sub_core.clock_cycles, WarpStall::kFixedLatency);
      return;
    case OpKind::kCopyCommit:
      hold_pipe(static_cast<uint8_t>(Pipe::kDispatch), cycle, 16 * dispatch_cycles(spec_, op));
      warp.state.commit_copies();
      warp.state.next();
      settle(warp, cycle + 1, WarpStall::kFixedLatency);
      return;
    case OpKind::kEndLoop: {
      const bool again = warp.state.end_loop();
      settle(warp, cycle + (again ? spec_.sub_core.branch_cycles : 1), WarpStall::kFixedLatency);
      return;
    }
    default:
      throw InternalError("an operation that others can notice was issued ahead");
  }
}

void EventSubCore::issue_visible(EventWarp& warp, Cycle cycle, bool beside_matrix) {
  account(warp, cycle);
  const Op& op = warp.state.op();
  if (uses_dispatch(op.kind)) {
    const uint32_t early = mutated(Mutation::kDispatchFreeEarly) ? 1 : 0;
    hold_pipe(static_cast<uint8_t>(Pipe::kDispatch), cycle, dispatch_sixteenths(spec_, op, beside_matrix) - 16 * early);
  }
}

}  // namespace tilewright::gpu
