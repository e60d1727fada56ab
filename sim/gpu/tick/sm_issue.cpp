// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "sim/gpu/tick/sm.h"

namespace tilewright::gpu {

namespace {

// What goes through a queue of a sub-core's takes turns among the warps.
bool takes_turns(const Op& op) {
  const Pipe pipe = pipe_of(op.math);
  return op.kind == OpKind::kMath ? pipe == Pipe::kMufu || pipe == Pipe::kDispatch : uses_dispatch(op.kind);
}

}  // namespace

// The warp that issued more recently, unless it gave way or both take turns; else the one that has waited longest, of equals the
// youngest.
bool TickSm::goes_before(uint32_t warp, uint32_t other) const {
  const TickWarp &one = warps_[warp], &two = warps_[other];
  const bool turns = takes_turns(one.state.op()), others = takes_turns(two.state.op());
  const bool differ = one.recent != two.recent || (one.recent && one.since_issue != two.since_issue);
  if (differ && !(turns && others)) {
    return one.recent && (!two.recent || one.since_issue < two.since_issue);
  }
  return one.waited != two.waited ? one.waited > two.waited : warp > other;
}

uint32_t TickSm::choose_warp(uint32_t core) const {
  const auto per_cta = static_cast<uint32_t>(kernel_->shape.warps.size());
  uint32_t chosen = UINT32_MAX;
  for (uint32_t w = 0; w < warps_.size(); ++w) {
    if (w % per_cta % cores_.size() == core && warps_[w].alive && may_issue(w, *cores_[core]) &&
        (chosen == UINT32_MAX || goes_before(w, chosen))) {
      chosen = w;
    }
  }
  return chosen;
}

// Phase 3: one instruction a sub-core.
void TickSm::issue(Cycle now) {
  const auto per_cta = static_cast<uint32_t>(kernel_->shape.warps.size());
  for (uint32_t c = 0; c < cores_.size(); ++c) {
    const uint32_t chosen = choose_warp(c);
    for (uint32_t w = 0; w < warps_.size(); ++w) {
      TickWarp& warp = warps_[w];
      if (w % per_cta % cores_.size() != c || !warp.alive) {
        continue;
      }
      RoleCycles& cycles = roles_[static_cast<std::size_t>(warp.role)];
      const bool held = waits(warp);
      warp.waited = w == chosen || held ? 0 : warp.waited + 1;
      if (w == chosen) {
        ++cycles.issued;
      } else {
        ++cycles.stalls[static_cast<std::size_t>(held ? warp.reason : WarpStall::kContention)];
      }
    }
    if (chosen != UINT32_MAX) {
      warps_[chosen].since_issue = 0;
      warps_[chosen].recent = !gives_way(warps_[chosen].state.op());
      cores_[c]->keeps = cores_[c]->last == chosen;
      cores_[c]->last = warps_[chosen].state.op().yields ? UINT32_MAX : chosen;
      execute(chosen, *cores_[c], now);
    }
  }
}

// For something else than the scheduler and the pipes: its next instruction's scoreboards, or whatever holds it.
bool TickSm::waits(const TickWarp& warp) {
  bool held = warp.blocked || warp.pause > 0;
  const Op& op = warp.state.op();
  const bool begun = op.kind == OpKind::kMath && warp.state.left < op.count;  // the first instruction waited for all of them
  for (uint32_t k = 0; k < kScoreboards && !begun; ++k) {
    held = held || ((op.waits >> k & 1) != 0 && (warp.scoreboards[k] > 0 || warp.shuffles[k] > 0));
  }
  return held;
}

bool TickSm::may_issue(uint32_t index, const TickSubCore& core) const {
  const TickWarp& warp = warps_[index];
  if (waits(warp) || core.held > 0 || (core.others > 0 && core.keeper != index)) {
    return false;
  }
  const Op& op = warp.state.op();
  if (op.kind == OpKind::kMath) {
    const Pipe pipe = pipe_of(op.math);
    const arch::InstructionSpec& instruction = instruction_spec(spec_.sub_core, op.math);
    return core.busy[static_cast<std::size_t>(pipe)] < 16 + 16 * instruction.interval * instruction.queue;
  }
  return !uses_dispatch(op.kind) || core.busy[static_cast<std::size_t>(Pipe::kDispatch)] < 16;
}

void TickSm::go_on(TickWarp& warp, uint32_t pause, WarpStall reason) {
  warp.state.next();
  warp.pause = pause;
  warp.reason = reason;
}

void TickSm::hold(TickWarp& warp, WarpStall reason) {
  warp.state.next();
  warp.blocked = true;
  warp.reason = reason;
}

void TickSm::execute(uint32_t index, TickSubCore& core, Cycle now) {
  TickWarp& warp = warps_[index];
  const Op& op = warp.state.op();
  const arch::SynchronisationSpec& synchronisation = spec_.synchronisation;
  if (op.kind == OpKind::kMath) {
    execute_math(index, op, core, now);
    return;
  }
  if (uses_dispatch(op.kind)) {
    core.busy[static_cast<std::size_t>(Pipe::kDispatch)] += dispatch_sixteenths(spec_, op, matrix_active());
  }
  switch (op.kind) {
    case OpKind::kDelay:
      go_on(warp, op.count, WarpStall::kFixedLatency);
      break;
    case OpKind::kStamp:
      ctas_[warp.cta].stamps[op.count] = now;
      go_on(warp, spec_.sub_core.clock_cycles, WarpStall::kFixedLatency);
      break;
    case OpKind::kEndLoop:
      warp.pause = warp.state.end_loop() ? spec_.sub_core.branch_cycles : 1;
      warp.reason = WarpStall::kFixedLatency;
      break;
    case OpKind::kCopyCommit:
      warp.state.commit_copies();
      go_on(warp, 1, WarpStall::kFixedLatency);
      break;
    case OpKind::kSharedLoad:
    case OpKind::kSharedStore: {
      const uint32_t wavefronts = access_wavefronts(spec_.shared_memory, op);
      const bool awaited = op.kind == OpKind::kSharedLoad && op.dependent;
      counts_.lsu_wavefronts += wavefronts;
      shared_.queue.push_back(
          {wavefronts, {awaited ? TickEffect::Kind::kWake : TickEffect::Kind::kNothing, 0, index, 0, 0}});
      awaited ? hold(warp, WarpStall::kSharedMemory) : go_on(warp, 1, WarpStall::kFixedLatency);
      break;
    }
    case OpKind::kGlobalLoad:
    case OpKind::kGlobalStore:
      execute_global(index, op, now);
      break;
    case OpKind::kCopy:
      execute_copy(index, op, now);
      break;
    case OpKind::kCopyArrive:
      if (warp.state.copies.retired() == warp.state.copies.issued()) {
        effects_.push_back({TickEffect::Kind::kArriveInBanks, synchronisation.copy_arrive_latency,
                            barrier_index(warp, op), kWarpLanes, 0});
      } else {
        warp.markers.push_back({warp.state.copies.issued(), barrier_index(warp, op), 0});
      }
      go_on(warp, 1, WarpStall::kFixedLatency);
      break;
    case OpKind::kTma:
    case OpKind::kGather:
      execute_box(warp, op);
      break;
    case OpKind::kArrive:
    case OpKind::kExpect:
      barriers_[barrier_index(warp, op)].state.bytes += op.kind == OpKind::kExpect ? op.bytes : 0;
      counts_.lsu_wavefronts += synchronisation.arrive_wavefronts;
      shared_.queue.push_back({synchronisation.arrive_wavefronts,
                               {TickEffect::Kind::kArrive, 0, barrier_index(warp, op),
                                op.kind == OpKind::kExpect ? 1 : op.count, 0}});
      warp.hold_scoreboard(op.reads, dispatch_cycles(spec_, op));
      go_on(warp, 1, WarpStall::kFixedLatency);
      break;
    case OpKind::kNamedSync:
    case OpKind::kNamedArrive:
      execute_named(index, op);
      break;
    case OpKind::kMatrix:
      execute_matrix(index, op);
      break;
    case OpKind::kFence:
      shared_.queue.push_back({1, {TickEffect::Kind::kFence, 0, index, warp.state.accessed ? synchronisation.fence_access_cycles : 0, 0}});
      hold(warp, WarpStall::kFence);
      break;
    case OpKind::kShuffle:
      execute_shuffle(index, op);
      break;
    case OpKind::kExit:
      end_warp(index, now);
      break;
    default:
      execute_wait(index, op);
  }
}

void TickSm::execute_shuffle(uint32_t index, const Op& op) {
  TickWarp& warp = warps_[index];
  ++counts_.math[static_cast<std::size_t>(MathKind::kShfl)];
  const bool awaited = op.dependent && op.sets == 0;
  const auto kind = awaited || op.sets > 0 ? TickEffect::Kind::kShuffle : TickEffect::Kind::kNothing;
  shared_.queue.push_back({1, {kind, 0, index, op.sets, 0}});
  if (op.sets > 0) {
    ++warp.shuffles[op.sets - 1U];
  }
  awaited ? hold(warp, WarpStall::kSharedMemory)
          : go_on(warp, std::max<uint32_t>(op.stall, 1), WarpStall::kFixedLatency);
}

void TickSm::execute_wait(uint32_t index, const Op& op) {
  TickWarp& warp = warps_[index];
  bool over = false;
  WarpStall reason = WarpStall::kBarrierWait;
  uint32_t pause = 1;
  switch (op.kind) {
    case OpKind::kWait: {
      Barrier& barrier = barriers_[barrier_index(warp, op)];
      warp.wanted = warp.state.phases_wanted(op);
      over = barrier.state.phases >= warp.wanted;
      pause = wait_left(spec_.synchronisation, op);
      warp.looked = op.looked;
      if (!over) {
        barrier.waiting.push_back(index);
      }
      break;
    }
    case OpKind::kCopyWait:
      warp.wanted = warp.state.copies_wanted(op.count);
      over = warp.state.copies.retired() >= warp.wanted;
      reason = WarpStall::kCopyWait;
      pause = spec_.copy.group_cycles;
      break;
    case OpKind::kLoadWait:
      warp.wanted = warp.state.loads.issued() - std::min<uint64_t>(op.count, warp.state.loads.issued());
      over = warp.state.loads.retired() >= warp.wanted;
      reason = WarpStall::kGlobalLoad;
      break;
    case OpKind::kMatrixWait: {
      const TickMatrixUnit::Group& group = matrix_.groups[warp.warpgroup];
      warp.wanted = group.offered - std::min<uint64_t>(op.count, group.offered);
      over = group.over >= warp.wanted;
      reason = WarpStall::kMatrixWait;
      break;
    }
    default:
      throw InternalError("an operation of a warp program has no effect");
  }
  over ? go_on(warp, pause, reason) : hold(warp, reason);
}

LineRequest TickSm::line_request(uint32_t target, Client client, Cycle now) {
  LineRequest request;
  request.sm = static_cast<uint16_t>(index_);
  request.target = static_cast<uint16_t>(target);
  request.client = client;
  request.key = request_key(now, Source::kLsu, 0);
  return request;
}

void TickSm::execute_global(uint32_t index, const Op& op, Cycle now) {
  TickWarp& warp = warps_[index];
  const bool load = op.kind == OpKind::kGlobalLoad;
  LineRequest request = line_request(index, load ? Client::kLoad : Client::kStore, now);
  request.instruction = warp.state.loads.issued();
  uint32_t lines = 0;
  Stream& stream = warp.state.streams[op.stream];
  for_each_line(op, stream, [&](uint64_t line, uint32_t bytes, uint8_t sectors) {
    request.line = line;
    request.bytes = bytes;
    request.sectors = sectors;
    (load ? counts_.sectors_requested : counts_.sectors_stored) += static_cast<uint64_t>(std::popcount(sectors));
    if (load) {
      load_queue_.push_back(request);
    } else {
      request.key = request_key(now, Source::kLsu, key_index_++);
      memory->request(request, now);
    }
    ++lines;
  });
  stream.position += positions_of(op);
  if (load) {
    counts_.lines_requested += lines;
    send_loads(now);
    warp.state.loads.issue(lines);
    warp.wanted = warp.state.loads.issued();
  }
  load && op.dependent ? hold(warp, WarpStall::kGlobalLoad) : go_on(warp, 1, WarpStall::kFixedLatency);
}

void TickSm::send_loads(Cycle now) {
  while (!load_queue_.empty() && loads_in_l1_ < l1_lines_) {
    LineRequest request = load_queue_.front();
    load_queue_.pop_front();
    request.key = request_key(now, Source::kLsu, key_index_++);
    ++loads_in_l1_;
    memory->request(request, now);
  }
}

void TickSm::execute_copy(uint32_t index, const Op& op, Cycle now) {
  TickWarp& warp = warps_[index];
  Stream& stream = warp.state.streams[op.stream];
  std::vector<LineRequest> lines;
  LineRequest request = line_request(index, Client::kCopy, now);
  request.wavefronts = op.wavefronts;
  for_each_line(op, stream, [&](uint64_t line, uint32_t bytes, uint8_t sectors) {
    request.line = line;
    request.bytes = bytes;
    request.sectors = sectors;
    lines.push_back(request);
  });
  if (lines_out_ + lines.size() > spec_.copy.outstanding_lines) {
    capacity_waiting_.push_back(index);
    warp.blocked = true;
    warp.reason = WarpStall::kCopyCapacity;
    return;
  }
  const uint64_t instruction = warp.state.copies.issue(static_cast<uint32_t>(lines.size()));
  for (LineRequest& line : lines) {
    line.instruction = instruction;
    line.key = request_key(now, Source::kLsu, key_index_++);
    counts_.sectors_requested += static_cast<uint64_t>(std::popcount(line.sectors));
    memory->request(line, now);
  }
  counts_.lines_requested += lines.size();
  lines_out_ += static_cast<uint32_t>(lines.size());
  if (spec_.copy.pipe_cycles > 0) {
    shared_.queue.push_back({spec_.copy.pipe_cycles, {}});
  }
  stream.position += positions_of(op);
  go_on(warp, 1, WarpStall::kFixedLatency);
}

void TickSm::execute_box(TickWarp& warp, const Op& op) {
  Stream& stream = warp.state.streams[op.stream];
  TickBoxUnit::Box box;
  LineRequest request = line_request(barrier_index(warp, op), Client::kTma, 0);
  for_each_line(op, stream, [&](uint64_t line, uint32_t bytes, uint8_t sectors) {
    request.line = line;
    request.bytes = bytes;
    request.sectors = sectors;
    box.lines.push_back(request);
    counts_.sectors_requested += static_cast<uint64_t>(std::popcount(sectors));
  });
  counts_.lines_requested += box.lines.size();
  ++counts_.tma_boxes;
  Cycle own = 0;
  if (op.kind == OpKind::kTma) {
    box.latency_left = spec_.tma.box_latency;
    box.sixteenths = spec_.tma.line_sixteenths;
    own = op.tensor ? spec_.tma.tensor_box_cycles : spec_.tma.bulk_box_cycles;
  } else {
    TILEWRIGHT_CHECK(spec_.gather_engine.present, "a warp program asks for a gather engine that the machine does not have");
    box.latency_left = spec_.gather_engine.request_latency;
    box.sixteenths = std::max<uint64_t>(spec_.gather_engine.row_sixteenths / divide_up(op.bytes, kLineBytes), 16);
    own = spec_.gather_engine.request_cycles;
  }
  box.span = std::max<Cycle>(own, divide_up(box.lines.size() * box.sixteenths, 16));
  (op.kind == OpKind::kTma ? tma_ : engine_).queue.push_back(std::move(box));
  stream.position += positions_of(op);
  go_on(warp, 1, WarpStall::kFixedLatency);
}

void TickSm::execute_named(uint32_t index, const Op& op) {
  TickWarp& warp = warps_[index];
  Named& barrier = named_[warp.cta * kernel_->shape.named_barriers + op.barrier];
  const auto number = warp.cta * kernel_->shape.named_barriers + op.barrier;
  NamedArrival arrival{spec_.synchronisation.named_cycles_per_warp, number, op.kind == OpKind::kNamedArrive, false, {}};
  if (op.kind == OpKind::kNamedSync) {
    barrier.waiting.push_back(index);
    hold(warp, WarpStall::kNamedBarrier);
  } else {
    go_on(warp, 1, WarpStall::kFixedLatency);
  }
  if (++barrier.arrived == op.count) {
    arrival.completes = true;
    arrival.release.swap(barrier.waiting);
    barrier.arrived = 0;
  }
  named_queue_.push_back(std::move(arrival));
}

void TickSm::execute_matrix(uint32_t index, const Op& op) {
  TickWarp& warp = warps_[index];
  TickMatrixUnit::Group& group = matrix_.groups[warp.warpgroup];
  constexpr uint32_t kWarpsOfWarpgroup = 4;
  counts_.instructions += op.count - 1;
  if (++group.arrived == kWarpsOfWarpgroup) {
    if (group.op.commits) {
      ++group.offered;
      group.place = 0;
    }
    group.op = op;
    group.to_take = op.count;
    group.until_next = 0;
    group.pause = group.since_taken + 1;
  }
  hold(warp, WarpStall::kMatrixIssue);
}

void TickSm::end_warp(uint32_t index, Cycle now) {
  TickWarp& warp = warps_[index];
  warp.alive = false;
  const auto count = static_cast<uint32_t>(kernel_->shape.warps.size());
  uint32_t& last = cores_[index % count % cores_.size()]->last;
  last = last == index ? UINT32_MAX : last;
  Resident& resident = resident_[warp.cta];
  if (--resident.warps_left == 0) {
    ctas_[warp.cta].end = now + 1;
    dispatch->finished(index_, warp.cta, now + 1);
  }
}

}  // namespace tilewright::gpu
