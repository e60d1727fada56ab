// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/dram/tick_channel.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "sim/base/error.h"
#include "sim/memory/dram/spec_check.h"

namespace tilewright::memory {
namespace {

uint64_t bit(uint32_t bank) {
  return uint64_t{1} << bank;
}

}  // namespace

TickDramChannel::TickDramChannel(const arch::DramSpec& spec) : spec_(spec), map_(spec) {
  check_dram_spec(spec);
  reset();
}

void TickDramChannel::reset() {
  banks_.assign(size_t{spec_.bank_groups} * spec_.banks_per_group, Bank{});
  groups_.assign(spec_.bank_groups, BankGroup{});
  wanted_age_.assign(banks_.size(), 0);
  transactions_.assign(size_t{spec_.read_queue} + spec_.write_queue, Transaction{});
  free_transactions_.resize(transactions_.size());
  std::iota(free_transactions_.begin(), free_transactions_.end(), 0u);
  for (int write : {0, 1}) {
    queued_[write] = 0;
    outstanding_[write] = 0;
  }
  writing_ = false;
  next_age_ = 0;
  hits_ = others_ = 0;
  activate_ = column_ = read_ = write_end_ = precharge_ = refresh_ = kLongAgo;
  std::fill(std::begin(recent_activates_), std::end(recent_activates_), kLongAgo);
  refresh_due_ = spec_.t_refi == 0 ? kNever : spec_.t_refi;
  under_way_.clear();
  statistics_ = {};
}

void TickDramChannel::push(const DramTransaction& transaction, Cycle) {
  const bool write = transaction.write;
  TILEWRIGHT_CHECK(outstanding_[write] < (write ? spec_.write_queue : spec_.read_queue),
                   "a DRAM channel was sent more transactions than it has queue entries");
  const uint64_t last_byte = transaction.address + transaction.bytes - 1;
  TILEWRIGHT_CHECK(transaction.bytes > 0 && transaction.address / spec_.channel_interleave.value ==
                                                last_byte / spec_.channel_interleave.value,
                   "a DRAM transaction is empty or crosses a channel-interleave unit");
  ++queued_[write];
  ++outstanding_[write];
  const uint32_t number = free_transactions_.back();
  free_transactions_.pop_back();
  transactions_[number] = {transaction.tag, 0};
  const uint64_t burst_bytes = spec_.burst_bytes.value;
  for (uint64_t burst = transaction.address / burst_bytes; burst <= last_byte / burst_bytes; ++burst) {
    const DramLocation place = map_.locate(burst * burst_bytes);
    const uint32_t index = place.bank_group * spec_.banks_per_group + place.bank;
    std::vector<Run>& queue = banks_[index].queue[write];
    auto run = std::find_if(queue.begin(), queue.end(), [&](const Run& each) {
      return each.transaction == number && each.row == place.row;
    });
    if (run == queue.end()) {
      queue.push_back({next_age_++, place.row, number, 0});
      run = queue.end() - 1;
      ++transactions_[number].runs_left;
      look_at(index);
    }
    ++run->bursts_left;
  }
}

inline void TickDramChannel::deliver(Cycle now, std::vector<DramCompletion>& done) {
  const UnderWay& first = under_way_.front();
  if (first.completion.cycle == now) {
    if (first.last_of_transaction) {
      done.push_back(first.completion);
      --outstanding_[first.completion.write];
    }
    under_way_.pop_front();
  }
}

// Rule 2. Returns whether commands of the other rules are held back in this cycle.
inline bool TickDramChannel::refresh(Cycle now) {
  if (now < refresh_due_) {
    statistics_.refresh_cycles += passed(refresh_, spec_.t_rfc, now) ? 0 : 1;
    return false;  // a running refresh holds back activates by tRFC alone, and no row is open
  }
  ++statistics_.refresh_cycles;
  const bool all_closed =
      std::none_of(banks_.begin(), banks_.end(), [](const Bank& bank) { return bank.open; });
  if (!all_closed) {
    close_all(now);
  } else if (passed(precharge_, spec_.t_rp, now) && passed(refresh_, spec_.t_rfc, now)) {
    refresh_ = static_cast<Moment>(now);
    refresh_due_ += spec_.t_refi;
    ++statistics_.refreshes;
    for (Bank& bank : banks_) {
      bank.closed_for_run = false;
    }
  }
  return true;
}

// Precharges all banks, once every open one may be.
void TickDramChannel::close_all(Cycle now) {
  if (!std::all_of(banks_.begin(), banks_.end(),
                   [&](const Bank& bank) { return !bank.open || may_precharge(bank, now); })) {
    return;
  }
  for (uint32_t index = 0; index < banks_.size(); ++index) {
    Bank& bank = banks_[index];
    statistics_.precharges += bank.open ? 1 : 0;
    bank.open = false;
    look_at(index);
  }
  precharge_ = static_cast<Moment>(now);
}

// Rule 3.
inline void TickDramChannel::choose_direction() {
  const bool before = writing_;
  if (writing_) {
    writing_ = !(queued_[1] == 0 || (queued_[0] > 0 && queued_[1] <= spec_.write_low_watermark));
  } else {
    writing_ = queued_[1] >= spec_.write_high_watermark || (queued_[0] == 0 && queued_[1] > 0);
  }
  if (writing_ != before) {
    for (uint32_t index = 0; index < banks_.size(); ++index) {
      look_at(index);
    }
  }
}

// Notes which run of the bank is wanted next, and whether the open row has it; after every change of either.
void TickDramChannel::look_at(uint32_t index) {
  Bank& bank = banks_[index];
  const std::vector<Run>& queue = bank.queue[writing_];
  hits_ &= ~bit(index);
  others_ &= ~bit(index);
  bank.wanted = 0;
  if (queue.empty()) {
    return;
  }
  bool hit = false;
  for (std::size_t i = 0; bank.open && !hit && i < queue.size(); ++i) {
    hit = queue[i].row == bank.row;
    bank.wanted = hit ? i : 0;
  }
  (hit ? hits_ : others_) |= bit(index);
  wanted_age_[index] = queue[bank.wanted].age;
}

inline bool TickDramChannel::may_issue_column(uint32_t index, Cycle now) {
  const BankGroup& group = group_of(index);
  return passed(banks_[index].activate, spec_.t_rcd, now) && passed(group.column, spec_.t_ccd_long, now) &&
         (writing_ || passed(group.write_end, spec_.t_wtr_long, now));
}

// Rule 4.
inline bool TickDramChannel::issue_column(Cycle now) {
  if (!passed(column_, spec_.t_ccd_short, now) ||
      !(writing_ ? passed(read_, spec_.t_rtw, now) : passed(write_end_, spec_.t_wtr_short, now))) {
    return false;
  }
  uint64_t oldest = UINT64_MAX;
  uint32_t chosen = 0;
  for (uint64_t left = hits_; left != 0; left &= left - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(left));
    const uint64_t age = wanted_age_[index];
    if (age < oldest && may_issue_column(index, now)) {
      oldest = age;
      chosen = index;
    }
  }
  if (oldest == UINT64_MAX) {
    return false;
  }
  send_burst(chosen, now);
  return true;
}

