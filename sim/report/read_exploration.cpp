// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sim/base/error.h"
#include "sim/base/json/json_file.h"
#include "sim/report/exploration.h"
#include "sim/report/read.h"

namespace tilewright::report {
namespace {

constexpr uint64_t kSchemaVersion = 1;

// Values are what the file says: a number that is whole is written without a point, as a machine file has it.
std::string parameter_text(const JsonValue& json) {
  return json.is_number() ? fmt::format("{}", json.number()) : json.text();
}

ExplorationPoint read_point(const JsonValue& json) {
  static const std::vector<std::string> statuses = {"ok", "over_budget", "failed"};
  json.only({"status", "reason", "parameters", "objectives"});
  ExplorationPoint point;
  point.status = statuses[json["status"].word(statuses)];
  if (point.status != "ok") {
    point.reason = json["reason"].text();
  }
  for (const auto& [name, value] : json["parameters"].members()) {
    point.parameters.emplace_back(name, parameter_text(value));
  }
  const JsonValue objectives = json["objectives"];
  objectives.only(objective_keys());
  for (const std::string& key : objective_keys()) {
    if (point.status == "ok" || objectives.has(key)) {
      point.objectives.emplace_back(key, objectives[key].number());
      if (point.objectives.back().second <= 0) {
        objectives[key].refuse(fmt::format("must be above 0, found {}", point.objectives.back().second));
      }
    }
  }
  return point;
}

std::size_t read_index(const JsonValue& json, const ExplorationRecord& record) {
  const uint64_t index = json.count();
  if (index >= record.points.size()) {
    json.refuse(fmt::format("is {}, but there are {} points", index, record.points.size()));
  }
  if (record.points[index].status != "ok") {
    json.refuse(fmt::format("is {}, a point that is no design", index));
  }
  return index;
}

}  // namespace

const std::vector<ObjectiveWords>& objective_words() {
  static const std::vector<ObjectiveWords> all = {
      {"latency_s", "latency", "ms", 1e3},
      {"energy_j", "energy", "mJ", 1e3},
      {"area_m2", "area", "mm2", 1e6},
      {"edp_js", "energy-delay product", "uJ s", 1e6},
      {"throughput_per_area_per_s_m2", "throughput per area", "1/s/mm2", 1e-6},
  };
  return all;
}

std::vector<std::string> objective_keys() {
  std::vector<std::string> keys;
  for (const ObjectiveWords& one : objective_words()) {
    keys.emplace_back(one.key);
  }
  return keys;
}

const ObjectiveWords& words_of(std::string_view key) {
  const auto& all = objective_words();
  const auto found = std::find_if(all.begin(), all.end(), [&](const ObjectiveWords& one) { return one.key == key; });
  TILEWRIGHT_CHECK(found != all.end(), "an objective that the reader let through is not known");
  return *found;
}

double value_of(const ExplorationPoint& point, std::string_view key) {
  const auto found =
      std::find_if(point.objectives.begin(), point.objectives.end(), [&](const auto& one) { return one.first == key; });
  return found == point.objectives.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

std::string design(const ExplorationPoint& point) {
  std::string text;
  for (const auto& [name, value] : point.parameters) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  }
  return text;
}

ExplorationRecord read_exploration(const std::filesystem::path& path) {
  const JsonFile file(path);
  const JsonValue json = file.root();
  if (json["schema_version"].count() != kSchemaVersion) {
    json["schema_version"].refuse("is not 1, the only one that this version reads");
  }
  json.only({"schema_version", "objectives", "points", "pareto"});
  ExplorationRecord record;
  const std::vector<std::string> keys = objective_keys();
  for (const JsonValue& objective : json["objectives"].items()) {
    record.objectives.push_back(keys[objective.word(keys)]);
  }
  for (const JsonValue& point : json["points"].items()) {
    record.points.push_back(read_point(point));
  }
  for (const JsonValue& index : json["pareto"].items()) {
    record.front.push_back(read_index(index, record));
  }
  return record;
}

}  // namespace tilewright::report
