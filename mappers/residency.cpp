// SPDX-License-Identifier: Apache-2.0
#include "mappers/residency.h"

#include <fmt/format.h>

#include <algorithm>

#include "mappers/search/fit.h"
#include "mappers/tensors.h"

namespace tilewright::mappers {
namespace {

using workloads::Layer;
using workloads::Network;

class GreedyPlanner {
 public:
  GreedyPlanner(const NetworkTensors& tensors, const arch::AcceleratorSpec& spec, const FitsFunction& fits)
      : tensors_(tensors), spec_(spec), fits_(fits) {}

  std::vector<bool> run() {
    // Two orders of greed, the better of which depends on how lifetimes overlap.
    const auto by_traffic = [](const Tensor& tensor) { return double(tensor.traffic); };
    const auto by_density = [](const Tensor& tensor) {
      return double(tensor.traffic) / (double(tensor.bytes) * double(tensor.last - tensor.first + 1));
    };
    const std::vector<bool> first = choose(by_traffic);
    const std::vector<bool> second = choose(by_density);
    return saved(second) > saved(first) ? second : first;
  }

 private:
  template <typename Score>
  std::vector<bool> choose(const Score& score) {
    const std::vector<Tensor>& all = tensors_.tensors();
    std::vector<std::size_t> order;
    for (std::size_t t = 0; t < all.size(); ++t) {
      if (all[t].may_stay && all[t].bytes <= spec_.global_buffer.capacity.value) {
        order.push_back(t);
      }
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score(all[a]) > score(all[b]); });
    stays_.assign(all.size(), false);
    used_.assign(all.size(), 0);
    for (const std::size_t t : order) {
      add(t);
    }
    return stays_;
  }

  void add(std::size_t t) {
    const Tensor& tensor = tensors_.tensors()[t];
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

  bool leaves_room(std::size_t i) const {
    const uint64_t capacity = spec_.global_buffer.capacity.value;
    if (tensors_.moves_nothing(i)) {
      return used_[i] <= capacity;
    }
    const Residency resident = tensors_.residency(i, stays_, used_[i]);
    const TensorPlaces& places = tensors_.places(i);
    const uint64_t streams = (resident.input ? 0 : places.input_bytes) + (resident.weights ? 0 : places.weight_bytes) +
                             (resident.output ? 0 : places.output_bytes);
    if (used_[i] + std::min(streams, capacity / 4) > capacity) {
      return false;
    }
    return fits_(i, resident);
  }

  uint64_t saved(const std::vector<bool>& stays) const {
    uint64_t sum = 0;
    for (std::size_t t = 0; t < stays.size(); ++t) {
      sum += stays[t] ? tensors_.tensors()[t].traffic : 0;
    }
    return sum;
  }

  const NetworkTensors& tensors_;
  const arch::AcceleratorSpec& spec_;
  const FitsFunction& fits_;
  std::vector<bool> stays_;
  std::vector<uint64_t> used_;  // resident bytes at each layer
};

}  // namespace

std::vector<Residency> residencies(const NetworkTensors& tensors, const std::vector<bool>& stays) {
  std::vector<uint64_t> used(stays.size());
  for (std::size_t t = 0; t < stays.size(); ++t) {
    const Tensor& tensor = tensors.tensors()[t];
    for (std::size_t i = tensor.first; stays[t] && i <= tensor.last; ++i) {
      used[i] += tensor.bytes;
    }
  }
  std::vector<Residency> result;
  for (std::size_t i = 0; i < stays.size(); ++i) {
    result.push_back(tensors.residency(i, stays, used[i]));
  }
  return result;
}

std::vector<Residency> plan_residency(const Network& network, const arch::AcceleratorSpec& spec) {
  return plan_residency(network, spec, [&](std::size_t layer, const Residency& residency) {
    return fits_at_all(network.layers[layer], spec, residency);
  });
}

std::vector<Residency> plan_residency(const Network& network, const arch::AcceleratorSpec& spec, const FitsFunction& fits) {
  if (!spec.has_dram) {
    return std::vector<Residency>(network.layers.size(), Residency{true, true, true, 0});
  }
  const NetworkTensors tensors(network);
  return residencies(tensors, plan_stays(tensors, spec, fits));
}

std::vector<bool> plan_stays(const NetworkTensors& tensors, const arch::AcceleratorSpec& spec, const FitsFunction& fits) {
  return GreedyPlanner(tensors, spec, fits).run();
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
  Residency seen = residency;
  if (layer.on_pe_array) {
    seen.reserved_bytes = 0;
  }
  return reuse_key(layer, seen) + " | " + describe(mapping);
}

}  // namespace tilewright::mappers
