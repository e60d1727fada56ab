// SPDX-License-Identifier: Apache-2.0
//
// One DRAM channel that computes when the next command can go and jumps there. Same completion cycles and
// counts as TickDramChannel, which shares nothing with it but docs/dram.md, the specification and the address
// map.
//
// The host pushes at non-decreasing cycles, as early as it likes, and calls act() at the earliest cycle that a push()
// or the last act() returned (calling it at other cycles, in order, does no harm). A completion is appended at the
// latest in its own cycle, mostly earlier; commands are worked out only when a completion may be due, so a long run
// of bursts costs few calls. While nothing is queued act() returns kNever; refreshes of the idle time are made up
// for later. The host holds credits: at most read_queue reads and
// write_queue writes whose completion cycle has not come; more is an InternalError, as is a transaction that
// crosses a channel-interleave unit.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "arch/dram.h"
#include "sim/memory/dram/address_map.h"
#include "sim/memory/dram/mutation.h"
#include "sim/memory/dram/statistics.h"
#include "sim/memory/dram/transaction.h"

namespace tilewright::memory {

class EventDramChannel {
 public:
  explicit EventDramChannel(const arch::DramSpec& spec, Mutation mutation = Mutation::kNone);

  void reset();  // to cycle 0 of a new layer: rows closed, refresh counter restarted, counts cleared
  Cycle push(const DramTransaction& transaction, Cycle arrival);
  Cycle act(Cycle now, std::vector<DramCompletion>& done);
  void finish(Cycle end);  // everything completed before `end`; counts cycles 0 ... end-1
  bool idle() const {
    return queued_[0] + queued_[1] == 0 && arrivals_first_ == arrivals_.size();
  }  // all completions are reported; the last data may be on its way
  const DramStatistics& statistics() const { return statistics_; }

 private:
  static constexpr uint32_t kMaxGroups = 16;
  static constexpr uint32_t kMaxBanks = 64;
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint64_t kNoAge = UINT64_MAX;
  static constexpr std::size_t kForget = 256;  // arrivals that are over before they are dropped from the list
  enum class Opened : uint8_t { kMiss, kConflict, kHit };  // how the bank's next burst counts

  struct Run {
    uint64_t age;
    uint64_t row;
    uint32_t transaction;
    uint32_t bursts_left;
    uint32_t previous, next;  // in its bank's list, oldest first; free runs are chained by `next`
  };
  struct Transaction {
    uint64_t tag;
    uint32_t runs_left;
    uint32_t next_free;
  };
  struct Bank {
    uint64_t row = 0;
    Cycle precharge_ready = 0, activate_ready = 0;
    uint32_t head[2] = {kNone, kNone};  // [write]: oldest run
    uint32_t tail[2] = {kNone, kNone};
    uint32_t hit[2] = {kNone, kNone};  // oldest run that hits the open row
    uint32_t group = 0;
    Opened opened = Opened::kMiss;
    bool closed_for_run = false;
  };
  struct Group {
    Cycle column_ready[2] = {0, 0};  // [write]: when a column command of the group may go
    Cycle activate_ready = 0;
    uint64_t banks = 0;     // bit mask
    uint64_t age = kNoAge;  // of the oldest run that hits an open row in the current direction
    uint32_t bank = 0;      // and its bank
  };
  struct Arrival {
    Cycle cycle;
    DramTransaction transaction;
  };
  struct Opening {
    Cycle ready;
    uint32_t bank;
  };
  struct RefreshRecord {  // the last one, so that finish() can take back what lies after the end
    Cycle due = 0, precharge = 0, issue = 0;
    uint64_t closed = 0;
    bool any = false;
  };

  static uint64_t bit(uint32_t bank) { return uint64_t{1} << bank; }

  // event_channel.cpp: queues
  void admit_next();
  void admit(const DramTransaction& transaction, Cycle now);
  uint32_t new_transaction(uint64_t tag);
  uint32_t new_run();
  void add_bursts(uint64_t address, uint32_t bursts, bool write, uint32_t transaction);
  void append_run(uint32_t bank_index, uint32_t run, bool write);
  void add_youngest_candidate(uint32_t bank_index, uint64_t age);
  void remove_run(uint32_t bank_index, uint32_t run);
  Cycle next_wake();
  Cycle first_effect(const Arrival& arrival) const;

  // event_schedule.cpp: the order of the rules, direction and refresh
  void advance(Cycle last, std::vector<DramCompletion>& done);
  void issue_row_if_due(Cycle now, bool column_issued);
  // Rule 3.
  bool direction_changes() const {
    if (writing_) {
      return queued_[1] == 0 || (queued_[0] > 0 && queued_[1] <= spec_.write_low_watermark);
    }
    return queued_[1] >= spec_.write_high_watermark || (queued_[0] == 0 && queued_[1] > 0);
  }
  void change_direction();
  void refresh();

