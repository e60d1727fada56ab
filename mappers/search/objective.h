// SPDX-License-Identifier: Apache-2.0
//
// What a search minimises.
#pragma once

#include <cmath>
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

// Of mappings within a per mille in cycles some cost twice the energy, or lean on what a bound does not see: a small power of
// what the objective leaves out (edp: nothing) tells them apart. What a network is run with is chosen by this.
inline constexpr double kPowerOfOther = 0.1;
inline double practical(const Evaluation& evaluation, Objective objective) {
  const auto little = [](double other) { return other > 0 ? std::pow(other, kPowerOfOther) : 1; };
  switch (objective) {
    case Objective::kEnergy:
      return evaluation.energy_j * little(evaluation.expected_cycles());
    case Objective::kEdp:
      return evaluation.edp();
    case Objective::kCycles:
      break;
  }
  return evaluation.expected_cycles() * little(evaluation.energy_j);
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
