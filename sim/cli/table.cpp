// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

namespace tilewright::cli {
namespace {

void print_text(const Table& table) {
  std::vector<std::size_t> widths(table.columns.size());
  std::vector<std::vector<std::string>> rows = table.rows;
  if (table.columns.size() > 2) {  // a name and its meaning need no headings
    rows.insert(rows.begin(), table.columns);
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:{}}  ", row[i], widths[i]);
    }
    std::cout << line << '\n';
  }
}

void print_csv(const Table& table) {
  const auto print_row = [](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string cell = row[i];
      if (cell.find_first_of(",\"\n") != std::string::npos) {
        for (std::size_t at = cell.find('"'); at != std::string::npos; at = cell.find('"', at + 2)) {
          cell.insert(at, 1, '"');
        }
        cell = '"' + cell + '"';
      }
      std::cout << (i == 0 ? "" : ",") << cell;
    }
    std::cout << '\n';
  };
  print_row(table.columns);
  std::for_each(table.rows.begin(), table.rows.end(), print_row);
}

void print_json(const Table& table) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const auto& row : table.rows) {
    nlohmann::ordered_json& object = out.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      object[table.columns[i]] = row[i];
    }
  }
  std::cout << out.dump(2) << '\n';
}

}  // namespace

void print(const Table& table, Format format) {
  switch (format) {
    case Format::kText:
      print_text(table);
      break;
    case Format::kCsv:
      print_csv(table);
      break;
    case Format::kJson:
      print_json(table);
      break;
  }
}

}  // namespace tilewright::cli
