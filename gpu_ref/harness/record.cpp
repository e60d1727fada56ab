// SPDX-License-Identifier: Apache-2.0
#include "harness/record.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "harness/check.h"

namespace tw::gpu {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr int kValidationPeriod = 3;

Json to_json_value(const Value& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

std::string to_text(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return *text;
  }
  std::ostringstream out;
  std::visit([&out](const auto& held) { out << held; }, value);
  return out.str();
}

// Seven significant digits: far below any spread seen, and it keeps the files readable.
double rounded(double value) {
  if (value == 0.0 || !std::isfinite(value)) {
    return value;
  }
  const double scale = std::pow(10.0, 6 - std::floor(std::log10(std::fabs(value))));
  return std::round(value * scale) / scale;
}

Json optional_number(const std::optional<double>& value) {
  return value ? Json(rounded(*value)) : Json(nullptr);
}

// The deterministic rule of the records: counted within a family, in the order of the file.
const char* split_of(const Point& point, int index_in_family) {
  const bool held_back = index_in_family % kValidationPeriod == kValidationPeriod - 1;
  return point.mechanisms == Mechanisms::kCombined || held_back ? "validation" : "calibration";
}

Json header_json(const Header& header, const std::vector<Point>& points) {
  std::set<std::string> combined;
  for (const Point& point : points) {
    if (point.mechanisms == Mechanisms::kCombined) {
      combined.insert(point.family);
    }
  }
  Json device = Json::object();
  for (const auto& [key, value] : header.device) {
    device[key] = to_json_value(value);
  }
  return Json{{"schema_version", kSchemaVersion},
              {"suite", header.suite},
              {"card", header.card},
              {"card_name", header.card_name},
              {"driver", header.driver},
              {"cuda", header.cuda},
              {"date", header.date},
              {"commit", header.commit},
              {"command", header.command},
              {"quick", header.quick},
              {"device", device},
              {"combined_families", combined},
              {"validation_period", kValidationPeriod}};
}

Json point_json(const Point& point, const std::string& identifier, int index_in_family) {
  Json parameters = Json::object();
  for (const auto& [key, value] : point.parameters) {
    parameters[key] = to_json_value(value);
  }
  Json metrics = Json::object();
  for (const Metric& metric : point.metrics) {
    metrics[metric.name] = Json{{"value", rounded(median(metric.samples))}, {"unit", metric.unit}};
  }
  const Metric& primary = point.metrics.front();
  const double minimum = *std::min_element(primary.samples.begin(), primary.samples.end());
  Json out{{"id", identifier},
           {"family", point.family},
           {"split", split_of(point, index_in_family)},
           {"parameters", parameters},
           {"metric", primary.name},
           {"unit", primary.unit},
           {"median", rounded(median(primary.samples))},
           {"minimum", rounded(minimum)},
           {"spread", rounded(spread(primary.samples))},
           {"repeats", primary.samples.size()},
           {"metrics", metrics},
           {"sm_clock_hz", optional_number(point.sm_clock_hz)},
           {"l2_clock_hz", nullptr},
           {"memory_clock_hz", optional_number(point.memory_clock_hz)},
           {"power_w", optional_number(point.power_w)}};
  if (point.joules) {
    out["joules"] = rounded(*point.joules);
  }
  out["verified"] = point.verified ? Json(*point.verified) : Json(nullptr);
  if (!point.hashes.empty()) {
    out["hashes"] = point.hashes;
  }
  return out;
}

}  // namespace

double median(std::vector<double> samples) {
  if (samples.empty()) {
    throw RunError("a metric without a single sample");
  }
  std::sort(samples.begin(), samples.end());
  const size_t middle = samples.size() / 2;
  return samples.size() % 2 == 1 ? samples[middle] : 0.5 * (samples[middle - 1] + samples[middle]);
}

double spread(const std::vector<double>& samples) {
  const auto [low, high] = std::minmax_element(samples.begin(), samples.end());
  const double centre = median(samples);
  return centre == 0.0 ? 0.0 : (*high - *low) / std::fabs(centre);
}

std::string Record::identifier(const Point& point) const {
  std::string name = point.family;
  char separator = '/';
  for (const auto& [key, value] : point.parameters) {
    name += separator + key + "=" + to_text(value);
    separator = ',';
  }
  return name;
}

void Record::add(Point point) {
  if (point.metrics.empty()) {
    throw RunError("point " + identifier(point) + " has no metric");
  }
  const std::string name = identifier(point);
  for (const Point& earlier : points_) {
    if (identifier(earlier) == name) {
      throw RunError("two points are called " + name);
    }
  }
  points_.push_back(std::move(point));
}

std::string Record::to_json() const {
  std::map<std::string, int> seen;
  Json points = Json::array();
  for (const Point& point : points_) {
    points.push_back(point_json(point, identifier(point), seen[point.family]++));
  }
  Json header = header_json(header_, points_);
  // One point a line: a changed measurement is one changed line.
  std::string text = "{\"header\": " + header.dump(1) + ",\n\"points\": [\n";
  for (size_t i = 0; i < points.size(); ++i) {
    text += points[i].dump() + (i + 1 < points.size() ? ",\n" : "\n");
  }
  return text + "]}\n";
}

void Record::write(const std::string& path) const {
  std::ofstream out(path);
  out << to_json();
  if (!out.flush()) {
    throw UsageError("cannot write " + path);
  }
}

}  // namespace tw::gpu
