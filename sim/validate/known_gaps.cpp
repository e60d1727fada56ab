// SPDX-License-Identifier: Apache-2.0
#include "sim/validate/known_gaps.h"

#include <algorithm>

namespace tilewright::validate {

void describe(config::Schema<GapSpec>& schema) {
  schema.name("gap", "points whose error is known and explained");
  schema.field(&GapSpec::suite, "suite", "the suite that has the points").required().non_empty();
  schema.field(&GapSpec::points, "points", "pattern of point ids; * stands for any text")
      .required()
      .non_empty();
  schema.field(&GapSpec::reason, "reason", "the mechanism that is missing or wrong").required().non_empty();
  schema.field(&GapSpec::low, "low", "the least error of any such point, simulated / measured - 1")
      .required()
      .range(-1, 1e6);
  schema.field(&GapSpec::high, "high", "the largest").required().range(-1, 1e6);
  schema.check([](const GapSpec& gap, config::Checker& check) {
    if (gap.low > gap.high) {
      check.error("low", "must not be above 'high'");
    } else if (gap.low <= 0 && gap.high >= 0) {
      check.error("low", "and 'high' hold 0 between them: points without an error are no gap");
    }
  });
}

void describe(config::Schema<GapFile>& schema) {
  schema.kind("known_gaps", "errors of the simulator that are known and explained");
  schema.field(&GapFile::gaps, "gaps", "each asserted: outside of its range it is reported").required();
}

// Iterative, so that no pattern takes exponential time: on a mismatch only the last '*' can take one more.
bool matches(std::string_view pattern, std::string_view id) {
  std::size_t p = 0, i = 0, star = std::string_view::npos, resume = 0;
  while (i < id.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = i;
    } else if (p < pattern.size() && pattern[p] == id[i]) {
      ++p;
      ++i;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

void apply(const std::vector<GapSpec>& gaps, ValidationRecord& record) {
  for (const GapSpec& spec : gaps) {
    if (std::find(record.suites.begin(), record.suites.end(), spec.suite) == record.suites.end()) {
      continue;
    }
    KnownGap gap{spec.suite, spec.points, spec.reason, spec.low, spec.high, 0, {}};
    for (ValidationPoint& point : record.points) {
      if (point.suite != spec.suite || !point.known_gap.empty() || !matches(spec.points, point.id)) {
        continue;
      }
      point.known_gap = spec.points;
      ++gap.n;
      if (point.error < spec.low || point.error > spec.high) {
        gap.outside.push_back(point.id);
      }
    }
    record.known_gaps.push_back(std::move(gap));
  }
}

}  // namespace tilewright::validate
