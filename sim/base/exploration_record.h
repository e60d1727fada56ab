// SPDX-License-Identifier: Apache-2.0
//
// What one `tilewright explore` leaves behind in explore.json, as plain values: every design that was looked at, and which of
// them are on the Pareto front of the objectives. The model's numbers; those of the simulator are in points.csv.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tilewright {

struct ExplorationPoint {
  std::string status;  // ok, over_budget or failed
  std::string reason;  // where not ok
  std::vector<std::pair<std::string, std::string>> parameters;  // name and value, as in the file
  std::vector<std::pair<std::string, double>> objectives;       // key and value in base units; all five where it is a design
};

struct ExplorationRecord {
  std::vector<std::string> objectives;  // keys; what the front is about
  std::vector<ExplorationPoint> points;
  std::vector<std::size_t> front;  // indices in `points`
};

}  // namespace tilewright
