// SPDX-License-Identifier: Apache-2.0
//
// Two results of the same command beside each other: what changed, by how much.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sim/report/read.h"

namespace tilewright::report {

struct Difference {
  std::string what;    // "machine path" of a run, "suite: point" of a validation, the parameters of a design
  std::string metric;  // cycles, time_s, energy_on_chip_j, energy_j; the point's; objectives and on_front (1 or 0)
  double before = 0, after = 0;
  double relative = 0;             // after / before - 1
  std::optional<double> measured;  // of a validation point
};

struct Comparison {
  std::string kind;                     // "run", "validate" or "explore"
  std::vector<Difference> differences;  // equal values too, in the order of the first result
  std::vector<std::string> only_before, only_after;

  double largest() const;  // |relative|; 0 where there is nothing
  std::size_t changed() const;
};

// Throws UserError (results.unexpected) where the two are not of the same kind.
Comparison compare(const StoredResult& before, const StoredResult& after);

std::string comparison_text(const Comparison& comparison,
                            bool colour = false);                      // what changed; equal ones are counted
nlohmann::ordered_json comparison_json(const Comparison& comparison);  // everything
std::string comparison_csv(const Comparison& comparison);

}  // namespace tilewright::report
