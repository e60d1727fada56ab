// SPDX-License-Identifier: Apache-2.0
//
// SIGINT sets a flag; long work polls it and leaves by throwing Interrupted, so that files are whole or absent.
#pragma once

#include <atomic>

#include "sim/base/error.h"

namespace tilewright {

inline std::atomic<bool>& interrupt_flag() {
  static std::atomic<bool> flag{false};
  return flag;
}
inline bool interrupt_requested() { return interrupt_flag().load(std::memory_order_relaxed); }
inline void throw_if_interrupted() {
  if (interrupt_requested()) {
    throw Interrupted();
  }
}

}  // namespace tilewright
