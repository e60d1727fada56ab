// SPDX-License-Identifier: Apache-2.0
#include "sim/validate/gpu_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "sim/base/error.h"
#include "sim/base/json/json_file.h"

namespace tilewright::validate {
namespace {

namespace fs = std::filesystem;

std::optional<double> clock(const JsonValue& value) {
  return value.is_null() ? std::nullopt : std::optional(value.number());
}

RecordedPoint read_point(const JsonValue& json) {
  RecordedPoint point;
  point.id = json["id"].text();
  point.family = json["family"].text();
  point.split =
      json["split"].word({"calibration", "validation"}) == 0 ? Split::kCalibration : Split::kValidation;
  point.metric = json["metric"].text();
  for (const auto& [key, value] : json["parameters"].members()) {
    point.parameters[key] = value.is_number() ? ParameterValue(value.number()) : ParameterValue(value.text());
  }
  for (const auto& [key, value] : json["metrics"].members()) {
    point.metrics[key] = {value["value"].number(), value["unit"].text()};
  }
  if (json.has("joules")) {
    point.metrics["joules"] = {json["joules"].number(), "J"};
  }
  if (!json["power_w"].is_null()) {
    point.metrics["power_w"] = {json["power_w"].number(), "W"};
  }
  if (json.has("hashes")) {
    for (const auto& [key, value] : json["hashes"].members()) {
      point.hashes[key] = value.text();
    }
  }
  // The suite's own metric is the median of the repeats, whatever else the point holds.
  point.metrics[point.metric] = {json["median"].number(), json["unit"].text()};
  point.clocks = {clock(json["sm_clock_hz"]), clock(json["l2_clock_hz"]), clock(json["memory_clock_hz"]), {}};
  if (const auto sustained = point.metrics.find("sustained_sm_clock_hz"); sustained != point.metrics.end()) {
    point.clocks.sustained_sm_hz = sustained->second.value;
  }
  return point;
}

// The best single number for values that may differ by orders of magnitude.
double middle(const std::vector<double>& values) {
  const bool positive = std::all_of(values.begin(), values.end(), [](double value) { return value > 0; });
  double sum = 0;
  for (const double value : values) {
    sum += positive ? std::log(value) : value;
  }
  sum /= static_cast<double>(values.size());
  return positive ? std::exp(sum) : sum;
}

class GpuSuite : public Suite {
 public:
  GpuSuite(fs::path path, TwinSimulator simulator)
      : path_(std::move(path)), simulator_(std::move(simulator)) {}

  std::string name() const override {
    return path_.parent_path().filename().string() + "/" + path_.stem().string();
  }
  std::string description() const override {
    return "recorded on a " + path_.parent_path().filename().string();
  }
  std::size_t size() override { return records().points.size(); }
  std::string label(std::size_t index) const override {
    return name() + " " + records_->points[index].family;
  }
  Outcome simulate(std::size_t index) override;

 private:
  const RecordFile& records() {
    if (!records_) {
      records_ = std::make_unique<RecordFile>(read_records(path_));
      find_baselines();
    }
    return *records_;
  }
  void find_baselines();
  double baseline(const RecordedPoint& recorded, const std::string& metric) const;
  void require_same_hashes(const RecordedPoint& recorded, const TwinResult& twin) const;
  ValidationPoint compared(const RecordedPoint& recorded, const std::string& metric,
                           const TwinValue& twin) const;

