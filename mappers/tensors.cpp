// SPDX-License-Identifier: Apache-2.0
#include "mappers/tensors.h"

#include <algorithm>
#include <numeric>

#include "mappers/lower/lower.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

using workloads::Layer;
using workloads::LayerKind;
using workloads::Network;

// What a gather reads besides its source says where to read.
bool is_second(const Layer& layer, std::size_t operand) {
  if (layer.kind == LayerKind::kGather) {
    return operand > 0 || layer.vector.table_elements > 0;
  }
  return operand == 1 && (layer.on_pe_array || layer.vector.operands == 2);
}

}  // namespace

NetworkTensors::NetworkTensors(const Network& network) : network_(network) {
  places_.reserve(network.layers.size());
  for (const Layer& layer : network.layers) {
    places_.push_back(tensor_places(layer));
  }
  find_aliases();
  find_tensors();
}

void NetworkTensors::find_aliases() {
  const std::size_t count = network_.layers.size();
  alias_.resize(count);
  std::iota(alias_.begin(), alias_.end(), std::size_t{0});
  std::vector<std::size_t> reads(count);
  for (const Layer& layer : network_.layers) {
    for (const std::size_t source : layer.inputs) {
      reads[source == workloads::kNetworkInput ? 0 : source] += source == workloads::kNetworkInput ? 0 : 1;
    }
  }
  // Backwards, so that a concatenation of concatenations ends in the last one.
  for (std::size_t i = count; i-- > 0;) {
    if (network_.layers[i].kind != LayerKind::kConcat) {
      continue;
    }
    for (const std::size_t source : network_.layers[i].inputs) {
      if (source != workloads::kNetworkInput && reads[source] == 1) {
        alias_[source] = alias_[i];
      }
    }
  }
}

void NetworkTensors::find_tensors() {
  const std::size_t count = network_.layers.size();
  tensors_.resize(count);
  of_layer_.resize(count);
  std::vector<bool> is_read(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Layer& layer = network_.layers[i];
    const bool in_place = layer.kind == LayerKind::kConcat && layer.vector.passes == 0;
    touch(alias_[i], i);
    for (std::size_t operand = 0; operand < layer.inputs.size(); ++operand) {
      const std::size_t source = layer.inputs[operand];
      if (source == workloads::kNetworkInput) {
        of_layer_[i].input.push_back(kNone64);
        continue;
      }
      is_read[alias_[source]] = is_read[alias_[source]] || alias_[source] != alias_[i];
      if (alias_[source] == alias_[i]) {
        continue;  // written in place
      }
      touch(alias_[source], i);
      (is_second(layer, operand) ? of_layer_[i].second : of_layer_[i].input).push_back(alias_[source]);
    }
    if (!in_place) {
      of_layer_[i].output = alias_[i];
      tensors_[alias_[i]].traffic += places_[i].output_bytes;
      add_reads(i);
    }
  }
  for (std::size_t t = 0; t < count; ++t) {
    Tensor& tensor = tensors_[t];
    tensor.bytes = round_up(network_.layers[t].output.elements(), 64);
    tensor.may_stay = alias_[t] == t && is_read[t];
  }
}

void NetworkTensors::touch(std::size_t tensor, std::size_t layer) {
  tensors_[tensor].first = std::min(tensors_[tensor].first, layer);
  tensors_[tensor].last = std::max(tensors_[tensor].last, layer);
}

void NetworkTensors::add_reads(std::size_t layer) {
  const LayerTensors& of = of_layer_[layer];
  for (const std::size_t t : of.input) {
    if (t != kNone64) {
      tensors_[t].traffic += places_[layer].input_bytes / of.input.size();
    }
  }
  for (const std::size_t t : of.second) {
    tensors_[t].traffic += places_[layer].weight_bytes / of.second.size();
  }
}

Residency NetworkTensors::residency(std::size_t i, const std::vector<bool>& stays, uint64_t used) const {
  const LayerTensors& of = of_layer_[i];
  const auto all_stay = [&](const std::vector<std::size_t>& tensors) {
    return !tensors.empty() &&
           std::all_of(tensors.begin(), tensors.end(), [&](std::size_t t) { return t != kNone64 && stays[t]; });
  };
  Residency result;
  result.input = all_stay(of.input);
  result.weights = all_stay(of.second);
  result.output = of.output != kNone64 && stays[of.output];
  // What the layer's own slot classes count already is not reserved a second time.
  const uint64_t own = (result.input ? round_up(places_[i].input_bytes, 64) : 0) +
                       (result.weights ? round_up(places_[i].weight_bytes, 64) : 0) +
                       (result.output ? round_up(places_[i].output_bytes, 64) : 0);
  result.reserved_bytes = used > own ? used - own : 0;
  return result;
}

}  // namespace tilewright::mappers
