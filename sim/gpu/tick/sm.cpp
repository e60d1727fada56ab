// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/tick/sm.h"

#include <fmt/format.h>

namespace tilewright::gpu {

// `taken`: the matrix unit has the banks in this cycle.
void TickSharedMemory::serve(bool taken) {
  through.clear();
  if (taken || queue.empty()) {
    return;
  }
  if (--queue.front().wavefronts == 0) {
    through.push_back(queue.front().then);
    queue.pop_front();
  }
}

TickSm::TickSm(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, uint32_t index)
    : sc_core::sc_module(name), spec_(spec), index_(index) {
  for (uint32_t c = 0; c < spec.sub_core.count; ++c) {
    cores_.push_back(std::make_unique<TickSubCore>(fmt::format("sub_core_{}", c).c_str()));
  }
}

void TickSm::reset(const Kernel& kernel, uint32_t ctas_resident) {
  kernel_ = &kernel;
  const auto slots = std::size_t{ctas_resident};
  warps_.assign(slots * kernel.shape.warps.size(), {});
  ctas_.assign(slots, {});
  resident_.assign(slots, {});
  barriers_per_cta_ = static_cast<uint32_t>(kernel.shape.barrier_counts.size());
  barriers_.assign(slots * barriers_per_cta_, {});
  named_.assign(slots * kernel.shape.named_barriers, {});
  for (const auto& core : cores_) {
    core->busy.fill(0);
    core->last = UINT32_MAX;
    core->bank.fill(0);
    core->slot.fill(0);
    core->held = core->others = core->keeper = 0;
  }
  for (TickSharedMemory* queue : {&shared_, &fills_}) {
    queue->queue.clear();
    queue->through.clear();
  }
  matrix_.groups.assign(slots * kernel.shape.warpgroups, {});
  matrix_.queue.clear();
  matrix_.running = false;
  matrix_.elapsed = matrix_.since_end = 0;
  matrix_.takes = 0;
  matrix_.latest = 0;
  for (TickBoxUnit* unit : {&tma_, &engine_}) {
    unit->queue.clear();
    unit->running = false;
  }
  launches_.clear();
  effects_.clear();
  inbox_.clear();
  port_queue_.clear();
  port_debt_ = 0;
  named_queue_.clear();
  releases_.clear();
  fence_queue_.clear();
  fence_left_ = 0;
  capacity_waiting_.clear();
  lines_out_ = 0;
  load_queue_.clear();
  loads_in_l1_ = 0;
  l1_lines_ = load_lines(spec_, kernel.shape, ctas_resident);
  roles_ = {};
  counts_ = {};
}

void TickSm::step(Cycle now) {
  count_down();
  take_launches(now);
  step_matrix();
  step_drains();
  complete_wavefronts(shared_);
  complete_wavefronts(fills_);
  std::stable_sort(due_.begin(), due_.end(), [](const TickEffect& a, const TickEffect& b) { return a.target < b.target; });
  for (const TickEffect& effect : due_) {
    apply(effect, now);
  }
  due_.clear();
  take_arrivals(now);
  start_matrix();
  serve_banks();
  issue(now);
  step_units(now);
}

void TickSm::count_down() {
  for (TickWarp& warp : warps_) {
    warp.pause -= warp.pause > 0 ? 1 : 0;
    for (uint32_t& left : warp.scoreboards) {
      left -= left > 0 ? 1 : 0;
    }
    ++warp.since_issue;
    for (TickWarp::Marker& marker : warp.markers) {
      ++marker.age;
    }
  }
  for (const auto& core : cores_) {
    for (uint32_t& busy : core->busy) {
      busy -= std::min(busy, 16U);
    }
    for (uint32_t& left : core->fresh) {
      left -= left > 0 ? 1 : 0;
    }
    for (uint32_t* left : {&core->bank[0], &core->bank[1], &core->slot[0], &core->slot[1], &core->held, &core->others}) {
      *left -= *left > 0 ? 1 : 0;
    }
  }
  std::erase_if(effects_, [&](TickEffect& effect) {
    const bool now = --effect.left == 0;
    if (now) {
      due_.push_back(effect);
    }
    return now;
  });
  port_debt_ -= std::min(port_debt_, 16U);
  for (TickMatrixUnit::Instruction& instruction : matrix_.queue) {
    ++instruction.age;
  }
  for (TickMatrixUnit::Group& group : matrix_.groups) {
    group.until_next -= group.until_next > 0 ? 1 : 0;
    ++group.since_taken;
  }
  ++matrix_.since_end;
  key_index_ = 0;
}

void TickSm::take_launches(Cycle now) {
  std::erase_if(launches_, [&](Launch& launch) {
    if (launch.left-- > 0) {
      return false;
    }
    const CtaShape& shape = kernel_->shape;
    ctas_[launch.slot] = {index_, now, 0, {}, {}};
    resident_[launch.slot] = {static_cast<uint32_t>(shape.warps.size()), launch.cta};
    for (uint32_t b = 0; b < barriers_per_cta_; ++b) {
      barriers_[launch.slot * barriers_per_cta_ + b] = Barrier{BarrierState(shape.barrier_counts[b]), {}};
    }
    for (uint32_t g = 0; g < shape.warpgroups; ++g) {
      matrix_.groups[launch.slot * shape.warpgroups + g] = {};
    }
    for (uint32_t w = 0; w < shape.warps.size(); ++w) {
      const WarpRole& role = shape.warps[w];
      TickWarp& warp = warps_[launch.slot * shape.warps.size() + w];
      warp = TickWarp();
      warp.alive = true;
      warp.state.start(kernel_->programs[role.program], role, kernel_->ctas[launch.cta]);
      warp.role = role.role;
      warp.cta = launch.slot;
      warp.warpgroup = role.warpgroup == kNone ? kNone : launch.slot * shape.warpgroups + role.warpgroup;
    }
    return true;
  });
}

void TickSm::complete_wavefronts(const TickSharedMemory& served) {
  for (TickEffect effect : served.through) {
    switch (effect.kind) {
      case TickEffect::Kind::kNothing:
        continue;
      case TickEffect::Kind::kWake:
        wake(effect.target, spec_.shared_memory.load_latency);
        continue;
      case TickEffect::Kind::kShuffle:
        finish_shuffle(effect);
        continue;
      case TickEffect::Kind::kFence:
        if (fence_queue_.empty()) {
          fence_left_ = spec_.synchronisation.fence_cycles_per_warp;
        }
        fence_queue_.push_back({effect.target, effect.amount});
        continue;
      case TickEffect::Kind::kArrive:
        effect.left = spec_.synchronisation.arrive_latency;
        break;
      case TickEffect::Kind::kBytes:
        effect.left = spec_.tma.complete_latency;
        break;
      default:
        effect.left = spec_.copy.complete_latency;
    }
    effects_.push_back(effect);
  }
}

void TickSm::finish_shuffle(const TickEffect& effect) {
  TickWarp& warp = warps_[effect.target];
  if (effect.amount == 0) {
    wake(effect.target, shuffle_latency(spec_));
    return;
  }
  --warp.shuffles[effect.amount - 1];
  warp.hold_scoreboard(static_cast<uint8_t>(effect.amount), shuffle_latency(spec_));
}

void TickSm::apply(const TickEffect& effect, Cycle now) {
  switch (effect.kind) {
    case TickEffect::Kind::kArriveInBanks:
      counts_.lsu_wavefronts += spec_.synchronisation.arrive_wavefronts;
      shared_.queue.push_back({spec_.synchronisation.arrive_wavefronts,
                               {TickEffect::Kind::kArrive, 0, effect.target, effect.amount, 0}});
      break;
    case TickEffect::Kind::kArrive:
      update_barrier(effect.target, effect.amount, 0, now);
      break;
    case TickEffect::Kind::kBytes:
      update_barrier(effect.target, 0, effect.amount, now);
      break;
    case TickEffect::Kind::kCopyLine:
      --warps_[effect.target].state.copies.lines_left(effect.instruction);
      retire_copies(effect.target);
      break;
    case TickEffect::Kind::kLoadLine: {
      --loads_in_l1_;
      send_loads(now);
      TickWarp& warp = warps_[effect.target];
      --warp.state.loads.lines_left(effect.instruction);
      if (warp.state.loads.retire() && warp.blocked && warp.reason == WarpStall::kGlobalLoad &&
          warp.state.loads.retired() >= warp.wanted) {
        wake(effect.target, 0);
      }
      break;
    }
    default:
      break;
  }
}

void TickSm::retire_copies(uint32_t index) {
  TickWarp& warp = warps_[index];
  if (!warp.state.copies.retire()) {
    return;
  }
  const uint64_t retired = warp.state.copies.retired();
  if (warp.blocked && warp.reason == WarpStall::kCopyWait && retired >= warp.wanted) {
    wake(index, 0);
  }
  const arch::SynchronisationSpec& synchronisation = spec_.synchronisation;
  while (!warp.markers.empty() && warp.markers.front().copies <= retired) {
    const uint32_t age = warp.markers.front().age;
    const uint32_t rest = synchronisation.copy_arrive_latency > age ? synchronisation.copy_arrive_latency - age : 0;
    effects_.push_back(
        {TickEffect::Kind::kArriveInBanks, std::max(rest, 1U), warp.markers.front().barrier, kWarpLanes, 0});
    warp.markers.pop_front();
  }
}

void TickSm::update_barrier(uint32_t index, uint32_t arrivals, uint32_t bytes, Cycle now) {
  Barrier& barrier = barriers_[index];
  if (!barrier.state.update(arrivals, bytes)) {
    return;
  }
  if (index % barriers_per_cta_ == kernel_->shape.progress_barrier) {
    ctas_[index / barriers_per_cta_].progress.push_back(now);
  }
  std::erase_if(barrier.waiting, [&](uint32_t waiting) {
    if (barrier.state.phases < warps_[waiting].wanted) {
      return false;
    }
    const arch::SynchronisationSpec& synchronisation = spec_.synchronisation;
    const uint32_t asked = warps_[waiting].since_issue + warps_[waiting].looked;
    wake(waiting, asked <= synchronisation.wait_look_cycles ? synchronisation.wait_cycles - asked
                                                            : synchronisation.wake_cycles);
    return true;
  });
}

void TickSm::take_arrivals(Cycle now) {
  while (!inbox_.empty() && inbox_.begin()->first.first == now) {
    port_queue_.push_back(inbox_.begin()->second);
    inbox_.erase(inbox_.begin());
  }
  while (!port_queue_.empty() && port_debt_ < 16) {
    const LineRequest request = port_queue_.front();
    port_queue_.pop_front();
    port_debt_ += line_sixteenths(spec_.global_path, request.client);
    deliver_line(request);
  }
}

void TickSm::deliver_line(const LineRequest& request) {
  switch (request.client) {
    case Client::kLoad:
      effects_.push_back(
          {TickEffect::Kind::kLoadLine, spec_.global_path.load_latency, request.target, 0, request.instruction});
      break;
    case Client::kTma:
      counts_.tma_wavefronts += request.wavefronts;
      fills_.queue.push_back({request.wavefronts, {TickEffect::Kind::kBytes, 0, request.target, request.bytes, 0}});
      break;
    default:
      counts_.copy_wavefronts += request.wavefronts;
      --lines_out_;
      for (const uint32_t waiting : capacity_waiting_) {
        wake(waiting, 1);
      }
      capacity_waiting_.clear();
      fills_.queue.push_back(
          {request.wavefronts, {TickEffect::Kind::kCopyLine, 0, request.target, 0, request.instruction}});
  }
}

// Phase 2: the matrix unit has its wavefronts spread evenly over the cycles of its instruction.
void TickSm::serve_banks() {
  bool taken = false;
  if (matrix_.running) {
    const Op& op = matrix_.queue.front().op;
    const uint64_t cycles = matrix_.duration, wavefronts = bank_cycles(spec_.matrix, op, cycles);
    taken = (matrix_.elapsed + 1) * wavefronts / cycles > matrix_.elapsed * wavefronts / cycles;
    ++matrix_.elapsed;
    ++counts_.matrix_cycles;
  }
  shared_.serve(taken);
  fills_.serve(false);
}

// Units that take one warp or box at a time, at the end of the cycle.
void TickSm::step_units(Cycle now) {
  for (Named& barrier : named_) {
    barrier.hold -= barrier.hold > 0 ? 1 : 0;
  }
  std::erase_if(releases_, [&](NamedArrival& release) {
    if (--release.left > 0) {
      return false;
    }
    for (const uint32_t waiting : release.release) {
      wake(waiting, spec_.synchronisation.named_latency + 1);
    }
    return true;
  });
  if (!named_queue_.empty() && --named_queue_.front().left == 0) {
    NamedArrival taken = std::move(named_queue_.front());
    named_queue_.pop_front();
    uint32_t& hold = named_[taken.barrier].hold;
    hold = std::max(hold, taken.late ? spec_.synchronisation.named_arrive_latency : 0U);
    if (taken.completes && hold == 0) {
      for (const uint32_t waiting : taken.release) {
        wake(waiting, spec_.synchronisation.named_latency + 1);
      }
    } else if (taken.completes) {
      taken.left = std::exchange(hold, 0);
      releases_.push_back(std::move(taken));
    }
  }
  if (!fence_queue_.empty() && --fence_left_ == 0) {
    const Fence fence = fence_queue_.front();
    wake(fence.warp, spec_.synchronisation.fence_latency + fence.more + 1);
    fence_queue_.pop_front();
    fence_left_ = spec_.synchronisation.fence_cycles_per_warp;
  }
  step_boxes(tma_, Source::kTma, now);
  step_boxes(engine_, Source::kGatherEngine, now);
}

void TickSm::step_boxes(TickBoxUnit& unit, Source source, Cycle now) {
  if (!unit.running && !unit.queue.empty() && unit.queue.front().latency_left == 0) {
    unit.running = true;
    unit.elapsed = 0;
    unit.sent = 0;
  }
  for (TickBoxUnit::Box& box : unit.queue) {
    box.latency_left -= box.latency_left > 0 ? 1 : 0;
  }
  if (!unit.running) {
    return;
  }
  TickBoxUnit::Box& box = unit.queue.front();
  while (unit.sent < box.lines.size() && unit.sent * box.sixteenths < (unit.elapsed + 1) * 16) {
    LineRequest& request = box.lines[unit.sent++];
    request.key = request_key(now, source, 0);
    memory->request(request, now);
  }
  if (++unit.elapsed == box.span) {
    unit.queue.pop_front();
    unit.running = false;
  }
}

void TickSm::collect(GpuResult& result) const {
  GpuCounts& counts = result.counts;
  for (std::size_t k = 0; k < counts.math.size(); ++k) {
    counts.math[k] += counts_.math[k];
  }
  counts.lsu_wavefronts += counts_.lsu_wavefronts;
  counts.copy_wavefronts += counts_.copy_wavefronts;
  counts.tma_wavefronts += counts_.tma_wavefronts;
  counts.matrix_wavefronts += counts_.matrix_wavefronts;
  counts.matrix_cycles += counts_.matrix_cycles;
  counts.matrix_instructions += counts_.matrix_instructions;
  counts.matrix_columns += counts_.matrix_columns;
  counts.tma_boxes += counts_.tma_boxes;
  counts.lines_requested += counts_.lines_requested;
  counts.instructions += counts_.instructions;
  counts.sectors_requested += counts_.sectors_requested;
  counts.sectors_stored += counts_.sectors_stored;
  for (std::size_t r = 0; r < roles_.size(); ++r) {
    result.roles[r].issued += roles_[r].issued;
    counts.instructions += roles_[r].issued;
    for (std::size_t s = 0; s < kWarpStallCount; ++s) {
      result.roles[r].stalls[s] += roles_[r].stalls[s];
    }
  }
}

}  // namespace tilewright::gpu
