// SPDX-License-Identifier: Apache-2.0
//
// What happens at which cycle, for cycles taken in order: buckets for the near future, a map beyond.
#pragma once

#include <map>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/units.h"

namespace tilewright::gpu {

template <typename Item>
class CycleQueue {
 public:
  CycleQueue() : buckets_(kBuckets) {}

  void reset() {
    for (std::vector<Item>& bucket : buckets_) {
      bucket.clear();
    }
    far_.clear();
    now_ = 0;
  }
  void push(Cycle cycle, const Item& item) {
    TILEWRIGHT_CHECK(cycle >= now_, "something was to happen in a cycle that is over");
    if (cycle - now_ < kBuckets) {
      buckets_[cycle % kBuckets].push_back(item);
    } else {
      far_[cycle].push_back(item);
    }
  }
  // What happens at `cycle`; nothing may be left before it. Valid until the next push for this very cycle.
  std::vector<Item>& at(Cycle cycle) {
    now_ = cycle;
    std::vector<Item>& bucket = buckets_[cycle % kBuckets];
    for (auto first = far_.begin(); first != far_.end() && first->first - now_ < kBuckets; first = far_.begin()) {
      std::vector<Item>& near = buckets_[first->first % kBuckets];
      near.insert(near.end(), first->second.begin(), first->second.end());
      far_.erase(first);
    }
    return bucket;
  }

 private:
  static constexpr std::size_t kBuckets = 4096;
  std::vector<std::vector<Item>> buckets_;
  std::map<Cycle, std::vector<Item>> far_;
  Cycle now_ = 0;
};

}  // namespace tilewright::gpu
