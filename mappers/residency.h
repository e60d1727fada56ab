// SPDX-License-Identifier: Apache-2.0
//
// Which activations stay in the global buffer from the layer that writes them to the last layer that reads
// them, so that they never see the DRAM, by rules of thumb: those first that save most traffic, where they leave room.
// Decided for a whole network before any layer is mapped; deterministic. fusion.h decides it by what the layers then cost.
//
// What it leaves out: a tensor stays whole or not at all, and from its first writer to its last reader; see tensors.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "arch/accelerator.h"
#include "mappers/program/mapping.h"
#include "mappers/tensors.h"
#include "workloads/layer.h"

namespace tilewright::mappers {

// One Residency a layer. At every layer, what stays leaves room for the tensors that stream: all of them
// where they are small, a quarter of the global buffer where they are not, and always for the smallest
// mapping.
std::vector<Residency> plan_residency(const workloads::Network& network, const arch::AcceleratorSpec& spec);
// The same for callers that plan many networks of much the same layers and remember the answers: `fits` says what
// fits_at_all() (mappers/search/fit.h) says of the network's layer of that index.
using FitsFunction = std::function<bool(std::size_t layer, const Residency& residency)>;
std::vector<Residency> plan_residency(const workloads::Network& network, const arch::AcceleratorSpec& spec,
                                      const FitsFunction& fits);

// By tensor.
std::vector<bool> plan_stays(const NetworkTensors& tensors, const arch::AcceleratorSpec& spec, const FitsFunction& fits);
// One Residency a layer, where `stays` says of every tensor whether it does.
std::vector<Residency> residencies(const NetworkTensors& tensors, const std::vector<bool>& stays);

// Layers with equal keys take the same time on the same machine: simulate one of them. The first names what
// a mapping is chosen from, the second also the mapping; what is reserved for others it does not see any more.
std::string reuse_key(const workloads::Layer& layer, const Residency& residency);
std::string reuse_key(const workloads::Layer& layer, const Residency& residency, const Mapping& mapping);

}  // namespace tilewright::mappers