  // event_columns.cpp: rule 4
  void open_banks(Cycle now);
  void find_candidate(uint32_t group);
  void rank_candidates();
  void find_column();
  void find_column_among_all();
  // Column commands that follow each other if nothing else happens: one bank group alone, or the two oldest in turn.
  struct ColumnRun {
    uint32_t bank = 0, run = 0;
    uint32_t second_bank = 0, second_run = kNone;  // gets every other command
    Cycle step = 0;
    uint64_t most = 1;  // commands until a run of bursts ends
    Cycle last = 0;     // its cycle
    bool full = false;  // no slot of the command bus is left for others
  };
  Cycle issue_columns(Cycle now, Cycle limit, std::vector<DramCompletion>& done);
  ColumnRun plan_columns(Cycle now) const;
  Cycle admit_during(const ColumnRun& plan, Cycle now, Cycle limit);
  bool harmless(const DramTransaction& arriving, uint32_t more_writes, const ColumnRun& plan) const;
  // A run of column commands goes before: the next row command may open a bank that takes part tRCD later.
  Cycle limit_of_rows() const {
    return row_cycle_ == kNever || mutation_ == Mutation::kRunPastRow ? kNever : row_cycle_ + spec_.t_rcd;
  }
  void send_bursts(uint32_t bank_index, uint32_t run, uint64_t bursts, Cycle last);
  void complete_run(uint32_t bank_index, uint32_t run, Cycle now, std::vector<DramCompletion>& done);

  // event_rows.cpp: rule 5
  uint32_t first_hit(const Bank& bank, uint32_t from) const {
    while (from != kNone && runs_[from].row != bank.row) {
      from = runs_[from].next;
    }
    return from;
  }
  void issue_rows_before(Cycle last, Cycle column, Cycle step);
  bool row_wanted(uint32_t bank) const { return ((work_[writing_] & ~hits_[writing_]) & bit(bank)) != 0; }
  void find_row(Cycle from);
  void issue_row(Cycle now);
  void activate(uint32_t bank, Cycle now);

  arch::DramSpec spec_;
  AddressMap map_;
  Mutation mutation_;
  uint32_t burst_shift_, interleave_shift_;
  uint32_t chunk_bursts_;  // bursts that surely share bank and row
  uint64_t age_flip_;
  Cycle data_end_[2];        // [write]: column command to the end of its data
  Cycle channel_gap_[2][2];  // [command][next]: column command to column command, any bank group
  Cycle group_gap_[2][2];    // the same within a bank group
  Cycle precharge_gap_[2];   // [write]: column command to precharge
  bool alternates_;          // two bank groups in turn fill the column bus

  std::vector<Bank> banks_;
  std::array<Group, kMaxGroups> groups_;
  std::vector<Run> runs_;
  std::vector<Transaction> transactions_;
  uint32_t free_run_ = kNone, free_transaction_ = kNone;
  std::vector<Arrival> arrivals_;  // pushed and not yet queued, from arrivals_first_ on
  std::size_t arrivals_first_ = 0;
  Cycle next_arrival_ = kNever;
  uint32_t arriving_writes_ = 0;  // of them
  Cycle wake_ = kNever;           // when act() is to be called next
  bool planned_ = false;          // plan_ is what column commands do next
  ColumnRun plan_;

  Cycle undecided_ = 0;  // everything before is decided
  bool writing_ = false;
  bool direction_due_ = false;
  bool row_dirty_ = false;
  uint32_t queued_[2] = {0, 0};  // transactions
  uint64_t next_age_ = 0;
  uint64_t open_ = 0, opening_ = 0;  // bit per bank
  uint64_t work_[2] = {0, 0}, hits_[2] = {0, 0};
  std::array<Opening, kMaxBanks> opening_list_;  // ring, by cycle
  uint32_t opening_first_ = 0, opening_count_ = 0;
  Cycle next_opened_ = kNever;

  uint32_t candidates_ = 0;                          // bank groups with a run that hits, a bit each
  uint32_t oldest_ = kNone, second_oldest_ = kNone;  // of those
  Cycle column_ready_[2] = {0, 0};                   // [write]: for every bank group
  Cycle column_cycle_ = kNever;
  uint32_t column_group_ = 0;
  Cycle row_cycle_ = kNever;
  uint32_t row_bank_ = 0;
  Cycle activate_ready_ = 0;  // for every bank group
  Cycle row_bus_ready_ = 0;
  Cycle all_precharged_ = 0;                 // tRP after the last precharge
  std::array<Cycle, 4> recent_activates_{};  // ring: cycle + tFAW
  uint32_t activate_count_ = 0;
  Cycle refresh_due_ = kNever, refresh_end_ = 0;
  RefreshRecord refresh_record_;
  Cycle queue_since_ = 0;
  Cycle last_data_end_ = 0;
  uint64_t bursts_[2] = {0, 0};
  DramStatistics statistics_;
};

}  // namespace tilewright::memory
