// SPDX-License-Identifier: Apache-2.0
//
// A queue in a ring that grows when it is full and never shrinks: std::deque without its blocks, which the
// event model pushes to and pops from several times for every packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tilewright {

template <typename Item>
class Fifo {
 public:
  bool empty() const { return first_ == end_; }
  std::size_t size() const { return end_ - first_; }
  const Item& front() const { return ring_[first_ & mask_]; }
  const Item& operator[](std::size_t place) const { return ring_[(first_ + place) & mask_]; }
  void pop() { ++first_; }
  void push(const Item& item) {
    if (size() > mask_) {
      grow();
    }
    ring_[end_++ & mask_] = item;
  }
  void clear() { first_ = end_ = 0; }

 private:
  void grow() {
    const std::size_t larger_mask = 2 * mask_ + 1;
    auto larger = std::make_unique<Item[]>(larger_mask + 1);
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) {
      larger[i] = ring_[(first_ + i) & mask_];
    }
    ring_ = std::move(larger);
    mask_ = larger_mask;
    first_ = 0;
    end_ = count;
  }

  // The mask is kept, as a vector would divide its length in bytes by the item's at every access.
  std::size_t mask_ = 7;  // places - 1, a power of two less one
  std::unique_ptr<Item[]> ring_ = std::make_unique<Item[]>(mask_ + 1);
  std::size_t first_ = 0, end_ = 0;  // counts of all that was popped, pushed
};

}  // namespace tilewright
