// SPDX-License-Identifier: Apache-2.0
#include "sim/report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/report/csv.h"
#include "sim/report/table.h"
#include "sim/report/validation.h"

namespace tilewright::report {
namespace {

using Align = Table::Align;

// One side of a comparison: named values.
struct Value {
  std::string what, metric;
  double value = 0;
  std::optional<double> measured;
};

std::vector<Value> values(const ExperimentRecord& record) {
  std::vector<Value> all;
  for (const RunRecord& run : record.runs) {
    const std::string what = run.machine + " " + run.name;
    all.push_back({what, "macs", static_cast<double>(run.macs), {}});
    all.push_back({what, "cycles", static_cast<double>(run.cycles), {}});
    all.push_back({what, "time_s", run.time_s, {}});
    all.push_back({what, "energy_on_chip_j", run.on_chip_energy().nominal, {}});
    all.push_back({what, "energy_j", run.total_energy().nominal, {}});
  }
  return all;
}

std::vector<Value> values(const ValidationRecord& record) {
  std::vector<Value> all;
  for (const ValidationPoint& point : record.points) {
    all.push_back({point.suite + ": " + point.id, point.metric, point.simulated, point.measured});
  }
  return all;
}

const Value* find(const std::vector<Value>& all, const Value& wanted) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Value& value) {
    return value.what == wanted.what && value.metric == wanted.metric;
  });
  return found == all.end() ? nullptr : &*found;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (names.empty() || names.back() != name) {
    names.push_back(name);
  }
}

Comparison compare_values(const std::vector<Value>& before, const std::vector<Value>& after) {
  Comparison comparison;
  for (const Value& old_value : before) {
    const Value* new_value = find(after, old_value);
    if (new_value == nullptr) {
      add_once(comparison.only_before, old_value.what);
      continue;
    }
    comparison.differences.push_back({old_value.what, old_value.metric, old_value.value, new_value->value,
                                      relative_error(new_value->value, old_value.value), old_value.measured});
  }
  for (const Value& new_value : after) {
    if (find(before, new_value) == nullptr) {
      add_once(comparison.only_after, new_value.what);
    }
  }
  return comparison;
}

std::vector<Value> values(const StoredResult& result) {
  return std::holds_alternative<StoredRun>(result) ? values(std::get<StoredRun>(result).record)
                                                   : values(std::get<ValidationRecord>(result));
}

std::string list(const std::string& title, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += "  " + name + "\n";
  }
  return names.empty() ? "" : title + "\n" + text;
}

std::string error_text(double value, const std::optional<double>& measured) {
  return measured ? fmt::format("{:+.1f}", relative_error(value, *measured) * 100) : "-";
}

}  // namespace

double Comparison::largest() const {
  double most = 0;
  for (const Difference& one : differences) {
    most = std::max(most, std::abs(one.relative));
  }
  return most;
}

std::size_t Comparison::changed() const {
  return static_cast<std::size_t>(std::count_if(
      differences.begin(), differences.end(), [](const Difference& one) { return one.before != one.after; }));
}

Comparison compare(const StoredResult& before, const StoredResult& after) {
  const auto kind = [](const StoredResult& result) {
    return std::string(std::holds_alternative<StoredRun>(result) ? "run" : "validate");
  };
  if (kind(before) != kind(after)) {
    throw UserError({Diagnostic{
        {},
        "results.unexpected",
        fmt::format("results of '{}' cannot be compared with results of '{}'", kind(before), kind(after)),
        {}}});
  }
  Comparison comparison = compare_values(values(before), values(after));
  comparison.kind = kind(before);
  return comparison;
}

std::string comparison_text(const Comparison& comparison, bool colour) {
  const bool of_points = comparison.kind == "validate";
  std::vector<Table::Column> columns = {{of_points ? "point" : "run", "", Align::kLeft},
                                        {"metric", "", Align::kLeft},
                                        {"before", ""},
                                        {"after", ""},
                                        {"change", "[%]"}};
  if (of_points) {
    columns.push_back({"error\nbefore", "[%]"});
    columns.push_back({"error\nafter", "[%]"});
  }
  Table table(columns);
  for (const Difference& one : comparison.differences) {
    if (one.before == one.after) {
      continue;
    }
    std::vector<std::string> cells = {one.what, one.metric, fmt::format("{:.7g}", one.before),
                                      fmt::format("{:.7g}", one.after),
                                      fmt::format("{:+.3f}", one.relative * 100)};
    if (of_points) {
      cells.push_back(error_text(one.before, one.measured));
      cells.push_back(error_text(one.after, one.measured));
    }
    table.add_row(std::move(cells));
  }
  const std::size_t changed = comparison.changed();
  std::string text = changed == 0 ? "" : table.text(colour);
  text += fmt::format("{} of {} values changed, the largest by {:.3f} %\n", changed,
                      comparison.differences.size(), comparison.largest() * 100);
  return text + list("only before:", comparison.only_before) + list("only after:", comparison.only_after);
}

nlohmann::ordered_json comparison_json(const Comparison& comparison) {
  nlohmann::ordered_json json = {{"schema_version", 1},
                                 {"kind", comparison.kind},
                                 {"largest", comparison.largest()},
                                 {"differences", nlohmann::ordered_json::array()},
                                 {"only_before", comparison.only_before},
                                 {"only_after", comparison.only_after}};
  for (const Difference& one : comparison.differences) {
    json["differences"].push_back({{"what", one.what},
                                   {"metric", one.metric},
                                   {"before", one.before},
                                   {"after", one.after},
                                   {"relative", one.relative}});
  }
  return json;
}

std::string comparison_csv(const Comparison& comparison) {
  std::string csv;
  append_csv_row(csv, {"what", "metric", "before", "after", "relative_fraction"});
  for (const Difference& one : comparison.differences) {
    append_csv_row(csv, {one.what, one.metric, fmt::format("{}", one.before), fmt::format("{}", one.after),
                         fmt::format("{}", one.relative)});
  }
  return csv;
}

}  // namespace tilewright::report
