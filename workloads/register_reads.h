// SPDX-License-Identifier: Apache-2.0
//
// The operands of an instruction that lie in vector registers, by the bank that they are read from: even numbers and odd ones.
#pragma once

#include <cstdint>

namespace tilewright::workloads {

// Reads of each bank while the reuse cache still has what the warp kept there, and once that is lost.
struct RegisterReads {
  uint8_t even = 1;
  uint8_t odd = 1;
  uint8_t even_lost = 1;
  uint8_t odd_lost = 1;
  bool operator==(const RegisterReads&) const = default;
};
inline constexpr RegisterReads kNoRegisterReads{0, 0, 0, 0};

}  // namespace tilewright::workloads
