// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/dram/event_channel.h"

#include <algorithm>
#include <bit>

#include "sim/base/error.h"
#include "sim/memory/dram/spec_check.h"

namespace tilewright::memory {
namespace {

// Faults that are a wrong constant; the others are looked at where they act.
arch::DramSpec mutated(arch::DramSpec spec, Mutation mutation) {
  switch (mutation) {
    case Mutation::kForgetFourActivateWindow:
      spec.t_faw = 0;
      break;
    case Mutation::kActivateLongAsShort:
      spec.t_rrd_long = spec.t_rrd_short;
      break;
    case Mutation::kColumnLongAsShort:
      spec.t_ccd_long = spec.t_ccd_short;
      break;
    case Mutation::kIgnoreReadToWrite:
      spec.t_rtw = 0;
      break;
    case Mutation::kForgetWriteToRead:
      spec.t_wtr_short = spec.t_wtr_long = 0;
      break;
    case Mutation::kWriteToReadLongAsShort:
      spec.t_wtr_long = spec.t_wtr_short;
      break;
    case Mutation::kForgetWriteRecovery:
      spec.t_wr = 0;
      break;
    case Mutation::kForgetReadToPrecharge:
      spec.t_rtp = 0;
      break;
    case Mutation::kWatermarkOneLate:
      ++spec.write_high_watermark;
      break;
    case Mutation::kIgnoreSharedCommandBus:
      spec.separate_row_bus = true;
      break;
    default:
      break;
  }
  return spec;
}

}  // namespace

EventDramChannel::EventDramChannel(const arch::DramSpec& spec, Mutation mutation)
    : spec_(mutated(spec, mutation)),
      map_(spec),
      mutation_(mutation),
      burst_shift_(static_cast<uint32_t>(std::countr_zero(spec.burst_bytes.value))),
      interleave_shift_(static_cast<uint32_t>(std::countr_zero(spec.channel_interleave.value))),
      age_flip_(mutation == Mutation::kYoungestFirst ? UINT64_MAX >> 1 : 0) {
  check_dram_spec(spec);
  const uint64_t row_bursts = spec.row_bytes.value >> burst_shift_;
  chunk_bursts_ = spec.bank_group_interleave == 0 ? static_cast<uint32_t>(row_bursts) : spec.bank_group_interleave;
  reset();
}

void EventDramChannel::reset() {
  banks_.assign(size_t{spec_.bank_groups} * spec_.banks_per_group, Bank{});
  groups_.fill(Group{});
  for (uint32_t bank = 0; bank < banks_.size(); ++bank) {
    banks_[bank].group = bank / spec_.banks_per_group;
    groups_[banks_[bank].group].banks |= bit(bank);
  }
  runs_.clear();
  free_runs_.clear();
  transactions_.clear();
  free_transactions_.clear();
  completed_.clear();
  undecided_ = 0;
  writing_ = direction_due_ = row_dirty_ = false;
  next_age_ = 0;
  open_ = opening_ = 0;
  for (int write : {0, 1}) {
    queued_[write] = 0;
    work_[write] = hits_[write] = 0;
    column_ready_[write] = 0;
  }
  opening_first_ = opening_count_ = 0;
  column_cycle_ = row_cycle_ = kNever;
  activate_ready_ = row_bus_ready_ = all_precharged_ = 0;
  recent_activates_.fill(0);
  activate_count_ = 0;
  refresh_due_ = spec_.t_refi == 0 ? kNever : spec_.t_refi + (mutation_ == Mutation::kRefreshOneLate ? 1 : 0);
  refresh_end_ = 0;
  refresh_record_ = {};
  queue_since_ = last_data_end_ = 0;
  statistics_ = {};
}

void EventDramChannel::push(const DramTransaction& transaction, Cycle now) {
  if (now > undecided_) {
    advance(now - 1);
  }
  TILEWRIGHT_CHECK(now == undecided_, "a DRAM channel was pushed to in a cycle that is decided");
  const bool write = transaction.write;
  TILEWRIGHT_CHECK(queued_[write] < (write ? spec_.write_queue : spec_.read_queue),
                   "a DRAM channel was sent more transactions than it has queue entries");
  const uint64_t last_byte = transaction.address + transaction.bytes - 1;
  TILEWRIGHT_CHECK(transaction.bytes > 0 && (transaction.address ^ last_byte) >> interleave_shift_ == 0,
                   "a DRAM transaction is empty or crosses a channel-interleave unit");
  if (queued_[0] + queued_[1] == 0) {
    queue_since_ = now;
  }
  ++queued_[write];
  direction_due_ = true;

  uint32_t index;
  if (free_transactions_.empty()) {
    index = static_cast<uint32_t>(transactions_.size());
    transactions_.emplace_back();
  } else {
    index = free_transactions_.back();
    free_transactions_.pop_back();
  }
  transactions_[index] = {transaction.tag, 0};
  new_runs_.clear();
  const uint64_t end = (last_byte >> burst_shift_) + 1;
  for (uint64_t burst = transaction.address >> burst_shift_; burst < end;) {
    const uint64_t chunk_end = std::min(end, (burst | (chunk_bursts_ - 1)) + 1);
    const DramLocation place = map_.locate(burst << burst_shift_);
    add_burst(place.bank_group * spec_.banks_per_group + place.bank, place.row,
              static_cast<uint32_t>(chunk_end - burst), write, index);
    burst = chunk_end;
  }
}

// Adds bursts to the transaction's run in that row, or makes one.
void EventDramChannel::add_burst(uint32_t bank, uint64_t row, uint32_t bursts, bool write, uint32_t transaction) {
  const uint32_t tail = banks_[bank].tail[write];
  if (tail != kNone && runs_[tail].transaction == transaction && runs_[tail].row == row) {
    runs_[tail].bursts_left += bursts;
    return;
  }
  for (const uint32_t each : new_runs_) {
    if (runs_[each].transaction == transaction && runs_[each].row == row && runs_[each].bank == bank) {
      runs_[each].bursts_left += bursts;
      return;
    }
  }
  uint32_t run;
  if (free_runs_.empty()) {
    run = static_cast<uint32_t>(runs_.size());
    runs_.emplace_back();
  } else {
    run = free_runs_.back();
    free_runs_.pop_back();
  }
  runs_[run] = {next_age_++ ^ age_flip_, row, transaction, bank, bursts, kNone, kNone};
  ++transactions_[transaction].runs_left;
  new_runs_.push_back(run);
  append_run(bank, run, write);
}

void EventDramChannel::append_run(uint32_t bank_index, uint32_t run, bool write) {
  Bank& bank = banks_[bank_index];
  const uint32_t tail = bank.tail[write];
  runs_[run].previous = tail;
  (tail == kNone ? bank.head[write] : runs_[tail].next) = run;
  bank.tail[write] = run;
  work_[write] |= bit(bank_index);
  if ((open_ & bit(bank_index)) != 0 && bank.row == runs_[run].row && bank.hit[write] == kNone) {
    bank.hit[write] = run;
    hits_[write] |= bit(bank_index);
    if (write == writing_) {
      find_best(groups_[bank.group]);
      find_column();
    }
  }
  row_dirty_ = row_dirty_ || write == writing_;
}

uint32_t EventDramChannel::first_hit(const Bank& bank, uint32_t from) const {
  while (from != kNone && runs_[from].row != bank.row) {
    from = runs_[from].next;
  }
  return from;
}

void EventDramChannel::find_best(Group& group) {
  group.best_age = kNoAge;
  for (uint64_t left = hits_[writing_] & ~opening_ & group.banks; left != 0; left &= left - 1) {
    const auto bank = static_cast<uint32_t>(std::countr_zero(left));
    const uint64_t age = runs_[banks_[bank].hit[writing_]].age;
    if (age < group.best_age) {
      group.best_age = age;
      group.best_bank = bank;
    }
  }
}

// Rule 4: the earliest cycle from undecided_ on in which a column command may go, and the oldest that may go then.
void EventDramChannel::find_column() {
  const Cycle any = std::max(column_ready_[writing_], undecided_);
  Cycle earliest = kNever;
  uint64_t age = kNoAge;
  for (uint32_t i = 0; i < spec_.bank_groups; ++i) {
    const Group& group = groups_[i];
    if (group.best_age == kNoAge) {
      continue;
    }
    const Cycle ready = std::max(any, group.column_ready[writing_]);
    if (ready < earliest || (ready == earliest && group.best_age < age)) {
      earliest = ready;
      age = group.best_age;
      column_group_ = i;
    }
  }
  column_cycle_ = earliest;
}

// Rule 5, from cycle `from` on.
void EventDramChannel::find_row(Cycle from) {
  row_dirty_ = false;
  row_cycle_ = kNever;
  uint64_t age = kNoAge;
  const Cycle floor = std::max(from, row_bus_ready_);
  const Cycle any_activate = std::max(activate_ready_, recent_activates_[activate_count_ % 4]);
  for (uint64_t left = work_[writing_] & ~hits_[writing_]; left != 0; left &= left - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(left));
    const Bank& bank = banks_[index];
    Cycle ready = floor;
    if ((open_ & bit(index)) != 0) {
      ready = std::max(ready, bank.precharge_ready);
    } else {
      ready = std::max({ready, bank.activate_ready, any_activate, groups_[bank.group].activate_ready});
    }
    const uint64_t run_age = runs_[bank.head[writing_]].age;
    if (ready < row_cycle_ || (ready == row_cycle_ && run_age < age)) {
      row_cycle_ = ready;
      row_bank_ = index;
      age = run_age;
    }
  }
}

