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
#include <memory>
#include <vector>

#include "arch/dram.h"
#include "sim/base/fifo.h"
#include "sim/memory/dram/address_map.h"
#include "sim/memory/dram/mutation.h"
#include "sim/memory/dram/statistics.h"
#include "sim/memory/dram/transaction.h"

namespace tilewright::memory {

class EventDramChannel {
 public:
  explicit EventDramChannel(const arch::DramSpec& spec, Mutation mutation = Mutation::kNone);
  EventDramChannel(EventDramChannel&&) = default;  // what it points at does not move with it

  void reset();  // to cycle 0 of a new layer: rows closed, refresh counter restarted, counts cleared
  Cycle push(const DramTransaction& transaction, Cycle arrival);
  Cycle act(Cycle now, std::vector<DramCompletion>& done) {
    if (now >= wake_) {
      advance(now, done);
      wake_ = next_wake();
    }
    return wake_;
  }
  void finish(Cycle end);  // everything completed before `end`; counts cycles 0 ... end-1
  bool idle() const {
    return queued_[0] + queued_[1] == 0 && arrivals_.empty();
  }  // all completions are reported; the last data may be on its way
  const DramStatistics& statistics() const { return statistics_; }

 private:
  static constexpr uint32_t kMaxBanks = 64;
  static constexpr std::size_t kBlock = 64;                // runs and transactions are made in blocks of
  enum class Opened : uint8_t { kMiss, kConflict, kHit };  // how the bank's next burst counts

  struct Group {
    Cycle column_ready[2] = {0, 0};  // [write]: when a column command of the group may go
    Cycle activate_ready = 0;
    uint32_t listed[2] = {0, 0};  // [write]: its runs among the candidates
  };
  struct Run;
  struct Bank {
    uint64_t row = 0;
    Cycle precharge_ready = 0, activate_ready = 0;
    Run* head[2] = {nullptr, nullptr};  // [write]: oldest run
    Run* tail[2] = {nullptr, nullptr};
    uint32_t hits[2] = {0, 0};  // [write]: runs that hit the open row
    Group* group = nullptr;
    uint64_t bit = 0;
    Opened opened = Opened::kMiss;
    bool closed_for_run = false;
  };
  struct Transaction {  // of several runs
    uint32_t runs_left;
    Transaction* next_free;
  };
  struct Run {
    Run *previous, *next;  // in its bank's list, oldest first; free runs are chained by `next`
    Run *older, *younger;  // among the candidates for column commands
    Bank* bank;
    Transaction* transaction;  // null where it has no other run
    uint64_t tag;
    uint64_t age;
    uint64_t row;
    uint64_t bursts_left;
  };
  struct Arrival {
    Cycle cycle;
    DramTransaction transaction;
  };
  struct Opening {
    Cycle ready;
    Bank* bank;
  };
  struct RefreshRecord {  // the last one, so that finish() can take back what lies after the end
    Cycle due = 0, precharge = 0, issue = 0;
    uint64_t closed = 0;
    bool any = false;
  };
  // Items that stay where they are, handed out again once given back.
  template <typename Item, Item* Item::*link>
  class Pool {
   public:
    Item* take() {
      if (free_ == nullptr) {
        grow();
      }
      Item* const item = free_;
      free_ = item->*link;
      return item;
    }
    void give_back(Item* item) {
      item->*link = free_;
      free_ = item;
    }
    void reset() {
      free_ = nullptr;
      for (const std::unique_ptr<Item[]>& block : blocks_) {
        add(block.get());
      }
    }

   private:
    void grow() {
      blocks_.push_back(std::make_unique<Item[]>(kBlock));
      add(blocks_.back().get());
    }
    void add(Item* block) {
      for (std::size_t i = 0; i < kBlock; ++i) {
        give_back(block + i);
      }
    }
    std::vector<std::unique_ptr<Item[]>> blocks_;
    Item* free_ = nullptr;
  };

