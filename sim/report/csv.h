// SPDX-License-Identifier: Apache-2.0
//
// The results of one `tilewright run` as comma-separated values (RFC 4180, but lines end in '\n'): a heading
// line, then one row a run or layer. A unit is the end of its heading (_s, _j, _bytes); *_fraction is between
// 0 and 1.
#pragma once

#include <string>
#include <vector>

#include "sim/base/record.h"

namespace tilewright::report {

std::string runs_csv(const ExperimentRecord& record);
std::string layers_csv(const ExperimentRecord& record);

// One line, its fields quoted where they must be.
void append_csv_row(std::string& csv, const std::vector<std::string>& fields);

}  // namespace tilewright::report