void TickDramChannel::send_burst(uint32_t index, Cycle now) {
  Bank& bank = banks_[index];
  BankGroup& group = group_of(index);
  const Cycle data_begin = now + (writing_ ? spec_.write_latency : spec_.read_latency);
  const Cycle data_end = data_begin + spec_.burst_cycles;
  column_ = group.column = static_cast<Moment>(now);
  if (writing_) {
    write_end_ = group.write_end = bank.write_end = static_cast<Moment>(data_end);
    ++statistics_.write_bursts;
  } else {
    read_ = bank.read = static_cast<Moment>(now);
    ++statistics_.read_bursts;
  }
  ++(bank.used_since_activate ? statistics_.row_hits
     : bank.closed_for_run    ? statistics_.row_conflicts
                              : statistics_.row_misses);
  bank.used_since_activate = true;

  std::vector<Run>& queue = bank.queue[writing_];
  Run& run = queue[bank.wanted];
  const uint32_t number = run.transaction;
  Transaction& transaction = transactions_[number];
  if (--run.bursts_left == 0) {
    --transaction.runs_left;
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(bank.wanted));
    look_at(index);
  }
  const bool last = transaction.runs_left == 0;
  if (last) {
    --queued_[writing_];
    free_transactions_.push_back(number);
  }
  under_way_.push_back({{transaction.tag, data_end, writing_}, data_begin, last});
}

