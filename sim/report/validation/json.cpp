// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/base/json/json_file.h"
#include "sim/report/read.h"
#include "sim/report/validation.h"

namespace tilewright::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

double finite(double value) {
  TILEWRIGHT_CHECK(std::isfinite(value), "a result is not a finite number");
  return value;
}

Json optional(const std::optional<double>& value) {
  return value ? Json(finite(*value)) : Json(nullptr);
}

std::optional<double> read_optional(const JsonValue& json) {
  return json.is_null() ? std::nullopt : std::optional(json.number());
}

Json parameters_json(const Parameters& parameters) {
  Json json = Json::object();
  for (const auto& [key, value] : parameters) {
    std::visit([&json, &key = key](const auto& plain) { json[key] = plain; }, value);
  }
  return json;
}

Json point_json(const ValidationPoint& point) {
  return {{"id", point.id},
          {"suite", point.suite},
          {"family", point.family},
          {"split", name(point.split)},
          {"metric", point.metric},
          {"unit", point.unit},
          {"measured", finite(point.measured)},
          {"simulated", finite(point.simulated)},
          {"error", finite(point.error)},
          {"baseline", optional(point.baseline)},
          {"known_gap", point.known_gap},
          {"parameters", parameters_json(point.parameters)},
          {"source", point.source}};
}

Split read_split(const JsonValue& json) {
  return json.word({"calibration", "validation"}) == 0 ? Split::kCalibration : Split::kValidation;
}

ValidationPoint read_point(const JsonValue& json) {
  json.only({"id", "suite", "family", "split", "metric", "unit", "measured", "simulated", "error", "baseline",
             "known_gap", "parameters", "source"});
  ValidationPoint point;
  point.id = json["id"].text();
  point.suite = json["suite"].text();
  point.family = json["family"].text();
  point.split = read_split(json["split"]);
  point.metric = json["metric"].text();
  point.unit = json["unit"].text();
  point.measured = json["measured"].number();
  point.simulated = json["simulated"].number();
  point.error = json["error"].number();
  point.baseline = read_optional(json["baseline"]);
  point.known_gap = json["known_gap"].text();
  for (const auto& [key, value] : json["parameters"].members()) {
    point.parameters[key] = value.is_number() ? ParameterValue(value.number()) : ParameterValue(value.text());
  }
  point.source = json["source"].text();
  return point;
}

Json summary_json(const ValidationSummary& row) {
  return {{"suite", row.suite},
          {"family", row.family},
          {"split", name(row.split)},
          {"metric", row.metric},
          {"n", row.n},
          {"mape", finite(row.mape)},
          {"max_error", finite(row.max_error)},
          {"worst_id", row.worst_id},
          {"bias", finite(row.bias)},
          {"pearson", optional(row.pearson)},
          {"rank", optional(row.rank)},
          {"baseline_mape", optional(row.baseline_mape)}};
}

ValidationSummary read_summary(const JsonValue& json) {
  json.only({"suite", "family", "split", "metric", "n", "mape", "max_error", "worst_id", "bias", "pearson",
             "rank", "baseline_mape"});
  return {json["suite"].text(),           json["family"].text(),       read_split(json["split"]),
          json["metric"].text(),          json["n"].count(),           json["mape"].number(),
          json["max_error"].number(),     json["worst_id"].text(),     json["bias"].number(),
          read_optional(json["pearson"]), read_optional(json["rank"]), read_optional(json["baseline_mape"])};
}

NotSimulated read_not_simulated(const JsonValue& json) {
  json.only({"suite", "family", "split", "n", "reason"});
  return {json["suite"].text(), json["family"].text(), read_split(json["split"]), json["n"].count(),
          json["reason"].text()};
}

KnownGap read_gap(const JsonValue& json) {
  json.only({"suite", "points", "reason", "low", "high", "n", "outside"});
  KnownGap gap{json["suite"].text(),
               json["points"].text(),
               json["reason"].text(),
               json["low"].number(),
               json["high"].number(),
               json["n"].count(),
               {}};
  for (const JsonValue& id : json["outside"].items()) {
    gap.outside.push_back(id.text());
  }
  return gap;
}

}  // namespace

Json validation_json(const ValidationRecord& record) {
  Json json = {{"schema_version", kSchemaVersion}, {"version", record.version},
               {"command", record.command},        {"suites", record.suites},
               {"points", Json::array()},          {"summary", Json::array()},
               {"known_gaps", Json::array()},      {"not_simulated", Json::array()}};
  for (const ValidationPoint& point : record.points) {
    json["points"].push_back(point_json(point));
  }
  for (const ValidationSummary& row : record.summary) {
    json["summary"].push_back(summary_json(row));
  }
  for (const KnownGap& gap : record.known_gaps) {
    json["known_gaps"].push_back({{"suite", gap.suite},
                                  {"points", gap.points},
                                  {"reason", gap.reason},
                                  {"low", gap.low},
                                  {"high", gap.high},
                                  {"n", gap.n},
                                  {"outside", gap.outside}});
  }
  for (const NotSimulated& one : record.not_simulated) {
    json["not_simulated"].push_back({{"suite", one.suite},
                                     {"family", one.family},
                                     {"split", name(one.split)},
                                     {"n", one.n},
                                     {"reason", one.reason}});
  }
  return json;
}

ValidationRecord read_validation(const std::filesystem::path& path) {
  const JsonFile file(path);
  const JsonValue json = file.root();
  if (json["schema_version"].count() != kSchemaVersion) {
    json["schema_version"].refuse("is not 1, the only one that this version reads");
  }
  json.only(
      {"schema_version", "version", "command", "suites", "points", "summary", "known_gaps", "not_simulated"});
  ValidationRecord record;
  record.version = json["version"].text();
  record.command = json["command"].text();
  for (const JsonValue& suite : json["suites"].items()) {
    record.suites.push_back(suite.text());
  }
  for (const JsonValue& point : json["points"].items()) {
    record.points.push_back(read_point(point));
  }
  for (const JsonValue& row : json["summary"].items()) {
    record.summary.push_back(read_summary(row));
  }
  for (const JsonValue& gap : json["known_gaps"].items()) {
    record.known_gaps.push_back(read_gap(gap));
  }
  for (const JsonValue& one : json["not_simulated"].items()) {
    record.not_simulated.push_back(read_not_simulated(one));
  }
  return record;
}

}  // namespace tilewright::report
