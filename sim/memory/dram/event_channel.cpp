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
  chunk_bursts_ =
      spec.bank_group_interleave == 0 ? static_cast<uint32_t>(row_bursts) : spec.bank_group_interleave;
  const Cycle near = spec_.t_ccd_short;
  const Cycle far = spec_.t_ccd_long;
  data_end_[0] = Cycle{spec_.read_latency} + spec_.burst_cycles;
  data_end_[1] = Cycle{spec_.write_latency} + spec_.burst_cycles;
  channel_gap_[0][0] = channel_gap_[1][1] = near;
  channel_gap_[0][1] = std::max<Cycle>(spec_.t_rtw, near);
  channel_gap_[1][0] = std::max<Cycle>(data_end_[1] + spec_.t_wtr_short, near);
  group_gap_[0][0] = group_gap_[1][1] = group_gap_[0][1] = far;
  group_gap_[1][0] = std::max<Cycle>(data_end_[1] + spec_.t_wtr_long, far);
  precharge_gap_[0] = spec_.t_rtp;
  precharge_gap_[1] = data_end_[1] + spec_.t_wr;
  alternates_ = far > near && far <= 2 * near;
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
  transactions_.clear();
  free_run_ = free_transaction_ = kNone;
  arrivals_.clear();
  arrivals_first_ = 0;
  next_arrival_ = kNever;
  arriving_writes_ = 0;
  planned_ = false;
  wake_ = kNever;
  undecided_ = 0;
  writing_ = direction_due_ = row_dirty_ = false;
  next_age_ = 0;
  open_ = opening_ = 0;
  for (int write : {0, 1}) {
    queued_[write] = 0;
    work_[write] = hits_[write] = 0;
    column_ready_[write] = 0;
    bursts_[write] = 0;
  }
  opening_first_ = opening_count_ = candidates_ = 0;
  oldest_ = second_oldest_ = kNone;
  next_opened_ = column_cycle_ = row_cycle_ = kNever;
  activate_ready_ = row_bus_ready_ = all_precharged_ = 0;
  recent_activates_.fill(0);
  activate_count_ = 0;
  refresh_due_ = spec_.t_refi == 0 ? kNever : spec_.t_refi + (mutation_ == Mutation::kRefreshOneLate ? 1 : 0);
  refresh_end_ = 0;
  refresh_record_ = {};
  queue_since_ = last_data_end_ = 0;
  statistics_ = {};
}

Cycle EventDramChannel::push(const DramTransaction& transaction, Cycle arrival) {
  TILEWRIGHT_CHECK(arrival >= undecided_, "a DRAM channel was pushed to in a cycle that is decided");
  const uint64_t last_byte = transaction.address + transaction.bytes - 1;
  TILEWRIGHT_CHECK(transaction.bytes > 0 && (transaction.address ^ last_byte) >> interleave_shift_ == 0,
                   "a DRAM transaction is empty or crosses a channel-interleave unit");
  if (arrivals_.empty()) {
    next_arrival_ = arrival;
  }
  arrivals_.push_back({arrival, transaction});
  wake_ = std::min(wake_, first_effect(arrivals_.back()));
  arriving_writes_ += transaction.write ? 1 : 0;
  return wake_;
}

// No completion that depends on the arriving transaction comes before the returned cycle, or not before the plan ends.
Cycle EventDramChannel::first_effect(const Arrival& arrival) const {
  const bool write = arrival.transaction.write;
  // Before the plan begins the bus may be free for another bank group.
  const bool begun = arrival.cycle >= column_cycle_ || column_cycle_ == column_ready_[writing_];
  if (planned_ && begun && arrival.cycle <= plan_.last && harmless(arrival.transaction, arriving_writes_, plan_)) {
    return write == writing_ ? arrival.cycle + spec_.t_rcd + data_end_[writing_] : kNever;
  }
  const bool no_writes = queued_[1] + arriving_writes_ == 0 && !write;
  return arrival.cycle + (no_writes ? data_end_[0] : std::min(data_end_[0], data_end_[1]));
}

// Rule 1.
void EventDramChannel::admit_next() {
  const DramTransaction& arrived = arrivals_[arrivals_first_].transaction;
  arriving_writes_ -= arrived.write ? 1 : 0;
  admit(arrived, next_arrival_);
  ++arrivals_first_;
  if (arrivals_first_ == arrivals_.size() || arrivals_first_ >= kForget) {
    arrivals_.erase(arrivals_.begin(), arrivals_.begin() + static_cast<std::ptrdiff_t>(arrivals_first_));
    arrivals_first_ = 0;
  }
  next_arrival_ = arrivals_.empty() ? kNever : arrivals_[arrivals_first_].cycle;
}

void EventDramChannel::admit(const DramTransaction& transaction, Cycle now) {
  const bool write = transaction.write;
  TILEWRIGHT_CHECK(queued_[write] < (write ? spec_.write_queue : spec_.read_queue),
                   "a DRAM channel was sent more transactions than it has queue entries");
  if (queued_[0] + queued_[1] == 0) {
    queue_since_ = now;
  }
  ++queued_[write];
  direction_due_ = direction_changes();
  const uint32_t index = new_transaction(transaction.tag);
  const uint64_t end = ((transaction.address + transaction.bytes - 1) >> burst_shift_) + 1;
  for (uint64_t burst = transaction.address >> burst_shift_; burst < end;) {
    const uint64_t chunk_end = std::min(end, (burst | (chunk_bursts_ - 1)) + 1);
    add_bursts(burst << burst_shift_, static_cast<uint32_t>(chunk_end - burst), write, index);
    burst = chunk_end;
  }
}

