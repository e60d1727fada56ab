// SPDX-License-Identifier: Apache-2.0
//
// Errors that are known and explained (configs/validation/known_gaps.yaml, kind: known_gaps). Each names its
// points by a pattern of their ids ('*' stands for any text), the reason, and the range in which the error of
// every such point lies. The range does not hold 0: a gap that has closed must be taken off the list.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/config/schema.h"
#include "sim/base/validation_record.h"

namespace tilewright::validate {

struct GapSpec {
  std::string suite;   // that has the points
  std::string points;  // pattern of ids
  std::string reason;
  double low = 0, high = 0;
};
struct GapFile {
  std::vector<GapSpec> gaps;
};
void describe(config::Schema<GapSpec>& schema);
void describe(config::Schema<GapFile>& schema);

bool matches(std::string_view pattern, std::string_view id);

// Marks the points of each gap (the first that matches counts) and records how the gaps of the suites that
// were run stand.
void apply(const std::vector<GapSpec>& gaps, ValidationRecord& record);

}  // namespace tilewright::validate
