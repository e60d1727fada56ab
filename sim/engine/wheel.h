// SPDX-License-Identifier: Apache-2.0
//
// The timing wheel of one clock domain: which slots are to act at which coming cycle. A slot asked for twice in one
// cycle acts once; slots of one cycle act in ascending order, which is how phases within a cycle are written
// down (completions before arbitration before starts). Waking a higher slot in the cycle that is running is allowed,
// and is what most wakes are: those go into a mask of their own, the others into the bucket of their cycle.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/units.h"

namespace tilewright::engine {

class Wheel {
 public:
  static constexpr std::size_t kSlots = 512;
  using Mask = std::array<uint64_t, kSlots / 64>;

  // Slots are 0 ... count - 1. Before anything is woken.
  void set_slots(std::size_t count) {
    if (const std::size_t words = (count + 63) / 64; words != words_) {
      words_ = words;
      buckets_.assign(kBuckets * words_, 0);
    }
  }

  void reset() {
    std::fill(buckets_.begin(), buckets_.end(), 0);
    occupied_.fill(0);
    due_.fill(0);
    far_ = {};
    next_far_ = kNever;
    now_ = 0;
  }

  Cycle now() const { return now_; }

  void wake(uint32_t slot, Cycle cycle) {
    const uint64_t bit = uint64_t{1} << (slot % 64);
    if (cycle == now_) {
      due_[slot / 64] |= bit;
    } else if (cycle - now_ < kBuckets) {
      const std::size_t bucket = cycle % kBuckets;
      buckets_[bucket * words_ + slot / 64] |= bit;
      occupied_[bucket / 64] |= uint64_t{1} << (bucket % 64);
    } else {
      put_far(slot, cycle);
    }
  }

  // The next cycle after now(), whose visits are over, in which something acts; kNever if nothing will.
  Cycle next() const {
    const Cycle near = next_near();
    return near < next_far_ ? near : next_far_;
  }

  // The same before anything was visited: what was woken for now() counts.
  Cycle first() const {
    uint64_t due = 0;
    for (std::size_t word = 0; word < words_; ++word) {
      due |= due_[word];
    }
    return due != 0 ? now_ : next();
  }

  // Moves to `cycle` (from next()) and visits what is due then, lowest slot first. A visit may wake higher
  // slots in this very cycle. `count`: words() where it is known, which most machines' few slots make worth
  // while.
  template <std::size_t count, typename Visit>
  void run(Cycle cycle, const Visit& visit) {
    const std::size_t words = count == 0 ? words_ : count;
    now_ = cycle;
    const std::size_t index = cycle % kBuckets;
    uint64_t* const bucket = buckets_.data() + index * words;
    for (std::size_t word = 0; word < words; ++word) {
      due_[word] |= bucket[word];
      bucket[word] = 0;
    }
    occupied_[index / 64] &= ~(uint64_t{1} << (index % 64));
    if (next_far_ - now_ < kBuckets) {
      pull_far();
    }
    for (std::size_t word = 0; word < words; ++word) {
      for (uint64_t due = due_[word]; due != 0; due = due_[word]) {
        due_[word] = due & (due - 1);
        visit(static_cast<uint32_t>(word * 64) + static_cast<uint32_t>(std::countr_zero(due)));
      }
    }
  }
  std::size_t words() const { return words_; }

  // Within a visit: whether nothing below this slot is left to visit in the cycle that is running.
  bool quiet_below(uint32_t slot) const {
    uint64_t due = due_[slot / 64] & ((uint64_t{1} << (slot % 64)) - 1);
    for (std::size_t word = 0; word < slot / 64; ++word) {
      due |= due_[word];
    }
    return due == 0;
  }

 private:
  static constexpr std::size_t kBuckets = 1024;

  void put_far(uint32_t slot, Cycle cycle);
  void pull_far();

  Cycle next_near() const {
    const std::size_t start = now_ % kBuckets;
    std::size_t word = start / 64;
    uint64_t bits = occupied_[word] & (~uint64_t{0} << (start % 64));
    if (bits != 0) {
      return now_ + static_cast<std::size_t>(std::countr_zero(bits)) - start % 64;
    }
    for (std::size_t visited = 0; visited <= occupied_.size(); ++visited) {
      if (bits != 0) {
        const std::size_t bucket = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
        return now_ + (bucket + kBuckets - start) % kBuckets;
      }
      word = (word + 1) % occupied_.size();
      bits = occupied_[word];
    }
    return kNever;
  }

  using Far = std::pair<Cycle, uint32_t>;
  std::vector<uint64_t> buckets_ = std::vector<uint64_t>(kBuckets);  // a mask each
  std::array<uint64_t, kBuckets / 64> occupied_{};
  Mask due_{};  // in the cycle now_
  std::size_t words_ = 1;
  std::priority_queue<Far, std::vector<Far>, std::greater<>> far_;
  Cycle next_far_ = kNever;
  Cycle now_ = 0;
};

}  // namespace tilewright::engine
