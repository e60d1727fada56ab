// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace tilewright::config {

std::string quoted_excerpt(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string excerpt = "'";
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool starts_character = (byte & 0xC0U) != 0x80U;
    if (starts_character && ++characters > kLongest) {
      excerpt += "...";
      break;
    }
    if (byte < 0x20 || byte == 0x7F) {
      excerpt += byte == '\n' ? "\\n" : fmt::format("\\x{:02x}", byte);
    } else {
      excerpt += text[i];
    }
  }
  return excerpt + "'";
}

namespace {

// Length of the UTF-8 sequence at `text`, or 0 if it is malformed, overlong or a surrogate.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) {
      return 0;
    }
  }
  const bool bad_three = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F);
  const bool bad_four = (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F);
  return bad_three || bad_four ? 0 : length;
}

}  // namespace

std::size_t first_non_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
    if (length == 0 || control) {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

bool has_leading_zero(std::string_view text) {
  const std::size_t start = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return text.size() > start + 1 && text[start] == '0' && text[start + 1] >= '0' && text[start + 1] <= '9';
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  decimal.text = std::string(text);
  std::size_t i = 0;
  const auto digit = [&] { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  if (i < text.size() && text[i] == '-') {
    decimal.negative = true;
    ++i;
  }
  if (!digit() || has_leading_zero(text)) {
    return std::nullopt;
  }
  for (; digit(); ++i) {
    decimal.digits += text[i];
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digit()) {
      return std::nullopt;
    }
    for (; digit(); ++i) {
      decimal.digits += text[i];
      --decimal.exponent;
    }
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && text[i] == '+') {
      ++i;
    }
    int exponent = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + text.size(), exponent);
    if (error != std::errc() || end != text.data() + text.size() || exponent > 400 || exponent < -400) {
      return std::nullopt;
    }
    i = text.size();
    decimal.exponent += exponent;
  }
  if (i != text.size()) {
    return std::nullopt;
  }
  decimal.digits.erase(0, decimal.digits.find_first_not_of('0'));  // all zeros: everything goes
  return decimal;
}

std::optional<uint64_t> to_integer(const Decimal& decimal, uint64_t factor, bool& overflow) {
  overflow = false;
  std::string digits = decimal.digits;
  int exponent = decimal.exponent;
  while (exponent < 0 && !digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (digits.empty()) {
    return 0;
  }
  uint64_t value = 0;
  const auto multiply_add = [&](uint64_t by, uint64_t plus) {
    overflow =
        overflow || __builtin_mul_overflow(value, by, &value) || __builtin_add_overflow(value, plus, &value);
  };
  for (const char digit : digits) {
    multiply_add(10, static_cast<uint64_t>(digit - '0'));
  }
  // Fives and twos of a negative exponent are taken out of the factor first, so that 1.5 KiB stays exact.
  for (; exponent < 0; ++exponent) {
    for (const uint64_t prime : {uint64_t{2}, uint64_t{5}}) {
      if (factor % prime == 0) {
        factor /= prime;
      } else if (value % prime == 0) {
        value /= prime;
      } else {
        return std::nullopt;
      }
    }
  }
  for (; exponent > 0 && !overflow; --exponent) {
    multiply_add(10, 0);
  }
  multiply_add(factor, 0);
  return overflow ? std::nullopt : std::optional<uint64_t>(value);
}

double to_double(const Decimal& decimal, int extra_exponent) {
  if (decimal.digits.empty()) {
    return 0;
  }
  const std::string text = (decimal.negative ? "-" : "") + decimal.digits + "e" +
                           std::to_string(decimal.exponent + extra_exponent);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  static_cast<void>(end);
  if (error == std::errc::result_out_of_range) {
    const auto magnitude = static_cast<long long>(decimal.digits.size()) + decimal.exponent + extra_exponent;
    value = magnitude > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  }
  return value;
}

std::string format_double(double value) {
  return fmt::format("{}", value);
}

}  // namespace tilewright::config