  fs::path path_;
  TwinSimulator simulator_;
  std::unique_ptr<RecordFile> records_;
  std::map<std::pair<std::string, std::string>, double> baselines_;  // of family and metric
};

void GpuSuite::find_baselines() {
  std::map<std::pair<std::string, std::string>, std::vector<double>> calibration, all;
  for (const RecordedPoint& point : records_->points) {
    for (const auto& [metric, recorded] : point.metrics) {
      const std::pair key(point.family, metric);
      all[key].push_back(recorded.value);
      if (point.split == Split::kCalibration) {
        calibration[key].push_back(recorded.value);
      }
    }
  }
  for (const auto& [key, values] : all) {
    baselines_[key] = middle(calibration.contains(key) ? calibration[key] : values);
  }
}

// What a roofline with one efficiency says. A time is its work over the family's mean rate, where a rate of
// that work was recorded beside it; anything else is its own mean.
double GpuSuite::baseline(const RecordedPoint& recorded, const std::string& metric) const {
  const RecordedValue& value = recorded.metrics.at(metric);
  const std::string per = "/" + value.unit;
  for (const auto& [name, rate] : recorded.metrics) {
    const bool is_rate = (value.unit == "cycle" || value.unit == "s") && rate.unit.ends_with(per);
    if (is_rate && rate.value > 0) {
      return value.value * rate.value / baselines_.at({recorded.family, name});
    }
  }
  return baselines_.at({recorded.family, metric});
}

ValidationPoint GpuSuite::compared(const RecordedPoint& recorded, const std::string& metric,
                                   const TwinValue& twin) const {
  const RecordedValue& measured = recorded.metrics.at(metric);
  ValidationPoint point;
  point.id = recorded.id + "/" + metric;
  point.family = recorded.family;
  point.split = recorded.split;
  point.metric = metric;
  point.unit = measured.unit;
  point.measured = measured.value;
  point.simulated = twin.value;
  point.baseline = twin.baseline ? *twin.baseline : baseline(recorded, metric);
  point.parameters = recorded.parameters;
  point.source = records_->source;
  return point;
}

Outcome GpuSuite::simulate(std::size_t index) {
  const RecordedPoint& recorded = records().points[index];
  Outcome outcome;
  const auto missing = [&](const std::string& reason) {
    outcome.not_simulated.push_back({"", recorded.family, recorded.split, 1, reason});
  };
  const std::optional<TwinResult> twin =
      !simulator_ ? std::nullopt
                  : simulator_({records_->card, records_->suite, recorded.family, recorded.metric,
                                recorded.parameters, recorded.clocks});
  if (!twin) {
    missing("no twin simulates this");
    return outcome;
  }
  require_same_hashes(recorded, *twin);
  for (const auto& [metric, value] : twin->metrics) {
    if (recorded.metrics.contains(metric)) {
      outcome.points.push_back(compared(recorded, metric, value));
    }
  }
  if (!twin->metrics.contains(recorded.metric)) {
    missing("the twin does not give " + recorded.metric);
  }
  return outcome;
}

void GpuSuite::require_same_hashes(const RecordedPoint& recorded, const TwinResult& twin) const {
  for (const auto& [what, hash] : twin.hashes) {
    const auto known = recorded.hashes.find(what);
    if (known != recorded.hashes.end() && known->second != hash) {
      throw UserError({Diagnostic{
          {path_.string()},
          "results.unexpected",
          fmt::format("point '{}': its {} has the hash {}, the twin's {}: they did not do the same work",
                      recorded.id, what, known->second, hash),
          {}}});
    }
  }
}

}  // namespace

RecordFile read_records(const fs::path& path) {
  const JsonFile file(path);
  const JsonValue header = file.root()["header"];
  if (header["schema_version"].count() != 1) {
    header["schema_version"].refuse("is not 1, the only one that is known");
  }
  RecordFile records;
  records.suite = header["suite"].text();
  records.card = header["card"].text();
  records.source =
      fmt::format("{}, driver {}, CUDA {}, {}", header["card_name"].text(), header["driver"].text(),
                  header["cuda"].text(), header["date"].text().substr(0, 10));
  for (const JsonValue& point : file.root()["points"].items()) {
    records.points.push_back(read_point(point));
  }
  return records;
}

Suites gpu_suites(const fs::path& measurements, TwinSimulator simulator) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& card : fs::directory_iterator(measurements, failed)) {
    if (!card.is_directory()) {
      continue;
    }
    for (const auto& file : fs::directory_iterator(card.path(), failed)) {
      if (file.path().extension() == ".json") {
        files.push_back(file.path());
      }
    }
  }
  std::sort(files.begin(), files.end());
  Suites suites;
  for (const fs::path& file : files) {
    suites.push_back(std::make_unique<GpuSuite>(file, simulator));
  }
  return suites;
}

}  // namespace tilewright::validate
