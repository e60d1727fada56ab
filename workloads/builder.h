// SPDX-License-Identifier: Apache-2.0
//
// Builds a network layer by layer: shapes and inputs are tracked, so that a generator reads like the
// definition of its network. Every function appends one layer and returns its output.
//
// A linear layer keeps the height and width of its input (tokens are pixels). Attention keeps its heads as
// groups; a linear layer behind it reads them side by side as channels. Windowed attention has its windows as
// height and the tokens of a window as width. What a generator gets wrong is an IllegalLayer, an
// InternalError; sizes that come from a user are checked by the generator before it builds, or, where the
// user wrote the layers, IllegalLayer is caught and said with its place (workloads/network_file.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/error.h"
#include "workloads/layer.h"

namespace tilewright::workloads {

// A layer that cannot be: what() names it, reason() does not.
class IllegalLayer : public InternalError {
 public:
  IllegalLayer(const std::string& layer, const std::string& reason)
      : InternalError("layer \"" + layer + "\" " + reason), reason_(reason) {}
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

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
  // The output of a layer, or the network's input; where `seen_as` is set, in another shape (view).
  struct Tensor {
    std::size_t layer = kNetworkInput;
    std::optional<Shape> seen_as;
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
  // Per group and window: [rows x reduction] x [reduction x columns]; windows are the height of the left
  // operand.
  struct Product {
    uint32_t groups = 1;
    uint32_t reduction = 1;
    uint32_t columns = 1;
    uint32_t windows = 1;
  };
  struct Window {
    uint32_t kernel = 1;
    uint32_t stride = 1;
    uint32_t padding = 0;
  };

  // Rows of the source's innermost dimension (of each of `parts` slices of it) read at computed places.
  struct Sampling {
    Shape output;
    uint32_t rows_per_output = 1;  // rows read for each row of the output
    uint32_t parts = 1;
    uint32_t passes = 1;
    uint32_t macs_per_output = 0;  // that published totals count
  };

  NetworkBuilder(std::string name, Shape input);

  Tensor input() const { return {}; }
  const Shape& shape(const Tensor& tensor) const;
  // The same elements in another shape, or the first of them: reshaping and transposing cost nothing, since who
  // writes a tensor writes it as its reader needs it. Only layers of the PE array may read less than there is.
  Tensor view(Tensor tensor, const Shape& shape) const;

  Tensor conv2d(LayerName name, Tensor input, const Convolution& convolution);
  Tensor depthwise(LayerName name, Tensor input, const Window& window);
  Tensor linear(LayerName name, Tensor input, uint32_t output_features, bool relu = false);
  // Each operand may be part of what `left` and `right` hold (the queries, keys or values of one layer that
  // computes all of them).
  Tensor matmul(LayerName name, Tensor left, Tensor right, const Product& product);
  // Along the innermost dimension, or along `row` elements of it (0: all). A table of so many parameters (a
  // position bias, a mask) is added first.
  Tensor softmax(LayerName name, Tensor input, uint64_t table_elements = 0, uint32_t row = 0);
  Tensor layernorm(LayerName name, Tensor input);
  Tensor gelu(LayerName name, Tensor input);
  Tensor relu(LayerName name, Tensor input);
  Tensor groupnorm(LayerName name, Tensor input);
  Tensor activation(LayerName name, Tensor input);  // any other function of one value
  Tensor add(LayerName name, Tensor left, Tensor right, bool relu = false);
  // Parameters, as many as the input has elements unless given: position embeddings, masks.
  Tensor add_table(LayerName name, Tensor input, uint64_t table_elements = 0);
  // `right` has the left operand's shape or one value a channel.
  Tensor multiply(LayerName name, Tensor left, Tensor right);
  Tensor concat(LayerName name, const std::vector<Tensor>& inputs);  // along channels
  Tensor join_tokens(LayerName name, const std::vector<Tensor>& inputs);  // one behind the other
  Tensor table(LayerName name, Shape output);  // parameters that are an input of the layers behind
  Tensor resize(LayerName name, Tensor input, uint32_t height, uint32_t width);
  Tensor pool(LayerName name, Tensor input, const Window& window);
  // To a given size; windows overlap where it does not divide the input's (adaptive average pooling).
  Tensor adaptive_pool(LayerName name, Tensor input, uint32_t height, uint32_t width);
  // Elements move to other places; a larger output is padded, a smaller one reads only what it holds.
  Tensor rearrange(LayerName name, Tensor input, Shape output);
  // `places`: where to read, and with which weights.
  Tensor gather(LayerName name, Tensor source, const std::vector<Tensor>& places, const Sampling& sampling);
  // The same from tables of parameters of so many elements (embeddings); `places` are read too.
  Tensor gather_table(LayerName name, Tensor places, uint64_t table_elements, const Sampling& sampling);

  // Lets the layer that wrote the tensor clip at 0 on the way out; false where its kind cannot.
  bool fuse_relu(const Tensor& tensor);

  // Decides which concatenations cost nothing (inputs that nobody else reads are written in place), checks
  // the network and hands it over; the builder is spent.
  Network finish();

 private:
  Tensor append(LayerName name, LayerKind kind, const std::vector<Tensor>& inputs, Shape output);
  Tensor append_elementwise(LayerName name, LayerKind kind, Tensor input, uint32_t passes);
  Tensor append_gather(LayerName name, const std::vector<Tensor>& inputs, const Sampling& sampling);
  Layer& last() { return network_.layers.back(); }

  Network network_;
};

}  // namespace tilewright::workloads