inline uint32_t EventDramChannel::new_transaction(uint64_t tag) {
  if (free_transaction_ == kNone) {
    transactions_.push_back({tag, 0, kNone});
    return static_cast<uint32_t>(transactions_.size() - 1);
  }
  const uint32_t index = free_transaction_;
  free_transaction_ = transactions_[index].next_free;
  transactions_[index] = {tag, 0, kNone};
  return index;
}

inline uint32_t EventDramChannel::new_run() {
  if (free_run_ == kNone) {
    runs_.emplace_back();
    return static_cast<uint32_t>(runs_.size() - 1);
  }
  const uint32_t index = free_run_;
  free_run_ = runs_[index].next;
  return index;
}

// Adds bursts to the transaction's run in their row, or makes one. Addresses ascend and the row is their
// highest part, so such a run can only be the last of its bank.
inline void EventDramChannel::add_bursts(uint64_t address, uint32_t bursts, bool write,
                                         uint32_t transaction) {
  const DramLocation place = map_.locate(address);
  const uint32_t bank = place.bank_group * spec_.banks_per_group + place.bank;
  const uint32_t tail = banks_[bank].tail[write];
  if (tail != kNone && runs_[tail].transaction == transaction && runs_[tail].row == place.row) {
    runs_[tail].bursts_left += bursts;
    return;
  }
  const uint32_t run = new_run();
  runs_[run] = {next_age_++ ^ age_flip_, place.row, transaction, bursts, tail, kNone};
  ++transactions_[transaction].runs_left;
  append_run(bank, run, write);
}

// What find_candidate and rank_candidates would find, given that no run is younger.
inline void EventDramChannel::add_youngest_candidate(uint32_t bank_index, uint64_t age) {
  const uint32_t index = banks_[bank_index].group;
  Group& group = groups_[index];
  if (age_flip_ != 0) {
    find_candidate(index);
    rank_candidates();
  } else if (group.age == kNoAge) {
    group.age = age;
    group.bank = bank_index;
    candidates_ |= uint32_t{1} << index;
    if (oldest_ == kNone) {
      oldest_ = index;
    } else if (second_oldest_ == kNone) {
      second_oldest_ = index;
    }
  } else {
    return;
  }
  find_column();
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
    if (write == writing_ && (opening_ & bit(bank_index)) == 0) {
      add_youngest_candidate(bank_index, runs_[run].age);
    }
  }
  row_dirty_ = row_dirty_ || wanted != row_wanted(bank_index);
}

void EventDramChannel::remove_run(uint32_t bank_index, uint32_t run) {
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

// No completion that is not yet reported can come before the returned cycle.
Cycle EventDramChannel::next_wake() {
  Cycle wake = kNever;
  planned_ = false;
  if (queued_[0] + queued_[1] != 0) {
    if (direction_due_ || row_dirty_) {
      wake = undecided_ + std::min(data_end_[0], data_end_[1]);
    } else {
      Cycle column = next_opened_;
      if (row_cycle_ != kNever) {
        column = std::min(column, row_cycle_ + spec_.t_rcd);
      }
      if (column_cycle_ != kNever) {
        plan_ = plan_columns(column_cycle_);
        planned_ = true;
        column = std::min(column, plan_.last);
      }
      column = std::min(column, refresh_due_);  // banks opened after it may go before what is ready late now
      wake = column + data_end_[writing_];
    }
  }
  const uint32_t writes = arriving_writes_;
  arriving_writes_ = 0;
  for (std::size_t i = arrivals_first_; i < arrivals_.size(); ++i) {
    wake = std::min(wake, first_effect(arrivals_[i]));
    arriving_writes_ += arrivals_[i].transaction.write ? 1 : 0;
  }
  arriving_writes_ = writes;
  return wake;
}

Cycle EventDramChannel::act(Cycle now, std::vector<DramCompletion>& done) {
  if (now >= wake_) {
    advance(now, done);
    wake_ = next_wake();
  }
  return wake_;
}

void EventDramChannel::finish(Cycle end) {
  TILEWRIGHT_CHECK(idle() && last_data_end_ <= end,
                   "a DRAM channel was finished with transactions under way");
  std::vector<DramCompletion> none;
  if (end > 0) {
    advance(end - 1, none);
  }
  if (const RefreshRecord& last = refresh_record_; last.any) {
    statistics_.precharges -= last.precharge >= end ? last.closed : 0;
    statistics_.refreshes -= last.issue >= end ? 1 : 0;
    statistics_.refresh_cycles -= refresh_end_ > end ? refresh_end_ - end : 0;
  }
  statistics_.read_bursts = bursts_[0];
  statistics_.write_bursts = bursts_[1];
  const uint64_t bursts = bursts_[0] + bursts_[1];
  statistics_.row_hits = bursts - statistics_.row_misses - statistics_.row_conflicts;
  statistics_.data_bus_cycles = bursts * spec_.burst_cycles;
  statistics_.cycles = end;
}

}  // namespace tilewright::memory
