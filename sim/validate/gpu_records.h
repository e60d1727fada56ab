// SPDX-License-Identifier: Apache-2.0
//
// The GPU half: what gpu_ref recorded (gpu_ref/measurements/<card>/<suite>.json, described by schema.json
// beside them), each point simulated by the twin of the kernel that was measured, at the clocks it was
// measured at.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/validation_record.h"
#include "sim/validate/suite.h"

namespace tilewright::validate {

// During the launch that was measured; absent where it was not recorded.
struct RecordedClocks {
  std::optional<double> sm_hz, l2_hz, memory_hz;
  std::optional<double> sustained_sm_hz;  // of the SMs while the launch was repeated to be weighed
};

struct RecordedValue {
  double value = 0;
  std::string unit;
};

struct RecordedPoint {
  std::string id, family;
  Split split = Split::kValidation;
  Parameters parameters;
  std::string metric;                            // the one that the suite is about
  std::map<std::string, RecordedValue> metrics;  // that one too
  RecordedClocks clocks;
  std::map<std::string, std::string> hashes;  // of work lists and outputs, by name
};

struct RecordFile {
  std::string suite, card, source;  // source: card, driver, CUDA and date, for people
  std::vector<RecordedPoint> points;
};

// Takes what it needs and checks its types; that a file fits the schema in every other way is gpu_ref's own
// test. Throws UserError (results.*).
RecordFile read_records(const std::filesystem::path& path);

// One point as its twin sees it. `suite` is the record's: "tma" for times, "counters_tma" for what a profiler
// counted.
struct TwinRequest {
  std::string card, suite, family, metric;
  const Parameters& parameters;
  RecordedClocks clocks;
};
struct TwinValue {
  double value = 0;
  std::optional<double> baseline;  // a roofline with one efficiency, where the twin knows the work
};
struct TwinResult {
  // By their recorded names, at least the suite's metric if it can; others that were recorded are compared
  // too, the rest is ignored. Joules of the launch and its power are recorded as "joules" and "power_w".
  std::map<std::string, TwinValue> metrics;
  // Of what the twin worked on ("work_list"). One that differs from the recorded hash of that name is a
  // UserError (results.unexpected): the two did not do the same.
  std::map<std::string, std::string> hashes;
};
// Nothing where there is no twin.
using TwinSimulator = std::function<std::optional<TwinResult>(const TwinRequest&)>;

// One suite a file below `measurements`, named "<card>/<file>" in the order of the names; files are read when
// a suite is used. Where a twin gives no baseline, it is a roofline with one efficiency: rates are their
// family's geometric mean over its calibration points (over all, where it has none), times are the work over
// that rate where a rate was recorded beside them, and anything else is its own mean.
Suites gpu_suites(const std::filesystem::path& measurements, TwinSimulator simulator);

}  // namespace tilewright::validate
