// SPDX-License-Identifier: Apache-2.0
//
// Holds the simulator against everything that was measured (docs/validate.md).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/validate/known_gaps.h"
#include "sim/validate/suite.h"

namespace tilewright::validate {

struct ProgressSteps {
  std::function<void(std::size_t points)> start = [](std::size_t) {};
  std::function<void(const std::string& label)> begin = [](const std::string&) {};
  std::function<void(const std::string& label)> done = [](const std::string&) {};
};

// Simulates every point of the suites and adds statistics and known gaps. Throws UserError, Interrupted, and
// InternalError where two points share an id or a simulated value is not finite.
ValidationRecord validate(const std::vector<Suite*>& suites, const std::vector<GapSpec>& gaps,
                          const ProgressSteps& progress = {});

// The ids of points outside of every known gap whose |error| is above the limit, and of points that left the
// range of their gap; then the gaps that match nothing. Empty: all is as it should be.
std::vector<std::string> above(const ValidationRecord& record, double max_error);

}  // namespace tilewright::validate