// Rule 3.
void EventDramChannel::choose_direction() {
  direction_due_ = false;
  const bool before = writing_;
  if (writing_) {
    writing_ = !(queued_[1] == 0 || (queued_[0] > 0 && queued_[1] <= spec_.write_low_watermark));
  } else {
    writing_ = queued_[1] >= spec_.write_high_watermark || (queued_[0] == 0 && queued_[1] > 0);
  }
  if (writing_ != before) {
    for (uint32_t i = 0; i < spec_.bank_groups; ++i) {
      find_best(groups_[i]);
    }
    find_column();
    row_dirty_ = true;
  }
}

// Performs every command up to and including cycle `last`.
void EventDramChannel::advance(Cycle last) {
  while (undecided_ <= last) {
    if (direction_due_) {
      choose_direction();
    }
    if (row_dirty_) {
      find_row(undecided_);
    }
    const Cycle opened = opening_count_ == 0 ? kNever : opening_list_[opening_first_].ready;
    const Cycle next = std::min({column_cycle_, row_cycle_, opened});
    if (refresh_due_ <= next && refresh_due_ <= last) {
      refresh();
      continue;
    }
    if (next > last) {
      break;
    }
    step(next);
    undecided_ = next + 1;
  }
  undecided_ = std::max(undecided_, last + 1);
}

