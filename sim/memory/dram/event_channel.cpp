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
  chunk_mask_ = (spec.bank_group_interleave == 0 ? row_bursts : spec.bank_group_interleave) - 1;
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
  entries_[0] = spec_.read_queue;
  entries_[1] = spec_.write_queue;
  groups_.resize(spec_.bank_groups);
  banks_.resize(size_t{spec_.bank_groups} * spec_.banks_per_group);
  reset();
}

void EventDramChannel::reset() {
  for (Group& group : groups_) {
    group = {};
  }
  for (std::size_t i = 0; i < banks_.size(); ++i) {
    banks_[i] = {};
    banks_[i].group = &groups_[i / spec_.banks_per_group];
    banks_[i].bit = uint64_t{1} << i;
  }
  runs_.reset();
  transactions_.reset();
  arrivals_.clear();
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
    oldest_[write] = youngest_[write] = nullptr;
    column_ready_[write] = 0;
    bursts_[write] = 0;
  }
  opening_first_ = opening_count_ = 0;
  next_opened_ = column_cycle_ = row_cycle_ = kNever;
  activate_ready_ = row_bus_ready_ = all_precharged_ = 0;
  row_age_ = opening_age_ = UINT64_MAX;
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
  arrivals_.push({arrival, transaction});
  wake_ = std::min(wake_, first_effect({arrival, transaction}));
  arriving_writes_ += transaction.write ? 1 : 0;
  return wake_;
}

// No completion that depends on the arriving transaction comes before the returned cycle, or not before the plan ends.
inline Cycle EventDramChannel::first_effect(const Arrival& arrival) const {
  if (planned_ && leaves_plan(arrival, arriving_writes_)) {
    return kNever;
  }
  const bool no_writes = queued_[1] + arriving_writes_ == 0 && !arrival.transaction.write;
  return arrival.cycle + (no_writes ? data_end_[0] : std::min(data_end_[0], data_end_[1]));
}

// Rule 1.
void EventDramChannel::admit_next() {
  const DramTransaction& arrived = arrivals_.front().transaction;
  arriving_writes_ -= arrived.write ? 1 : 0;
  admit(arrived, next_arrival_);
  arrivals_.pop();
  next_arrival_ = arrivals_.empty() ? kNever : arrivals_.front().cycle;
}

inline void EventDramChannel::admit(const DramTransaction& transaction, Cycle now) {
  const bool write = transaction.write;
  if (queued_[0] + queued_[1] == 0) {
    queue_since_ = now;
  }
  TILEWRIGHT_CHECK(queued_[write] < entries_[write],
                   "a DRAM channel was sent more transactions than it has queue entries");
  ++queued_[write];
  direction_due_ = direction_changes();
  const uint64_t first = transaction.address >> burst_shift_;
  const uint64_t last = (transaction.address + transaction.bytes - 1) >> burst_shift_;
  bursts_[write] += last - first + 1;
  if ((first | chunk_mask_) >= last) {
    add_run(map_.bank_row(transaction.address), last - first + 1, write, transaction.tag, nullptr);
  } else {
    admit_pieces(transaction, first, last);
  }
}

// Addresses ascend and the row is their highest part, so a run of the same transaction in the same row can
// only be the last of its bank.
void EventDramChannel::admit_pieces(const DramTransaction& transaction, uint64_t first, uint64_t last) {
  Transaction* const pieces = transactions_.take();
  pieces->runs_left = 0;
  while (true) {
    const uint64_t chunk_last = std::min(last, first | chunk_mask_);
    const BankRow place = map_.bank_row(first << burst_shift_);
    Run* const tail = banks_[place.bank].tail[transaction.write];
    if (tail != nullptr && tail->transaction == pieces && tail->row == place.row) {
      tail->bursts_left += chunk_last - first + 1;
    } else {
      ++pieces->runs_left;
      add_run(place, chunk_last - first + 1, transaction.write, transaction.tag, pieces);
    }
    if (chunk_last == last) {
      return;
    }
    first = chunk_last + 1;
  }
}

inline void EventDramChannel::add_run(const BankRow& place, uint64_t bursts, bool write, uint64_t tag,
                                      Transaction* transaction) {
  Run* const run = runs_.take();
  run->bank = &banks_[place.bank];
  run->transaction = transaction;
  run->tag = tag;
  run->age = next_age_++ ^ age_flip_;
  run->row = place.row;
  run->bursts_left = bursts;
  append_run(run, write);
}

inline void EventDramChannel::append_run(Run* run, bool write) {
  Bank& bank = *run->bank;
  Run* const tail = bank.tail[write];
  run->previous = tail;
  run->next = nullptr;
  (tail == nullptr ? bank.head[write] : tail->next) = run;
  bank.tail[write] = run;
  work_[write] |= bank.bit;
  if ((open_ & bank.bit) != 0 && bank.row == run->row) {
    ++bank.hits[write];
    row_dirty_ = row_dirty_ || (write == writing_ && (hits_[write] & bank.bit) == 0 && tail != nullptr);
    hits_[write] |= bank.bit;
    if ((opening_ & bank.bit) == 0) {
      list_candidate(run, write);
      if (write == writing_ && bank.group->listed[write] == 1) {
        find_column();
      }
    }
  } else {
    row_dirty_ = row_dirty_ || (write == writing_ && tail == nullptr);
  }
}

// No completion that is not yet reported can come before the returned cycle.
Cycle EventDramChannel::next_wake() {
  Cycle wake = kNever;
  if (queued_[0] + queued_[1] != 0) {
    if (direction_due_ || row_dirty_) {
      wake = undecided_ + std::min(data_end_[0], data_end_[1]);
    } else if (column_cycle_ != kNever) {
      if (!planned_) {
        plan_columns(column_cycle_);
      }
      wake = std::min(std::min(plan_.last, limit_of_plan()), refresh_due_) + data_end_[writing_];
    } else {  // banks opened after a refresh may go before what is ready late now
      const Cycle opened =
          row_cycle_ == kNever ? next_opened_ : std::min(next_opened_, row_cycle_ + spec_.t_rcd);
      wake = std::min(opened, refresh_due_) + data_end_[writing_];
    }
  }
  const uint32_t writes = arriving_writes_;
  arriving_writes_ = 0;
  for (std::size_t i = 0; i < arrivals_.size(); ++i) {
    wake = std::min(wake, first_effect(arrivals_[i]));
    arriving_writes_ += arrivals_[i].transaction.write ? 1 : 0;
  }
  arriving_writes_ = writes;
  return wake;
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
