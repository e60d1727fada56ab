// SPDX-License-Identifier: Apache-2.0
//
// Statistics over points worked out by hand.
#include "sim/validate/statistics.h"

#include <doctest/doctest.h>

#include <cmath>

namespace tilewright::validate {
namespace {

using doctest::Approx;

ValidationPoint point(const std::string& id, double measured, double simulated,
                      std::optional<double> baseline = {}) {
  ValidationPoint made;
  made.id = id;
  made.suite = "s";
  made.family = "f";
  made.metric = "m";
  made.measured = measured;
  made.simulated = simulated;
  made.error = relative_error(simulated, measured);
  made.baseline = baseline;
  return made;
}

TEST_CASE("errors are relative to what was measured, and a measured zero is met or missed") {
  CHECK(relative_error(11, 10) == Approx(0.1));
  CHECK(relative_error(9, 10) == Approx(-0.1));
  CHECK(relative_error(0, 0) == 0);
  CHECK(relative_error(3, 0) == 1);
}

TEST_CASE("a group's errors, by hand") {
  // Errors +10 %, -20 %, +30 %, 0: mean of sizes 15 %, mean 5 %. The baseline says 20 throughout: +100, 0,
  // +33.3, -50 %.
  const std::vector<ValidationPoint> points = {point("a", 10, 11, 20), point("b", 20, 16, 20),
                                               point("c", 15, 19.5, 20), point("d", 40, 40, 20)};
  const std::vector<ValidationSummary> rows = summarise(points);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].n == 4);
  CHECK(rows[0].mape == Approx(0.15));
  CHECK(rows[0].bias == Approx(0.05));
  CHECK(rows[0].max_error == Approx(0.3));
  CHECK(rows[0].worst_id == "c");
  REQUIRE(rows[0].baseline_mape);
  CHECK(*rows[0].baseline_mape == Approx((1.0 + 0 + 1.0 / 3 + 0.5) / 4));
  // Measured 10 20 15 40 (ranks 1 3 2 4), simulated 11 16 19.5 40 (1 2 3 4): 1 - 6 (0 + 1 + 1 + 0) / (4 x 15)
  // = 0.8.
  REQUIRE(rows[0].rank);
  CHECK(*rows[0].rank == Approx(0.8));
  // Deviations: measured -11.25 -1.25 -6.25 18.75, simulated -10.625 -5.625 -2.125 18.375.
  const double both = 11.25 * 10.625 + 1.25 * 5.625 + 6.25 * 2.125 + 18.75 * 18.375;
  const double measured = 11.25 * 11.25 + 1.25 * 1.25 + 6.25 * 6.25 + 18.75 * 18.75;
  const double simulated = 10.625 * 10.625 + 5.625 * 5.625 + 2.125 * 2.125 + 18.375 * 18.375;
  REQUIRE(rows[0].pearson);
  CHECK(*rows[0].pearson == Approx(both / std::sqrt(measured * simulated)));
}

TEST_CASE("groups differ by suite, family, split and metric, in the order of their first points") {
  std::vector<ValidationPoint> points = {point("a", 1, 1), point("b", 1, 1), point("c", 1, 1),
                                         point("d", 1, 1), point("e", 1, 1), point("f", 1, 1)};
  points[1].split = Split::kCalibration;
  points[2].metric = "other";
  points[3].family = "other";
  points[4].suite = "other";
  const std::vector<ValidationSummary> rows = summarise(points);
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].n == 2);
  CHECK(rows[1].split == Split::kCalibration);
  CHECK(rows[4].suite == "other");
}

TEST_CASE("what is not defined is absent, not a number") {
  // Two points have no correlation, equal values have none either, and one missing baseline leaves none.
  CHECK_FALSE(summarise({point("a", 1, 1, 1), point("b", 2, 2)})[0].pearson);
  CHECK_FALSE(summarise({point("a", 1, 1, 1), point("b", 2, 2)})[0].baseline_mape);
  const auto flat = summarise({point("a", 0.1, 1), point("b", 0.1, 2), point("c", 0.1, 3)});
  CHECK_FALSE(flat[0].pearson);
  CHECK_FALSE(flat[0].rank);
  CHECK(summarise({}).empty());
}

TEST_CASE("equal values share their mean rank") {
  CHECK(ranks({5, 1, 5, 9, 5}) == std::vector<double>{3, 1, 3, 5, 3});
  CHECK(ranks({}).empty());
}

TEST_CASE("correlations reach their ends and no further") {
  CHECK(*pearson({1, 2, 3}, {0.1, 0.2, 0.3}) == Approx(1));
  CHECK(*pearson({1, 2, 3}, {3, 2, 1}) == Approx(-1));
  CHECK(*pearson({1e-12, 2e-12, 4e-12}, {1e12, 2e12, 4e12}) <= 1);
}

}  // namespace
}  // namespace tilewright::validate
