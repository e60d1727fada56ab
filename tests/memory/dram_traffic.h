// SPDX-License-Identifier: Apache-2.0
//
// Plays one list of transactions into a DRAM channel of either fidelity, the way a host does: in order, at
// most `pushes_per_cycle` a cycle, not before each one's cycle, and only with a credit, which comes back in
// the cycle after the completion.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "arch/dram.h"
#include "sim/base/error.h"
#include "sim/memory/dram/event_channel.h"
#include "sim/memory/dram/tick_channel.h"

namespace tilewright::memory {

struct TimedTransaction {
  Cycle earliest = 0;
  DramTransaction transaction;
};

struct Traffic {
  std::vector<TimedTransaction> list;
  uint32_t pushes_per_cycle = 1;
  Cycle idle_after = 0;  // cycles between the last completion and the end
};

struct Outcome {
  std::vector<Cycle> completed;  // by position in the list
  DramStatistics statistics;
  Cycle end = 0;
  bool finished = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline uint32_t credits_of(const arch::DramSpec& spec, bool write) {
  return write ? spec.write_queue : spec.read_queue;
}

inline Outcome play_tick(const arch::DramSpec& spec, const Traffic& traffic, Cycle limit = 50'000'000) {
  TickDramChannel channel(spec);
  Outcome outcome;
  outcome.completed.assign(traffic.list.size(), kNever);
  std::vector<DramCompletion> done;
  uint32_t credits[2] = {credits_of(spec, false), credits_of(spec, true)};
  std::size_t next = 0;
  std::size_t left = traffic.list.size();
  Cycle now = 0;
  for (; left != 0 && now < limit; ++now) {
    for (uint32_t i = 0; i < traffic.pushes_per_cycle && next < traffic.list.size(); ++i) {
      const TimedTransaction& each = traffic.list[next];
      if (each.earliest > now || credits[each.transaction.write] == 0) {
        break;
      }
      DramTransaction transaction = each.transaction;
      transaction.tag = next++;
      channel.push(transaction, now);
      --credits[transaction.write];
    }
    done.clear();
    channel.tick(now, done);
    for (const DramCompletion& each : done) {
      outcome.completed[each.tag] = each.cycle;
      ++credits[each.write];
      --left;
    }
  }
  outcome.end = now + traffic.idle_after;
  for (; now < outcome.end; ++now) {
    channel.tick(now, done);
  }
  outcome.finished = left == 0;
  if (outcome.finished) {
    channel.finish(outcome.end);
    outcome.statistics = channel.statistics();
  }
  return outcome;
}

// `eager`: acts whenever something was pushed, which may do no harm; else only when the channel asked to.
inline Outcome play_event(const arch::DramSpec& spec, const Traffic& traffic,
                          Mutation mutation = Mutation::kNone, bool eager = false, Cycle limit = 50'000'000) {
  EventDramChannel channel(spec, mutation);
  Outcome outcome;
  outcome.completed.assign(traffic.list.size(), kNever);
  std::vector<DramCompletion> done, coming;  // coming: credits not yet given back
  uint32_t credits[2] = {credits_of(spec, false), credits_of(spec, true)};
  std::size_t next = 0;
  Cycle now = 0;
  Cycle last = 0;
  Cycle wanted = kNever;
  while (true) {
    std::erase_if(coming, [&](const DramCompletion& each) {
      if (each.cycle >= now) {
        return false;
      }
      ++credits[each.write];
      return true;
    });
    uint32_t pushed = 0;
    bool blocked = false;  // by credits
    while (pushed < traffic.pushes_per_cycle && next < traffic.list.size() &&
           traffic.list[next].earliest <= now) {
      DramTransaction transaction = traffic.list[next].transaction;
      if (credits[transaction.write] == 0) {
        blocked = true;
        break;
      }
      transaction.tag = next++;
      wanted = std::min(wanted, channel.push(transaction, now));
      --credits[transaction.write];
      ++pushed;
    }
    done.clear();
    if (eager || now >= wanted) {
      wanted = channel.act(now, done);
    }
    Cycle wake = wanted;
    for (const DramCompletion& each : done) {
      TILEWRIGHT_CHECK(each.cycle >= now, "a completion was reported late");
      outcome.completed[each.tag] = each.cycle;
      last = std::max(last, each.cycle);
      coming.push_back(each);
    }
    if (next < traffic.list.size() && !blocked) {
      wake = std::min(wake, std::max(now + 1, traffic.list[next].earliest));
    }
    for (const DramCompletion& each : coming) {
      wake = blocked ? std::min(wake, each.cycle + 1) : wake;
    }
    if (wake == kNever || wake > limit || wake <= now) {  // the last: a seeded fault, or a bug
      break;
    }
    now = wake;
  }
  outcome.end = last + 1 + traffic.idle_after;
  outcome.finished = std::count(outcome.completed.begin(), outcome.completed.end(), kNever) == 0;
  if (outcome.finished) {
    channel.finish(outcome.end);
    outcome.statistics = channel.statistics();
  }
  return outcome;
}

}  // namespace tilewright::memory
