// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing of numbers with units. Prefixes are SI (1 KB = 1000 B); binary multiples of bytes are
// KiB, MiB, GiB, TiB. Bytes and hertz are exact integers: "1.5 KiB" is 1536 B, "0.3 B" is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/config/codec.h"

namespace tilewright::config {

struct UnitInfo {
  std::string_view name;
  int exponent;     // decimal, of the base unit
  uint64_t factor;  // binary, 1 for SI prefixes
};

struct QuantityInfo {
  std::string_view what;        // "a size"
  std::string_view example;     // "64 KiB"
  std::vector<UnitInfo> units;  // smallest first; the base unit is the one with exponent 0 and factor 1
  bool integral;
};
const QuantityInfo& info(QuantityKind kind);

// The value in the base unit, as people write it: 65536 -> "64 KiB", 975000000 -> "975 MHz". Reads back
// exactly.
std::string format_quantity(QuantityKind kind, uint64_t value);
std::string format_quantity(QuantityKind kind, double value);

}  // namespace tilewright::config
