// SPDX-License-Identifier: Apache-2.0
//
// Recorded GPU measurements: what ships is read whole, a twin is asked for every point at its clocks, and
// broken files are refused. The twins are stand-ins.
#include "sim/validate/gpu_records.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "sim/base/error.h"
#include "sim/validate/validate.h"

namespace tilewright::validate {
namespace {

namespace fs = std::filesystem;
using doctest::Approx;

const fs::path kMeasurements = fs::path(TILEWRIGHT_SOURCE_DIR) / "gpu_ref/measurements";

// A folder <temporary>/card with one record file.
class Recorded {
 public:
  explicit Recorded(const std::string& text)
      : folder_(fs::temp_directory_path() / ("gpu_records_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_ / "card");
    std::ofstream(folder_ / "card/loads.json") << text;
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;
  ~Recorded() { fs::remove_all(folder_); }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

std::string point(const std::string& id, const std::string& split, double median) {
  return R"({"id": ")" + id + R"(", "family": "f", "split": ")" + split +
         R"(", "parameters": {"n": 8, "kind": "SS"}, "metric": "cycles_per_load", "unit": "cycle", "median": )" +
         std::to_string(median) + R"(, "metrics": {"cycles_per_load": {"value": 1, "unit": "cycle"},
         "sectors": {"value": 64, "unit": "sector"}}, "sm_clock_hz": 1.5e9, "l2_clock_hz": null, "memory_clock_hz": 3e9,
         "power_w": null, "joules": 2, "hashes": {"work_list": "abc"}})";
}

std::string file(const std::string& points) {
  return R"({"header": {"schema_version": 1, "suite": "loads", "card": "card", "card_name": "A card", "driver": "1",
             "cuda": "12.8", "date": "2026-01-02T03:04:05Z"}, "points": [)" +
         points + "]}";
}

ValidationRecord run(const fs::path& folder, const TwinSimulator& twins) {
  const Suites suites = gpu_suites(folder, twins);
  return validate(select(suites, {}), {});
}

TEST_CASE("every shipped record is read, and without twins every point is counted") {
  std::size_t points = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kMeasurements)) {
    if (entry.path().extension() == ".json" && entry.path().parent_path() != kMeasurements) {
      points += read_records(entry.path()).points.size();
    }
  }
  const ValidationRecord record = run(kMeasurements, {});
  std::size_t counted = 0;
  for (const NotSimulated& one : record.not_simulated) {
    counted += one.n;
    CHECK(one.reason == "no twin simulates this");
  }
  CHECK(record.points.empty());
  CHECK(points > 1000);
  CHECK(counted == points);
}

TEST_CASE("a twin that repeats what was recorded has no error, at the recorded clocks") {
  std::map<std::string, RecordFile> files;
  const TwinSimulator echo = [&](const TwinRequest& request) {
    TwinResult result;
    CHECK(request.card == "h200_sxm");
    CHECK(request.suite == "wgmma");
    const RecordFile& records =
        files.emplace("wgmma", read_records(kMeasurements / "h200_sxm/wgmma.json")).first->second;
    for (const RecordedPoint& recorded : records.points) {
      if (recorded.family == request.family && recorded.parameters == request.parameters) {
        CHECK(recorded.clocks.sm_hz == request.clocks.sm_hz);
        result.metrics[request.metric] = {recorded.metrics.at(request.metric).value, {}};
      }
    }
    return std::optional(result);
  };
  const Suites suites = gpu_suites(kMeasurements, echo);
  const ValidationRecord record = validate(select(suites, {"h200_sxm/wgmma"}), {});
  CHECK(record.points.size() == read_records(kMeasurements / "h200_sxm/wgmma.json").points.size());
  for (const ValidationSummary& row : record.summary) {
    CHECK(row.mape == 0);
    CHECK(row.baseline_mape.value_or(0) >= 0);
  }
}

