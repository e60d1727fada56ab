// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/point_search.h"

#include <doctest/doctest.h>

#include <set>

#include "sim/base/error.h"

namespace tilewright::explore {
namespace {

ExplorationSpec grid(uint32_t dimensions, uint64_t values) {
  ExplorationSpec spec;
  for (uint32_t i = 0; i < dimensions; ++i) {
    Parameter parameter;
    parameter.name = std::string(1, static_cast<char>('a' + i));
    parameter.keys = {parameter.name};
    parameter.range = NumberRange{1, values, 1};
    spec.parameters.push_back(parameter);
  }
  return spec;
}

std::vector<PointNumber> drain(PointSearch& search) {
  std::vector<PointNumber> all;
  for (auto batch = search.next(); !batch.empty(); batch = search.next()) {
    all.insert(all.end(), batch.begin(), batch.end());
    search.report(std::vector<std::optional<Values>>(batch.size(), Values{1}));
  }
  return all;
}

TEST_CASE("numbers of points and their places belong together") {
  ExplorationSpec spec = grid(3, 5);
  const Space space(spec);
  CHECK(space.size() == 125);
  for (PointNumber point = 0; point < space.size(); ++point) {
    CHECK(space.number(space.places(point)) == point);
  }
  CHECK(space.overrides({0, 4, 2}) == config::Overrides{"a=1", "b=5", "c=3"});
}

TEST_CASE("exhaustive search proposes exactly the points that the conditions admit") {
  ExplorationSpec spec = grid(2, 6);
  spec.conditions = {"a + b <= 7", "a != b"};
  const Space space(spec);
  const auto points = drain(*make_exhaustive_search(space));
  CHECK(points.size() == 18);  // 21 pairs with a sum of at most 7, less (1,1), (2,2), (3,3)
  for (const PointNumber point : points) {
    CHECK(space.admits(space.places(point)));
  }
  spec.conditions = {"a > 6"};
  CHECK_THROWS_AS(make_exhaustive_search(Space(spec)), UserError);
}

TEST_CASE("random search proposes no point twice and is repeatable, in small and in large spaces") {
  for (const uint64_t values : {8U, 400U}) {
    ExplorationSpec spec = grid(4, values);
    spec.conditions = {"a >= b"};
    const Space space(spec);
    const auto points = draw_points(space, 200, 3);
    CHECK(points.size() == 200);
    CHECK(std::set<PointNumber>(points.begin(), points.end()).size() == 200);
    CHECK(points == draw_points(space, 200, 3));
    CHECK(points != draw_points(space, 200, 4));
    for (const PointNumber point : points) {
      CHECK(space.admits(space.places(point)));
    }
  }
  const ExplorationSpec tiny = grid(2, 3);
  CHECK(draw_points(Space(tiny), 100, 1).size() == 9);
}

// Two objectives over a grid whose front is known: f1 = a, f2 = (b - 1) + (20 - a) with b = 1 on the front, and what has
// c above 10 is no design.
std::vector<std::optional<Values>> evaluate(const Space& space, const std::vector<PointNumber>& batch) {
  std::vector<std::optional<Values>> values;
  for (const PointNumber point : batch) {
    const Places p = space.places(point);
    values.push_back(p[2] > 10 ? std::nullopt
                               : std::optional(Values{double(p[0]), double(p[1]) + double(20 - p[0]) + double(p[2])}));
  }
  return values;
}

TEST_CASE("NSGA-II finds most of a known front with a fraction of the space, and better than chance") {
  const ExplorationSpec spec = grid(3, 20);
  const Space space(spec);
  const auto on_front = [&](PointNumber point) { return space.places(point)[1] == 0 && space.places(point)[2] == 0; };
  const auto run = [&](PointSearch& search) {
    std::set<PointNumber> seen, found;
    for (auto batch = search.next(); !batch.empty(); batch = search.next()) {
      for (const PointNumber point : batch) {
        CHECK(seen.insert(point).second);
        if (on_front(point)) {
          found.insert(point);
        }
      }
      search.report(evaluate(space, batch));
    }
    CHECK(seen.size() <= 800);
    return found.size();
  };
  SearchPlan plan;
  plan.points = 800;
  plan.population = 40;
  const std::size_t evolved = run(*make_evolutionary_search(space, plan));
  const std::size_t drawn = run(*make_random_search(space, 800, 1));
  CHECK(evolved >= 16);  // of 20
  CHECK(drawn <= 8);
}

TEST_CASE("NSGA-II ends where the space ends") {
  const ExplorationSpec spec = grid(2, 3);
  SearchPlan plan;
  plan.points = 1000;
  plan.population = 4;
  const Space space(spec);
  const auto search = make_evolutionary_search(space, plan);
  CHECK(drain(*search).size() <= 9);
}

}  // namespace
}  // namespace tilewright::explore