void EventDramChannel::step(Cycle now) {
  if (opening_count_ != 0 && opening_list_[opening_first_].ready == now) {
    undecided_ = now;
    open_banks(now);
  }
  const bool column_issued = column_cycle_ == now;
  if (column_issued) {
    issue_column(now);
  }
  if (row_dirty_) {
    find_row(now);
  }
  if (row_cycle_ == now) {
    if (column_issued && !spec_.separate_row_bus) {
      row_dirty_ = true;  // the command bus is taken; whoever may go next cycle is looked for then
    } else {
      issue_row(now);
    }
  }
}

// tRCD has passed since the oldest activate that was not yet usable.
void EventDramChannel::open_banks(Cycle now) {
  while (opening_count_ != 0 && opening_list_[opening_first_].ready <= now) {
    const uint32_t bank = opening_list_[opening_first_].bank;
    opening_first_ = (opening_first_ + 1) % kMaxBanks;
    --opening_count_;
    opening_ &= ~bit(bank);
    find_best(groups_[banks_[bank].group]);
  }
  find_column();
}

void EventDramChannel::issue_column(Cycle now) {
  Group& group = groups_[column_group_];
  const uint32_t bank_index = group.best_bank;
  Bank& bank = banks_[bank_index];
  const uint32_t run = bank.hit[writing_];
  column_ready_[0] = std::max(column_ready_[0], now + spec_.t_ccd_short);
  column_ready_[1] = std::max(column_ready_[1], now + spec_.t_ccd_short);
  group.column_ready[0] = std::max(group.column_ready[0], now + spec_.t_ccd_long);
  group.column_ready[1] = std::max(group.column_ready[1], now + spec_.t_ccd_long);
  if (writing_) {
    const Cycle data_end = now + spec_.write_latency + spec_.burst_cycles;
    last_data_end_ = data_end;
    column_ready_[0] = std::max(column_ready_[0], data_end + spec_.t_wtr_short);
    group.column_ready[0] = std::max(group.column_ready[0], data_end + spec_.t_wtr_long);
    bank.precharge_ready = std::max(bank.precharge_ready, data_end + spec_.t_wr);
    ++statistics_.write_bursts;
  } else {
    last_data_end_ = now + spec_.read_latency + spec_.burst_cycles;
    column_ready_[1] = std::max(column_ready_[1], now + spec_.t_rtw);
    bank.precharge_ready = std::max(bank.precharge_ready, now + spec_.t_rtp);
    ++statistics_.read_bursts;
  }
  statistics_.row_misses += bank.opened == Opened::kMiss ? 1 : 0;
  statistics_.row_conflicts += bank.opened == Opened::kConflict ? 1 : 0;
  bank.opened = Opened::kHit;
  if (--runs_[run].bursts_left == 0) {
    const uint32_t transaction = runs_[run].transaction;
    remove_run(bank, bank_index, run);
    complete_run(transaction, now);
    find_best(group);
    row_dirty_ = true;
  }
  undecided_ = now + 1;
  find_column();
}

void EventDramChannel::remove_run(Bank& bank, uint32_t bank_index, uint32_t run) {
  const uint32_t previous = runs_[run].previous;
  const uint32_t next = runs_[run].next;
  (previous == kNone ? bank.head[writing_] : runs_[previous].next) = next;
  (next == kNone ? bank.tail[writing_] : runs_[next].previous) = previous;
  bank.hit[writing_] = first_hit(bank, next);
  if (bank.hit[writing_] == kNone) {
    hits_[writing_] &= ~bit(bank_index);
    if (bank.head[writing_] == kNone) {
      work_[writing_] &= ~bit(bank_index);
    }
  }
  free_runs_.push_back(run);
}

