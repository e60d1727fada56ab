// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sim/report/csv.h"
#include "sim/report/validation.h"

namespace tilewright::report {
namespace {

std::string optional(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

}  // namespace

std::string points_csv(const ValidationRecord& record) {
  std::string csv;
  append_csv_row(csv, {"id", "suite", "family", "split", "metric", "unit", "measured", "simulated",
                       "error_fraction", "baseline", "known_gap", "parameters", "source"});
  for (const ValidationPoint& point : record.points) {
    append_csv_row(csv, {point.id, point.suite, point.family, name(point.split), point.metric, point.unit,
                         fmt::format("{}", point.measured), fmt::format("{}", point.simulated),
                         fmt::format("{}", point.error), optional(point.baseline), point.known_gap,
                         parameters_text(point.parameters), point.source});
  }
  return csv;
}

std::string summary_csv(const ValidationRecord& record) {
  std::string csv;
  append_csv_row(csv, {"suite", "family", "split", "metric", "n", "mape_fraction", "max_error_fraction",
                       "worst_id", "bias_fraction", "pearson", "rank", "baseline_mape_fraction"});
  for (const ValidationSummary& row : record.summary) {
    append_csv_row(csv, {row.suite, row.family, name(row.split), row.metric, std::to_string(row.n),
                         fmt::format("{}", row.mape), fmt::format("{}", row.max_error), row.worst_id,
                         fmt::format("{}", row.bias), optional(row.pearson), optional(row.rank),
                         optional(row.baseline_mape)});
  }
  return csv;
}

}  // namespace tilewright::report
