// SPDX-License-Identifier: Apache-2.0
//
// What a search minimises.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "mappers/model/model.h"
#include "sim/base/config/schema.h"

namespace tilewright::mappers {

// Cycles are the expected ones (bound and waits); edp is energy x expected cycles.
enum class Objective : uint8_t { kCycles, kEnergy, kEdp };
std::span<const config::EnumName<Objective>> enumeration_names(Objective);

inline double value_of(const Evaluation& evaluation, Objective objective) {
  switch (objective) {
    case Objective::kEnergy:
      return evaluation.energy_j;
    case Objective::kEdp:
      return evaluation.edp();
    case Objective::kCycles:
      break;
  }
  return evaluation.expected_cycles();
}

// Smaller objective; where equal, the other of cycles and energy decides.
inline bool better(const Evaluation& a, const Evaluation& b, Objective objective) {
  const double value_a = value_of(a, objective), value_b = value_of(b, objective);
  if (value_a != value_b) {
    return value_a < value_b;
  }
  return objective == Objective::kCycles ? a.energy_j < b.energy_j : a.expected_cycles() < b.expected_cycles();
}

}  // namespace tilewright::mappers
