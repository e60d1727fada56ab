// SPDX-License-Identifier: Apache-2.0
//
// Which activations stay in the global buffer from the layer that writes them to the last layer that reads
// them, so that they never see the DRAM. Decided for a whole network before any layer is mapped;
// deterministic.
//
// Aliases: an input of a concatenation that only the concatenation reads, and reads once, is written in place
// by its producer: it is a slice of the concatenation's output and shares its fate. Such a concatenation
// moves nothing.
//
// What it leaves out: weights are never kept between layers (each is used once per image); a tensor stays
// whole or not at all, and from its first writer to its last reader; the network's input and outputs always
// pass through the DRAM.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "arch/accelerator.h"
#include "mappers/program/mapping.h"
#include "workloads/layer.h"

namespace tilewright::mappers {

// One Residency a layer. At every layer, what stays leaves room for the tensors that stream: all of them
// where they are small, a quarter of the global buffer where they are not, and always for the smallest
// mapping.
std::vector<Residency> plan_residency(const workloads::Network& network, const arch::AcceleratorSpec& spec);
// The same for callers that plan many networks of much the same layers and remember the answers: `fits` says what
// fits_at_all() (mappers/search/search.h) says of the network's layer of that index.
using FitsFunction = std::function<bool(std::size_t layer, const Residency& residency)>;
std::vector<Residency> plan_residency(const workloads::Network& network, const arch::AcceleratorSpec& spec,
                                      const FitsFunction& fits);

// Layers with equal keys take the same time on the same machine: simulate one of them. The first names what
// choose_mapping decides from, the second also a mapping chosen otherwise.
std::string reuse_key(const workloads::Layer& layer, const Residency& residency);
std::string reuse_key(const workloads::Layer& layer, const Residency& residency, const Mapping& mapping);

}  // namespace tilewright::mappers
