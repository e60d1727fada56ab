// SPDX-License-Identifier: Apache-2.0
//
// Small text helpers of the configuration loader: readable excerpts, UTF-8 validation, exact decimal numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tilewright::config {

// 'text', shortened to 60 characters and with control characters escaped, for messages.
std::string quoted_excerpt(std::string_view text);

// The offset of the first byte that is no UTF-8 text (control characters other than tab, LF and CR included),
// or npos.
std::size_t first_non_text(std::string_view text);

// A decimal number as written: digits with an optional point and exponent; no leading zeros, no sign unless
// stated.
struct Decimal {
  bool negative = false;
  std::string digits;  // without the point and leading zeros
  int exponent = 0;    // value = digits x 10^exponent
  std::string text;
};
std::optional<Decimal> parse_decimal(std::string_view text);
bool has_leading_zero(std::string_view text);  // 010, -007; not 0, 0.5

// digits x 10^exponent x factor as an integer, if it is one and fits; `overflow` says why not.
std::optional<uint64_t> to_integer(const Decimal& decimal, uint64_t factor, bool& overflow);
double to_double(const Decimal& decimal, int extra_exponent = 0);

// The shortest text that reads back as the same double.
std::string format_double(double value);

}  // namespace tilewright::config
