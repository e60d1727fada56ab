// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tw::gpu {

using Value = std::variant<int64_t, double, std::string>;
using Parameters = std::vector<std::pair<std::string, Value>>;

enum class Mechanisms : uint8_t {
  kOne,      // one mechanism alone: every third point of the family is held back for validation
  kCombined  // two mechanisms meet: every point is for validation
};

struct Metric {
  std::string name, unit;
  std::vector<double> samples;  // one per repeat
};

// One measured point. The first metric is the one that the point is about.
struct Point {
  std::string family;
  Mechanisms mechanisms = Mechanisms::kOne;
  Parameters parameters;
  std::vector<Metric> metrics;
  std::optional<double> sm_clock_hz, memory_clock_hz, power_w, joules;
  std::optional<bool> verified;
  std::map<std::string, std::string> hashes;  // name -> hexadecimal digits, of results that must not change
};

struct Header {
  std::string suite, card, card_name, driver, cuda, date, commit, command;
  std::map<std::string, Value> device;
  bool quick = false;
};

double median(std::vector<double> samples);
// (largest - smallest) / median: the figure to hold a difference against.
double spread(const std::vector<double>& samples);

// The points of one suite, written as one JSON file. Identifiers are made of the parameters, so that a point
// keeps its name when others are added; a name used twice is an error.
class Record {
 public:
  explicit Record(Header header) : header_(std::move(header)) {}
  void add(Point point);
  const std::vector<Point>& points() const { return points_; }
  std::string identifier(const Point& point) const;
  std::string to_json() const;
  void write(const std::string& path) const;

 private:
  Header header_;
  std::vector<Point> points_;
};

}  // namespace tw::gpu
