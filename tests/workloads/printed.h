// SPDX-License-Identifier: Apache-2.0
//
// Numbers as the reference tables print them, so that a test compares every printed digit.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace tilewright::workloads {

// One row of a layer table. Channels of a depthwise layer are those of the whole layer; `outputs` is rows x
// columns of a convolution, tokens of the others; MMAC and weights are those of all layers of the row.
struct TableRow {
  const char* group;
  uint32_t layers;
  const char* kind;
  uint32_t input_channels, output_channels, kernel, stride, matrices;
  const char* outputs;
  const char* mmac;
  const char* percent;
  const char* thousand_weights;
};

inline std::string printed(uint64_t value, double unit, int digits) {
  return fmt::format("{:.{}f}", static_cast<double>(value) / unit, digits);
}

inline std::string printed_percent(uint64_t part, uint64_t whole, int digits) {
  return fmt::format("{:.{}f}", 100.0 * static_cast<double>(part) / static_cast<double>(whole), digits);
}

}  // namespace tilewright::workloads
