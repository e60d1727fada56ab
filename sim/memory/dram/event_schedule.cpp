// SPDX-License-Identifier: Apache-2.0
//
// The rules of docs/dram.md as EventDramChannel computes them.
#include <algorithm>
#include <bit>

#include "sim/memory/dram/event_channel.h"

namespace tilewright::memory {

// Performs every command up to and including cycle `last`.
void EventDramChannel::advance(Cycle last, std::vector<DramCompletion>& done) {
  while (undecided_ <= last) {
    if (direction_due_) {
      change_direction();
    }
    if (row_dirty_) {
      find_row(undecided_);
    }
    const Cycle other =
        std::min({row_cycle_, next_opened_, refresh_due_});  // that may change column commands
    const Cycle next = std::min(column_cycle_, other);
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
      now = issue_columns(next, last + 1, done);
    }
    issue_row_if_due(now, column_issued);
    undecided_ = now + 1;
  }
  undecided_ = std::max(undecided_, last + 1);
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
  for (uint32_t group = 0; group < spec_.bank_groups; ++group) {
    find_candidate(group);
  }
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
    Bank& bank = banks_[static_cast<uint32_t>(std::countr_zero(left))];
    record.precharge = std::max(record.precharge, bank.precharge_ready);
    bank.hit[0] = bank.hit[1] = kNone;
    ++record.closed;
  }
  for (Bank& bank : banks_) {
    bank.closed_for_run = false;
  }
  if (record.closed != 0) {
    all_precharged_ = record.precharge + spec_.t_rp;
    open_ = mutation_ == Mutation::kRowOpenAfterRefresh ? open_ : 0;
  }
  hits_[0] = hits_[1] = opening_ = 0;
  opening_count_ = candidates_ = 0;
  oldest_ = second_oldest_ = kNone;
  next_opened_ = column_cycle_ = kNever;
  record.issue = std::max({refresh_due_, all_precharged_, refresh_end_});
  refresh_end_ = record.issue + spec_.t_rfc;
  activate_ready_ = std::max(activate_ready_, refresh_end_);
  row_dirty_ = true;
  statistics_.precharges += record.closed;
  ++statistics_.refreshes;
  statistics_.refresh_cycles += refresh_end_ - refresh_due_;
  refresh_due_ += spec_.t_refi;
}

// tRCD has passed since the oldest activate that was not yet usable.
inline void EventDramChannel::open_banks(Cycle now) {
  while (opening_count_ != 0 && opening_list_[opening_first_].ready <= now) {
    const uint32_t bank = opening_list_[opening_first_].bank;
    opening_first_ = (opening_first_ + 1) % kMaxBanks;
    --opening_count_;
    opening_ &= ~bit(bank);
    find_candidate(banks_[bank].group);
  }
  next_opened_ = opening_count_ == 0 ? kNever : opening_list_[opening_first_].ready;
  find_column();
}

// Finds the oldest run that hits an open row in the group.
inline void EventDramChannel::find_candidate(uint32_t index) {
  Group& group = groups_[index];
  group.age = kNoAge;
  for (uint64_t left = hits_[writing_] & ~opening_ & group.banks; left != 0; left &= left - 1) {
    const auto bank = static_cast<uint32_t>(std::countr_zero(left));
    const uint64_t age = runs_[banks_[bank].hit[writing_]].age;
    if (age < group.age) {
      group.age = age;
      group.bank = bank;
    }
  }
  const uint32_t mask = uint32_t{1} << index;
  candidates_ = group.age == kNoAge ? candidates_ & ~mask : candidates_ | mask;
  rank_candidates();
}

inline void EventDramChannel::rank_candidates() {
  uint64_t first = kNoAge;
  uint64_t second = kNoAge;
  oldest_ = second_oldest_ = kNone;
  for (uint32_t left = candidates_; left != 0; left &= left - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(left));
    const uint64_t age = groups_[index].age;
    if (age < first) {
      second = first;
      second_oldest_ = oldest_;
      first = age;
      oldest_ = index;
    } else if (age < second) {
      second = age;
      second_oldest_ = index;
    }
  }
}

