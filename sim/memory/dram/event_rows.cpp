// SPDX-License-Identifier: Apache-2.0
//
// Rule 5 of docs/dram.md, row commands, as EventDramChannel computes it.
#include <algorithm>
#include <bit>

#include "sim/memory/dram/event_channel.h"

namespace tilewright::memory {
namespace {

constexpr uint64_t kNoAge = UINT64_MAX;

}  // namespace

// Rule 5, from cycle `from` on.
void EventDramChannel::find_row(Cycle from) {
  row_dirty_ = false;
  row_cycle_ = kNever;
  row_age_ = kNoAge;
  uint64_t age = kNoAge;
  const Cycle floor = std::max(from, row_bus_ready_);
  const Cycle activate_floor = std::max({floor, activate_ready_, recent_activates_[activate_count_ % 4]});
  for (uint64_t left = work_[writing_] & ~hits_[writing_]; left != 0; left &= left - 1) {
    Bank& bank = banks_[static_cast<std::size_t>(std::countr_zero(left))];
    const Cycle ready = (open_ & bank.bit) != 0
                            ? std::max(floor, bank.precharge_ready)
                            : std::max({activate_floor, bank.activate_ready, bank.group->activate_ready});
    const uint64_t run_age = bank.head[writing_]->age;
    row_age_ = std::min(row_age_, run_age);
    if (ready > row_cycle_) {
      continue;
    }
    if (ready < row_cycle_ || run_age < age) {
      row_cycle_ = ready;
      row_bank_ = &bank;
      age = run_age;
    }
  }
}

void EventDramChannel::issue_row(Cycle now) {
  Bank& bank = *row_bank_;
  row_bus_ready_ = now + 1;
  row_dirty_ = true;
  if ((open_ & bank.bit) == 0) {
    activate(bank, now);
    return;
  }
  // No run of this direction hits the row, but some of the other may.
  const bool other = !writing_;
  Run* run = bank.head[other];
  for (uint32_t left = bank.hits[other]; left != 0; run = run->next) {
    if (run->row == bank.row) {
      unlist_candidate(run, other);
      --left;
    }
  }
  bank.hits[other] = 0;
  open_ &= ~bank.bit;
  hits_[other] &= ~bank.bit;
  bank.closed_for_run = true;
  bank.activate_ready = now + spec_.t_rp;
  all_precharged_ = bank.activate_ready;
  ++statistics_.precharges;
}

void EventDramChannel::activate(Bank& bank, Cycle now) {
  bank.row = bank.head[writing_]->row;
  bank.opened = bank.closed_for_run ? Opened::kConflict : Opened::kMiss;
  bank.precharge_ready = std::max(bank.precharge_ready, now + spec_.t_ras);
  open_ |= bank.bit;
  opening_ |= bank.bit;
  for (const bool write : {false, true}) {
    uint32_t hits = 0;
    for (const Run* run = bank.head[write]; run != nullptr; run = run->next) {
      hits += run->row == bank.row ? 1 : 0;
    }
    bank.hits[write] = hits;
    hits_[write] |= hits != 0 ? bank.bit : 0;
  }
  opening_list_[(opening_first_ + opening_count_) % kMaxBanks] = {now + spec_.t_rcd, &bank};
  ++opening_count_;
  next_opened_ = opening_list_[opening_first_].ready;
  opening_age_ = std::min(opening_age_, bank.head[writing_]->age);
  activate_ready_ = std::max(activate_ready_, now + spec_.t_rrd_short);
  bank.group->activate_ready = now + spec_.t_rrd_long;
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
