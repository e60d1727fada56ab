// SPDX-License-Identifier: Apache-2.0
//
// A suite is a set of measured points and a way to simulate each. A new one is an object of this interface in
// the list that the command line hands to validate().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/base/validation_record.h"

namespace tilewright::validate {

// What one measured point came to. A point with nothing simulated says why.
struct Outcome {
  std::vector<ValidationPoint>
      points;  // one a metric; `error`, `suite` and `known_gap` are filled in by validate()
  std::vector<NotSimulated> not_simulated;
};

class Suite {
 public:
  virtual ~Suite() = default;
  virtual std::string name() const = 0;  // "accelerator", "h200_sxm/tma": what the command line selects
  virtual std::string description() const = 0;  // one line
  // Measured points, each simulated on its own. Reading what was recorded may throw UserError.
  virtual std::size_t size() = 0;
  virtual std::string label(std::size_t index) const = 0;  // for the progress line
  virtual Outcome simulate(std::size_t index) = 0;
};

using Suites = std::vector<std::unique_ptr<Suite>>;

// The suites of these names, in the list's order; a name's part before '/' selects all that share it, no
// names select all. Throws UserError (usage.unknown-value) with the nearest name.
std::vector<Suite*> select(const Suites& suites, const std::vector<std::string>& names);

}  // namespace tilewright::validate
