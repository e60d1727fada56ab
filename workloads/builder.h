// SPDX-License-Identifier: Apache-2.0
//
// Builds a network layer by layer: shapes and inputs are tracked, so that a generator reads like the
// definition of its network. Every function appends one layer and returns its output.
//
// A linear layer keeps the height and width of its input (tokens are pixels). Attention keeps its heads as
// groups; a linear layer behind it reads them side by side as channels. What a generator gets wrong is an
// InternalError; sizes that come from a user are checked by the generator before it builds.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "workloads/layer.h"

namespace tilewright::workloads {

// A layer's own name and the row of the layer table it is counted in (its own name unless given).
struct LayerName {
  std::string name;
  std::string group;
  LayerName(std::string own, std::string in_group) : name(std::move(own)), group(std::move(in_group)) {}
  LayerName(std::string own) : name(own), group(std::move(own)) {}  // NOLINT(google-explicit-constructor)
  LayerName(const char* own) : LayerName(std::string(own)) {}       // NOLINT(google-explicit-constructor)
};

class NetworkBuilder {
 public:
  // The output of a layer, or the network's input.
  struct Tensor {
    std::size_t layer = kNetworkInput;
  };

  struct Convolution {
    uint32_t output_channels = 1;
    uint32_t kernel = 1;
    uint32_t stride = 1;
    uint32_t padding = 0;
    bool relu = false;
    uint32_t input_channels = 0;  // the first so many channels are read; 0: all of them
    uint32_t groups = 1;
  };
  // Per group: [rows x reduction] x [reduction x columns].
  struct Product {
    uint32_t groups = 1;
    uint32_t reduction = 1;
    uint32_t columns = 1;
  };
  struct Window {
    uint32_t kernel = 1;
    uint32_t stride = 1;
    uint32_t padding = 0;
  };

  NetworkBuilder(std::string name, Shape input);

  Tensor input() const { return {}; }
  const Shape& shape(Tensor tensor) const;

  Tensor conv2d(LayerName name, Tensor input, const Convolution& convolution);
  Tensor depthwise(LayerName name, Tensor input, const Window& window);
  Tensor linear(LayerName name, Tensor input, uint32_t output_features);
  // The second operand may be part of what `right` holds (the keys or the values of one layer that computes
  // both).
  Tensor matmul(LayerName name, Tensor left, Tensor right, const Product& product);
  Tensor softmax(LayerName name, Tensor input);  // along the innermost dimension
  Tensor layernorm(LayerName name, Tensor input);
  Tensor gelu(LayerName name, Tensor input);
  Tensor relu(LayerName name, Tensor input);
  Tensor add(LayerName name, Tensor left, Tensor right);
  Tensor concat(LayerName name, const std::vector<Tensor>& inputs);  // along channels
  Tensor resize(LayerName name, Tensor input, uint32_t height, uint32_t width);
  Tensor pool(LayerName name, Tensor input, const Window& window);

  // Decides which concatenations cost nothing (inputs that nobody else reads are written in place), checks
  // the network and hands it over; the builder is spent.
  Network finish();

 private:
  Tensor append(LayerName name, LayerKind kind, const std::vector<Tensor>& inputs, Shape output);
  Tensor append_elementwise(LayerName name, LayerKind kind, Tensor input, uint32_t passes);
  Layer& last() { return network_.layers.back(); }

  Network network_;
};

}  // namespace tilewright::workloads
