// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/search.h"

#include <algorithm>
#include <tuple>

#include "mappers/lower/lower.h"

namespace tilewright::mappers {
namespace {

// The smallest mapping of any: one PE, one pixel, one lane, one slot each. What does not fit then never fits.
Mapping smallest_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, bool cut_rows) {
  Mapping m;
  m.block_columns = 1;
  m.chunk_kernel_rows = cut_rows ? 1 : std::max(1U, layer.mac.kernel_height);
  m.chunk_channels = cut_rows ? std::max(1U, layer.mac.input_channels) : spec.pe.vector_size;
  m.tile_channels = 1;
  m.input_slots = m.weight_slots = m.output_slots = 1;
  return m;
}

}  // namespace

bool better(const CostEstimate& a, const CostEstimate& b) {
  const auto key = [](const CostEstimate& cost) {
    return std::make_tuple(cost.expected(), cost.dram_read_bytes + cost.dram_write_bytes,
                           cost.energy_proxy());
  };
  return key(a) < key(b);
}

SearchResult run_search(MappingSearch& search, const workloads::Layer& layer,
                        const arch::AcceleratorSpec& spec, const Residency& residency) {
  SearchResult result;
  Mapping mapping;
  while (search.next(mapping)) {
    ++result.evaluations;
    const Plan plan(layer, mapping, spec, residency);
    if (plan.shortfall()) {
      search.report(mapping, std::nullopt);
      continue;
    }
    const CostEstimate cost = estimate(plan);
    search.report(plan.mapping, cost);
    if (!result.best || better(cost, result.cost)) {
      result.best = plan.mapping;
      result.cost = cost;
    }
  }
  return result;
}

Mapping choose_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                       const Residency& residency) {
  if (!layer.on_pe_array) {
    return {};
  }
  const auto search = make_two_stage_search(layer, spec, residency);
  const SearchResult result = run_search(*search, layer, spec, residency);
  if (result.best) {
    return *result.best;
  }
  Shortfall least;
  for (const bool cut_rows : {false, true}) {
    const Mapping smallest = smallest_mapping(layer, spec, cut_rows);
    const Shortfall shortfall = Plan(layer, smallest, spec, residency).shortfall();
    if (!shortfall) {
      return smallest;
    }
    if (!least || shortfall.needed - shortfall.available < least.needed - least.available) {
      least = shortfall;
    }
  }
  throw does_not_fit(layer, least);
}

}  // namespace tilewright::mappers
