// SPDX-License-Identifier: Apache-2.0
//
// Energy as a weighted sum of counts and cycles: arch::energy_of is linear in both, so its slopes are found once for a
// machine and an evaluation costs one multiplication per count.
#pragma once

#include <array>

#include "arch/energy.h"

namespace tilewright::mappers {

struct EnergyRates {
  std::array<double, kActionCount> per_action{};  // joules
  double per_cycle = 0;                           // leakage and the memory's standby power

  double of(const std::array<uint64_t, kActionCount>& counts, double cycles) const {
    double joules = per_cycle * cycles;
    for (std::size_t i = 0; i < kActionCount; ++i) {
      joules += per_action[i] * static_cast<double>(counts[i]);
    }
    return joules;
  }
};

// Nominal values. Throws UserError as arch::energy_of does.
EnergyRates energy_rates(const arch::AcceleratorSpec& spec, const arch::EnergyTable& table);

}  // namespace tilewright::mappers