TEST_CASE("metrics, baselines and what is missing, by hand") {
  const Recorded recorded(file(point("a", "calibration", 10) + "," + point("b", "calibration", 40) + "," +
                               point("c", "validation", 30) + "," + point("d", "validation", 80)));
  const TwinSimulator twins = [](const TwinRequest& request) -> std::optional<TwinResult> {
    CHECK(std::get<double>(request.parameters.at("n")) == 8);
    CHECK(std::get<std::string>(request.parameters.at("kind")) == "SS");
    CHECK(*request.clocks.sm_hz == 1.5e9);
    CHECK_FALSE(request.clocks.l2_hz);
    static int asked = 0;
    switch (asked++) {
      case 0:
        return TwinResult{{{"cycles_per_load", {11, {}}}, {"sectors", {32, {}}}, {"unknown", {1, {}}}}, {}};
      case 1:
        return TwinResult{{{"sectors", {64, 48}}}, {}};
      case 2:
        return TwinResult{{{"cycles_per_load", {33, 15}}, {"joules", {4, {}}}},
                          {{"work_list", "abc"}, {"other", "1"}}};
      default:
        return std::nullopt;
    }
  };
  const ValidationRecord record = run(recorded.folder(), twins);
  REQUIRE(record.points.size() == 5);
  CHECK(record.points[0].id == "a/cycles_per_load");
  CHECK(record.points[0].measured == 10);  // the median, not the metric of the same name
  CHECK(record.points[0].error == Approx(0.1));
  CHECK(*record.points[0].baseline == Approx(20));  // the geometric mean of 10 and 40
  CHECK(record.points[1].error == Approx(-0.5));
  CHECK(*record.points[1].baseline == Approx(64));
  CHECK(*record.points[2].baseline == 48);  // the twin's own
  CHECK(record.points[3].error == Approx(0.1));
  CHECK(record.points[3].source == "A card, driver 1, CUDA 12.8, 2026-01-02");
  CHECK(record.points[4].id == "c/joules");
  CHECK(record.points[4].error == Approx(1));
  REQUIRE(record.not_simulated.size() == 2);
  CHECK(record.not_simulated[0].reason == "the twin does not give cycles_per_load");
  CHECK(record.not_simulated[1].reason == "no twin simulates this");
}

TEST_CASE("a time's baseline is its work over the family's mean rate") {
  // 4 and 16 bytes a cycle: 8 on average. 10 cycles at 4 are 40 bytes, which take 5 at 8; 10 at 16 take 20.
  const auto with_rate = [](const std::string& id, int rate) {
    std::string text = point(id, "calibration", 10);
    const std::string sectors = R"("sectors": {"value": 64, "unit": "sector"})";
    return text.replace(text.find(sectors), sectors.size(),
                        R"("rate": {"value": )" + std::to_string(rate) + R"(, "unit": "B/cycle"})");
  };
  const Recorded recorded(file(with_rate("a", 4) + "," + with_rate("b", 16)));
  const ValidationRecord record = run(recorded.folder(), [](const TwinRequest&) {
    return TwinResult{{{"cycles_per_load", {10, {}}}, {"rate", {8, {}}}}, {}};
  });
  REQUIRE(record.points.size() == 4);
  CHECK(*record.points[0].baseline == Approx(5));
  CHECK(*record.points[1].baseline == Approx(8));
  CHECK(*record.points[2].baseline == Approx(20));
}

TEST_CASE("a twin that worked on another work list than was measured is refused") {
  const Recorded recorded(file(point("a", "validation", 10)));
  const TwinSimulator twin = [](const TwinRequest&) { return TwinResult{{}, {{"work_list", "abd"}}}; };
  CHECK_THROWS_WITH_AS(run(recorded.folder(), twin),
                       doctest::Contains("point 'a': its work_list has the hash abc, the twin's abd"),
                       UserError);
}

TEST_CASE("a broken record names its place") {
  const auto message = [](const std::string& text) {
    const Recorded recorded(text);
    try {
      run(recorded.folder(), {});
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const std::string good = point("a", "calibration", 10);
  CHECK(message(file(good)) == "accepted");
  CHECK(message(file(good).substr(0, 300)).find("[results.not-json]") != std::string::npos);
  CHECK(message("").find("[results.not-json]") != std::string::npos);
  CHECK(message("[]").find("must be an object") != std::string::npos);
  CHECK(message(file(point("a", "test", 10))).find("'points[0].split' must be one of") != std::string::npos);
  std::string wrong = file(good);
  wrong.replace(wrong.find("\"SS\""), 4, "[1]");
  CHECK(message(wrong).find("'points[0].parameters.kind' must be text, found a list") != std::string::npos);
  wrong = file(good);
  wrong.replace(wrong.find("3e9"), 3, "1e999");
  CHECK(message(wrong).find("results.") != std::string::npos);
}

}  // namespace
}  // namespace tilewright::validate
