// SPDX-License-Identifier: Apache-2.0
//
// What the objectives of an exploration are called, and in which unit people read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/exploration_record.h"

namespace tilewright::report {

struct ObjectiveWords {
  std::string_view key;   // as in explore.json, in base units
  std::string_view word;  // "energy"
  std::string_view unit;  // shown
  double scale;           // base unit to shown unit
};
const std::vector<ObjectiveWords>& objective_words();
std::vector<std::string> objective_keys();
const ObjectiveWords& words_of(std::string_view key);  // of a known key

// In base units. Of a point that is no design, or a key that it does not have: not a number.
double value_of(const ExplorationPoint& point, std::string_view key);
// "pes 4, lanes 8": what tells the point from the others.
std::string design(const ExplorationPoint& point);

}  // namespace tilewright::report
