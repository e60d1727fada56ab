// SPDX-License-Identifier: Apache-2.0
//
// The activations of a network as tensors with lifetimes: from the layer that first writes into one to the last that reads it.
// What may stay in the global buffer is decided over these (residency.h).
//
// Aliases: an input of a concatenation that only the concatenation reads, and reads once, is written in place by its producer:
// it is a slice of the concatenation's output and shares its fate. Such a concatenation moves nothing.
//
// What it leaves out: weights (each is used once per image); the network's input and outputs always pass through the DRAM.
#pragma once

#include <vector>

#include "mappers/lower/plan.h"

namespace tilewright::mappers {

struct Tensor {
  uint64_t bytes = 0;
  std::size_t first = static_cast<std::size_t>(-1), last = 0;  // layers between which it is alive
  uint64_t traffic = 0;                                         // DRAM bytes saved where it stays
  bool may_stay = true;
};

class NetworkTensors {
 public:
  explicit NetworkTensors(const workloads::Network& network);  // which must outlive it

  const workloads::Network& network() const { return network_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }  // by the layer that owns it
  const TensorPlaces& places(std::size_t layer) const { return places_[layer]; }
  bool moves_nothing(std::size_t layer) const { return of_layer_[layer].output == kNone64; }

  // What layer `layer` sees where `stays` says of every tensor whether it does; `used`: bytes of those that stay and are alive
  // at this layer.
  Residency residency(std::size_t layer, const std::vector<bool>& stays, uint64_t used) const;

 private:
  static constexpr std::size_t kNone64 = static_cast<std::size_t>(-1);
  // The tensors of a layer, by role; concatenations in place have none.
  struct LayerTensors {
    std::vector<std::size_t> input, second;
    std::size_t output = kNone64;
  };
  void find_aliases();
  void find_tensors();
  void touch(std::size_t tensor, std::size_t layer);
  void add_reads(std::size_t layer);

  const workloads::Network& network_;
  std::vector<TensorPlaces> places_;
  std::vector<std::size_t> alias_;  // the layer whose output tensor holds the layer's output
  std::vector<Tensor> tensors_;
  std::vector<LayerTensors> of_layer_;
};

}  // namespace tilewright::mappers
