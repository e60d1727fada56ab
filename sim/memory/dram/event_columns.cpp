// SPDX-License-Identifier: Apache-2.0
//
// Rule 4 of docs/dram.md, column commands, as EventDramChannel computes it: many at once where they follow for certain.
#include <algorithm>
#include <bit>

#include "sim/memory/dram/event_channel.h"

namespace tilewright::memory {

// tRCD has passed since the oldest activate that was not yet usable.
void EventDramChannel::open_banks(Cycle now) {
  while (opening_count_ != 0 && opening_list_[opening_first_].ready <= now) {
    const uint32_t bank = opening_list_[opening_first_].bank;
    opening_first_ = (opening_first_ + 1) % kMaxBanks;
    --opening_count_;
    opening_ &= ~bit(bank);
    find_candidate(banks_[bank].group);
  }
  rank_candidates();
  next_opened_ = opening_count_ == 0 ? kNever : opening_list_[opening_first_].ready;
  find_column();
}

// Finds the oldest run that hits an open row in the group; rank_candidates() must follow.
void EventDramChannel::find_candidate(uint32_t index) {
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
}

void EventDramChannel::rank_candidates() {
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
void EventDramChannel::find_column() {
  planned_ = false;
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

// What follows the column command that is due at `now` if nothing else happens.
EventDramChannel::ColumnRun EventDramChannel::plan_columns(Cycle now) const {
  const bool write = writing_;
  const Cycle near = spec_.t_ccd_short;
  ColumnRun plan;
  plan.bank = groups_[column_group_].bank;
  plan.run = banks_[plan.bank].hit[write];
  plan.step = spec_.t_ccd_long;
  const uint64_t left = runs_[plan.run].bursts_left;
  if (second_oldest_ == kNone || (plan.step == near && column_group_ == oldest_)) {
    plan.most = left;
    plan.full = plan.step == near;
  } else if (alternates_ && (column_group_ == oldest_ || column_group_ == second_oldest_)) {
    const Group& second = groups_[column_group_ ^ oldest_ ^ second_oldest_];
    if (second.column_ready[write] <= now + near) {
      plan.second_bank = second.bank;
      plan.second_run = banks_[second.bank].hit[write];
      plan.step = near;
      plan.most = std::min(2 * left - 1, uint64_t{2} * runs_[plan.second_run].bursts_left);
      plan.full = true;
    }
  }
  plan.last = now + (plan.most - 1) * plan.step;
  return plan;
}

// Whether the planned column commands go as planned though a transaction arrives meanwhile: it turns no direction, and
// as the youngest gets no slot. `more_writes`: those that arrive before it.
bool EventDramChannel::harmless(const DramTransaction& arriving, uint32_t more_writes, const ColumnRun& plan) const {
  if (arriving.write != writing_) {
    return writing_ ? queued_[1] > spec_.write_low_watermark
                    : queued_[1] + more_writes + 1 < spec_.write_high_watermark;
  }
  return plan.full;
}

// Queues what arrives while the planned commands go and does not change them; returns the cycle before which they go.
inline Cycle EventDramChannel::admit_during(const ColumnRun& plan, Cycle now, Cycle limit) {
  while (next_arrival_ < limit && next_arrival_ <= plan.last) {  // later ones may find the direction changed
    if (!harmless(arrivals_[arrivals_first_].transaction, 0, plan) && mutation_ != Mutation::kRunPastArrival) {
      return next_arrival_;
    }
    const Cycle arrival = next_arrival_;
    if (row_cycle_ < arrival) {
      issue_rows_before(arrival, now, plan.step);
    }
    admit_next();
    if (row_dirty_) {
      find_row(arrival);
      limit = std::min(limit, limit_of_rows());
    }
  }
  return limit;
}

// Issues the column command that is due now and all those that certainly follow it before `limit`, up to the
// last burst of a run. Returns the cycle of the last.
Cycle EventDramChannel::issue_columns(Cycle now, Cycle limit, std::vector<DramCompletion>& done) {
  const bool write = writing_;
  const ColumnRun plan = planned_ ? plan_ : plan_columns(now);
  uint64_t count = 1;
  limit = mutation_ == Mutation::kRunPastOpening ? limit : std::min(limit, next_opened_);
  limit = mutation_ == Mutation::kRunPastRefresh ? limit : std::min(limit, refresh_due_);
  limit = std::min(limit, limit_of_rows());
  if (plan.most > 1) {
    limit = admit_during(plan, now, limit);
    if (limit > now + plan.step) {
      count = std::min((limit - 1 - now) / plan.step + 1, plan.most);
    }
  }
  const Cycle last = now + (count - 1) * plan.step;
  if (row_cycle_ < last) {
    issue_rows_before(last, now, plan.step);
  }
  if (count == 1 || plan.second_run == kNone) {
    send_bursts(plan.bank, plan.run, count, last);
  } else {
    const bool second_ends = count % 2 == 0;
    send_bursts(plan.bank, plan.run, (count + 1) / 2, second_ends ? last - plan.step : last);
    send_bursts(plan.second_bank, plan.second_run, count / 2, second_ends ? last : last - plan.step);
  }
  column_ready_[0] = last + channel_gap_[write][0];
  column_ready_[1] = last + channel_gap_[write][1];
  last_data_end_ = last + data_end_[write];
  undecided_ = last + 1;
  if (runs_[plan.run].bursts_left == 0) {
    complete_run(plan.bank, plan.run, last, done);
  } else if (plan.second_run != kNone && runs_[plan.second_run].bursts_left == 0) {
    complete_run(plan.second_bank, plan.second_run, last, done);
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
  rank_candidates();
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

}  // namespace tilewright::memory
