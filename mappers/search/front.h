// SPDX-License-Identifier: Apache-2.0
//
// The Pareto front of one layer: mappings of which none costs as much as another in both expected cycles and energy.
#pragma once

#include <algorithm>
#include <vector>

#include "mappers/model/model.h"

namespace tilewright::mappers {

class Front {
 public:
  struct Point {
    Mapping mapping;
    Evaluation evaluation;
  };

  // Some point costs at most this in both.
  bool covers(double expected_cycles, double energy_j) const {
    const auto after = first_above(expected_cycles);
    return after != points_.begin() && std::prev(after)->evaluation.energy_j <= energy_j;
  }

  void insert(const Mapping& mapping, const Evaluation& evaluation) {
    if (covers(evaluation.expected_cycles(), evaluation.energy_j)) {
      return;
    }
    std::erase_if(points_, [&](const Point& point) {
      return point.evaluation.expected_cycles() >= evaluation.expected_cycles() &&
             point.evaluation.energy_j >= evaluation.energy_j;
    });
    points_.insert(first_above(evaluation.expected_cycles()), {mapping, evaluation});
  }

  // Cycles rise, energy falls.
  const std::vector<Point>& points() const { return points_; }

 private:
  std::vector<Point>::const_iterator first_above(double cycles) const {
    return std::upper_bound(points_.begin(), points_.end(), cycles, [](double value, const Point& point) {
      return value < point.evaluation.expected_cycles();
    });
  }
  std::vector<Point> points_;
};

}  // namespace tilewright::mappers
