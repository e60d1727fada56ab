// SPDX-License-Identifier: Apache-2.0
#include "mappers/lower/lower.h"

#include <fmt/format.h>

#include <algorithm>

#include "mappers/lower/lower_array.h"

namespace tilewright::mappers {

UserError does_not_fit(const workloads::Layer& layer, const Shortfall& shortfall) {
  return UserError(fmt::format("layer \"{}\": {} is too small: {} needed, {} available ({} short)",
                               layer.name, shortfall.what, shortfall.needed, shortfall.available,
                               shortfall.needed - shortfall.available),
                   ExitCode::kRunFailed);
}

TileProgram lower(const workloads::Layer& layer, const Mapping& mapping, const arch::AcceleratorSpec& spec,
                  const Residency& residency, bool with_coordinates) {
  if (!layer.on_pe_array) {
    return lower_vector(layer, spec, residency);
  }
  const Plan plan(layer, mapping, spec, residency);
  if (plan.shortfall()) {
    throw does_not_fit(layer, plan.shortfall());
  }
  return lower_array(layer, plan, with_coordinates);
}

uint64_t occupied_bytes(const workloads::Layer& layer, const Mapping& mapping, const arch::AcceleratorSpec& spec,
                        const Residency& residency) {
  if (!layer.on_pe_array) {
    return occupied_bytes_vector(layer, spec, residency);
  }
  const Plan plan(layer, mapping, spec, residency);
  uint64_t bytes = 0;
  for (const SlotClass& slots : plan.classes) {
    bytes += slots.slot_bytes * std::max(1U, slots.slots);
  }
  return bytes;
}

}  // namespace tilewright::mappers
