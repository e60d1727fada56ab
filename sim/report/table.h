// SPDX-License-Identifier: Apache-2.0
//
// Plain-text tables whose columns line up, and the number formats that all reports share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::report {

class Table {
 public:
  enum class Align : uint8_t { kLeft, kRight };
  struct Column {
    std::string heading;  // of what; lines separated by '\n'
    std::string unit;     // last line of the heading; may be empty
    Align align = Align::kRight;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns, UTF-8; throws InternalError otherwise.
  void add_row(std::vector<std::string> cells);
  // Headings, a rule and the rows, each line indented by two spaces; no trailing spaces.
  std::string text(bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "12,345,678".
std::string with_separators(uint64_t value);
// Digits after the point that show the largest value of a column with four significant digits; 0 to 9.
int decimals_for(double largest);
std::string fixed(double value, int decimals);
// "[1.20..3.40]".
std::string range(double low, double high, int decimals);
// A fraction as per cent, one digit after the point.
std::string percent(double fraction);
// Broken at blanks into lines of at most so many columns (ASCII), each ended by a line feed.
std::string wrapped(std::string_view text, std::size_t columns);

}  // namespace tilewright::report
