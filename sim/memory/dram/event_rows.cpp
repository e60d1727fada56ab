// SPDX-License-Identifier: Apache-2.0
//
// Rule 5 of docs/dram.md, row commands, as EventDramChannel computes it.
#include <algorithm>
#include <bit>

#include "sim/memory/dram/event_channel.h"

namespace tilewright::memory {

// Rule 5, from cycle `from` on.
void EventDramChannel::find_row(Cycle from) {
  row_dirty_ = false;
  row_cycle_ = kNever;
  uint64_t age = kNoAge;
  const Cycle floor = std::max(from, row_bus_ready_);
  const Cycle activate_floor = std::max({floor, activate_ready_, recent_activates_[activate_count_ % 4]});
  for (uint64_t left = work_[writing_] & ~hits_[writing_]; left != 0; left &= left - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(left));
    const Bank& bank = banks_[index];
    const Cycle ready =
        (open_ & bit(index)) != 0
            ? std::max(floor, bank.precharge_ready)
            : std::max({activate_floor, bank.activate_ready, groups_[bank.group].activate_ready});
    if (ready > row_cycle_) {
      continue;
    }
    const uint64_t run_age = runs_[bank.head[writing_]].age;
    if (ready < row_cycle_ || run_age < age) {
      row_cycle_ = ready;
      row_bank_ = index;
      age = run_age;
    }
  }
}

void EventDramChannel::issue_row(Cycle now) {
  Bank& bank = banks_[row_bank_];
  row_bus_ready_ = now + 1;
  row_dirty_ = true;
  if ((open_ & bit(row_bank_)) == 0) {
    activate(row_bank_, now);
    return;
  }
  open_ &= ~bit(row_bank_);
  hits_[0] &= ~bit(row_bank_);
  hits_[1] &= ~bit(row_bank_);
  bank.hit[0] = bank.hit[1] = kNone;
  bank.closed_for_run = true;
  bank.activate_ready = now + spec_.t_rp;
  all_precharged_ = bank.activate_ready;
  ++statistics_.precharges;
}

void EventDramChannel::activate(uint32_t index, Cycle now) {
  Bank& bank = banks_[index];
  bank.row = runs_[bank.head[writing_]].row;
  bank.opened = bank.closed_for_run ? Opened::kConflict : Opened::kMiss;
  bank.precharge_ready = std::max(bank.precharge_ready, now + spec_.t_ras);
  open_ |= bit(index);
  opening_ |= bit(index);
  for (int write : {0, 1}) {
    bank.hit[write] = first_hit(bank, bank.head[write]);
    if (bank.hit[write] != kNone) {
      hits_[write] |= bit(index);
    }
  }
  opening_list_[(opening_first_ + opening_count_) % kMaxBanks] = {now + spec_.t_rcd, index};
  ++opening_count_;
  next_opened_ = opening_list_[opening_first_].ready;
  activate_ready_ = std::max(activate_ready_, now + spec_.t_rrd_short);
  Group& group = groups_[bank.group];
  group.activate_ready = now + spec_.t_rrd_long;
  recent_activates_[activate_count_ % 4] = now + spec_.t_faw;
  ++activate_count_;
  ++statistics_.activates;
}

// Row commands in cycles before `last`, while column commands go every `step` cycles from `column` to `last`.
// They have no effect on those: banks that are precharged have no run that hits, and what is activated is not
// usable before.
void EventDramChannel::issue_rows_before(Cycle last, Cycle column, Cycle step) {
  while (row_cycle_ < last) {
    const Cycle now = row_cycle_;
    if (!spec_.separate_row_bus && now >= column && (now - column) % step == 0) {
      find_row(now + 1);
    } else {
      issue_row(now);
      find_row(now + 1);
    }
  }
}

}  // namespace tilewright::memory
