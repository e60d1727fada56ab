// SPDX-License-Identifier: Apache-2.0
//
// What can be published of an accelerator, computed from a run of ours.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/record.h"

namespace tilewright::validate {

// A run and what its machine is; the naive model fills the same struct.
struct Observation {
  RunRecord run;
  double area_m2 = 0;
};

struct Metric {
  std::string name;
  std::string unit;
  std::string meaning;
  // Empty where the observation does not have it: a component of the naive model's energy, the area of no
  // machine.
  std::function<std::optional<double>(const Observation&)> value;
  bool is_given = false;  // the naive model is told it, so that it is no baseline
};

// In the order of docs/validate.md.
const std::vector<Metric>& metrics();
std::vector<std::string> metric_names();
const Metric* find_metric(const std::string& name);  // null if there is none

}  // namespace tilewright::validate
