// SPDX-License-Identifier: Apache-2.0
#include "sim/validate/ceilings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/validate/points_file.h"

namespace tilewright::validate {
namespace {

template <class A, class B>
bool same_group(const A& a, const B& b) {
  return a.suite == b.suite && a.family == b.family && a.split == b.split && a.metric == b.metric;
}

template <class A>
std::string title(const A& row) {
  return fmt::format("{} {} {} {}", row.suite, row.family, name(row.split), row.metric);
}

double rounded_up(double error) {
  return std::max(0.0, std::ceil(error * 1000 - 1e-6)) / 1000;
}

void compare(const Ceiling& ceiling, const ValidationSummary& row, std::vector<std::string>& problems) {
  if (row.n < ceiling.n) {
    problems.push_back(fmt::format("{}: {} points, there were {}", title(row), row.n, ceiling.n));
  }
  // Errors are printed and stored in tenths of a per cent; what rounds to the same is the same.
  const auto check = [&](const char* what, double value, double limit) {
    if (rounded_up(value) > limit + 1e-9) {
      problems.push_back(
          fmt::format("{}: {} is {:.2f} %, at most {:.1f} %", title(row), what, value * 100, limit * 100));
    }
  };
  check("mean error", row.mape, ceiling.mape);
  check("largest error", row.max_error, ceiling.max_error);
}

}  // namespace

void describe(config::Schema<Ceiling>& schema) {
  schema.name("ceiling", "the largest error that a group of points may have");
  schema.field(&Ceiling::suite, "suite", "of `tilewright list suites`").required().non_empty();
  schema.field(&Ceiling::family, "family", "of the points").required().non_empty();
  schema.field(&Ceiling::split, "split", "of the points").required();
  schema.field(&Ceiling::metric, "metric", "of the points").required().non_empty();
  schema.field(&Ceiling::n, "n", "at least so many points").required().range(1, 1e6);
  schema.field(&Ceiling::mape, "mape", "mean of |error|, at most").required().range(0, 1e6);
  schema.field(&Ceiling::max_error, "max_error", "largest |error|, at most").required().range(0, 1e6);
}

void describe(config::Schema<CeilingFile>& schema) {
  schema.kind("error_ceilings", "errors of the day, which must not grow");
  schema.field(&CeilingFile::ceilings, "ceilings", "one a group of points").required();
}

std::vector<std::string> broken(const CeilingFile& file, const ValidationRecord& record) {
  std::vector<std::string> problems;
  for (const ValidationSummary& row : record.summary) {
    const auto ceiling = std::find_if(file.ceilings.begin(), file.ceilings.end(),
                                      [&](const Ceiling& one) { return same_group(one, row); });
    if (ceiling == file.ceilings.end()) {
      problems.push_back(title(row) + ": has no ceiling");
    } else {
      compare(*ceiling, row, problems);
    }
  }
  for (const Ceiling& ceiling : file.ceilings) {
    const bool run =
        std::find(record.suites.begin(), record.suites.end(), ceiling.suite) != record.suites.end();
    const bool found = std::any_of(record.summary.begin(), record.summary.end(),
                                   [&](const ValidationSummary& row) { return same_group(ceiling, row); });
    if (run && !found) {
      problems.push_back(title(ceiling) + ": has a ceiling but no points");
    }
  }
  return problems;
}

std::string ceilings_yaml(const ValidationRecord& record) {
  std::string yaml =
      "# Errors of the day, rounded up to a tenth of a per cent: tests/validate holds `tilewright validate` "
      "to them.\n"
      "# Written by TILEWRIGHT_UPDATE_GOLDEN=1 build/ci/tests/validate/validate_accuracy_test "
      "--test-case=ceilings:*; say in the commit why one grew.\n"
      "kind: error_ceilings\nceilings:\n";
  for (const ValidationSummary& row : record.summary) {
    yaml += fmt::format(
        "  - {{suite: {}, family: {}, split: {}, metric: \"{}\", n: {}, mape: {:.3f}, max_error: {:.3f}}}\n",
        row.suite, row.family, name(row.split), row.metric, row.n, rounded_up(row.mape),
        rounded_up(row.max_error));
  }
  return yaml + (record.summary.empty() ? "  []\n" : "");
}

}  // namespace tilewright::validate
