// SPDX-License-Identifier: Apache-2.0
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "harness/record.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "harness/check.h"

using namespace tw::gpu;

namespace {

Point make_point(const std::string& family, int64_t n, std::vector<double> samples) {
  Point point;
  point.family = family;
  point.parameters = {{"n", n}};
  point.metrics = {{"cycles", "cycle", std::move(samples)}};
  return point;
}

nlohmann::json parse(const Record& record) {
  return nlohmann::json::parse(record.to_json());
}

}  // namespace

TEST_CASE("median and spread") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == 2.5);
  CHECK(spread({10, 11, 12}) == doctest::Approx(2.0 / 11));
  CHECK(spread({0, 0}) == 0);
  CHECK_THROWS_AS(median({}), RunError);
}

TEST_CASE("every third point of a family is held back, counted per family") {
  Record record(Header{});
  for (int64_t i = 0; i < 7; ++i) {
    record.add(make_point("a", i, {1}));
    if (i % 2 == 0) {
      record.add(make_point("b", i, {1}));
    }
  }
  std::vector<std::string> a, b;
  const auto json = parse(record);
  for (const auto& point : json["points"]) {
    (point["family"] == "a" ? a : b).push_back(point["split"]);
  }
  const std::string c = "calibration", v = "validation";
  CHECK(a == std::vector<std::string>{c, c, v, c, c, v, c});
  CHECK(b == std::vector<std::string>{c, c, v, c});
}

TEST_CASE("points where two mechanisms meet are all held back and declared") {
  Record record(Header{});
  Point point = make_point("gather", 1, {1});
  point.mechanisms = Mechanisms::kCombined;
  record.add(point);
  record.add(make_point("alone", 1, {1}));
  const auto json = parse(record);
  CHECK(json["points"][0]["split"] == "validation");
  CHECK(json["points"][1]["split"] == "calibration");
  CHECK(json["header"]["combined_families"] == nlohmann::json{"gather"});
}

TEST_CASE("an identifier spells the parameters and is used once") {
  Record record(Header{});
  Point point = make_point("a", 3, {1});
  point.parameters.push_back({"from", std::string("l2")});
  CHECK(record.identifier(point) == "a/n=3,from=l2");
  record.add(point);
  CHECK_THROWS_WITH_AS(record.add(point), "two points are called a/n=3,from=l2", RunError);
}

TEST_CASE("what was not measured is null, not zero") {
  Record record(Header{});
  record.add(make_point("a", 1, {2, 4, 3}));
  const auto point = parse(record)["points"][0];
  CHECK(point["sm_clock_hz"].is_null());
  CHECK(point["power_w"].is_null());
  CHECK(point["verified"].is_null());
  CHECK_FALSE(point.contains("joules"));
  CHECK(point["median"] == 3);
  CHECK(point["minimum"] == 2);
  CHECK(point["repeats"] == 3);
}

TEST_CASE("a point without a metric, and a folder that is not there, are refused") {
  Record record(Header{});
  CHECK_THROWS_AS(record.add(Point{}), RunError);
  CHECK_THROWS_AS(record.write("/nowhere/at/all.json"), UsageError);
}

TEST_CASE("hashes are written where there are any") {
  Record record(Header{});
  Point point = make_point("a", 1, {1});
  point.hashes = {{"output", "00ff"}};
  record.add(point);
  record.add(make_point("a", 2, {1}));
  const auto json = parse(record);
  CHECK(json["points"][0]["hashes"] == nlohmann::json{{"output", "00ff"}});
  CHECK(!json["points"][1].contains("hashes"));
}
