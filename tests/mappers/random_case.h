// SPDX-License-Identifier: Apache-2.0
//
// Random machine x layer x mapping cases, small enough to be walked by brute force. The same seed gives the
// same case on every platform. Also feeds the simulator's fuzz.
#pragma once

#include <cstdint>

#include "arch/accelerator.h"
#include "mappers/program/mapping.h"
#include "workloads/layer.h"

namespace tilewright::mappers::testing {

struct RandomCase {
  arch::AcceleratorSpec spec;
  workloads::Layer layer;
  Mapping mapping;  // legal: lower() accepts it
  Residency residency;
};

// What keeps the machine busy is drawn too: about a third of the cases is starved by DRAM, a third by the
// network.
RandomCase random_case(uint64_t seed);

// xorshift64*: tiny, good enough, and no library's private sequence.
class RandomSource {
 public:
  explicit RandomSource(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x1234567ULL) { next(); }
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dULL;
  }
  uint32_t between(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>((next() >> 33) % (uint64_t{high} - low + 1));
  }
  bool one_in(uint32_t n) { return between(1, n) == 1; }
  template <std::size_t N>
  uint32_t pick(const uint32_t (&choices)[N]) {
    return choices[between(0, N - 1)];
  }

 private:
  uint64_t state_;
};

}  // namespace tilewright::mappers::testing