  // event_channel.cpp: queues
  void admit_next();
  void admit(const DramTransaction& transaction, Cycle now);
  void admit_pieces(const DramTransaction& transaction, uint64_t first, uint64_t last);
  void add_run(const BankRow& place, uint64_t bursts, bool write, uint64_t tag, Transaction* transaction);
  void append_run(Run* run, bool write);
  void remove_run(Run* run);
  Cycle next_wake();
  Cycle first_effect(const Arrival& arrival) const;
  // Whether the planned commands go as planned though the transaction arrives.
  bool leaves_plan(const Arrival& arrival, uint32_t more_writes) const {
    return (plan_.begun || arrival.cycle >= column_cycle_) && arrival.cycle <= plan_.last &&
           harmless(arrival.transaction, more_writes);
  }

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
  void list_candidate(Run* run, bool write);
  void unlist_candidate(Run* run, bool write);
  Run* oldest_of_other_group() const;
  void find_column();
  // Column commands that follow each other if nothing else happens: one bank group alone, or the two oldest in turn.
  struct ColumnRun {
    Run* run = nullptr;
    Run* second = nullptr;  // gets every other command
    Cycle step = 0;
    uint64_t most = 1;  // commands until a run of bursts ends
    Cycle last = 0;     // its cycle
    bool full = false;  // no slot of the command bus is left for others
    bool begun = false;            // nor before the first of them
    uint64_t barred = UINT64_MAX;  // runs of this age or younger get no slot until then
  };
  Cycle issue_columns(Cycle now, Cycle horizon, std::vector<DramCompletion>& done);
  void plan_columns(Cycle now);
  Cycle admit_during(Cycle now, Cycle limit);
  // Whether the planned column commands go as planned though a transaction arrives meanwhile: it turns no
  // direction, and as the youngest gets no slot. `more_writes`: those that arrive before it.
  bool harmless(const DramTransaction& arriving, uint32_t more_writes) const {
    if (arriving.write != writing_) {
      return writing_ ? queued_[1] > spec_.write_low_watermark
                      : queued_[1] + more_writes + 1 < spec_.write_high_watermark;
    }
    return plan_.full;
  }
  // The cycle before which the planned commands go as planned. A bank that is opened meanwhile takes part,
  // except in a full plan whose runs are older than all that it could be opened for.
  Cycle limit_of_plan() const {
    const uint64_t age = plan_.barred;
    const bool opening = opening_age_ < age && mutation_ != Mutation::kRunPastOpening;
    const Cycle limit = opening ? next_opened_ : kNever;
    const Cycle refresh = mutation_ == Mutation::kRunPastRefresh ? kNever : refresh_due_;
    return std::min(std::min(limit, refresh), limit_of_rows(age));
  }
  Cycle limit_of_rows(uint64_t age) const {
    const bool opens = row_age_ < age && mutation_ != Mutation::kRunPastRow;
    return opens ? row_cycle_ + spec_.t_rcd : kNever;
  }
  // No cycle up to `last` has a completion or an effect of the planned commands that anything depends on.
  bool can_wait(Cycle last) const;
  Cycle issue_single_bursts(Cycle last, Cycle horizon, std::vector<DramCompletion>& done);
  void set_bus(Cycle last);
  void send_bursts(Run* run, uint64_t bursts, Cycle last);
  void complete_run(Run* run, Cycle now, std::vector<DramCompletion>& done);

  // event_rows.cpp: rule 5
  void issue_rows_before(Cycle last, Cycle column, Cycle step);
  void find_row(Cycle from);
  void issue_row(Cycle now);
  void activate(Bank& bank, Cycle now);

  arch::DramSpec spec_;
  AddressMap map_;
  Mutation mutation_;
  uint32_t burst_shift_, interleave_shift_;
  uint64_t chunk_mask_;  // within an aligned chunk of bursts, all surely share bank and row
  uint64_t age_flip_;
  Cycle data_end_[2];        // [write]: column command to the end of its data
  Cycle channel_gap_[2][2];  // [command][next]: column command to column command, any bank group
  Cycle group_gap_[2][2];    // the same within a bank group
  Cycle precharge_gap_[2];   // [write]: column command to precharge
  bool alternates_;          // two bank groups in turn fill the column bus

  std::vector<Bank> banks_;
  std::vector<Group> groups_;
  Pool<Run, &Run::next> runs_;
  Pool<Transaction, &Transaction::next_free> transactions_;
  uint32_t entries_[2];     // [write]: of the queue
  Fifo<Arrival> arrivals_;  // pushed and not yet queued
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

  Run* oldest_[2] = {nullptr, nullptr};    // [write]: candidates for column commands, by age: runs that
  Run* youngest_[2] = {nullptr, nullptr};  // hit a row that is open for use
  Cycle column_ready_[2] = {0, 0};         // [write]: for every bank group
  Cycle column_cycle_ = kNever;
  Run* column_run_ = nullptr;
  Cycle row_cycle_ = kNever;
  Bank* row_bank_ = nullptr;
  uint64_t row_age_ = UINT64_MAX;      // of the oldest run that waits for a row command
  uint64_t opening_age_ = UINT64_MAX;  // at most that of the oldest run that banks are being opened for
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
