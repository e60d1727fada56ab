// SPDX-License-Identifier: Apache-2.0
#include "sim/report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/base/error.h"

namespace tilewright::report {
namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::string_view kGap = "  ";

// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::vector<std::string> heading_lines(const Table::Column& column) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  while (!column.heading.empty()) {
    const std::size_t end = column.heading.find('\n', start);
    lines.push_back(column.heading.substr(start, end - start));
    if (end == std::string::npos) {
      break;
    }
    start = end + 1;
  }
  if (!column.unit.empty()) {
    lines.push_back(column.unit);
  }
  return lines;
}

void append_line(std::string& text, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths, const std::vector<Table::Column>& columns) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - width(cells[i]), ' ');
    line += kGap;
    line += columns[i].align == Table::Align::kLeft ? cells[i] + padding : padding + cells[i];
  }
  line.erase(line.find_last_not_of(' ') + 1);
  text += line;
}

}  // namespace

void Table::add_row(std::vector<std::string> cells) {
  TILEWRIGHT_CHECK(cells.size() == columns_.size(), "a table row has as many cells as the table has columns");
  rows_.push_back(std::move(cells));
}

std::string Table::text(bool colour) const {
  std::vector<std::vector<std::string>> headings;
  std::size_t heading_rows = 0;
  for (const Column& column : columns_) {
    headings.push_back(heading_lines(column));
    heading_rows = std::max(heading_rows, headings.back().size());
  }
  const bool any_unit =
      std::any_of(columns_.begin(), columns_.end(), [](const Column& c) { return !c.unit.empty(); });
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    // A unit stands on the last line; a heading without one starts there too, unless others have a line above
    // it.
    const std::size_t missing = heading_rows - headings[i].size();
    const bool unit_row = columns_[i].unit.empty() && any_unit && missing > 0;
    headings[i].insert(headings[i].begin(), missing - (unit_row ? 1 : 0), "");
    headings[i].resize(heading_rows);
    for (const std::string& line : headings[i]) {
      widths[i] = std::max(widths[i], width(line));
    }
    for (const std::vector<std::string>& row : rows_) {
      widths[i] = std::max(widths[i], width(row[i]));
    }
  }
  std::string text;
  for (std::size_t line = 0; line < heading_rows; ++line) {
    std::vector<std::string> cells;
    for (const std::vector<std::string>& heading : headings) {
      cells.push_back(heading[line]);
    }
    text += colour ? kBold : "";
    append_line(text, cells, widths, columns_);
    text += colour ? kPlain : "";
    text += '\n';
  }
  std::vector<std::string> rule;
  for (const std::size_t column_width : widths) {
    rule.emplace_back(column_width, '-');
  }
  append_line(text, rule, widths, columns_);
  text += '\n';
  for (const std::vector<std::string>& row : rows_) {
    append_line(text, row, widths, columns_);
    text += '\n';
  }
  return text;
}

std::string with_separators(uint64_t value) {
  std::string digits = fmt::format("{}", value);
  for (std::size_t end = digits.size(); end > 3; end -= 3) {
    digits.insert(end - 3, 1, ',');
  }
  return digits;
}

int decimals_for(double largest) {
  if (!(std::abs(largest) > 0) || !std::isfinite(largest)) {
    return 0;
  }
  return std::clamp(3 - static_cast<int>(std::floor(std::log10(std::abs(largest)))), 0, 9);
}

std::string fixed(double value, int decimals) {
  return fmt::format("{:.{}f}", value, decimals);
}

std::string range(double low, double high, int decimals) {
  return fmt::format("[{:.{}f}..{:.{}f}]", low, decimals, high, decimals);
}

std::string wrapped(std::string_view text, std::size_t columns) {
  std::string lines;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const bool fits = used + 1 + word.size() <= columns;
    lines += used == 0 ? "" : fits ? " " : "\n";
    used = used == 0 || !fits ? word.size() : used + 1 + word.size();
    lines += word;
  }
  return lines + "\n";
}

std::string percent(double fraction) {
  return fmt::format("{:.1f}", fraction * 100);
}

}  // namespace tilewright::report
