// SPDX-License-Identifier: Apache-2.0
//
// Numbers as the reference tables print them, so that a test compares every printed digit.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace tilewright::workloads {

inline std::string printed(uint64_t value, double unit, int digits) {
  return fmt::format("{:.{}f}", static_cast<double>(value) / unit, digits);
}

inline std::string printed_percent(uint64_t part, uint64_t whole, int digits) {
  return fmt::format("{:.{}f}", 100.0 * static_cast<double>(part) / static_cast<double>(whole), digits);
}

}  // namespace tilewright::workloads