inline bool TickDramChannel::may_activate(uint32_t index, Cycle now) {
  return passed(banks_[index].precharge, spec_.t_rp, now) &&
         passed(group_of(index).activate, spec_.t_rrd_long, now);
}

inline bool TickDramChannel::may_precharge(const Bank& bank, Cycle now) const {
  return passed(bank.activate, spec_.t_ras, now) && passed(bank.read, spec_.t_rtp, now) &&
         passed(bank.write_end, spec_.t_wr, now);
}

// Rule 5.
void TickDramChannel::issue_row(Cycle now) {
  const bool any_activate = passed(refresh_, spec_.t_rfc, now) && passed(activate_, spec_.t_rrd_short, now) &&
                            passed(recent_activates_[0], spec_.t_faw, now);
  uint64_t oldest = UINT64_MAX;
  uint32_t chosen = 0;
  for (uint64_t left = others_; left != 0; left &= left - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(left));
    const uint64_t age = wanted_age_[index];
    if (age < oldest &&
        (banks_[index].open ? may_precharge(banks_[index], now) : any_activate && may_activate(index, now))) {
      oldest = age;
      chosen = index;
    }
  }
  if (oldest != UINT64_MAX) {
    move_row(chosen, now);
  }
}

// Precharges an open bank, activates a closed one.
void TickDramChannel::move_row(uint32_t index, Cycle now) {
  Bank& bank = banks_[index];
  const auto moment = static_cast<Moment>(now);
  if (bank.open) {
    bank.open = false;
    bank.closed_for_run = true;
    bank.precharge = precharge_ = moment;
    ++statistics_.precharges;
  } else {
    bank.open = true;
    bank.row = bank.queue[writing_][bank.wanted].row;
    bank.used_since_activate = false;
    bank.activate = activate_ = group_of(index).activate = moment;
    std::rotate(std::begin(recent_activates_), std::begin(recent_activates_) + 1,
                std::end(recent_activates_));
    recent_activates_[3] = moment;
    ++statistics_.activates;
  }
  look_at(index);
}

inline void TickDramChannel::issue(Cycle now) {
  const bool queued = queued_[0] + queued_[1] != 0;
  statistics_.queue_cycles += queued ? 1 : 0;
  const bool held_back = refresh(now);
  choose_direction();
  if (!queued || held_back) {
    return;
  }
  const bool column_issued = issue_column(now);
  if (others_ != 0 && (spec_.separate_row_bus || !column_issued)) {
    issue_row(now);
  }
}

void TickDramChannel::decide(Cycle now, std::vector<DramCompletion>& done) {
  if (!under_way_.empty()) {
    deliver(now, done);
  }
  issue(now);
  if (!under_way_.empty() && under_way_.front().data_begin <= now) {
    ++statistics_.data_bus_cycles;
  }
}

void TickDramChannel::finish(Cycle end) {
  TILEWRIGHT_CHECK(idle(), "a DRAM channel was finished with transactions under way");
  statistics_.cycles = end;
}

}  // namespace tilewright::memory
