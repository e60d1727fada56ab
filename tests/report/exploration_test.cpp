// SPDX-License-Identifier: Apache-2.0
//
// explore.json read back: its page, its comparison, and what is refused.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/report/compare.h"
#include "sim/report/page.h"
#include "sim/report/read.h"

namespace tilewright::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

ordered_json point(int pes, double latency, double energy, double area) {
  return {{"status", "ok"},
          {"parameters", {{"pes", pes}, {"dram", "configs/<a>.yaml"}}},
          {"objectives",
           {{"latency_s", latency},
            {"energy_j", energy},
            {"area_m2", area},
            {"edp_js", latency * energy},
            {"throughput_per_area_per_s_m2", 1 / (latency * area)}}}};
}

ordered_json example() {
  ordered_json json = {{"schema_version", 1},
                       {"objectives", {"energy_j", "area_m2"}},
                       {"points", {point(4, 2e-3, 5e-3, 1e-6), point(8, 1e-3, 4e-3, 2e-6), point(16, 1e-3, 6e-3, 4e-6)}},
                       {"pareto", {0, 1}}};
  json["points"].push_back({{"status", "failed"},
                            {"reason", "pes = 6: must be a multiple of 4 & <more>"},
                            {"parameters", {{"pes", 6}, {"dram", "x"}}},
                            {"objectives", ordered_json::object()}});
  return json;
}

StoredResult read(const ordered_json& json) {
  const fs::path folder = fs::temp_directory_path() / ("tilewright_exploration_test_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "explore.json") << json.dump();
  try {
    const fs::path file = result_files(folder).front();
    StoredResult result = read_result(file);
    fs::remove_all(folder);
    return result;
  } catch (...) {
    fs::remove_all(folder);
    throw;
  }
}

std::string refusal(void (*change)(ordered_json&)) {
  ordered_json json = example();
  change(json);
  try {
    read(json);
  } catch (const UserError& error) {
    CHECK(error.exit_code() == ExitCode::kUsage);
    return error.what();
  }
  return "accepted";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("a page shows the front, what it is made of, and why other points are none") {
  const auto record = std::get<ExplorationRecord>(read(example()));
  const std::string page = html_page({exploration_part(record)});
  CHECK(contains(page, "pes 8, dram configs/&lt;a&gt;.yaml"));
  CHECK(contains(page, "pes = 6: must be a multiple of 4 &amp; &lt;more&gt;"));
  CHECK(contains(page, "energy of each design against area"));
  CHECK_FALSE(contains(page, "against latency"));  // no objective of this front
  CHECK(contains(page, "<td>4</td>"));              // 4e-3 J in mJ
  CHECK_FALSE(contains(page, "nan"));
}

TEST_CASE("an exploration in which nothing is a design has a page too") {
  ordered_json json = example();
  json["points"] = {json["points"][3]};
  json["pareto"] = ordered_json::array();
  const std::string page = html_page({exploration_part(std::get<ExplorationRecord>(read(json)))});
  CHECK(contains(page, "No designs"));
  CHECK_FALSE(contains(page, "Pareto front</h2>"));
}

TEST_CASE("designs are compared by their parameters, whatever their place in the list") {
  ordered_json later = example();
  later["points"][1]["objectives"]["energy_j"] = 5e-3;
  later["points"].insert(later["points"].begin(), point(2, 9e-3, 9e-3, 5e-7));
  later["pareto"] = {0, 1};
  const Comparison comparison = compare(read(example()), read(later));
  CHECK(comparison.kind == "explore");
  CHECK(comparison.differences.size() == 3 * 6);
  CHECK(comparison.changed() == 2);
  CHECK(comparison.only_after == std::vector<std::string>{"pes 2, dram configs/<a>.yaml"});
  const std::string text = comparison_text(comparison);
  CHECK(contains(text, "pes 8, dram configs/<a>.yaml  energy_j"));
  CHECK(contains(text, "+25.000"));
  CHECK(contains(text, "on_front"));
  CHECK_THROWS_AS(compare(read(example()), StoredRun{}), UserError);
}

TEST_CASE("damaged explorations are refused with their place") {
  CHECK(contains(refusal([](ordered_json& json) { json["schema_version"] = 2; }), "'schema_version' is not 1"));
  CHECK(contains(refusal([](ordered_json& json) { json["pareto"] = {7}; }), "'pareto[0]' is 7, but there are 4 points"));
  CHECK(contains(refusal([](ordered_json& json) { json["pareto"] = {3}; }), "a point that is no design"));
  CHECK(contains(refusal([](ordered_json& json) { json["objectives"] = {"energy"}; }), "'objectives[0]'"));
  CHECK(contains(refusal([](ordered_json& json) { json["points"][0]["objectives"].erase("area_m2"); }),
                 "'points[0].objectives.area_m2' is missing"));
  CHECK(contains(refusal([](ordered_json& json) { json["points"][0]["objectives"]["area_m2"] = 0; }), "must be above 0"));
  CHECK(contains(refusal([](ordered_json& json) { json["points"][3].erase("reason"); }), "'points[3].reason' is missing"));
  CHECK(contains(refusal([](ordered_json& json) { json["points"][0]["status"] = "fine"; }), "'points[0].status'"));
}

}  // namespace
}  // namespace tilewright::report