// Rule 4: the earliest cycle from undecided_ on in which a column command may go, and the oldest that may go
// then.
inline void EventDramChannel::find_column() {
  if (oldest_ == kNone) {
    column_cycle_ = kNever;
    return;
  }
  const bool write = writing_;
  column_cycle_ = std::max(column_ready_[write], undecided_);
  column_group_ = oldest_;
  if (groups_[oldest_].column_ready[write] <= column_cycle_) {
    return;
  }
  if (second_oldest_ != kNone && groups_[second_oldest_].column_ready[write] <= column_cycle_) {
    column_group_ = second_oldest_;
    return;
  }
  find_column_among_all();
}

void EventDramChannel::find_column_among_all() {
  const Cycle any = column_cycle_;
  column_cycle_ = kNever;
  uint64_t age = kNoAge;
  for (uint32_t left = candidates_; left != 0; left &= left - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(left));
    const Group& group = groups_[index];
    const Cycle ready = std::max(any, group.column_ready[writing_]);
    if (ready < column_cycle_ || (ready == column_cycle_ && group.age < age)) {
      column_cycle_ = ready;
      column_group_ = index;
      age = group.age;
    }
  }
}

// Row commands in cycles before `last`, while column commands go every `step` cycles from `column` to `last`.
// They have no effect on those: banks that are precharged have no run that hits, and what is activated is not
// usable before.
inline void EventDramChannel::issue_rows_before(Cycle last, Cycle column, Cycle step) {
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

// Issues the column command that is due now and all those that certainly follow it before `limit`, up to the
// last burst of a run: one bank group alone, or the two oldest in turn. Returns the cycle of the last.
inline Cycle EventDramChannel::issue_columns(Cycle now, Cycle limit, std::vector<DramCompletion>& done) {
  const bool write = writing_;
  const uint32_t bank = groups_[column_group_].bank;
  const uint32_t run = banks_[bank].hit[write];
  const Cycle near = spec_.t_ccd_short;
  Cycle step = spec_.t_ccd_long;
  uint64_t count = 1;  // commands, of which every other goes to the second bank
  uint32_t second_bank = 0;
  uint32_t second_run = kNone;
  limit = mutation_ == Mutation::kRunPastOpening ? limit : std::min(limit, next_opened_);
  limit = mutation_ == Mutation::kRunPastRefresh ? limit : std::min(limit, refresh_due_);
  if (row_cycle_ != kNever && mutation_ != Mutation::kRunPastRow) {
    limit = std::min(limit, row_cycle_ + spec_.t_rcd);
  }
  if (limit > now + near) {
    const uint64_t left = runs_[run].bursts_left;
    if (second_oldest_ == kNone || (step == near && column_group_ == oldest_)) {
      count = std::min((limit - 1 - now) / step + 1, left);
    } else if (alternates_ && (column_group_ == oldest_ || column_group_ == second_oldest_)) {
      const Group& second = groups_[column_group_ ^ oldest_ ^ second_oldest_];
      if (second.column_ready[write] <= now + near) {
        second_bank = second.bank;
        second_run = banks_[second_bank].hit[write];
        step = near;
        count = std::min((limit - 1 - now) / near + 1, 2 * left - 1);
        count = std::min(count, uint64_t{2} * runs_[second_run].bursts_left);
      }
    }
  }
  const Cycle last = now + (count - 1) * step;
  if (row_cycle_ < last) {
    issue_rows_before(last, now, step);
  }
  if (second_run == kNone || count == 1) {
    send_bursts(bank, run, count, last);
  } else {
    const bool second_ends = count % 2 == 0;
    send_bursts(bank, run, (count + 1) / 2, second_ends ? last - near : last);
    send_bursts(second_bank, second_run, count / 2, second_ends ? last : last - near);
  }
  column_ready_[0] = last + channel_gap_[write][0];
  column_ready_[1] = last + channel_gap_[write][1];
  last_data_end_ = last + data_end_[write];
  undecided_ = last + 1;
  if (runs_[run].bursts_left == 0) {
    complete_run(bank, run, last, done);
  } else if (second_run != kNone && runs_[second_run].bursts_left == 0) {
    complete_run(second_bank, second_run, last, done);
  }
  find_column();
  return last;
}

inline void EventDramChannel::send_bursts(uint32_t bank_index, uint32_t run, uint64_t bursts, Cycle last) {
  Bank& bank = banks_[bank_index];
  Group& group = groups_[bank.group];
  group.column_ready[0] = last + group_gap_[writing_][0];
  group.column_ready[1] = last + group_gap_[writing_][1];
  bank.precharge_ready = std::max(bank.precharge_ready, last + precharge_gap_[writing_]);
  if (bank.opened != Opened::kHit) {
    ++(bank.opened == Opened::kMiss ? statistics_.row_misses : statistics_.row_conflicts);
    bank.opened = Opened::kHit;
  }
  bursts_[writing_] += bursts;
  runs_[run].bursts_left -= static_cast<uint32_t>(bursts);
}

inline void EventDramChannel::complete_run(uint32_t bank_index, uint32_t run, Cycle now,
                                           std::vector<DramCompletion>& done) {
  const uint32_t index = runs_[run].transaction;
  remove_run(bank_index, run);
  find_candidate(banks_[bank_index].group);
  Transaction& transaction = transactions_[index];
  if (--transaction.runs_left != 0) {
    return;
  }
  done.push_back({transaction.tag, last_data_end_, writing_});
  transaction.next_free = free_transaction_;
  free_transaction_ = index;
  --queued_[writing_];
  direction_due_ = direction_changes();
  if (queued_[0] + queued_[1] == 0) {
    statistics_.queue_cycles += now + 1 - queue_since_;
  }
}

void EventDramChannel::append_run(uint32_t bank_index, uint32_t run, bool write) {
  Bank& bank = banks_[bank_index];
  const bool wanted = row_wanted(bank_index);
  const uint32_t tail = bank.tail[write];
  (tail == kNone ? bank.head[write] : runs_[tail].next) = run;
  bank.tail[write] = run;
  work_[write] |= bit(bank_index);
  if ((open_ & bit(bank_index)) != 0 && bank.hit[write] == kNone && bank.row == runs_[run].row) {
    bank.hit[write] = run;
    hits_[write] |= bit(bank_index);
    if (write == writing_) {
      find_candidate(bank.group);
      find_column();
    }
  }
  row_dirty_ = row_dirty_ || wanted != row_wanted(bank_index);
}

inline void EventDramChannel::remove_run(uint32_t bank_index, uint32_t run) {
  Bank& bank = banks_[bank_index];
  const uint32_t previous = runs_[run].previous;
  const uint32_t next = runs_[run].next;
  (previous == kNone ? bank.head[writing_] : runs_[previous].next) = next;
  (next == kNone ? bank.tail[writing_] : runs_[next].previous) = previous;
  bank.hit[writing_] = first_hit(bank, next);
  if (bank.hit[writing_] == kNone) {
    hits_[writing_] &= ~bit(bank_index);
    if (bank.head[writing_] == kNone) {
      work_[writing_] &= ~bit(bank_index);
    } else {
      row_dirty_ = true;
    }
  }
  runs_[run].next = free_run_;
  free_run_ = run;
}

inline uint32_t EventDramChannel::first_hit(const Bank& bank, uint32_t from) const {
  while (from != kNone && runs_[from].row != bank.row) {
    from = runs_[from].next;
  }
  return from;
}

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

}  // namespace tilewright::memory
