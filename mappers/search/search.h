// SPDX-License-Identifier: Apache-2.0
//
// Chooses how a layer is laid onto a machine. A search proposes mappings and is told what each costs; the
// driver keeps the best. Everything is deterministic.
#pragma once

#include <memory>
#include <optional>

#include "mappers/search/estimate.h"

namespace tilewright::mappers {

class MappingSearch {
 public:
  virtual ~MappingSearch() = default;
  // The next mapping to try; false when the search is over.
  virtual bool next(Mapping& mapping) = 0;
  // What the mapping of the last next() costs; nothing where it does not fit the machine.
  virtual void report(const Mapping& mapping, const std::optional<CostEstimate>& cost) = 0;
};

struct SearchResult {
  std::optional<Mapping> best;
  CostEstimate cost;
  uint64_t evaluations = 0;
};

// The lower score; where equal, less DRAM traffic.
bool better(const CostEstimate& a, const CostEstimate& b);

SearchResult run_search(MappingSearch& search, const workloads::Layer& layer,
                        const arch::AcceleratorSpec& spec, const Residency& residency);

// The first mapper's search: first how the PE array is used (spatial split, block, packing, operand swap,
// loop order) with tiles as large as fit, then the tiles of the few best of those.
std::unique_ptr<MappingSearch> make_two_stage_search(const workloads::Layer& layer,
                                                     const arch::AcceleratorSpec& spec,
                                                     const Residency& residency);

// The first mapper: always legal, never silly. Vector-unit layers have no choice and get a default mapping.
// Throws UserError (exit 1) naming the buffer that is too small, and by how much, where no tile fits.
Mapping choose_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                       const Residency& residency);

// Whether any mapping at all fits; as cheap as two plans.
bool fits_at_all(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                 const Residency& residency);

}  // namespace tilewright::mappers
