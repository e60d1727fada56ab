// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/pareto.h"

#include <doctest/doctest.h>

#include <cmath>

#include "mappers/search/moves.h"

namespace tilewright::explore {
namespace {

std::vector<Values> random_points(std::size_t count, std::size_t objectives, uint32_t levels, uint64_t seed) {
  mappers::Random random(seed);
  std::vector<Values> points(count, Values(objectives));
  for (Values& point : points) {
    for (double& value : point) {
      value = random.below(levels);
    }
  }
  return points;
}

// By the definition: nobody is at least as good everywhere and better somewhere.
std::vector<std::size_t> front_by_definition(const std::vector<Values>& points) {
  std::vector<std::size_t> front;
  for (std::size_t i = 0; i < points.size(); ++i) {
    bool beaten = false;
    for (std::size_t j = 0; j < points.size(); ++j) {
      bool no_worse = true, better = false;
      for (std::size_t o = 0; o < points[i].size(); ++o) {
        no_worse = no_worse && points[j][o] <= points[i][o];
        better = better || points[j][o] < points[i][o];
      }
      beaten = beaten || (no_worse && better);
    }
    if (!beaten) {
      front.push_back(i);
    }
  }
  return front;
}

TEST_CASE("the front is that of the definition, with ties and repeated points") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    for (const std::size_t objectives : {1U, 2U, 3U, 5U}) {
      const auto points = random_points(80, objectives, seed % 2 == 0 ? 4 : 1000, seed);
      CHECK(pareto_front(points) == front_by_definition(points));
    }
  }
  CHECK(pareto_front({}).empty());
}

TEST_CASE("fronts of fronts hold every point once, and none is beaten within its front") {
  const auto points = random_points(100, 3, 6, 7);
  std::vector<int> seen(points.size());
  for (const auto& front : non_dominated_sort(points)) {
    for (const std::size_t a : front) {
      ++seen[a];
      for (const std::size_t b : front) {
        CHECK_FALSE(dominates(points[a], points[b]));
      }
    }
  }
  CHECK(seen == std::vector<int>(points.size(), 1));
}

TEST_CASE("crowding: the ends are infinitely lonely, the rest by their neighbours' distance") {
  const std::vector<Values> points = {{0, 10}, {1, 6}, {5, 5}, {10, 0}};
  const auto crowding = crowding_distances(points, {0, 1, 2, 3});
  CHECK(std::isinf(crowding[0]));
  CHECK(std::isinf(crowding[3]));
  CHECK(crowding[1] == doctest::Approx(5.0 / 10 + 5.0 / 10));
  CHECK(crowding[2] == doctest::Approx(9.0 / 10 + 6.0 / 10));
}

TEST_CASE("a point's reason: what it is best in, what it gains and pays against the nearest") {
  const std::vector<Values> points = {{0, 10}, {1, 6}, {10, 0}};
  const FrontReason reason = reason_on_front(points, {0, 1, 2}, 1);
  CHECK(reason.best_in.empty());
  CHECK(reason.neighbour == 0);
  CHECK(reason.gains == std::vector<std::size_t>{1});
  CHECK(reason.pays == std::vector<std::size_t>{0});
  CHECK(reason_on_front(points, {0, 1, 2}, 2).best_in == std::vector<std::size_t>{1});
  CHECK(reason_on_front({{1, 1}}, {0}, 0).neighbour == 0);
}

TEST_CASE("rank correlation: order only, ties share their rank") {
  CHECK(rank_correlation({1, 2, 3, 4}, {10, 100, 1000, 10000}) == doctest::Approx(1));
  CHECK(rank_correlation({1, 2, 3}, {3, 2, 1}) == doctest::Approx(-1));
  CHECK(rank_correlation({1, 2, 2, 3}, {1, 2, 3, 4}) == doctest::Approx(0.9486833));  // by hand: 4.5 / sqrt(4.5 x 5)
  CHECK(std::isnan(rank_correlation({1}, {1})));
}

}  // namespace
}  // namespace tilewright::explore
