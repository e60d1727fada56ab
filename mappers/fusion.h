// SPDX-License-Identifier: Apache-2.0
//
// Layer fusion: which activations stay in the global buffer across layers, decided by what all layers then cost.
//
// A tensor that stays saves its trip to the DRAM and takes room from every layer of its lifetime. Layers follow each other, so
// the best set for a sum of costs over layers is a shortest path: a state is the set of staying tensors that are alive between
// two layers, a step is one layer with the residency that it then sees. Exact for such a sum (`exact`), as long as no more than
// kMostStates states are alive at once. The energy-delay product is no sum; the sum of its two factors, weighted by the other
// at the last plan, lies above it and touches it there, so that each round can only make the product smaller.
//
// What it leaves out: a tensor stays whole or not at all, and from its first writer to its last reader (tensors.h); layers do
// not overlap in time, so no tile of a tensor is used before all of it is written.
#pragma once

#include <functional>
#include <optional>

#include "mappers/search/objective.h"
#include "mappers/tensors.h"

namespace tilewright::mappers {

struct LayerCost {
  double cycles = 0, energy_j = 0;
  LayerCost& operator+=(const LayerCost& other) {
    cycles += other.cycles;
    energy_j += other.energy_j;
    return *this;
  }
};

// What the layer of that index costs under a residency; nothing where it cannot be mapped then.
using CostFunction = std::function<std::optional<LayerCost>(std::size_t layer, const Residency& residency)>;

struct Fusion {
  std::vector<bool> stays;  // by tensor
  LayerCost cost;           // of the network
  bool exact = true;        // no state was left out
};

// `start`: a plan to begin with, for its weights; the result is no worse. Where a layer cannot be mapped at all, `start` comes back.
Fusion search_fusion(const NetworkTensors& tensors, uint64_t capacity, Objective objective, const CostFunction& cost,
                     const std::vector<bool>& start);

// The whole network's objective, with the tie-break of practical() (objective.h).
double network_value(const LayerCost& cost, Objective objective);

}  // namespace tilewright::mappers
