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

struct SmallestMapping {
  Mapping mapping;
  Shortfall shortfall;  // of the attempt that lacks least
};
SmallestMapping find_smallest(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                              const Residency& residency) {
  SmallestMapping result;
  for (const bool cut_rows : {false, true}) {
    const Mapping smallest = smallest_mapping(layer, spec, cut_rows);
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

}  // namespace

bool better(const CostEstimate& a, const CostEstimate& b) {
  const double score_a = a.score(), score_b = b.score();
  const uint64_t dram_a = a.dram_read_bytes + a.dram_write_bytes,
                 dram_b = b.dram_read_bytes + b.dram_write_bytes;
  return std::tie(score_a, dram_a) < std::tie(score_b, dram_b);
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
  const SmallestMapping smallest = find_smallest(layer, spec, residency);
  if (smallest.shortfall) {
    throw does_not_fit(layer, smallest.shortfall);
  }
  return smallest.mapping;
}

bool fits_at_all(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                 const Residency& residency) {
  return !(layer.on_pe_array ? find_smallest(layer, spec, residency).shortfall
                             : vector_shortfall(layer, spec, residency));
}

}  // namespace tilewright::mappers
