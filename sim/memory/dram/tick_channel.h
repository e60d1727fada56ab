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

#include <deque>
#include <optional>
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
  void tick(Cycle now,
            std::vector<DramCompletion>& done);  // now = 0, 1, 2, ...; appends what completes at `now`
  void finish(Cycle end);                        // after tick(end - 1); nothing may be under way
  bool idle() const { return queue_[0].empty() && queue_[1].empty() && under_way_.empty(); }
  const DramStatistics& statistics() const { return statistics_; }

 private:
  using Moment = std::optional<Cycle>;  // when something last happened, if ever

  // The bursts of one transaction in one row of one bank.
  struct Run {
    uint64_t transaction;  // serial number
    uint64_t tag;
    uint64_t row;
    uint32_t bank;  // over all bank groups
    uint32_t bursts_left;
  };
  struct Bank {
    bool open = false;
    uint64_t row = 0;
    bool closed_for_run = false;  // the last closing was a precharge by rule 5
    bool used_since_activate = false;
    Moment activate, precharge, read, write_end;
  };
  struct BankGroup {
    Moment activate, column, write_end;
  };
  // What the queue of the current direction asks of each bank; made anew whenever queue, rows or direction
  // change.
  struct Wanted {
    uint32_t bank;
    std::size_t run;  // index into the queue
    bool hit;
  };
  struct UnderWay {
    DramCompletion completion;
    Cycle data_begin;
    bool last_of_transaction;
  };

  static bool passed(Moment since, uint32_t cycles, Cycle now) { return !since || now - *since >= cycles; }
  BankGroup& group_of(uint32_t bank) { return groups_[bank / spec_.banks_per_group]; }

  void deliver(Cycle now, std::vector<DramCompletion>& done);
  void issue(Cycle now);
  bool refresh(Cycle now);
  void choose_direction();
  void look_through_queue();
  bool may_issue_column(const Run& run, Cycle now);
  bool may_activate(uint32_t bank, Cycle now);
  bool may_precharge(const Bank& bank, Cycle now) const;
  bool issue_column(Cycle now);
  void issue_row(Cycle now);
  void send_burst(std::size_t index, Cycle now);

  arch::DramSpec spec_;
  AddressMap map_;
  std::vector<Bank> banks_;
  std::vector<BankGroup> groups_;
  std::vector<Run> queue_[2];    // [write], oldest first
  uint32_t queued_[2] = {0, 0};  // transactions
  uint32_t outstanding_[2] = {0, 0};
  bool writing_ = false;
  bool changed_ = true;
  std::vector<Wanted> wanted_;
  uint64_t pushed_ = 0;

  Moment activate_, column_, read_, write_end_, precharge_, refresh_;
  std::deque<Cycle> recent_activates_;  // the last four
  Cycle refresh_due_ = kNever;
  std::deque<UnderWay> under_way_;
  DramStatistics statistics_;
};

}  // namespace tilewright::memory
