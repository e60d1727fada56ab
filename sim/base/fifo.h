// SPDX-License-Identifier: Apache-2.0
//
// A queue in a ring that grows when it is full and never shrinks: std::deque without its blocks, which the
// event model pushes to and pops from several times for every packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilewright {

template <typename Item>
class Fifo {
 public:
  bool empty() const { return first_ == end_; }
  std::size_t size() const { return end_ - first_; }
  const Item& front() const { return ring_[first_ & (ring_.size() - 1)]; }
  const Item& operator[](std::size_t place) const { return ring_[(first_ + place) & (ring_.size() - 1)]; }
  void pop() { ++first_; }
  void push(const Item& item) {
    if (size() == ring_.size()) {
      grow();
    }
    ring_[end_++ & (ring_.size() - 1)] = item;
  }
  void clear() { first_ = end_ = 0; }

 private:
  void grow() {
    std::vector<Item> larger(2 * ring_.size());
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) {
      larger[i] = ring_[(first_ + i) & (ring_.size() - 1)];
    }
    ring_ = std::move(larger);
    first_ = 0;
    end_ = count;
  }

  std::vector<Item> ring_ = std::vector<Item>(8);  // always a power of two
  std::size_t first_ = 0, end_ = 0;                // counts of all that was popped, pushed
};

}  // namespace tilewright
