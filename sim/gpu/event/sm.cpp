// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/event/sm.h"

#include <fmt/format.h>

namespace tilewright::gpu {

EventSm::EventSm(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, uint32_t index)
    : sc_core::sc_module(name), spec_(spec), index_(index), matrix_("matrix_unit", spec) {
  for (uint32_t c = 0; c < spec.sub_core.count; ++c) {
    cores_.push_back(std::make_unique<EventSubCore>(fmt::format("sub_core_{}", c).c_str(), spec, warps_, ctas_));
  }
}

void EventSm::reset(const Kernel& kernel, uint32_t ctas_resident) {
  kernel_ = &kernel;
  const auto slots = std::size_t{ctas_resident};
  warps_.assign(slots * kernel.shape.warps.size(), {});
  ctas_.assign(slots, {});
  resident_.assign(slots, {});
  barriers_per_cta_ = static_cast<uint32_t>(kernel.shape.barrier_counts.size());
  barriers_.assign(slots * barriers_per_cta_, {});
  named_.assign(slots * kernel.shape.named_barriers, {});
  for (const auto& core : cores_) {
    core->reset();
  }
  pipe_.reset();
  matrix_.reset(static_cast<uint32_t>(slots) * kernel.shape.warpgroups);
  matrix_arrived_.assign(slots * kernel.shape.warpgroups, 0);
  tma_.reset();
  engine_.reset();
  matrix_waiting_.clear();
  capacity_waiting_.clear();
  inbox_.clear();
  deliveries_.clear();
  effects_ = {};
  launches_.clear();
  port_free_ = fill_free_ = named_free_ = fence_free_ = 0;
  lines_out_ = 0;
  loads_.clear();
  loads_out_ = 0;
  loads_limit_ = mutated(Mutation::kLoadRoomIgnored) ? UINT32_MAX : load_lines(spec_, kernel.shape, ctas_resident);
  key_cycle_ = kNever;
  counts_ = {};
}

void EventSm::launch(uint32_t slot, uint32_t cta, Cycle begin) { launches_.push_back({begin, {slot, cta}}); }

void EventSm::take_launches(Cycle now) {
  for (std::size_t i = 0; i < launches_.size();) {
    if (launches_[i].first != now) {
      ++i;
      continue;
    }
    const uint32_t slot = launches_[i].second.first, cta = launches_[i].second.second;
    launches_.erase(launches_.begin() + static_cast<std::ptrdiff_t>(i));
    const CtaShape& shape = kernel_->shape;
    const auto count = static_cast<uint32_t>(shape.warps.size());
    ctas_[slot] = {index_, now, 0, {}, {}};
    resident_[slot] = {count, cta};
    for (uint32_t b = 0; b < barriers_per_cta_; ++b) {
      barriers_[slot * barriers_per_cta_ + b] = Barrier{BarrierState(shape.barrier_counts[b]), 0, 0, {}};
    }
    for (uint32_t g = 0; g < shape.warpgroups; ++g) {
      matrix_.clear_warpgroup(slot * shape.warpgroups + g, now);
    }
    for (uint32_t w = 0; w < count; ++w) {
      const WarpRole& role = shape.warps[w];
      const uint32_t index = slot * count + w;
      EventWarp& warp = warps_[index];
      warp = EventWarp();
      warp.state.start(kernel_->programs[role.program], role, kernel_->ctas[cta]);
      warp.role = role.role;
      warp.cta = slot;
      warp.warpgroup = role.warpgroup == kNone ? kNone : slot * shape.warpgroups + role.warpgroup;
      warp.accounted = now;
      EventSubCore& core = *cores_[w % cores_.size()];
      core.settle(warp, now, WarpStall::kFixedLatency);
      core.add(index);
    }
  }
}

void EventSm::deliver(const LineRequest& request, Cycle arrival) {
  std::size_t place = inbox_.size();
  while (place > 0 && (inbox_[place - 1].cycle > arrival ||
                       (inbox_[place - 1].cycle == arrival && inbox_[place - 1].request.key > request.key))) {
    --place;
  }
  inbox_.insert(inbox_.begin() + static_cast<std::ptrdiff_t>(place), Arrival{arrival, request});
}

Cycle EventSm::next_moment() const {
  Cycle next = std::min(pipe_.next(), matrix_.next());
  if (!inbox_.empty()) {
    next = std::min(next, inbox_.front().cycle);
  }
  if (!deliveries_.empty()) {
    next = std::min(next, deliveries_.front().cycle);
  }
  if (!effects_.empty()) {
    next = std::min(next, effects_.top().cycle);
  }
  for (const auto& launch : launches_) {
    next = std::min(next, launch.first);
  }
  return next;
}

Cycle EventSm::run(Cycle now) {
  const Cycle end = now + spec_.global_path.return_latency;
  for (;;) {
    const Cycle moment_due = next_moment();
    Cycle cycle = moment_due;
    for (const auto& core : cores_) {
      cycle = std::min(cycle, core->bound());
    }
    const Cycle limit = std::min(cycle, end);
    // Whether the matrix unit runs is the same in all cycles before its next moment.
    for (const auto& core : cores_) {
      core->advance(limit, matrix_.active(limit - 1));
    }
    if (cycle >= end) {
      return cycle;
    }
    if (moment_due == cycle) {
      moment(cycle);
    }
    issue(cycle);
  }
}

// Phase 1.
void EventSm::moment(Cycle now) {
  pipe_.progress(now);
  take_launches(now);
  if (matrix_.next() <= now) {
    matrix_.act(now, released_);
    pipe_.set_use(matrix_.use());
    for (const uint32_t group : released_) {
      matrix_arrived_[group] = 0;
      for (EventWarp& warp : warps_) {
        if (warp.warpgroup == group) {
          wake(warp, now);
        }
      }
    }
    released_.clear();
    std::erase_if(matrix_waiting_, [&](uint32_t index) {
      EventWarp& warp = warps_[index];
      const Cycle known = matrix_.known_end(warp.warpgroup, warp.wanted);
      if (known != kNever) {
        wake(warp, std::max(known, now));
      }
      return known != kNever;
    });
  }
  for (PipeAction action; pipe_.take(action);) {
    complete(action, now);
  }
  while (!effects_.empty() && effects_.top().cycle == now) {
    const PipeAction action = effects_.top().action;
    effects_.pop();
    apply(action, now);
  }
  take_arrivals(now);
}

void EventSm::take_arrivals(Cycle now) {
  while (!inbox_.empty() && inbox_.front().cycle == now) {
    Arrival arrival = inbox_.front();
    inbox_.pop_front();
    const Cycle start = std::max(now * 16, port_free_);
    arrival.cycle = start / 16;
    port_free_ = start + (mutated(Mutation::kPortFree) ? 0 : line_sixteenths(spec_.global_path, arrival.request.client));
    deliveries_.push_back(arrival);
  }
  while (!deliveries_.empty() && deliveries_.front().cycle == now) {
    const LineRequest request = deliveries_.front().request;
    deliveries_.pop_front();
    deliver_line(request, now);
  }
}

void EventSm::deliver_line(const LineRequest& request, Cycle now) {
  if (request.client == Client::kLoad) {
    at(now + spec_.global_path.load_latency, {PipeAction::Kind::kLoadRoom, request.target, 0, 0});
    EventWarp& warp = warps_[request.target];
    if (--warp.state.loads.lines_left(request.instruction) == 1) {
      at(now + spec_.global_path.load_latency, {PipeAction::Kind::kLoad, request.target, 0, request.instruction});
    }
    return;
  }
  PipeAction action;
  if (request.client == Client::kTma) {
    counts_.tma_wavefronts += request.wavefronts;
    Barrier& barrier = barriers_[request.target];
    barrier.unwritten -= request.bytes;
    barrier.written += request.bytes;
    if (barrier.unwritten == 0) {
      action = {PipeAction::Kind::kBytes, request.target, barrier.written, 0};
      barrier.written = 0;
    }
  } else {
    counts_.copy_wavefronts += request.wavefronts;
    --lines_out_;
    for (const uint32_t waiting : capacity_waiting_) {
      wake(warps_[waiting], now + 1);
    }
    capacity_waiting_.clear();
    if (--warps_[request.target].state.copies.lines_left(request.instruction) == 1) {
      action = {PipeAction::Kind::kCopy, request.target, 0, request.instruction};
    }
  }
  fill_free_ = (mutated(Mutation::kFillsOverlap) ? now : std::max(now, fill_free_)) + request.wavefronts;
  if (action.kind != PipeAction::Kind::kNothing) {
    complete(action, fill_free_);
  }
}

// A last wavefront was or will be served in the cycle before `now`.
void EventSm::complete(const PipeAction& action, Cycle now) {
  const arch::SynchronisationSpec& synchronisation = spec_.synchronisation;
  switch (action.kind) {
    case PipeAction::Kind::kLoad:
      wake(warps_[action.target], now + spec_.shared_memory.load_latency);
      break;
    case PipeAction::Kind::kArrive:
      at(now + synchronisation.arrive_latency, action);
      break;
    case PipeAction::Kind::kShuffle:
      finish_shuffle(warps_[action.target], action.amount, now + shuffle_latency(spec_));
      break;
    case PipeAction::Kind::kFence: {
      fence_free_ = (mutated(Mutation::kFenceFree) ? now : std::max(now, fence_free_)) + synchronisation.fence_cycles_per_warp;
      wake(warps_[action.target], fence_free_ + synchronisation.fence_latency + action.amount);
      break;
    }
    case PipeAction::Kind::kBytes:
      at(now + spec_.tma.complete_latency, action);
      break;
    default:
      at(now + spec_.copy.complete_latency, action);
  }
}

// The result is there in cycle `free`: of a shuffle that its warp stands at, or on a scoreboard.
void EventSm::finish_shuffle(EventWarp& warp, uint32_t scoreboard, Cycle free) {
  if (scoreboard == 0) {
    wake(warp, free);
    return;
  }
  --warp.shuffles[scoreboard - 1];
  warp.hold_scoreboard(static_cast<uint8_t>(scoreboard), free);
  if (warp.known_ready != kNever) {
    wake(warp, warp.known_ready);
  }
}

// Here a kLoad is one from global memory.
void EventSm::apply(const PipeAction& action, Cycle now) {
  switch (action.kind) {
    case PipeAction::Kind::kLoad: {
      EventWarp& warp = warps_[action.target];
      warp.state.loads.lines_left(action.instruction) = 0;
      if (warp.state.loads.retire() && warp.is_blocked() && warp.reason == WarpStall::kGlobalLoad &&
          warp.state.loads.retired() >= warp.wanted) {
        wake(warp, now);
      }
      break;
    }
    case PipeAction::Kind::kLoadRoom:
      --loads_out_;
      send_loads(now);
      break;
    case PipeAction::Kind::kArriveInBanks:
      counts_.lsu_wavefronts += spec_.synchronisation.arrive_wavefronts;
      pipe_.push(now, spec_.synchronisation.arrive_wavefronts, {PipeAction::Kind::kArrive, action.target, action.amount, 0});
      break;
    case PipeAction::Kind::kArrive:
      update_barrier(action.target, action.amount, 0, now);
      break;
    case PipeAction::Kind::kBytes:
      update_barrier(action.target, 0, action.amount, now);
      break;
    default:
      warps_[action.target].state.copies.lines_left(action.instruction) = 0;
      retire_copies(action.target, now);
  }
}

void EventSm::retire_copies(uint32_t index, Cycle now) {
  EventWarp& warp = warps_[index];
  if (!warp.state.copies.retire()) {
    return;
  }
  const uint64_t retired = warp.state.copies.retired();
  if (warp.is_blocked() && warp.reason == WarpStall::kCopyWait && retired >= warp.wanted) {
    wake(warp, now);
  }
  while (!warp.markers.empty() && warp.markers.front().copies <= retired) {
    const EventWarp::Marker marker = warp.markers.front();
    warp.markers.pop_front();
    at(std::max(marker.issued + spec_.synchronisation.copy_arrive_latency, now + 1),
       {PipeAction::Kind::kArriveInBanks, static_cast<uint16_t>(marker.barrier), kWarpLanes, 0});
  }
}

void EventSm::update_barrier(uint32_t index, uint32_t arrivals, uint32_t bytes, Cycle now) {
  Barrier& barrier = barriers_[index];
  if (!barrier.state.update(arrivals, bytes)) {
    return;
  }
  if (index % barriers_per_cta_ == kernel_->shape.progress_barrier) {
    ctas_[index / barriers_per_cta_].progress.push_back(now);
  }
  const arch::SynchronisationSpec& synchronisation = spec_.synchronisation;
  std::erase_if(barrier.waiting, [&](uint32_t waiting) {
    EventWarp& warp = warps_[waiting];
    const bool over = barrier.state.phases >= warp.wanted;
    if (over) {
      const Cycle asked = warp.last_issue - 1 + synchronisation.wait_look_cycles;
      wake(warp, now + warp.looked <= asked
                     ? warp.last_issue - 1 + synchronisation.wait_cycles - warp.looked
                     : now + synchronisation.wake_cycles - (mutated(Mutation::kWakeEarly) ? 1 : 0));
    }
    return over;
  });
}

// The operation that the warp waited in is over; for a copy without room it is tried again.
void EventSm::wake(EventWarp& warp, Cycle ready) {
  const uint32_t core = static_cast<uint32_t>(&warp - warps_.data()) % static_cast<uint32_t>(kernel_->shape.warps.size()) %
                        static_cast<uint32_t>(cores_.size());
  cores_[core]->settle(warp, std::max(ready, warp.accounted), warp.reason);
}

// Phase 3.
void EventSm::issue(Cycle now) {
  const bool beside_matrix = matrix_.active(now);
  for (const auto& core : cores_) {
    const uint32_t index = core->select(now);
    if (index == EventSubCore::kNobody) {
      continue;
    }
    EventWarp& warp = warps_[index];
    if (is_private(warp.state.op().kind)) {
      core->issue_private(warp, now, beside_matrix);
    } else {
      core->issue_visible(warp, now, beside_matrix);
      execute(index, now);
    }
  }
}

void EventSm::end_warp(uint32_t index, Cycle now) {
  EventWarp& warp = warps_[index];
  const auto count = static_cast<uint32_t>(kernel_->shape.warps.size());
  cores_[index % count % cores_.size()]->remove(index);
  warp.ready = kNever;
  warp.warpgroup = kNone;
  Resident& resident = resident_[warp.cta];
  if (--resident.warps_left == 0) {
    ctas_[warp.cta].end = now + 1;
    dispatch_->finished(index_, warp.cta, now + 1);
  }
}

void EventSm::collect(GpuResult& result) const {
  GpuCounts& counts = result.counts;
  matrix_.collect(counts);
  counts.lsu_wavefronts += counts_.lsu_wavefronts;
  counts.copy_wavefronts += counts_.copy_wavefronts;
  counts.tma_wavefronts += counts_.tma_wavefronts;
  counts.tma_boxes += counts_.tma_boxes;
  counts.lines_requested += counts_.lines_requested;
  counts.instructions += counts_.instructions;
  counts.sectors_requested += counts_.sectors_requested;
  counts.sectors_stored += counts_.sectors_stored;
  counts.math[static_cast<std::size_t>(MathKind::kShfl)] += counts_.math[static_cast<std::size_t>(MathKind::kShfl)];
  for (const auto& core : cores_) {
    for (std::size_t r = 0; r < core->roles.size(); ++r) {
      result.roles[r].issued += core->roles[r].issued;
      counts.instructions += core->roles[r].issued;
      for (std::size_t s = 0; s < kWarpStallCount; ++s) {
        result.roles[r].stalls[s] += core->roles[r].stalls[s];
      }
    }
    for (std::size_t k = 0; k < core->math.size(); ++k) {
      counts.math[k] += core->math[k];
    }
  }
}

std::string EventSm::describe_state() const {
  std::string text;
  for (std::size_t w = 0; w < warps_.size(); ++w) {
    const EventWarp& warp = warps_[w];
    if (warp.state.program != nullptr && warp.state.op().kind != OpKind::kExit) {
      text += fmt::format("sm {} warp {} of '{}' at operation {}: {}\n", index_, w, warp.state.program->name, warp.state.pc,
                          gpu::name(warp.reason));
    }
  }
  return text;
}

}  // namespace tilewright::gpu
