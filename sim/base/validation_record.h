// SPDX-License-Identifier: Apache-2.0
//
// What one `tilewright validate` leaves behind, as plain values: every measured point beside what the
// simulator says, statistics over groups of them, the gaps that are known, and what could not be simulated.
// Errors are fractions, simulated / measured - 1: positive where the simulator says more than the silicon.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tilewright {

// What a point varies over: a number ("tokens": 128) or a word ("format": "int8").
using ParameterValue = std::variant<double, std::string>;
using Parameters = std::map<std::string, ParameterValue>;

// Calibration points may set constants; validation points never do.
enum class Split : unsigned char { kCalibration, kValidation };
inline const char* name(Split split) {
  return split == Split::kCalibration ? "calibration" : "validation";
}

struct ValidationPoint {
  std::string id;      // unique within its suite
  std::string suite;   // "accelerator", "h200_sxm/tma"
  std::string family;  // points of one kind, that one statistic can be about
  Split split = Split::kValidation;
  std::string metric;
  std::string unit;
  double measured = 0;
  double simulated = 0;
  double error = 0;
  std::optional<double> baseline;  // what a naive model says, in the metric's unit
  Parameters parameters;
  std::string source;     // where the measured value comes from
  std::string known_gap;  // the pattern of the gap that covers it; empty: none
};

// Over the points of one suite, family, split and metric.
struct ValidationSummary {
  std::string suite, family;
  Split split = Split::kValidation;
  std::string metric;
  std::size_t n = 0;
  double mape = 0;       // mean of |error|
  double max_error = 0;  // largest |error|
  std::string worst_id;
  double bias = 0;                      // mean of error
  std::optional<double> pearson;        // of measured and simulated; none where it is not defined
  std::optional<double> rank;           // Spearman's
  std::optional<double> baseline_mape;  // none where a point has no baseline
};

// Points that were recorded but have no counterpart in the simulator: counted, never dropped.
struct NotSimulated {
  std::string suite, family;
  Split split = Split::kValidation;
  std::size_t n = 0;
  std::string reason;
};

// An error that is expected, with its cause. A gap that is no longer there is as much news as a new one.
struct KnownGap {
  std::string suite;
  std::string points;  // pattern of point ids
  std::string reason;
  double low = 0, high = 0;          // the errors expected of every such point
  std::size_t n = 0;                 // points simulated that match
  std::vector<std::string> outside;  // ids of those whose error is not in the range

  bool holds() const { return n > 0 && outside.empty(); }
};

struct ValidationRecord {
  std::string version;
  std::string command;
  std::vector<std::string> suites;  // as run
  std::vector<ValidationPoint> points;
  std::vector<ValidationSummary> summary;
  std::vector<NotSimulated> not_simulated;
  std::vector<KnownGap> known_gaps;  // of the suites that were run
};

// simulated / measured - 1. A measured 0 has no relative error: 0 where the simulator says 0 too, else 1.
inline double relative_error(double simulated, double measured) {
  if (measured == 0) {
    return simulated == 0 ? 0 : 1;
  }
  return simulated / measured - 1;
}

}  // namespace tilewright
