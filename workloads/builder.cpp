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

uint32_t window_output(uint32_t input, uint32_t kernel, uint32_t stride, uint32_t padding) {
  const uint64_t padded = uint64_t{input} + 2 * uint64_t{padding};
  TILEWRIGHT_CHECK(kernel > 0 && stride > 0 && padded >= kernel, "a window does not fit its input");
  return narrow((padded - kernel) / stride + 1);
}

}  // namespace

NetworkBuilder::NetworkBuilder(std::string name, Shape input) {
  network_.name = std::move(name);
  network_.input = input;
}

const Shape& NetworkBuilder::shape(Tensor tensor) const {
  return tensor.layer == kNetworkInput ? network_.input : network_.layers.at(tensor.layer).output;
}

NetworkBuilder::Tensor NetworkBuilder::append(LayerName name, LayerKind kind,
                                              const std::vector<Tensor>& inputs, Shape output) {
  Layer layer;
  layer.name = std::move(name.name);
  layer.group = std::move(name.group);
  layer.kind = kind;
  layer.on_pe_array = kind == LayerKind::kConv2d || kind == LayerKind::kLinear || kind == LayerKind::kMatmul;
  layer.output = output;
  for (Tensor tensor : inputs) {
    layer.inputs.push_back(tensor.layer);
    layer.vector.input_elements += shape(tensor).elements();
  }
  layer.vector.operands = static_cast<uint32_t>(inputs.size());
  layer.vector.output_elements = output.elements();
  if (layer.on_pe_array) {
    layer.vector = {};
  }
  network_.layers.push_back(std::move(layer));
  return {network_.layers.size() - 1};
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
  TILEWRIGHT_CHECK(in.groups == 1, "\"" + name.name + "\": a convolution reads a feature map");
  TILEWRIGHT_CHECK(channels <= in.channels, "\"" + name.name + "\" reads more channels than there are");
  TILEWRIGHT_CHECK(groups > 0 && channels % groups == 0 && convolution.output_channels % groups == 0,
                   "\"" + name.name + "\": its channels do not divide into groups");
  MacShape mac;
  mac.groups = groups;
  mac.input_channels = channels / groups;
  mac.output_channels = convolution.output_channels / groups;
  mac.kernel_height = mac.kernel_width = convolution.kernel;
  mac.stride = convolution.stride;
  mac.padding = convolution.padding;
  mac.input_height = in.height;
  mac.input_width = in.width;
  mac.output_height = window_output(in.height, mac.kernel_height, mac.stride, mac.padding);
  mac.output_width = window_output(in.width, mac.kernel_width, mac.stride, mac.padding);
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

NetworkBuilder::Tensor NetworkBuilder::linear(LayerName name, Tensor input, uint32_t output_features) {
  const Shape in = shape(input);
  MacShape mac;
  mac.input_channels = narrow(checked_multiply(in.groups, in.channels));
  mac.output_channels = output_features;
  mac.input_width = mac.output_width = tokens(in);
  const Tensor result =
      append(std::move(name), LayerKind::kLinear, {input}, {1, in.height, in.width, output_features});
  last().mac = mac;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::matmul(LayerName name, Tensor left, Tensor right,
                                              const Product& product) {
  const Shape in = shape(left);
  TILEWRIGHT_CHECK(uint64_t{in.groups} * in.channels == uint64_t{product.groups} * product.reduction,
                   "\"" + name.name + "\": groups x reduction is not what its left operand holds");
  MacShape mac;
  mac.groups = product.groups;
  mac.input_channels = product.reduction;
  mac.output_channels = product.columns;
  mac.input_width = mac.output_width = tokens(in);
  mac.weights_are_activations = true;
  mac.groups_share_pixels = false;
  const Tensor result = append(std::move(name), LayerKind::kMatmul, {left, right},
                               {product.groups, in.height, in.width, product.columns});
  last().mac = mac;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::softmax(LayerName name, Tensor input) {
  return append_elementwise(std::move(name), LayerKind::kSoftmax, input, 3);
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

NetworkBuilder::Tensor NetworkBuilder::add(LayerName name, Tensor left, Tensor right) {
  TILEWRIGHT_CHECK(shape(left) == shape(right), "\"" + name.name + "\" adds tensors of different shapes");
  const Tensor result = append(std::move(name), LayerKind::kAdd, {left, right}, shape(left));
  last().vector.row_elements = shape(left).channels;
  return result;
}

NetworkBuilder::Tensor NetworkBuilder::concat(LayerName name, const std::vector<Tensor>& inputs) {
  TILEWRIGHT_CHECK(!inputs.empty(), "\"" + name.name + "\" joins nothing");
  Shape output = shape(inputs.front());
  uint64_t channels = 0;
  for (Tensor input : inputs) {
    const Shape& in = shape(input);
    TILEWRIGHT_CHECK(in.groups == 1 && in.height == output.height && in.width == output.width,
                     "\"" + name.name + "\" joins feature maps of different sizes");
    channels += in.channels;
  }
  output.channels = narrow(channels);
  return append(std::move(name), LayerKind::kConcat, inputs, output);
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
  const uint32_t height = window_output(in.height, window.kernel, window.stride, window.padding);
  const uint32_t width = window_output(in.width, window.kernel, window.stride, window.padding);
  const Tensor result =
      append(std::move(name), LayerKind::kPool, {input}, {in.groups, height, width, in.channels});
  last().vector.passes = narrow(checked_multiply(window.kernel, window.kernel));
  last().vector.row_elements = in.channels;
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
