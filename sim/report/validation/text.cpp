// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "sim/report/table.h"
#include "sim/report/validation.h"

namespace tilewright::report {
namespace {

constexpr std::size_t kTextColumns = 116;

using Align = Table::Align;

std::string heading(const std::string& words, bool colour) {
  return "\n" + (colour ? "\x1b[1m" + words + "\x1b[0m" : words) + "\n";
}

std::string signed_percent(double fraction) {
  return fmt::format("{:+.1f}", fraction * 100);
}
std::string correlation(const std::optional<double>& value) {
  return value ? fmt::format("{:.3f}", *value) : "-";
}

std::string summary_table(const ValidationRecord& record, bool colour) {
  Table table({{"suite", "", Align::kLeft},
               {"family", "", Align::kLeft},
               {"split", "", Align::kLeft},
               {"metric", "", Align::kLeft},
               {"points", "[1]"},
               {"mean\nerror", "[%]"},
               {"largest", "[%]"},
               {"bias", "[%]"},
               {"Pearson", "[1]"},
               {"rank", "[1]"},
               {"baseline", "[%]"},
               {"worst point", "", Align::kLeft}});
  for (const ValidationSummary& row : record.summary) {
    const std::string baseline = row.baseline_mape ? percent(*row.baseline_mape) : "-";
    table.add_row({row.suite, row.family, name(row.split), row.metric, std::to_string(row.n),
                   percent(row.mape), percent(row.max_error), signed_percent(row.bias),
                   correlation(row.pearson), correlation(row.rank),
                   baseline + (halves_baseline(row) ? " " : "!"), row.worst_id});
  }
  return table.text(colour);
}

std::string gaps_table(const ValidationRecord& record, bool colour) {
  std::string text;
  for (const KnownGap& gap : record.known_gaps) {
    const std::string state = gap.n == 0 ? "MATCHES NOTHING"
                              : gap.outside.empty()
                                  ? "holds"
                                  : fmt::format("CHANGED ({} of {} points)", gap.outside.size(), gap.n);
    text += fmt::format("  {}: {:+.1f} to {:+.1f} %, {} point{}, {}\n", gap.points, gap.low * 100,
                        gap.high * 100, gap.n, gap.n == 1 ? "" : "s", state);
    std::string reason = "    " + wrapped(gap.reason, kTextColumns - 4);
    for (std::size_t at = reason.find('\n'); at + 1 < reason.size(); at = reason.find('\n', at + 1)) {
      reason.insert(at + 1, "    ");
    }
    text += reason;
  }
  return text.empty() ? "" : heading("Known gaps: errors that are expected, and why", colour) + text;
}

std::string not_simulated_table(const ValidationRecord& record, bool colour) {
  if (record.not_simulated.empty()) {
    return "";
  }
  Table table({{"suite", "", Align::kLeft},
               {"family", "", Align::kLeft},
               {"split", "", Align::kLeft},
               {"points", "[1]"},
               {"reason", "", Align::kLeft}});
  std::size_t all = 0;
  for (const NotSimulated& one : record.not_simulated) {
    table.add_row({one.suite, one.family, name(one.split), std::to_string(one.n), one.reason});
    all += one.n;
  }
  return heading(fmt::format("Not simulated: {} measured points", all), colour) + table.text(colour);
}

std::string points_table(const ValidationRecord& record, const std::string& suite, bool colour) {
  Table table({{"point", "", Align::kLeft},
               {"split", "", Align::kLeft},
               {"measured", ""},
               {"simulated", ""},
               {"unit", "", Align::kLeft},
               {"error", "[%]"},
               {"baseline", "[%]"},
               {"", "", Align::kLeft}});
  for (const ValidationPoint& point : record.points) {
    if (point.suite != suite) {
      continue;
    }
    table.add_row({point.id, name(point.split), value_text(point.measured), value_text(point.simulated),
                   point.unit, signed_percent(point.error),
                   point.baseline ? signed_percent(relative_error(*point.baseline, point.measured)) : "-",
                   point.known_gap.empty() ? "" : "known gap"});
  }
  return table.text(colour);
}

}  // namespace

std::string value_text(double value) {
  return fmt::format("{:.5g}", value);
}

std::string parameters_text(const Parameters& parameters) {
  std::string text;
  for (const auto& [key, value] : parameters) {
    text += (text.empty() ? "" : ", ") + key + "=";
    text += std::holds_alternative<double>(value) ? fmt::format("{}", std::get<double>(value))
                                                  : std::get<std::string>(value);
  }
  return text;
}

bool halves_baseline(const ValidationSummary& row) {
  return !row.baseline_mape || row.mape <= *row.baseline_mape / 2;
}

std::string validation_legend() {
  return "Errors are simulated / measured - 1. Mean error and largest are of its size, bias is its mean; "
         "baseline is the "
         "mean error of a model that knows one efficiency and one energy, which the simulator should at "
         "least halve. Constants "
         "may rest on calibration points, never on validation points.";
}

std::string validation_text(const ValidationRecord& record, bool colour) {
  std::string text = fmt::format("{} points of {} suite{}, tilewright {}\n", record.points.size(),
                                 record.suites.size(), record.suites.size() == 1 ? "" : "s", record.version);
  if (!record.summary.empty()) {
    text += heading("Simulator against measurement", colour) + summary_table(record, colour) +
            wrapped(validation_legend() + " A ! marks where the baseline is not halved.", kTextColumns);
  }
  text += gaps_table(record, colour) + not_simulated_table(record, colour);
  for (const std::string& suite : record.suites) {
    const bool any = std::any_of(record.points.begin(), record.points.end(),
                                 [&](const ValidationPoint& point) { return point.suite == suite; });
    text += any ? heading(suite + ": every point", colour) + points_table(record, suite, colour) : "";
  }
  return text;
}

}  // namespace tilewright::report
