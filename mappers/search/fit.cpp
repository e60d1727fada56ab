// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/fit.h"

#include <algorithm>

namespace tilewright::mappers {
namespace {

Mapping smallest_of_cut(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, bool cut_rows) {
  Mapping m;
  m.block_columns = 1;
  m.chunk_kernel_rows = cut_rows ? 1 : std::max(1U, layer.mac.kernel_height);
  m.chunk_channels = cut_rows ? std::max(1U, layer.mac.input_channels) : spec.pe.vector_size;
  m.tile_channels = 1;
  m.input_slots = m.weight_slots = m.output_slots = 1;
  return m;
}

struct Smallest {
  Mapping mapping;
  Shortfall shortfall;  // of the attempt that lacks least
};
Smallest find_smallest(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency) {
  Smallest result;
  const bool bypasses = refuse_bypass(layer.mac, false, spec, residency).empty();
  for (const bool cut_rows : {false, true}) {
    Mapping smallest = smallest_of_cut(layer, spec, cut_rows);
    smallest.bypass = bypasses ? arch::Bypass::kWeights : arch::Bypass::kNone;
    const Shortfall shortfall = Plan(layer, smallest, spec, residency).shortfall();
    if (!shortfall) {
      return {smallest, {}};
    }
    const uint64_t lacks = shortfall.needed - shortfall.available;
    if (!result.shortfall || lacks < result.shortfall.needed - result.shortfall.available) {
      result = {smallest, shortfall};
    }
  }
  return result;
}

Shortfall shortfall_of(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency) {
  return layer.on_pe_array ? find_smallest(layer, spec, residency).shortfall : vector_shortfall(layer, spec, residency);
}

}  // namespace

Mapping smallest_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency) {
  return find_smallest(layer, spec, residency).mapping;
}

bool fits_at_all(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency) {
  return !shortfall_of(layer, spec, residency);
}

void require_fit(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency) {
  if (const Shortfall shortfall = shortfall_of(layer, spec, residency)) {
    throw does_not_fit(layer, shortfall);
  }
}

}  // namespace tilewright::mappers
