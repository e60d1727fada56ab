// SPDX-License-Identifier: Apache-2.0
//
// How fast the store DMA can issue a run of whole requests, other packets left out: a bound. It issues in order, one a cycle,
// and a request only when its port is free; neighbours read one bank of the global buffer, one after the other, so one
// bank's queue keeps ports from the requests that would read the next bank.
//
// Known where ports take turns: a request is what a channel holds side by side, and channels are dealt evenly to ports.
// Elsewhere a request a cycle is all that is said. Where the first request of a bank falls is not known: the fastest counts.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/accelerator.h"

namespace tilewright::mappers {

class StorePace {
 public:
  explicit StorePace(const arch::AcceleratorSpec& spec);
  // From the first request's issue until a request behind the last may be issued.
  uint64_t cycles(uint64_t requests) const {
    return requests / kWindow * issued_[kWindow] + issued_[requests % kWindow];
  }

 private:
  static constexpr uint64_t kWindow = 64;  // after each, all ports and banks are taken to be free
  std::vector<uint64_t> issued_;           // [requests]
};

}  // namespace tilewright::mappers
