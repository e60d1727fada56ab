// SPDX-License-Identifier: Apache-2.0
#include "sim/report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/report/csv.h"
#include "sim/report/exploration.h"
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

// Whether a design is on the front is a value too: 1 or 0.
std::vector<Value> values(const ExplorationRecord& record) {
  std::vector<Value> all;
  std::vector<bool> on_front(record.points.size());
  for (const std::size_t i : record.front) {
    on_front[i] = true;
  }
  for (std::size_t i = 0; i < record.points.size(); ++i) {
    const ExplorationPoint& point = record.points[i];
    if (point.status != "ok") {
      continue;
    }
    for (const auto& [key, value] : point.objectives) {
      all.push_back({design(point), key, value, {}});
    }
    all.push_back({design(point), "on_front", on_front[i] ? 1.0 : 0.0, {}});
  }
  return all;
}

// By name; of equal names the first.
class Lookup {
 public:
  explicit Lookup(const std::vector<Value>& all) {
    for (const Value& value : all) {
      by_name_.try_emplace({value.what, value.metric}, &value);
    }
  }
  const Value* find(const Value& wanted) const {
    const auto found = by_name_.find({wanted.what, wanted.metric});
    return found == by_name_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::pair<std::string, std::string>, const Value*> by_name_;
};

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (names.empty() || names.back() != name) {
    names.push_back(name);
  }
}

Comparison compare_values(const std::vector<Value>& before, const std::vector<Value>& after) {
  Comparison comparison;
  const Lookup known_before(before), known_after(after);
  for (const Value& old_value : before) {
    const Value* new_value = known_after.find(old_value);
    if (new_value == nullptr) {
      add_once(comparison.only_before, old_value.what);
      continue;
    }
    comparison.differences.push_back({old_value.what, old_value.metric, old_value.value, new_value->value,
                                      relative_error(new_value->value, old_value.value), old_value.measured});
  }
  for (const Value& new_value : after) {
    if (known_before.find(new_value) == nullptr) {
      add_once(comparison.only_after, new_value.what);
    }
  }
  return comparison;
}

std::vector<Value> values(const StoredResult& result) {
  if (std::holds_alternative<StoredRun>(result)) {
    return values(std::get<StoredRun>(result).record);
  }
  return std::holds_alternative<ExplorationRecord>(result) ? values(std::get<ExplorationRecord>(result))
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
    return std::string(std::holds_alternative<StoredRun>(result)           ? "run"
                       : std::holds_alternative<ExplorationRecord>(result) ? "explore"
                                                                           : "validate");
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
  std::vector<Table::Column> columns = {{of_points ? "point" : comparison.kind == "explore" ? "design" : "run", "", Align::kLeft},
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
