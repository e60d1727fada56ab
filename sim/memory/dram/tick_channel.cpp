// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/dram/tick_channel.h"

#include <algorithm>

#include "sim/base/error.h"
#include "sim/memory/dram/spec_check.h"

namespace tilewright::memory {

TickDramChannel::TickDramChannel(const arch::DramSpec& spec) : spec_(spec), map_(spec) {
  check_dram_spec(spec);
  reset();
}

void TickDramChannel::reset() {
  banks_.assign(size_t{spec_.bank_groups} * spec_.banks_per_group, Bank{});
  groups_.assign(spec_.bank_groups, BankGroup{});
  for (int write : {0, 1}) {
    queue_[write].clear();
    queued_[write] = 0;
    outstanding_[write] = 0;
  }
  writing_ = false;
  changed_ = true;
  pushed_ = 0;
  activate_ = column_ = read_ = write_end_ = precharge_ = refresh_ = std::nullopt;
  recent_activates_.clear();
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
  changed_ = true;
  std::vector<Run>& queue = queue_[write];
  const auto first = static_cast<std::ptrdiff_t>(queue.size());
  const uint64_t burst_bytes = spec_.burst_bytes.value;
  for (uint64_t burst = transaction.address / burst_bytes; burst <= last_byte / burst_bytes; ++burst) {
    const DramLocation place = map_.locate(burst * burst_bytes);
    const uint32_t bank = place.bank_group * spec_.banks_per_group + place.bank;
    auto run = std::find_if(queue.begin() + first, queue.end(),
                            [&](const Run& each) { return each.bank == bank && each.row == place.row; });
    if (run == queue.end()) {
      queue.push_back({pushed_, transaction.tag, place.row, bank, 0});
      run = queue.end() - 1;
    }
    ++run->bursts_left;
  }
  ++pushed_;
}

void TickDramChannel::tick(Cycle now, std::vector<DramCompletion>& done) {
  if (!under_way_.empty()) {
    deliver(now, done);
  }
  issue(now);
  if (!under_way_.empty() && under_way_.front().data_begin <= now) {
    ++statistics_.data_bus_cycles;
  }
}

void TickDramChannel::issue(Cycle now) {
  const bool queued = queued_[0] + queued_[1] != 0;
  statistics_.queue_cycles += queued ? 1 : 0;
  const bool refreshing = refresh(now);
  if (!queued) {
    writing_ = false;  // rule 3 with both queues empty
    return;
  }
  choose_direction();
  if (refreshing) {
    return;
  }
  look_through_queue();
  const bool column_issued = issue_column(now);
  if (spec_.separate_row_bus || !column_issued) {
    look_through_queue();
    issue_row(now);
  }
}

void TickDramChannel::deliver(Cycle now, std::vector<DramCompletion>& done) {
  const UnderWay first = under_way_.front();
  if (first.completion.cycle == now) {
    if (first.last_of_transaction) {
      done.push_back(first.completion);
      --outstanding_[first.completion.write];
    }
    under_way_.pop_front();
  }
}

// Rule 2. Returns whether commands of the other rules are held back in this cycle.
bool TickDramChannel::refresh(Cycle now) {
  if (now < refresh_due_) {
    const bool running = refresh_ && now - *refresh_ < spec_.t_rfc;
    statistics_.refresh_cycles += running ? 1 : 0;
    return false;  // a running refresh holds back activates by tRFC alone, and no row is open
  }
  ++statistics_.refresh_cycles;
  const auto open_banks =
      std::count_if(banks_.begin(), banks_.end(), [](const Bank& bank) { return bank.open; });
  if (open_banks > 0) {
    if (std::all_of(banks_.begin(), banks_.end(),
                    [&](const Bank& bank) { return !bank.open || may_precharge(bank, now); })) {
      for (Bank& bank : banks_) {
        if (bank.open) {
          bank.open = false;
          bank.closed_for_run = false;
          bank.precharge = now;
        }
      }
      precharge_ = now;
      statistics_.precharges += static_cast<uint64_t>(open_banks);
      changed_ = true;
    }
  } else if (passed(precharge_, spec_.t_rp, now) && passed(refresh_, spec_.t_rfc, now)) {
    refresh_ = now;
    refresh_due_ += spec_.t_refi;
    ++statistics_.refreshes;
    for (Bank& bank : banks_) {
      bank.closed_for_run = false;
    }
  }
  return true;
}

// Rule 3.
void TickDramChannel::choose_direction() {
  const bool before = writing_;
  if (writing_) {
    writing_ = !(queued_[1] == 0 || (queued_[0] > 0 && queued_[1] <= spec_.write_low_watermark));
  } else {
    writing_ = queued_[1] >= spec_.write_high_watermark || (queued_[0] == 0 && queued_[1] > 0);
  }
  changed_ = changed_ || writing_ != before;
}

// For each bank: the oldest run that hits its open row, or if there is none, the oldest run.
void TickDramChannel::look_through_queue() {
  if (!changed_) {
    return;
  }
  changed_ = false;
  wanted_.clear();
  const std::vector<Run>& queue = queue_[writing_];
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Bank& bank = banks_[queue[i].bank];
    const bool hit = bank.open && bank.row == queue[i].row;
    auto known = std::find_if(wanted_.begin(), wanted_.end(),
                              [&](const Wanted& each) { return each.bank == queue[i].bank; });
    if (known == wanted_.end()) {
      wanted_.push_back({queue[i].bank, i, hit});
    } else if (hit && !known->hit) {
      *known = {queue[i].bank, i, true};
    }
  }
  std::sort(wanted_.begin(), wanted_.end(), [](const Wanted& a, const Wanted& b) { return a.run < b.run; });
}

