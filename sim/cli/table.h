// SPDX-License-Identifier: Apache-2.0
//
// Catalogues are small tables of text; the first column is the name to be used elsewhere.
#pragma once

#include <string>
#include <vector>

#include "sim/cli/options.h"

namespace tilewright::cli {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// To stdout. Text has a heading where there is more than a name and its meaning; JSON is a list of objects.
void print(const Table& table, Format format);

}  // namespace tilewright::cli
