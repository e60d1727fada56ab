// SPDX-License-Identifier: Apache-2.0
//
// The order of the rules of docs/dram.md, direction and refresh, as EventDramChannel computes them.
#include <algorithm>
#include <bit>

#include "sim/memory/dram/event_channel.h"

namespace tilewright::memory {

// Performs every command up to and including cycle `last`.
void EventDramChannel::advance(Cycle last, std::vector<DramCompletion>& done) {
  while (undecided_ <= last) {
    while (next_arrival_ == undecided_) {
      admit_next();
    }
    if (direction_due_) {
      change_direction();
    }
    if (row_dirty_) {
      find_row(undecided_);
    }
    if (next_opened_ <= undecided_) {
      open_banks(undecided_);
    }
    const Cycle other =
        std::min(std::min(row_cycle_, next_opened_), refresh_due_);  // that may change column commands
    const Cycle next = std::min(column_cycle_, other);
    if (next_arrival_ <= last && next_arrival_ <= next) {
      undecided_ = next_arrival_;  // more than undecided_ was
      continue;
    }
    if (next > last) {
      break;
    }
    if (refresh_due_ == next) {
      refresh();
      continue;
    }
    if (next_opened_ == next) {
      undecided_ = next;
      open_banks(next);
    }
    Cycle now = next;
    const bool column_issued = column_cycle_ == next;
    if (column_issued) {
      if (!planned_) {
        plan_columns(next);
      }
      if (can_wait(last)) {
        undecided_ = next;
        return;
      }
      now = issue_columns(next, last + 1, done);
    }
    issue_row_if_due(now, column_issued);
    undecided_ = now + 1;
  }
  undecided_ = std::max(undecided_, last + 1);
  if (next_opened_ <= last) {
    open_banks(undecided_);
  }
}

// `now` is the cycle of the last command that was issued or, if none was, of what else happened.
inline void EventDramChannel::issue_row_if_due(Cycle now, bool column_issued) {
  if (column_issued && !spec_.separate_row_bus) {
    row_dirty_ =
        row_dirty_ || row_cycle_ == now;  // the bus is taken; who may go next cycle is looked for then
    return;
  }
  if (row_dirty_) {
    find_row(now);
  }
  if (row_cycle_ == now) {
    issue_row(now);
  }
}

// Rule 3.
void EventDramChannel::change_direction() {
  direction_due_ = false;
  writing_ = !writing_;
  opening_age_ = opening_count_ == 0 ? UINT64_MAX : 0;
  find_column();
  row_dirty_ = true;
}

// Rule 2, whole: what happens between the due cycle and the end is certain, as no other command may go.
void EventDramChannel::refresh() {
  if (mutation_ == Mutation::kForgetIdleRefreshes && queued_[0] + queued_[1] == 0) {
    refresh_due_ += spec_.t_refi;
    return;
  }
  RefreshRecord& record = refresh_record_;
  record = {refresh_due_, refresh_due_, 0, 0, true};
  for (uint64_t left = open_; left != 0; left &= left - 1) {
    Bank& bank = banks_[static_cast<std::size_t>(std::countr_zero(left))];
    record.precharge = std::max(record.precharge, bank.precharge_ready);
    bank.hits[0] = bank.hits[1] = 0;
    ++record.closed;
  }
  for (Bank& bank : banks_) {
    bank.closed_for_run = false;
  }
  for (Group& group : groups_) {
    group.listed[0] = group.listed[1] = 0;
  }
  if (record.closed != 0) {
    all_precharged_ = record.precharge + spec_.t_rp;
    open_ = mutation_ == Mutation::kRowOpenAfterRefresh ? open_ : 0;
  }
  hits_[0] = hits_[1] = opening_ = 0;
  opening_count_ = 0;
  opening_age_ = UINT64_MAX;
  oldest_[0] = oldest_[1] = youngest_[0] = youngest_[1] = nullptr;
  next_opened_ = column_cycle_ = kNever;
  planned_ = false;
  record.issue = std::max({refresh_due_, all_precharged_, refresh_end_});
  refresh_end_ = record.issue + spec_.t_rfc;
  activate_ready_ = std::max(activate_ready_, refresh_end_);
  row_dirty_ = true;
  statistics_.precharges += record.closed;
  ++statistics_.refreshes;
  statistics_.refresh_cycles += refresh_end_ - refresh_due_;
  refresh_due_ += spec_.t_refi;
}

}  // namespace tilewright::memory
