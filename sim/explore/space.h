// SPDX-License-Identifier: Apache-2.0
//
// The points of an exploration. A point is one value for each parameter; points are numbered, the first parameter varying
// slowest, so that a number names the same design in every run of the same file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/config/load.h"
#include "sim/explore/exploration_spec.h"
#include "sim/explore/expression.h"

namespace tilewright::explore {

using PointNumber = uint64_t;
using Places = std::vector<uint32_t>;  // per parameter, the place in its list of values

class Space {
 public:
  // Throws UserError where there are more points than 63 bits number.
  explicit Space(const ExplorationSpec& spec);

  PointNumber size() const { return size_; }  // conditions not applied
  std::size_t parameters() const { return values_.size(); }
  uint32_t choices(std::size_t parameter) const { return static_cast<uint32_t>(values_[parameter].size()); }
  const std::string& name(std::size_t parameter) const { return names_[parameter]; }
  const std::string& value(std::size_t parameter, const Places& places) const {
    return values_[parameter][places[parameter]];
  }

  Places places(PointNumber point) const;
  PointNumber number(const Places& places) const;
  bool admits(const Places& places) const;  // all conditions hold
  // What makes the point out of the base machine, as after --set.
  config::Overrides overrides(const Places& places) const;

 private:
  std::vector<double> numbers(const Places& places) const;

  const ExplorationSpec& spec_;
  PointNumber size_ = 1;
  std::vector<std::string> names_;
  std::vector<std::vector<std::string>> values_;
  std::vector<std::vector<double>> numbers_;  // of the values; 0 where they are words, which no expression reads
  std::vector<Expression> conditions_, derived_;
};

}  // namespace tilewright::explore