bool TickDramChannel::may_issue_column(const Run& run, Cycle now) {
  const BankGroup& group = group_of(run.bank);
  if (!passed(banks_[run.bank].activate, spec_.t_rcd, now) || !passed(group.column, spec_.t_ccd_long, now)) {
    return false;
  }
  if (writing_) {
    return passed(read_, spec_.t_rtw, now);
  }
  return (!write_end_ || now >= *write_end_ + spec_.t_wtr_short) &&
         (!group.write_end || now >= *group.write_end + spec_.t_wtr_long);
}

// Rule 4.
bool TickDramChannel::issue_column(Cycle now) {
  if (!passed(column_, spec_.t_ccd_short, now)) {
    return false;
  }
  for (const Wanted& each : wanted_) {
    if (each.hit && may_issue_column(queue_[writing_][each.run], now)) {
      send_burst(each.run, now);
      return true;
    }
  }
  return false;
}

void TickDramChannel::send_burst(std::size_t index, Cycle now) {
  std::vector<Run>& queue = queue_[writing_];
  Run& run = queue[index];
  Bank& bank = banks_[run.bank];
  BankGroup& group = group_of(run.bank);
  const Cycle data_begin = now + (writing_ ? spec_.write_latency : spec_.read_latency);
  const Cycle data_end = data_begin + spec_.burst_cycles;
  column_ = group.column = now;
  if (writing_) {
    write_end_ = group.write_end = bank.write_end = data_end;
    ++statistics_.write_bursts;
  } else {
    read_ = bank.read = now;
    ++statistics_.read_bursts;
  }
  uint64_t& kind = bank.used_since_activate ? statistics_.row_hits
                   : bank.closed_for_run    ? statistics_.row_conflicts
                                            : statistics_.row_misses;
  ++kind;
  bank.used_since_activate = true;

  --run.bursts_left;
  const Run copy = run;
  if (run.bursts_left == 0) {
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(index));
    changed_ = true;
  }
  const bool last = std::none_of(queue.begin(), queue.end(),
                                 [&](const Run& each) { return each.transaction == copy.transaction; });
  if (last) {
    --queued_[writing_];
  }
  under_way_.push_back({{copy.tag, data_end, writing_}, data_begin, last});
}

bool TickDramChannel::may_activate(uint32_t bank, Cycle now) {
  return passed(banks_[bank].precharge, spec_.t_rp, now) && passed(refresh_, spec_.t_rfc, now) &&
         passed(activate_, spec_.t_rrd_short, now) &&
         passed(group_of(bank).activate, spec_.t_rrd_long, now) &&
         (recent_activates_.size() < 4 || now - recent_activates_.front() >= spec_.t_faw);
}

bool TickDramChannel::may_precharge(const Bank& bank, Cycle now) const {
  return passed(bank.activate, spec_.t_ras, now) && passed(bank.read, spec_.t_rtp, now) &&
         (!bank.write_end || now >= *bank.write_end + spec_.t_wr);
}

// Rule 5.
void TickDramChannel::issue_row(Cycle now) {
  for (const Wanted& each : wanted_) {
    Bank& bank = banks_[each.bank];
    if (each.hit || !(bank.open ? may_precharge(bank, now) : may_activate(each.bank, now))) {
      continue;
    }
    if (bank.open) {
      bank.open = false;
      bank.closed_for_run = true;
      bank.precharge = precharge_ = now;
      ++statistics_.precharges;
    } else {
      bank.open = true;
      bank.row = queue_[writing_][each.run].row;
      bank.used_since_activate = false;
      bank.activate = activate_ = group_of(each.bank).activate = now;
      recent_activates_.push_back(now);
      if (recent_activates_.size() > 4) {
        recent_activates_.pop_front();
      }
      ++statistics_.activates;
    }
    changed_ = true;
    return;
  }
}

void TickDramChannel::finish(Cycle end) {
  TILEWRIGHT_CHECK(idle(), "a DRAM channel was finished with transactions under way");
  statistics_.cycles = end;
}

}  // namespace tilewright::memory
