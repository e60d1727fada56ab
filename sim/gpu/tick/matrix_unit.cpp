// SPDX-License-Identifier: Apache-2.0
//
// The matrix unit's part of a cycle: ends and takes, starts, and batches that have drained.
#include "sim/gpu/tick/sm.h"

namespace tilewright::gpu {

// The group that was taken from last while it asks without a long pause; else the one that was not for longest.
TickMatrixUnit::Group* TickSm::choose_group() {
  TickMatrixUnit& unit = matrix_;
  TickMatrixUnit::Group* waiting = nullptr;
  for (uint32_t g = 0; g < unit.groups.size(); ++g) {
    TickMatrixUnit::Group& group = unit.groups[g];
    if (g != unit.latest && group.to_take > 0 && group.until_next == 0 && (waiting == nullptr || group.taken < waiting->taken)) {
      waiting = &group;
    }
  }
  TickMatrixUnit::Group* chosen = waiting;
  if (!unit.groups.empty() && unit.groups[unit.latest].to_take > 0 && unit.groups[unit.latest].until_next == 0) {
    TickMatrixUnit::Group& latest = unit.groups[unit.latest];
    if (waiting == nullptr || latest.pause < spec_.matrix.takeover_cycles) {
      return &latest;
    }
  }
  if (chosen != nullptr) {
    unit.latest = static_cast<uint32_t>(chosen - unit.groups.data());
  }
  return chosen;
}

void TickSm::step_matrix() {
  TickMatrixUnit& unit = matrix_;
  if (unit.running && unit.elapsed == unit.duration) {
    unit.running = false;
    unit.since_end = 0;
    if (unit.queue.front().last) {
      unit.groups[unit.queue.front().warpgroup].draining.push_back(spec_.matrix.drain_cycles + 1);
    }
    unit.queue.pop_front();
  }
  while (unit.queue.size() < spec_.matrix.in_flight) {
    TickMatrixUnit::Group* const chosen = choose_group();
    if (chosen == nullptr) {
      break;
    }
    const auto warpgroup = static_cast<uint32_t>(chosen - unit.groups.data());
    if (chosen->place == 0) {
      chosen->found_idle = unit.queue.empty();
    }
    const bool chained =
        chosen->place == 1 && chosen->found_idle && chosen->since_taken < spec_.matrix.chain_window_cycles;
    chosen->taken = ++unit.takes;
    chosen->until_next = spec_.matrix.issue_cycles;
    chosen->pause = spec_.matrix.issue_cycles;
    chosen->since_taken = 0;
    const bool last = --chosen->to_take == 0;
    ++chosen->place;
    unit.queue.push_back({warpgroup, chained, 0, last && chosen->op.commits, chosen->op});
    if (last) {
      chosen->arrived = 0;
      for (uint32_t w = 0; w < warps_.size(); ++w) {
        if (warps_[w].alive && warps_[w].warpgroup == warpgroup) {
          wake(w, 0);
        }
      }
    }
  }
}

void TickSm::start_matrix() {
  TickMatrixUnit& unit = matrix_;
  if (unit.running || unit.queue.empty()) {
    return;
  }
  const TickMatrixUnit::Instruction& head = unit.queue.front();
  const uint32_t latency = head.op.from_registers ? spec_.matrix.start_register_cycles : spec_.matrix.start_shared_cycles;
  if (head.age < latency || (head.chained && unit.since_end < spec_.matrix.chain_cycles)) {
    return;
  }
  unit.duration = matrix_cycles(spec_.matrix, head.op);
  unit.running = true;
  unit.elapsed = 0;
  counts_.matrix_wavefronts += matrix_wavefronts(spec_.matrix, head.op);
  counts_.matrix_columns += head.op.columns;
  ++counts_.matrix_instructions;
}

// Warps learn of a batch's end when it has drained.
void TickSm::step_drains() {
  for (uint32_t g = 0; g < matrix_.groups.size(); ++g) {
    TickMatrixUnit::Group& group = matrix_.groups[g];
    for (uint32_t& left : group.draining) {
      --left;
    }
    while (!group.draining.empty() && group.draining.front() == 0) {
      group.draining.pop_front();
      ++group.over;
      for (uint32_t w = 0; w < warps_.size(); ++w) {
        TickWarp& warp = warps_[w];
        if (warp.alive && warp.blocked && warp.warpgroup == g && warp.reason == WarpStall::kMatrixWait &&
            group.over >= warp.wanted) {
          wake(w, 0);
        }
      }
    }
  }
}

}  // namespace tilewright::gpu
