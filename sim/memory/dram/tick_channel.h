// SPDX-License-Identifier: Apache-2.0
//
// One DRAM channel, stepped every cycle of the command clock: the reference. It remembers when each command
// was last issued, and in every cycle looks through its queues for what the rules of docs/dram.md allow now.
// It never computes a future cycle other than the end of a burst that is under way.
//
// In each cycle the host first pushes, then calls tick(). The host holds credits: at most read_queue reads
// and write_queue writes that have not completed; more is an InternalError, as is a transaction that crosses
// a channel-interleave unit.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "arch/dram.h"
#include "sim/memory/dram/address_map.h"
#include "sim/memory/dram/statistics.h"
#include "sim/memory/dram/transaction.h"

namespace tilewright::memory {

class TickDramChannel {
 public:
  explicit TickDramChannel(const arch::DramSpec& spec);

  void reset();  // to cycle 0 of a new layer: rows closed, refresh counter restarted, counts cleared
  void push(const DramTransaction& transaction, Cycle now);
  // now = 0, 1, 2, ...; appends what completes at `now`.
  void tick(Cycle now, std::vector<DramCompletion>& done) {
    if (queued_[0] + queued_[1] == 0 && !writing_ && now < refresh_due_ && under_way_.empty()) {
      statistics_.refresh_cycles += passed(refresh_, spec_.t_rfc, now) ? 0 : 1;  // no rule has anything to decide
    } else {
      decide(now, done);
    }
  }
  void finish(Cycle end);                        // after tick(end - 1); nothing may be under way
  bool idle() const { return queued_[0] + queued_[1] == 0 && under_way_.empty(); }
  const DramStatistics& statistics() const { return statistics_; }

 private:
  using Moment = int64_t;  // a cycle in which something happened, or kLongAgo
  static constexpr Moment kLongAgo = INT64_MIN / 2;

  // The bursts of one transaction in one row.
  struct Run {
    uint64_t age;
    uint64_t row;
    uint32_t transaction;
    uint32_t bursts_left;
  };
  struct Transaction {
    uint64_t tag = 0;
    uint32_t runs_left = 0;
  };
  struct Bank {
    bool open = false;
    uint64_t row = 0;
    bool closed_for_run = false;  // the last closing was a precharge by rule 5
    bool used_since_activate = false;
    Moment activate = kLongAgo, precharge = kLongAgo, read = kLongAgo, write_end = kLongAgo;
    std::vector<Run> queue[2];  // [write], oldest first
    std::size_t wanted = 0;  // in the queue of the current direction: the oldest that hits, else the oldest
  };
  struct BankGroup {
    Moment activate = kLongAgo, column = kLongAgo, write_end = kLongAgo;
  };
  struct UnderWay {
    DramCompletion completion;
    Cycle data_begin;
    bool last_of_transaction;
  };

  static bool passed(Moment since, uint32_t cycles, Cycle now) {
    return static_cast<Moment>(now) - since >= Moment{cycles};
  }
  BankGroup& group_of(uint32_t bank) { return groups_[bank / spec_.banks_per_group]; }

  void decide(Cycle now, std::vector<DramCompletion>& done);
  void deliver(Cycle now, std::vector<DramCompletion>& done);
  void issue(Cycle now);
  bool refresh(Cycle now);
  void close_all(Cycle now);
  void choose_direction();
  void look_at(uint32_t index);
  bool may_issue_column(uint32_t index, Cycle now);
  bool may_activate(uint32_t index, Cycle now);
  bool may_precharge(const Bank& bank, Cycle now) const;
  bool issue_column(Cycle now);
  void issue_row(Cycle now);
  void send_burst(uint32_t index, Cycle now);
  void move_row(uint32_t index, Cycle now);

  arch::DramSpec spec_;
  AddressMap map_;
  std::vector<Bank> banks_;
  std::vector<BankGroup> groups_;
  std::vector<Transaction> transactions_;
  std::vector<uint32_t> free_transactions_;
  std::vector<uint64_t> wanted_age_;  // of each bank's wanted run
  uint32_t queued_[2] = {0, 0};       // transactions, [write]
  uint32_t outstanding_[2] = {0, 0};
  bool writing_ = false;
  uint64_t next_age_ = 0;
  uint64_t hits_ = 0;    // banks with a run of the current direction for their open row
  uint64_t others_ = 0;  // banks with runs, but none for their open row

  Moment activate_, column_, read_, write_end_, precharge_, refresh_;
  Moment recent_activates_[4];  // oldest first
  Cycle refresh_due_ = kNever;
  std::deque<UnderWay> under_way_;
  DramStatistics statistics_;
};

}  // namespace tilewright::memory