void EventDramChannel::complete_run(uint32_t transaction, Cycle now) {
  if (--transactions_[transaction].runs_left != 0) {
    return;
  }
  completed_.push_back({transactions_[transaction].tag, last_data_end_, writing_});
  free_transactions_.push_back(transaction);
  --queued_[writing_];
  direction_due_ = true;
  if (queued_[0] + queued_[1] == 0) {
    statistics_.queue_cycles += now + 1 - queue_since_;
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
  activate_ready_ = std::max(activate_ready_, now + spec_.t_rrd_short);
  Group& group = groups_[bank.group];
  group.activate_ready = std::max(group.activate_ready, now + spec_.t_rrd_long);
  recent_activates_[activate_count_ % 4] = now + spec_.t_faw;
  ++activate_count_;
  ++statistics_.activates;
}

// Rule 2, whole: what happens between the due cycle and the end is certain, as no other command may go.
void EventDramChannel::refresh() {
  if (mutation_ == Mutation::kForgetIdleRefreshes && idle()) {
    refresh_due_ += spec_.t_refi;
    return;
  }
  RefreshRecord& record = refresh_record_;
  record = {refresh_due_, refresh_due_, 0, 0, true};
  for (uint64_t left = open_; left != 0; left &= left - 1) {
    Bank& bank = banks_[static_cast<uint32_t>(std::countr_zero(left))];
    record.precharge = std::max(record.precharge, bank.precharge_ready);
    bank.hit[0] = bank.hit[1] = kNone;
    bank.closed_for_run = false;
    ++record.closed;
  }
  if (record.closed != 0) {
    all_precharged_ = record.precharge + spec_.t_rp;
    open_ = mutation_ == Mutation::kRowOpenAfterRefresh ? open_ : 0;
  }
  for (Bank& bank : banks_) {
    bank.closed_for_run = false;
  }
  hits_[0] = hits_[1] = opening_ = 0;
  opening_count_ = 0;
  for (uint32_t i = 0; i < spec_.bank_groups; ++i) {
    groups_[i].best_age = kNoAge;
  }
  column_cycle_ = kNever;
  record.issue = std::max({refresh_due_, all_precharged_, refresh_end_});
  refresh_end_ = record.issue + spec_.t_rfc;
  activate_ready_ = std::max(activate_ready_, refresh_end_);
  row_dirty_ = true;
  statistics_.precharges += record.closed;
  ++statistics_.refreshes;
  statistics_.refresh_cycles += refresh_end_ - refresh_due_;
  refresh_due_ += spec_.t_refi;
}

// No completion that is not yet reported can come before the returned cycle.
Cycle EventDramChannel::next_wake() const {
  if (queued_[0] + queued_[1] == 0) {
    return kNever;
  }
  const Cycle read = spec_.read_latency + spec_.burst_cycles;
  const Cycle write = spec_.write_latency + spec_.burst_cycles;
  if (direction_due_ || row_dirty_) {
    return undecided_ + std::min(read, write);
  }
  const Cycle opened = opening_count_ == 0 ? kNever : opening_list_[opening_first_].ready;
  Cycle column = std::min(column_cycle_, opened);
  if (row_cycle_ != kNever) {
    column = std::min(column, row_cycle_ + spec_.t_rcd);
  }
  return column + (writing_ ? write : read);
}

Cycle EventDramChannel::act(Cycle now, std::vector<DramCompletion>& done) {
  advance(now);
  if (!completed_.empty()) {
    done.insert(done.end(), completed_.begin(), completed_.end());
    completed_.clear();
  }
  return next_wake();
}

void EventDramChannel::finish(Cycle end) {
  TILEWRIGHT_CHECK(idle() && last_data_end_ <= end, "a DRAM channel was finished with transactions under way");
  if (end > 0) {
    advance(end - 1);
  }
  if (const RefreshRecord& last = refresh_record_; last.any) {
    statistics_.precharges -= last.precharge >= end ? last.closed : 0;
    statistics_.refreshes -= last.issue >= end ? 1 : 0;
    statistics_.refresh_cycles -= refresh_end_ > end ? refresh_end_ - end : 0;
  }
  const uint64_t bursts = statistics_.read_bursts + statistics_.write_bursts;
  statistics_.row_hits = bursts - statistics_.row_misses - statistics_.row_conflicts;
  statistics_.data_bus_cycles = bursts * spec_.burst_cycles;
  statistics_.cycles = end;
}

}  // namespace tilewright::memory
