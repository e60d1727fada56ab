// SPDX-License-Identifier: Apache-2.0
#include "mappers/residency.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "mappers/lower/lower.h"
#include "mappers/search/search.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

using workloads::Layer;
using workloads::LayerKind;
using workloads::Network;

constexpr std::size_t kNoTensor = static_cast<std::size_t>(-1);

struct Tensor {
  uint64_t bytes = 0;
  std::size_t first = kNoTensor, last = 0;  // layers between which it is alive
  uint64_t traffic = 0;                     // DRAM bytes saved where it stays
  bool may_stay = true;
};

// The tensors of a layer, by role; concatenations in place have none.
struct LayerTensors {
  std::vector<std::size_t> input, second;
  std::size_t output = kNoTensor;
};

class ResidencyPlanner {
 public:
  ResidencyPlanner(const Network& network, const arch::AcceleratorSpec& spec, const FitsFunction& fits)
      : network_(network), spec_(spec), fits_(fits) {
    places_.reserve(network.layers.size());
    for (const Layer& layer : network.layers) {
      places_.push_back(tensor_places(layer));
    }
    find_aliases();
    find_tensors();
  }

  std::vector<Residency> run() {
    // Two orders of greed, the better of which depends on how lifetimes overlap.
    const auto by_traffic = [this](std::size_t t) { return double(tensors_[t].traffic); };
    const auto by_density = [this](std::size_t t) {
      const Tensor& tensor = tensors_[t];
      return double(tensor.traffic) / (double(tensor.bytes) * double(tensor.last - tensor.first + 1));
    };
    const std::vector<bool> first = choose(by_traffic);
    const std::vector<bool> second = choose(by_density);
    stays_ = saved(second) > saved(first) ? second : first;
    count_used();
    std::vector<Residency> result;
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      result.push_back(residency(i));
    }
    return result;
  }

 private:
  // alias_[i]: the layer whose output tensor holds layer i's output.
  void find_aliases() {
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

  void find_tensors() {
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
          of_layer_[i].input.push_back(kNoTensor);
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

  // What a gather reads besides its source says where to read.
  static bool is_second(const Layer& layer, std::size_t operand) {
    if (layer.kind == LayerKind::kGather) {
      return operand > 0 || layer.vector.table_elements > 0;
    }
    return operand == 1 && (layer.on_pe_array || layer.vector.operands == 2);
  }

  void touch(std::size_t tensor, std::size_t layer) {
    tensors_[tensor].first = std::min(tensors_[tensor].first, layer);
    tensors_[tensor].last = std::max(tensors_[tensor].last, layer);
  }

  void add_reads(std::size_t layer) {
    const LayerTensors& of = of_layer_[layer];
    for (const std::size_t t : of.input) {
      if (t != kNoTensor) {
        tensors_[t].traffic += places_[layer].input_bytes / of.input.size();
      }
    }
    for (const std::size_t t : of.second) {
      tensors_[t].traffic += places_[layer].weight_bytes / of.second.size();
    }
  }

  template <typename Score>
  std::vector<bool> choose(const Score& score) {
    std::vector<std::size_t> order;
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      if (tensors_[t].may_stay && tensors_[t].bytes <= spec_.global_buffer.capacity.value) {
        order.push_back(t);
      }
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return score(a) > score(b); });
    stays_.assign(tensors_.size(), false);
    used_.assign(network_.layers.size(), 0);
    for (const std::size_t t : order) {
      add(t);
    }
    return stays_;
  }

  void add(std::size_t t) {
    const Tensor& tensor = tensors_[t];
    stays_[t] = true;
    bool fits = true;
    for (std::size_t i = tensor.first; i <= tensor.last; ++i) {
      used_[i] += tensor.bytes;
    }
    for (std::size_t i = tensor.first; i <= tensor.last && fits; ++i) {
      fits = leaves_room(i);
    }
    if (!fits) {
      stays_[t] = false;
      for (std::size_t i = tensor.first; i <= tensor.last; ++i) {
        used_[i] -= tensor.bytes;
      }
    }
  }

  bool all_stay(const std::vector<std::size_t>& tensors) const {
    return !tensors.empty() && std::all_of(tensors.begin(), tensors.end(),
                                           [this](std::size_t t) { return t != kNoTensor && stays_[t]; });
  }

  Residency residency(std::size_t i) const {
    const LayerTensors& of = of_layer_[i];
    Residency result;
    result.input = all_stay(of.input);
    result.weights = all_stay(of.second);
    result.output = of.output != kNoTensor && stays_[of.output];
    // What the layer's own slot classes count already is not reserved a second time.
    const uint64_t own = (result.input ? round_up(places_[i].input_bytes, 64) : 0) +
                         (result.weights ? round_up(places_[i].weight_bytes, 64) : 0) +
                         (result.output ? round_up(places_[i].output_bytes, 64) : 0);
    result.reserved_bytes = used_[i] > own ? used_[i] - own : 0;
    return result;
  }

  void count_used() {
    used_.assign(network_.layers.size(), 0);
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      for (std::size_t i = tensors_[t].first; stays_[t] && i <= tensors_[t].last; ++i) {
        used_[i] += tensors_[t].bytes;
      }
    }
  }

  bool leaves_room(std::size_t i) const {
    const uint64_t capacity = spec_.global_buffer.capacity.value;
    if (of_layer_[i].output == kNoTensor) {
      return used_[i] <= capacity;
    }
    const Residency resident = residency(i);
    const uint64_t streams = (resident.input ? 0 : places_[i].input_bytes) +
                             (resident.weights ? 0 : places_[i].weight_bytes) +
                             (resident.output ? 0 : places_[i].output_bytes);
    if (used_[i] + std::min(streams, capacity / 4) > capacity) {
      return false;
    }
    return fits_(i, resident);
  }

  uint64_t saved(const std::vector<bool>& stays) const {
    uint64_t sum = 0;
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      sum += stays[t] ? tensors_[t].traffic : 0;
    }
    return sum;
  }

  const Network& network_;
  const arch::AcceleratorSpec& spec_;
  const FitsFunction& fits_;
  std::vector<TensorPlaces> places_;
  std::vector<std::size_t> alias_;
  std::vector<Tensor> tensors_;  // by the layer that owns it
  std::vector<LayerTensors> of_layer_;
  std::vector<bool> stays_;
  std::vector<uint64_t> used_;  // resident bytes at each layer
};

}  // namespace

