// SPDX-License-Identifier: Apache-2.0
#include "workloads/builder.h"

#include <algorithm>
#include <limits>

#include "sim/base/error.h"
#include "sim/base/units.h"
#include "workloads/network.h"

namespace tilewright::workloads {
namespace {

// Sizes of one dimension come from the user's image size: a product that leaves 32 bits is refused.
uint32_t narrow(uint64_t value) {
  if (value > std::numeric_limits<uint32_t>::max()) {
    throw UserError("a layer is too large: " + std::to_string(value) + " tokens; at most " +
                    std::to_string(std::numeric_limits<uint32_t>::max()) + " are allowed");
  }
  return static_cast<uint32_t>(value);
}

uint32_t tokens(const Shape& shape) {
  return narrow(checked_multiply(shape.height, shape.width));
}

constexpr uint64_t kMostElements = uint64_t{1} << 50;  // sums of many still fit in 64 bits

constexpr uint64_t kLargestWindow = 4096;  // positions that a pooling layer averages at once

void require(bool condition, const LayerName& name, const char* reason) {
  if (!condition) {
    throw IllegalLayer(name.name, reason);
  }
}

uint32_t window_output(const LayerName& name, uint32_t input, uint32_t kernel, uint32_t stride,
                       uint32_t padding) {
  const uint64_t padded = uint64_t{input} + 2 * uint64_t{padding};
  require(kernel > 0 && stride > 0, name, "has a window or a stride of 0");
  require(padded >= kernel, name, "has a window that is larger than its padded input");
  return narrow((padded - kernel) / stride + 1);
}

}  // namespace

NetworkBuilder::NetworkBuilder(std::string name, Shape input) {
  network_.name = std::move(name);
  network_.input = input;
}

const Shape& NetworkBuilder::shape(const Tensor& tensor) const {
  if (tensor.seen_as) {
    return *tensor.seen_as;
  }
  return tensor.layer == kNetworkInput ? network_.input : network_.layers.at(tensor.layer).output;
}

NetworkBuilder::Tensor NetworkBuilder::view(Tensor tensor, const Shape& wanted) const {
  const Tensor whole{tensor.layer, std::nullopt};
  require(wanted.elements() <= shape(whole).elements(), "view", "sees more elements than there are");
  return wanted == shape(whole) ? whole : Tensor{tensor.layer, wanted};
}

bool NetworkBuilder::fuse_relu(const Tensor& tensor) {
  if (tensor.layer == kNetworkInput) {
    return false;
  }
  Layer& layer = network_.layers.at(tensor.layer);
  const bool can =
      layer.kind == LayerKind::kConv2d || layer.kind == LayerKind::kLinear || layer.kind == LayerKind::kAdd;
  layer.relu = layer.relu || can;
  return can;
}

NetworkBuilder::Tensor NetworkBuilder::append(LayerName name, LayerKind kind,
                                              const std::vector<Tensor>& inputs, Shape output) {
  require(output.elements() > 0, name, "has an empty output");
  require(output.elements() <= kMostElements, name, "has an output of more than 2^50 elements");
  Layer layer;
  layer.name = std::move(name.name);
  layer.group = std::move(name.group);
  layer.kind = kind;
  layer.on_pe_array = kind == LayerKind::kConv2d || kind == LayerKind::kLinear || kind == LayerKind::kMatmul;
  layer.output = output;
  for (const Tensor& tensor : inputs) {
    layer.inputs.push_back(tensor.layer);
    layer.vector.input_elements += shape(tensor).elements();
  }
  layer.vector.operands = static_cast<uint32_t>(inputs.size());
  layer.vector.output_elements = output.elements();
  if (layer.on_pe_array) {
    layer.vector = {};
  }
  network_.layers.push_back(std::move(layer));
  return {network_.layers.size() - 1, std::nullopt};
}

NetworkBuilder::Tensor NetworkBuilder::append_elementwise(LayerName name, LayerKind kind, Tensor input,
                                                          uint32_t passes) {
  const Tensor result = append(std::move(name), kind, {input}, shape(input));
  last().vector.passes = passes;
  last().vector.row_elements = shape(input).channels;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::conv2d(LayerName name, Tensor input, const Convolution& convolution) {
  const Shape in = shape(input);
  const uint32_t channels = convolution.input_channels == 0 ? in.channels : convolution.input_channels;
  const uint32_t groups = convolution.groups;
  require(in.groups == 1, name, "is a convolution and must read a feature map, not attention heads");
  require(channels <= in.channels, name, "reads more channels than there are");
  require(groups > 0 && channels % groups == 0 && convolution.output_channels % groups == 0, name,
          "has channels that do not divide into its groups");
  MacShape mac;
  mac.groups = groups;
  mac.input_channels = channels / groups;
  mac.output_channels = convolution.output_channels / groups;
  mac.kernel_height = mac.kernel_width = convolution.kernel;
  mac.stride = convolution.stride;
  mac.padding = convolution.padding;
  mac.input_height = in.height;
  mac.input_width = in.width;
  mac.output_height = window_output(name, in.height, mac.kernel_height, mac.stride, mac.padding);
  mac.output_width = window_output(name, in.width, mac.kernel_width, mac.stride, mac.padding);
  const Tensor result = append(std::move(name), LayerKind::kConv2d, {input},
                               {1, mac.output_height, mac.output_width, convolution.output_channels});
  last().mac = mac;
  last().relu = convolution.relu;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::depthwise(LayerName name, Tensor input, const Window& window) {
  Convolution convolution;
  convolution.output_channels = convolution.groups = shape(input).channels;
  convolution.kernel = window.kernel;
  convolution.stride = window.stride;
  convolution.padding = window.padding;
  return conv2d(std::move(name), input, convolution);
}

NetworkBuilder::Tensor NetworkBuilder::linear(LayerName name, Tensor input, uint32_t output_features,
                                              bool relu) {
  const Shape in = shape(input);
  MacShape mac;
  mac.input_channels = narrow(checked_multiply(in.groups, in.channels));
  mac.output_channels = output_features;
  mac.input_width = mac.output_width = tokens(in);
  const Tensor result =
      append(std::move(name), LayerKind::kLinear, {input}, {1, in.height, in.width, output_features});
  last().mac = mac;
  last().relu = relu;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::matmul(LayerName name, Tensor left, Tensor right,
                                              const Product& product) {
  const Shape in = shape(left);
  const uint32_t windows = product.windows;
  require(checked_multiply(in.groups, in.channels) >= checked_multiply(product.groups, product.reduction),
          name, "has a left operand that does not hold groups x reduction");
  require(windows == 1 || windows == in.height, name, "has windows that are not its left operand's height");
  MacShape mac;
  mac.groups = narrow(checked_multiply(product.groups, windows));
  mac.input_channels = product.reduction;
  mac.output_channels = product.columns;
  mac.input_width = mac.output_width = tokens(in) / windows;
  mac.weights_are_activations = true;
  mac.groups_share_pixels = false;
  mac.groups_apart = windows > 1;
  require(shape(right).elements() >= mac.weights(), name,
          "has a right operand that does not hold groups x reduction x columns");
  const Tensor result = append(std::move(name), LayerKind::kMatmul, {left, right},
                               {product.groups, in.height, in.width, product.columns});
  last().mac = mac;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::softmax(LayerName name, Tensor input, uint64_t table_elements,
                                               uint32_t row) {
  const uint32_t channels = shape(input).channels;
  require(row == 0 || channels % row == 0, name, "has channels that are not whole rows");
  const Tensor result =
      append_elementwise(std::move(name), LayerKind::kSoftmax, input, table_elements > 0 ? 4 : 3);
  VectorShape& vector = last().vector;
  vector.row_elements = row == 0 ? channels : row;
  if (table_elements > 0) {
    vector.operands = 2;
    vector.second_elements = vector.table_elements = table_elements;
    vector.input_elements += table_elements;
  }
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::layernorm(LayerName name, Tensor input) {
  return append_elementwise(std::move(name), LayerKind::kLayerNorm, input, 3);
}
NetworkBuilder::Tensor NetworkBuilder::gelu(LayerName name, Tensor input) {
  return append_elementwise(std::move(name), LayerKind::kGelu, input, 1);
}
NetworkBuilder::Tensor NetworkBuilder::relu(LayerName name, Tensor input) {
  return append_elementwise(std::move(name), LayerKind::kRelu, input, 1);
}

NetworkBuilder::Tensor NetworkBuilder::groupnorm(LayerName name, Tensor input) {
  const Tensor result = append_elementwise(std::move(name), LayerKind::kGroupNorm, input, 3);
  last().vector.input_elements *= 2;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::activation(LayerName name, Tensor input) {
  return append_elementwise(std::move(name), LayerKind::kActivation, input, 1);
}

NetworkBuilder::Tensor NetworkBuilder::add(LayerName name, Tensor left, Tensor right, bool relu) {
  require(shape(left) == shape(right), name, "adds tensors of different shapes");
  const Tensor result = append(std::move(name), LayerKind::kAdd, {left, right}, shape(left));
  last().vector.row_elements = shape(left).channels;
  last().relu = relu;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::add_table(LayerName name, Tensor input, uint64_t table_elements) {
  const Tensor result = append_elementwise(std::move(name), LayerKind::kAdd, input, 1);
  VectorShape& vector = last().vector;
  vector.operands = 2;
  vector.second_elements = vector.table_elements =
      table_elements > 0 ? table_elements : vector.output_elements;
  vector.input_elements += vector.table_elements;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::multiply(LayerName name, Tensor left, Tensor right) {
  const Shape a = shape(left);
  const Shape b = shape(right);
  require(a == b || (a.groups == 1 && b == Shape{1, 1, 1, a.channels}), name,
          "multiplies tensors of different shapes, and the second is not one value a channel");
  const Tensor result = append(std::move(name), LayerKind::kMultiply, {left, right}, a);
  last().vector.row_elements = a.channels;
  last().vector.second_elements = b.elements();
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::concat(LayerName name, const std::vector<Tensor>& inputs) {
  require(!inputs.empty(), name, "joins nothing");
  Shape output = shape(inputs.front());
  uint64_t channels = 0;
  for (Tensor input : inputs) {
    const Shape& in = shape(input);
    require(in.groups == 1 && in.height == output.height && in.width == output.width, name,
            "joins feature maps of different sizes");
    channels += in.channels;
  }
  output.channels = narrow(channels);
  return append(std::move(name), LayerKind::kConcat, inputs, output);
}

NetworkBuilder::Tensor NetworkBuilder::join_tokens(LayerName name, const std::vector<Tensor>& inputs) {
  require(!inputs.empty(), name, "joins nothing");
  uint64_t joined = 0;
  for (Tensor input : inputs) {
    const Shape& in = shape(input);
    require(in.groups == 1 && in.channels == shape(inputs.front()).channels, name,
            "joins tokens of different sizes");
    joined += tokens(in);
  }
  return append(std::move(name), LayerKind::kConcat, inputs,
                {1, 1, narrow(joined), shape(inputs.front()).channels});
}

NetworkBuilder::Tensor NetworkBuilder::table(LayerName name, Shape output) {
  const Tensor result = append(std::move(name), LayerKind::kRearrange, {}, output);
  VectorShape& vector = last().vector;
  vector.operands = 1;
  vector.row_elements = output.channels;
  vector.input_elements = vector.table_elements = output.elements();
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::resize(LayerName name, Tensor input, uint32_t height, uint32_t width) {
  const Shape in = shape(input);
  const Tensor result =
      append(std::move(name), LayerKind::kResize, {input}, {in.groups, height, width, in.channels});
  last().vector.passes = 3;
  last().vector.row_elements = in.channels;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::pool(LayerName name, Tensor input, const Window& window) {
  const Shape in = shape(input);
  const uint32_t height = window_output(name, in.height, window.kernel, window.stride, window.padding);
  const uint32_t width = window_output(name, in.width, window.kernel, window.stride, window.padding);
  const Tensor result =
      append(std::move(name), LayerKind::kPool, {input}, {in.groups, height, width, in.channels});
  last().vector.passes = narrow(checked_multiply(window.kernel, window.kernel));
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::adaptive_pool(LayerName name, Tensor input, uint32_t height,
                                                     uint32_t width) {
  const Shape in = shape(input);
  require(height > 0 && width > 0 && height <= in.height && width <= in.width, name,
          "pools to more than its input");
  // Output i averages rows floor(i H / h) to ceil((i + 1) H / h): the largest window counts.
  const auto largest = [](uint64_t from, uint64_t to) {
    uint64_t most = 0;
    for (uint64_t i = 0; i < to; ++i) {
      most = std::max(most, ((i + 1) * from + to - 1) / to - i * from / to);
    }
    return most;
  };
  // Too much for one window of any machine's buffer: rows first, then the columns of their averages.
  if (largest(in.height, height) > 1 &&
      checked_multiply(largest(in.height, height), largest(in.width, width)) > kLargestWindow) {
    const LayerName rows{name.name + "_rows", name.group + "_rows"};
    return adaptive_pool(std::move(name), adaptive_pool(rows, input, in.height, width), height, width);
  }
  const uint64_t window = checked_multiply(largest(in.height, height), largest(in.width, width));
  const Tensor result =
      append(std::move(name), LayerKind::kPool, {input}, {in.groups, height, width, in.channels});
  last().vector.passes = narrow(window);
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::rearrange(LayerName name, Tensor input, Shape output) {
  require(output.elements() > 0, name, "has an empty output");
  const Tensor result = append(std::move(name), LayerKind::kRearrange, {input}, output);
  VectorShape& vector = last().vector;
  vector.row_elements = output.channels;
  vector.input_elements = std::min(vector.input_elements, vector.output_elements);
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::append_gather(LayerName name, const std::vector<Tensor>& inputs,
                                                     const Sampling& sampling) {
  const Tensor result = append(std::move(name), LayerKind::kGather, inputs, sampling.output);
  VectorShape& vector = last().vector;
  vector.row_elements = sampling.output.channels;
  vector.passes = sampling.passes;
  vector.source_parts = sampling.parts;
  vector.input_elements = checked_multiply(vector.output_elements, sampling.rows_per_output);
  vector.macs = checked_multiply(vector.output_elements, sampling.macs_per_output);
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::gather(LayerName name, Tensor source,
                                              const std::vector<Tensor>& places, const Sampling& sampling) {
  require(!places.empty(), name, "gathers from nowhere");
  require(shape(source).channels == uint64_t{sampling.output.channels} * sampling.parts, name,
          "has output rows that are not a part of its source's");
  std::vector<Tensor> inputs = {source};
  inputs.insert(inputs.end(), places.begin(), places.end());
  const Tensor result = append_gather(std::move(name), inputs, sampling);
  VectorShape& vector = last().vector;
  vector.operands = 2;
  vector.source_elements = shape(source).elements();
  for (Tensor place : places) {
    vector.second_elements += shape(place).elements();
  }
  vector.input_elements += vector.second_elements;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::gather_table(LayerName name, Tensor places, uint64_t table_elements,
                                                    const Sampling& sampling) {
  const Tensor result = append_gather(std::move(name), {places}, sampling);
  VectorShape& vector = last().vector;
  vector.operands = 2;
  vector.source_elements = table_elements;
  vector.table_elements = vector.input_elements;
  vector.second_elements = shape(places).elements();
  vector.input_elements += vector.second_elements;
  return result;
}

Network NetworkBuilder::finish() {
  const auto readers_of = readers(network_);
  for (Layer& layer : network_.layers) {
    if (layer.kind != LayerKind::kConcat) {
      continue;
    }
    VectorShape moved{0, 0, 0, 0, 1};
    for (std::size_t source : layer.inputs) {
      const bool joined_twice = std::count(layer.inputs.begin(), layer.inputs.end(), source) > 1;
      if (source == kNetworkInput || joined_twice || readers_of[source].size() > 1) {
        const Shape& in = source == kNetworkInput ? network_.input : network_.layers[source].output;
        moved.input_elements += in.elements();
        moved.operands += 1;
        moved.passes = 1;
      }
    }
    moved.output_elements = moved.input_elements;
    layer.vector = moved;
  }
  check_network(network_);
  return std::move(network_);
}

}  // namespace tilewright::workloads
