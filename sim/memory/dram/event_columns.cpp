// SPDX-License-Identifier: Apache-2.0
//
// Rule 4 of docs/dram.md, column commands, as EventDramChannel computes it: many at once where they follow
// for certain. The candidates (runs that hit a row that is open for use) are kept in one list by age; that
// the oldest of those whose bank group is ready is always the oldest of its bank makes the list enough.
#include <algorithm>

#include "sim/memory/dram/event_channel.h"

namespace tilewright::memory {

// tRCD has passed since the oldest activate that was not yet usable.
void EventDramChannel::open_banks(Cycle now) {
  while (opening_count_ != 0 && opening_list_[opening_first_].ready <= now) {
    const Bank& bank = *opening_list_[opening_first_].bank;
    opening_first_ = (opening_first_ + 1) % kMaxBanks;
    --opening_count_;
    opening_ &= ~bank.bit;
    for (const bool write : {false, true}) {
      uint32_t left = bank.hits[write];
      for (Run* run = bank.head[write]; left != 0; run = run->next) {
        if (run->row == bank.row) {
          list_candidate(run, write);
          --left;
        }
      }
    }
  }
  if (opening_count_ == 0) {
    next_opened_ = kNever;
    opening_age_ = UINT64_MAX;
  } else {
    next_opened_ = opening_list_[opening_first_].ready;
  }
  find_column();
}

// Mostly the youngest or nearly so.
void EventDramChannel::list_candidate(Run* run, bool write) {
  Run* older = youngest_[write];
  Run* younger = nullptr;
  while (older != nullptr && older->age > run->age) {
    younger = older;
    older = older->older;
  }
  run->older = older;
  run->younger = younger;
  (older == nullptr ? oldest_[write] : older->younger) = run;
  (younger == nullptr ? youngest_[write] : younger->older) = run;
  ++run->bank->group->listed[write];
}

void EventDramChannel::unlist_candidate(Run* run, bool write) {
  (run->older == nullptr ? oldest_[write] : run->older->younger) = run->younger;
  (run->younger == nullptr ? youngest_[write] : run->younger->older) = run->older;
  --run->bank->group->listed[write];
}

inline EventDramChannel::Run* EventDramChannel::oldest_of_other_group() const {
  Run* other = oldest_[writing_];
  const Group* const group = other->bank->group;
  do {
    other = other->younger;
  } while (other != nullptr && other->bank->group == group);
  return other;
}

// Rule 4: the earliest cycle from undecided_ on in which a column command may go, and the oldest that may go
// then.
void EventDramChannel::find_column() {
  planned_ = false;
  const bool write = writing_;
  Run* run = oldest_[write];
  if (run == nullptr) {
    column_cycle_ = kNever;
    return;
  }
  const Cycle any = std::max(column_ready_[write], undecided_);
  column_cycle_ = kNever;
  for (; run != nullptr; run = run->younger) {
    const Cycle ready = run->bank->group->column_ready[write];
    if (ready <= any) {
      column_cycle_ = any;
      column_run_ = run;
      return;
    }
    if (ready < column_cycle_) {
      column_cycle_ = ready;
      column_run_ = run;
    }
  }
}

// What follows the column command that is due at `now` if nothing else happens.
void EventDramChannel::plan_columns(Cycle now) {
  const bool write = writing_;
  const Cycle near = spec_.t_ccd_short;
  Run* const oldest = oldest_[write];
  Run* const other = oldest_of_other_group();
  plan_.run = column_run_;
  plan_.second = nullptr;
  plan_.step = spec_.t_ccd_long;
  plan_.most = 1;
  plan_.full = false;
  const uint64_t left = column_run_->bursts_left;
  if (other == nullptr || (plan_.step == near && column_run_ == oldest)) {
    plan_.most = left;
    plan_.full = plan_.step == near;
  } else if (alternates_ && (column_run_ == oldest || column_run_ == other)) {
    Run* const second = column_run_ == oldest ? other : oldest;
    if (second->bank->group->column_ready[write] <= now + near) {
      plan_.second = second;
      plan_.step = near;
      plan_.most = std::min(2 * left - 1, 2 * second->bursts_left);
      plan_.full = true;
    }
  }
  plan_.begun = now <= std::max(column_ready_[write], undecided_);
  if (plan_.full && plan_.begun) {
    plan_.barred = std::max(plan_.run->age, plan_.second == nullptr ? 0 : plan_.second->age);
  } else {
    plan_.barred = UINT64_MAX;
  }
  plan_.last = now + (plan_.most - 1) * plan_.step;
  planned_ = true;
}

// Queues what arrives while the planned commands go and does not change them; returns the cycle before which they go.
inline Cycle EventDramChannel::admit_during(Cycle now, Cycle limit) {
  while (next_arrival_ < limit && next_arrival_ <= plan_.last) {  // later ones may find the direction changed
    if (!harmless(arrivals_.front().transaction, 0) && mutation_ != Mutation::kRunPastArrival) {
      return next_arrival_;
    }
    const Cycle arrival = next_arrival_;
    if (row_cycle_ < arrival) {
      issue_rows_before(arrival, now, plan_.step);
    }
    admit_next();
    if (row_dirty_) {
      find_row(arrival);
      limit = std::min(limit, limit_of_rows(plan_.barred));
    }
  }
  return limit;
}

bool EventDramChannel::can_wait(Cycle last) const {
  if (plan_.last <= last || limit_of_plan() <= last) {
    return false;
  }
  uint32_t writes = 0;
  for (std::size_t i = 0; i < arrivals_.size() && arrivals_[i].cycle <= last; ++i) {
    if (!leaves_plan(arrivals_[i], writes)) {
      return false;
    }
    writes += arrivals_[i].transaction.write ? 1 : 0;
  }
  return true;
}

// Issues the column command that is due now and those that certainly follow it before `horizon`. Returns the
// cycle of the last.
Cycle EventDramChannel::issue_columns(Cycle now, Cycle horizon, std::vector<DramCompletion>& done) {
  if (!planned_) {
    plan_columns(now);
  }
  uint64_t count = 1;
  Cycle last = now;
  if (plan_.most > 1) {
    const Cycle limit = admit_during(now, std::min(horizon, limit_of_plan()));
    if (limit > plan_.last) {
      count = plan_.most;
      last = plan_.last;
    } else if (limit > now + plan_.step) {
      count = (limit - 1 - now) / plan_.step + 1;
      last = now + (count - 1) * plan_.step;
    }
  }
  if (row_cycle_ < last) {
    issue_rows_before(last, now, plan_.step);
  }
  Run* const run = plan_.run;
  Run* const second = plan_.second;
  if (count == 1 || second == nullptr) {
    send_bursts(run, count, last);
  } else {
    const bool second_ends = count % 2 == 0;
    send_bursts(run, (count + 1) / 2, second_ends ? last - plan_.step : last);
    send_bursts(second, count / 2, second_ends ? last : last - plan_.step);
  }
  set_bus(last);
  Run* const ended = run->bursts_left == 0 ? run : second;
  if (ended != nullptr && ended->bursts_left == 0) {
    complete_run(ended, last, done);
    return issue_single_bursts(last, horizon, done);
  }
  find_column();
  return last;
}

// Column commands that end their runs, as long as they are the next that happens: what is left of two runs in
// turn, and transactions of one burst. Returns the cycle of the last.
inline Cycle EventDramChannel::issue_single_bursts(Cycle last, Cycle horizon,
                                                   std::vector<DramCompletion>& done) {
  find_column();
  const Cycle limit = std::min(std::min(horizon, next_opened_), std::min(refresh_due_, next_arrival_));
  while (column_cycle_ < std::min(limit, row_cycle_) && !row_dirty_ && !direction_due_ &&
         column_run_->bursts_left == 1) {
    last = column_cycle_;
    Run* const run = column_run_;
    send_bursts(run, 1, last);
    set_bus(last);
    complete_run(run, last, done);
    find_column();
  }
  return last;
}

inline void EventDramChannel::set_bus(Cycle last) {
  column_ready_[0] = last + channel_gap_[writing_][0];
  column_ready_[1] = last + channel_gap_[writing_][1];
  last_data_end_ = last + data_end_[writing_];
  undecided_ = last + 1;
}

inline void EventDramChannel::send_bursts(Run* run, uint64_t bursts, Cycle last) {
  Bank& bank = *run->bank;
  bank.group->column_ready[0] = last + group_gap_[writing_][0];
  bank.group->column_ready[1] = last + group_gap_[writing_][1];
  bank.precharge_ready = std::max(bank.precharge_ready, last + precharge_gap_[writing_]);
  if (bank.opened != Opened::kHit) {
    ++(bank.opened == Opened::kMiss ? statistics_.row_misses : statistics_.row_conflicts);
    bank.opened = Opened::kHit;
  }
  run->bursts_left -= bursts;
}

inline void EventDramChannel::remove_run(Run* run) {
  Bank& bank = *run->bank;
  (run->previous == nullptr ? bank.head[writing_] : run->previous->next) = run->next;
  (run->next == nullptr ? bank.tail[writing_] : run->next->previous) = run->previous;
  unlist_candidate(run, writing_);
  if (--bank.hits[writing_] == 0) {
    hits_[writing_] &= ~bank.bit;
    if (bank.head[writing_] == nullptr) {
      work_[writing_] &= ~bank.bit;
    } else {
      row_dirty_ = true;
    }
  }
  runs_.give_back(run);
}

inline void EventDramChannel::complete_run(Run* run, Cycle now, std::vector<DramCompletion>& done) {
  Transaction* const transaction = run->transaction;
  const uint64_t tag = run->tag;
  remove_run(run);
  if (transaction != nullptr) {
    if (--transaction->runs_left != 0) {
      return;
    }
    transactions_.give_back(transaction);
  }
  done.push_back({tag, last_data_end_, writing_});
  --queued_[writing_];
  direction_due_ = direction_changes();
  if (queued_[0] + queued_[1] == 0) {
    statistics_.queue_cycles += now + 1 - queue_since_;
  }
}

}  // namespace tilewright::memory
