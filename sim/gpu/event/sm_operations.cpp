// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/event/sm.h"

#include <bit>

namespace tilewright::gpu {

void EventSm::proceed(EventWarp& warp, Cycle ready, WarpStall reason) {
  warp.state.next();
  warp.reason = reason;
  wake(warp, ready);
}

void EventSm::block(EventWarp& warp, WarpStall reason) {
  warp.state.next();
  warp.reason = reason;
  warp.ready = kNever;
  warp.known_ready = kNever;
}

void EventSm::execute(uint32_t index, Cycle now) {
  EventWarp& warp = warps_[index];
  const Op& op = warp.state.op();
  switch (op.kind) {
    case OpKind::kSharedLoad:
    case OpKind::kSharedStore:
      access_shared(index, op, now);
      break;
    case OpKind::kShuffle:
      shuffle(index, op, now);
      break;
    case OpKind::kGlobalLoad:
    case OpKind::kGlobalStore:
      access_global(index, op, now);
      break;
    case OpKind::kCopy:
      copy(index, op, now);
      break;
    case OpKind::kCopyArrive:
      if (warp.state.copies.retired() == warp.state.copies.issued()) {
        at(now + spec_.synchronisation.copy_arrive_latency,
           {PipeAction::Kind::kArriveInBanks, static_cast<uint16_t>(barrier_index(warp, op)), kWarpLanes, 0});
      } else {
        warp.markers.push_back({warp.state.copies.issued(), barrier_index(warp, op), now});
      }
      proceed(warp, now + 1, WarpStall::kFixedLatency);
      break;
    case OpKind::kTma:
      box(warp, op, now);
      break;
    case OpKind::kGather:
      gather(warp, op, now);
      break;
    case OpKind::kArrive:
      counts_.lsu_wavefronts += spec_.synchronisation.arrive_wavefronts;
      pipe_.push(now + 1, spec_.synchronisation.arrive_wavefronts,
                 {PipeAction::Kind::kArrive, static_cast<uint16_t>(barrier_index(warp, op)), op.count, 0});
      warp.hold_scoreboard(op.reads, now + dispatch_cycles(spec_, op));
      proceed(warp, now + 1, WarpStall::kFixedLatency);
      break;
    case OpKind::kExpect:
      expect(warp, op, now);
      break;
    case OpKind::kNamedSync:
    case OpKind::kNamedArrive:
      named(index, op, now);
      break;
    case OpKind::kMatrix:
      matrix(index, op, now);
      break;
    case OpKind::kFence:
      pipe_.push(now + 1, 1, {PipeAction::Kind::kFence, static_cast<uint16_t>(index),
                              warp.state.accessed ? spec_.synchronisation.fence_access_cycles : 0, 0});
      block(warp, WarpStall::kFence);
      break;
    case OpKind::kExit:
      end_warp(index, now);
      break;
    default:
      wait(index, op, now);
  }
}

void EventSm::wait(uint32_t index, const Op& op, Cycle now) {
  EventWarp& warp = warps_[index];
  switch (op.kind) {
    case OpKind::kWait: {
      Barrier& barrier = barriers_[barrier_index(warp, op)];
      warp.wanted = warp.state.phases_wanted(op);
      if (barrier.state.phases >= warp.wanted) {
        proceed(warp, now + wait_left(spec_.synchronisation, op), WarpStall::kBarrierWait);
      } else {
        barrier.waiting.push_back(index);
        warp.looked = op.looked;
        block(warp, WarpStall::kBarrierWait);
      }
      break;
    }
    case OpKind::kCopyWait:
      warp.wanted = warp.state.copies_wanted(op.count);
      if (warp.state.copies.retired() >= warp.wanted) {
        proceed(warp, now + spec_.copy.group_cycles, WarpStall::kCopyWait);
      } else {
        block(warp, WarpStall::kCopyWait);
      }
      break;
    case OpKind::kLoadWait:
      warp.wanted = warp.state.loads.issued() - std::min<uint64_t>(op.count, warp.state.loads.issued());
      if (warp.state.loads.retired() >= warp.wanted) {
        proceed(warp, now + 1, WarpStall::kGlobalLoad);
      } else {
        block(warp, WarpStall::kGlobalLoad);
      }
      break;
    case OpKind::kMatrixWait: {
      const uint64_t batches = matrix_.batches(warp.warpgroup);
      warp.wanted = batches - std::min<uint64_t>(op.count, batches);
      const Cycle known = matrix_.known_end(warp.warpgroup, warp.wanted);
      if (known != kNever) {
        proceed(warp, std::max(now + 1, known), WarpStall::kMatrixWait);
      } else {
        matrix_waiting_.push_back(index);
        block(warp, WarpStall::kMatrixWait);
      }
      break;
    }
    default:
      throw InternalError("an operation of a warp program has no effect");
  }
}

void EventSm::access_shared(uint32_t index, const Op& op, Cycle now) {
  EventWarp& warp = warps_[index];
  const uint32_t wavefronts = access_wavefronts(spec_.shared_memory, op);
  counts_.lsu_wavefronts += wavefronts;
  if (op.kind == OpKind::kSharedLoad && op.dependent) {
    pipe_.push(now + 1, wavefronts, {PipeAction::Kind::kLoad, static_cast<uint16_t>(index), 0, 0});
    block(warp, WarpStall::kSharedMemory);
  } else {
    pipe_.push(now + 1, wavefronts, {});
    proceed(warp, now + 1, WarpStall::kFixedLatency);
  }
}

void EventSm::shuffle(uint32_t index, const Op& op, Cycle now) {
  EventWarp& warp = warps_[index];
  ++counts_.math[static_cast<std::size_t>(MathKind::kShfl)];
  const bool awaited = op.dependent && op.sets == 0;
  if (awaited || op.sets > 0) {
    pipe_.push(now + 1, 1, {PipeAction::Kind::kShuffle, static_cast<uint16_t>(index), op.sets, 0});
    if (op.sets > 0) {
      ++warp.shuffles[op.sets - 1];
    }
  } else {
    pipe_.push(now + 1, 1, {});
  }
  if (awaited) {
    block(warp, WarpStall::kSharedMemory);
  } else {
    proceed(warp, now + std::max<uint32_t>(op.stall, 1), WarpStall::kFixedLatency);
  }
}

void EventSm::send_loads(Cycle now) {
  if (key_cycle_ != now) {
    key_cycle_ = now;
    key_index_ = 0;
  }
  for (; !loads_.empty() && loads_out_ < loads_limit_; ++loads_out_) {
    loads_.front().key = request_key(now, Source::kLsu, key_index_++);
    memory_->request(loads_.front(), now);
    loads_.pop_front();
  }
}

void EventSm::access_global(uint32_t index, const Op& op, Cycle now) {
  EventWarp& warp = warps_[index];
  const bool load = op.kind == OpKind::kGlobalLoad;
  if (key_cycle_ != now) {
    key_cycle_ = now;
    key_index_ = 0;
  }
  LineRequest request;
  request.sm = static_cast<uint16_t>(index_);
  request.target = static_cast<uint16_t>(index);
  request.client = load ? Client::kLoad : Client::kStore;
  request.instruction = warp.state.loads.issued();
  uint32_t lines = 0;
  for_each_line(op, warp.state.streams[op.stream], [&](uint64_t line, uint32_t bytes, uint8_t sectors) {
    request.line = line;
    request.bytes = bytes;
    request.sectors = sectors;
    const auto count = static_cast<uint32_t>(std::popcount(sectors));
    (load ? counts_.sectors_requested : counts_.sectors_stored) += count;
    counts_.lines_requested += load ? 1 : 0;
    if (load) {
      loads_.push_back(request);
    } else {
      request.key = request_key(now, Source::kLsu, key_index_++);
      memory_->request(request, now);
    }
    ++lines;
  });
  send_loads(now);
  warp.state.streams[op.stream].position += positions_of(op);
  if (!load) {
    proceed(warp, now + 1, WarpStall::kFixedLatency);
    return;
  }
  warp.state.loads.issue(lines + 1);
  if (op.dependent) {
    warp.wanted = warp.state.loads.issued();
    block(warp, WarpStall::kGlobalLoad);
  } else {
    proceed(warp, now + 1, WarpStall::kFixedLatency);
  }
}

void EventSm::copy(uint32_t index, const Op& op, Cycle now) {
  EventWarp& warp = warps_[index];
  Stream& stream = warp.state.streams[op.stream];
  uint32_t lines = 0;
  for_each_line(op, stream, [&](uint64_t, uint32_t, uint8_t) { ++lines; });
  if (lines_out_ + lines > spec_.copy.outstanding_lines && !mutated(Mutation::kCapacityIgnored)) {
    capacity_waiting_.push_back(index);
    warp.reason = WarpStall::kCopyCapacity;
    warp.ready = kNever;
    return;
  }
  if (key_cycle_ != now) {
    key_cycle_ = now;
    key_index_ = 0;
  }
  LineRequest request;
  request.sm = static_cast<uint16_t>(index_);
  request.target = static_cast<uint16_t>(index);
  request.client = Client::kCopy;
  request.wavefronts = op.wavefronts;
  request.instruction = warp.state.copies.issue(lines + 1);
  for_each_line(op, stream, [&](uint64_t line, uint32_t bytes, uint8_t sectors) {
    request.line = line;
    request.bytes = bytes;
    request.sectors = sectors;
    request.key = request_key(now, Source::kLsu, key_index_++);
    counts_.sectors_requested += static_cast<uint32_t>(std::popcount(sectors));
    memory_->request(request, now);
  });
  counts_.lines_requested += lines;
  lines_out_ += lines;
  stream.position += positions_of(op);
  pipe_.push(now + 1, spec_.copy.pipe_cycles, {});
  proceed(warp, now + 1, WarpStall::kFixedLatency);
}

// What a box or a row of the gather engine asks of memory: a line every `line_sixteenths` sixteenths of a cycle.
void EventSm::request_lines(EventWarp& warp, const Op& op, Cycle begin, uint64_t line_sixteenths, Source source) {
  Stream& stream = warp.state.streams[op.stream];
  LineRequest request;
  request.sm = static_cast<uint16_t>(index_);
  request.target = static_cast<uint16_t>(barrier_index(warp, op));
  uint64_t place = 0;
  for_each_line(op, stream, [&](uint64_t line, uint32_t bytes, uint8_t sectors) {
    const Cycle cycle = begin + place++ * line_sixteenths / 16;
    request.line = line;
    request.bytes = bytes;
    request.sectors = sectors;
    request.key = request_key(cycle, source, 0);
    counts_.sectors_requested += static_cast<uint32_t>(std::popcount(sectors));
    memory_->request(request, cycle);
  });
  ++counts_.tma_boxes;
  stream.position += positions_of(op);
}

void EventSm::box(EventWarp& warp, const Op& op, Cycle now) {
  Stream& stream = warp.state.streams[op.stream];
  uint32_t lines = 0;
  for_each_line(op, stream, [&](uint64_t, uint32_t, uint8_t) { ++lines; });
  const arch::TmaSpec& tma = spec_.tma;
  const Cycle own = op.tensor ? tma.tensor_box_cycles : tma.bulk_box_cycles;
  const Cycle span = std::max(own, static_cast<Cycle>(divide_up(uint64_t{lines} * tma.line_sixteenths, 16)));
  const Cycle begin = tma_.start(now + tma.box_latency, span);
  counts_.lines_requested += lines;
  request_lines(warp, op, begin, tma.line_sixteenths, Source::kTma);
  proceed(warp, now + 1, WarpStall::kFixedLatency);
}

void EventSm::gather(EventWarp& warp, const Op& op, Cycle now) {
  Stream& stream = warp.state.streams[op.stream];
  const arch::GatherEngineSpec& engine = spec_.gather_engine;
  TILEWRIGHT_CHECK(engine.present, "a warp program asks for a gather engine that the machine does not have");
  const uint64_t lines_per_row = divide_up(op.bytes, kLineBytes);
  const uint64_t line_sixteenths = std::max<uint64_t>(engine.row_sixteenths / lines_per_row, 16);
  uint64_t lines = 0;
  for_each_line(op, stream, [&](uint64_t, uint32_t, uint8_t) { ++lines; });
  const Cycle span = std::max<Cycle>(engine.request_cycles, divide_up(lines * line_sixteenths, 16));
  const Cycle begin = engine_.start(now + engine.request_latency, span);
  counts_.lines_requested += lines;
  request_lines(warp, op, begin, line_sixteenths, Source::kGatherEngine);
  proceed(warp, now + 1, WarpStall::kFixedLatency);
}

// The bytes count from now, so that no copy can be faster than its announcement.
void EventSm::expect(EventWarp& warp, const Op& op, Cycle now) {
  Barrier& barrier = barriers_[barrier_index(warp, op)];
  barrier.state.bytes += op.bytes;
  barrier.unwritten += op.bytes;
  counts_.lsu_wavefronts += spec_.synchronisation.arrive_wavefronts;
  pipe_.push(now + 1, spec_.synchronisation.arrive_wavefronts,
             {PipeAction::Kind::kArrive, static_cast<uint16_t>(barrier_index(warp, op)), 1, 0});
  proceed(warp, now + 1, WarpStall::kFixedLatency);
}

void EventSm::named(uint32_t index, const Op& op, Cycle now) {
  EventWarp& warp = warps_[index];
  Named& barrier = named_[warp.cta * kernel_->shape.named_barriers + op.barrier];
  const Cycle taken = std::max(now, mutated(Mutation::kNamedUnitFree) ? 0 : named_free_) + spec_.synchronisation.named_cycles_per_warp;
  named_free_ = taken;
  const uint32_t expected = op.count;
  if (op.kind == OpKind::kNamedSync) {
    barrier.waiting.push_back(index);
    block(warp, WarpStall::kNamedBarrier);
  } else {
    proceed(warp, now + 1, WarpStall::kFixedLatency);
  }
  barrier.counted = std::max(
      barrier.counted, taken + (op.kind == OpKind::kNamedArrive ? spec_.synchronisation.named_arrive_latency : 0));
  if (++barrier.arrived == expected) {
    for (const uint32_t waiting : barrier.waiting) {
      wake(warps_[waiting], barrier.counted + spec_.synchronisation.named_latency);
    }
    barrier = {};
  }
}

void EventSm::matrix(uint32_t index, const Op& op, Cycle now) {
  EventWarp& warp = warps_[index];
  constexpr uint32_t kWarpsOfWarpgroup = 4;
  counts_.instructions += op.count - 1;
  if (++matrix_arrived_[warp.warpgroup] == kWarpsOfWarpgroup) {
    matrix_.offer(warp.warpgroup, op, now);
  }
  block(warp, WarpStall::kMatrixIssue);
}

}  // namespace tilewright::gpu
