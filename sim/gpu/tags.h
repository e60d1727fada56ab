// SPDX-License-Identifier: Apache-2.0
//
// The tags of one L2 partition: which sectors of which lines it holds. A line whose home is the other partition is a copy, and
// copies are replaced before lines that are at home, oldest first. Meaning only, no time.
#pragma once

#include <vector>

#include "sim/gpu/parts.h"

namespace tilewright::gpu {

class Tags {
 public:
  explicit Tags(const arch::L2Spec& l2)
      : ways_(l2.ways), sets_(static_cast<uint32_t>(l2.capacity.value / l2.partitions / l2.ways / kLineBytes)) {
    lines_.resize(std::size_t{sets_} * ways_);
  }

  void reset() { std::fill(lines_.begin(), lines_.end(), Entry{}); }

  // Sectors held; 0 if the line is not there. Counts as a use.
  uint8_t look_up(uint64_t line) {
    Entry* const entry = find(line);
    if (entry == nullptr) {
      return 0;
    }
    entry->used = ++clock_;
    return entry->sectors;
  }

  // Makes room for a line on its way; where every way is on its way, none is made and the line will not be kept.
  void reserve(uint64_t line, bool copy, bool newest_first = false) {
    if (Entry* const entry = find(line)) {
      entry->coming = true;
      return;
    }
    Entry* victim = nullptr;
    for (Entry& entry : set_of(line)) {
      if (!entry.coming && (victim == nullptr || before(entry, *victim) != newest_first)) {
        victim = &entry;
      }
    }
    if (victim != nullptr) {
      *victim = {line, ++clock_, 0, copy, true};
    }
  }

  void fill(uint64_t line, uint8_t sectors, bool last) {
    if (Entry* const entry = find(line)) {
      entry->sectors = static_cast<uint8_t>(entry->sectors | sectors);
      entry->coming = !last;
    }
  }

  // The state after somebody read the line long ago.
  void preload(uint64_t line, bool copy) {
    reserve(line, copy);
    fill(line, 15, true);
  }

 private:
  static constexpr uint64_t kEmpty = UINT64_MAX;
  struct Entry {
    uint64_t line = kEmpty;
    uint64_t used = 0;
    uint8_t sectors = 0;
    bool copy = false;
    bool coming = false;
  };
  struct Set {
    Entry* first;
    Entry* last;
    Entry* begin() const { return first; }
    Entry* end() const { return last; }
  };

  static bool before(const Entry& a, const Entry& b) {
    const bool a_spare = a.copy || a.line == kEmpty, b_spare = b.copy || b.line == kEmpty;
    return a_spare != b_spare ? a_spare : a.used < b.used;
  }
  Set set_of(uint64_t line) {
    const std::size_t set = mix_line(line ^ 0x5bd1e995000ULL) % sets_;
    Entry* const first = &lines_[set * ways_];
    return {first, first + ways_};
  }
  Entry* find(uint64_t line) {
    for (Entry& entry : set_of(line)) {
      if (entry.line == line) {
        return &entry;
      }
    }
    return nullptr;
  }

  uint32_t ways_, sets_;
  uint64_t clock_ = 0;
  std::vector<Entry> lines_;
};

}  // namespace tilewright::gpu
