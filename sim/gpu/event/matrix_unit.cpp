// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/event/matrix_unit.h"

namespace tilewright::gpu {

void EventMatrixUnit::reset(uint32_t warpgroups) {
  groups_.assign(warpgroups, {});
  queue_.clear();
  running_ = false;
  use_ = {};
  last_end_ = 0;
  takes_ = offers_ = 0;
  latest_ = 0;
  next_ = kNever;
  counts_ = {};
}

void EventMatrixUnit::offer(uint32_t warpgroup, const Op& op, Cycle now) {
  Group& group = groups_[warpgroup];
  if (group.op.commits) {
    ++group.offered;
    group.place = 0;
  }
  group.op = op;
  group.to_take = op.count;
  group.next_at = now + 1;
  ++offers_;
  next_ = std::min(next_, now + 1);
}

void EventMatrixUnit::act(Cycle now, std::vector<uint32_t>& released) {
  if (running_ && use_.end <= now) {
    const Taken& done = queue_.front();
    running_ = false;
    last_end_ = use_.end;
    if (done.last) {
      Group& group = groups_[done.warpgroup];
      ++group.ended;
      group.ends.push_back(use_.end + spec_.matrix.drain_cycles);
      if (group.ends.size() > 8) {
        group.ends.pop_front();
      }
    }
    queue_.pop_front();
  }
  take(now, released);
  start(now);
  find_next(now);
}

// Stays with a warpgroup that asks unless it paused while another waits; then takes who has waited longest.
uint32_t EventMatrixUnit::choose(Cycle now) {
  uint32_t other = kNobody;
  for (uint32_t g = 0; g < groups_.size(); ++g) {
    if (g != latest_ && asks(groups_[g], now) && (other == kNobody || groups_[g].last_taken < groups_[other].last_taken)) {
      other = g;
    }
  }
  const Group& group = groups_[latest_];
  if (asks(group, now)) {
    const Cycle pause = group.next_at - group.taken_at;
    if (pause < spec_.matrix.takeover_cycles || other == kNobody || mutated(Mutation::kMatrixNeverTakenOver)) {
      return latest_;
    }
  }
  return other;
}

void EventMatrixUnit::take(Cycle now, std::vector<uint32_t>& released) {
  while (offers_ > 0 && queue_.size() < room()) {
    const uint32_t chosen = choose(now);
    if (chosen == kNobody) {
      return;
    }
    latest_ = chosen;
    Group& group = groups_[chosen];
    if (group.place == 0) {
      group.found_idle = queue_.empty();
    }
    const bool chained = group.place == 1 && group.found_idle && now < group.taken_at + spec_.matrix.chain_window_cycles;
    group.last_taken = ++takes_;
    group.taken_at = now;
    group.next_at = now + (mutated(Mutation::kMatrixPaceIgnored) ? 0 : spec_.matrix.issue_cycles);
    const bool last = --group.to_take == 0;
    ++group.place;
    queue_.push_back({chosen, now, chained, last && group.op.commits, group.op});
    if (last) {
      --offers_;
      released.push_back(chosen);
    }
  }
}

void EventMatrixUnit::start(Cycle now) {
  if (running_ || queue_.empty()) {
    return;
  }
  const Taken& head = queue_.front();
  const arch::MatrixSpec& matrix = spec_.matrix;
  Cycle begin = std::max(now, head.at + (head.op.from_registers ? matrix.start_register_cycles : matrix.start_shared_cycles));
  if (head.chained && !mutated(Mutation::kMatrixChainIgnored)) {
    begin = std::max(begin, last_end_ + matrix.chain_cycles);
  }
  const Cycle cycles = matrix_cycles(matrix, head.op);
  use_ = {begin, begin + cycles, bank_cycles(matrix, head.op, cycles)};
  running_ = true;
  counts_.matrix_cycles += cycles;
  counts_.matrix_wavefronts += matrix_wavefronts(matrix, head.op);
  counts_.matrix_columns += head.op.columns;
  ++counts_.matrix_instructions;
}

void EventMatrixUnit::find_next(Cycle now) {
  next_ = !running_ ? kNever : use_.begin > now ? use_.begin : use_.end;
  for (std::size_t g = 0; g < groups_.size() && offers_ > 0 && queue_.size() < room(); ++g) {
    next_ = groups_[g].to_take > 0 ? std::min(next_, std::max(groups_[g].next_at, now + 1)) : next_;
  }
}

Cycle EventMatrixUnit::known_end(uint32_t warpgroup, uint64_t batches) const {
  const Group& group = groups_[warpgroup];
  if (group.ended < batches) {
    return kNever;
  }
  const uint64_t first = group.ended - group.ends.size();  // batches whose end was forgotten: long over
  return batches <= first ? 0 : group.ends[batches - first - 1];
}

void EventMatrixUnit::collect(GpuCounts& counts) const {
  counts.matrix_cycles += counts_.matrix_cycles;
  counts.matrix_wavefronts += counts_.matrix_wavefronts;
  counts.matrix_columns += counts_.matrix_columns;
  counts.matrix_instructions += counts_.matrix_instructions;
}

}  // namespace tilewright::gpu