std::vector<Residency> plan_residency(const Network& network, const arch::AcceleratorSpec& spec) {
  return plan_residency(network, spec, [&](std::size_t layer, const Residency& residency) {
    return fits_at_all(network.layers[layer], spec, residency);
  });
}

std::vector<Residency> plan_residency(const Network& network, const arch::AcceleratorSpec& spec, const FitsFunction& fits) {
  if (!spec.has_dram) {
    return std::vector<Residency>(network.layers.size(), Residency{true, true, true, 0});
  }
  return ResidencyPlanner(network, spec, fits).run();
}

std::string reuse_key(const Layer& layer, const Residency& residency) {
  const workloads::MacShape& m = layer.mac;
  const workloads::VectorShape& v = layer.vector;
  return fmt::format(
      "{} {} mac {} {} {} {} {} {} {} {} {} {} {} {} {} {} vector {} {} {} {} {} {} {} {} resident {} {} {} {} relu {}",
      static_cast<int>(layer.kind), layer.on_pe_array, m.groups, m.input_channels, m.output_channels,
      m.kernel_height, m.kernel_width, m.stride, m.padding, m.input_height, m.input_width, m.output_height,
      m.output_width, m.weights_are_activations, m.groups_share_pixels, m.groups_apart, v.input_elements,
      v.output_elements, v.operands, v.passes, v.row_elements, v.second_elements, v.source_elements,
      v.source_parts, residency.input, residency.weights, residency.output,
      residency.reserved_bytes, layer.relu);
}

std::string reuse_key(const Layer& layer, const Residency& residency, const Mapping& mapping) {
  return reuse_key(layer, residency) + " | " + describe(mapping);
}

}  // namespace tilewright::mappers
