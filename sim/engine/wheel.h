// SPDX-License-Identifier: Apache-2.0
//
// The timing wheel of one clock domain: which slots are to act at which coming cycle. A slot asked for twice in one
// cycle acts once; slots of one cycle act in ascending order, which is how phases within a cycle are written
// down (completions before arbitration before starts). Waking a higher slot in the cycle that is running is allowed,
// and is what most wakes are: those go into a mask of their own, the others into the bucket of their cycle.
#pragma once

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
  static constexpr std::size_t kSlots = 256;
  using Mask = std::array<uint64_t, kSlots / 64>;

  // Slots are 0 ... count - 1; masks are only looked at as far as that.
  void set_slots(std::size_t count) { words_ = (count + 63) / 64; }

  void reset() {
    buckets_.fill(Mask{});
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
      buckets_[bucket][slot / 64] |= bit;
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

  // Moves to `cycle` (from next()), pulling far wakes that are due.
  void advance(Cycle cycle) {
    now_ = cycle;
    const std::size_t index = cycle % kBuckets;
    Mask& bucket = buckets_[index];
    for (std::size_t word = 0; word < words_; ++word) {
      due_[word] |= bucket[word];
      bucket[word] = 0;
    }
    occupied_[index / 64] &= ~(uint64_t{1} << (index % 64));
    if (next_far_ - now_ < kBuckets) {
      pull_far();
    }
  }

  // Visits what is due now, lowest slot first. A visit may wake higher slots in this very cycle.
  template <typename Visit>
  void run(const Visit& visit) {
    for (std::size_t word = 0; word < words_; ++word) {
      while (due_[word] != 0) {
        const auto bit = static_cast<uint32_t>(std::countr_zero(due_[word]));
        due_[word] &= due_[word] - 1;
        visit(static_cast<uint32_t>(word * 64) + bit);
      }
    }
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
  std::array<Mask, kBuckets> buckets_{};
  std::array<uint64_t, kBuckets / 64> occupied_{};
  Mask due_{};  // in the cycle now_
  std::size_t words_ = kSlots / 64;
  std::priority_queue<Far, std::vector<Far>, std::greater<>> far_;
  Cycle next_far_ = kNever;
  Cycle now_ = 0;
};

}  // namespace tilewright::engine
