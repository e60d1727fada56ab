// SPDX-License-Identifier: Apache-2.0
#include "mappers/model/energy_rates.h"

namespace tilewright::mappers {
namespace {

double nominal(const Activity& activity, Cycle cycles, const arch::AcceleratorSpec& spec,
               const arch::EnergyTable& table) {
  double sum = 0;
  for (const auto& [component, energy] : arch::energy_of(activity, cycles, spec, table)) {
    sum += energy.nominal;
  }
  return sum;
}

}  // namespace

EnergyRates energy_rates(const arch::AcceleratorSpec& spec, const arch::EnergyTable& table) {
  constexpr uint64_t kMany = 1ULL << 40;  // a power of two: dividing by it loses nothing
  EnergyRates rates;
  for (std::size_t i = 0; i < kActionCount; ++i) {
    Activity activity;
    activity.add(static_cast<Action>(i), kMany);
    rates.per_action[i] = nominal(activity, 0, spec, table) / double(kMany);
  }
  rates.per_cycle = nominal({}, kMany, spec, table) / double(kMany);
  return rates;
}

}  // namespace tilewright::mappers
