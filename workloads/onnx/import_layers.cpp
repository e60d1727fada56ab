// SPDX-License-Identifier: Apache-2.0
//
// Operators that become layers, and the chains that become one.
#include <algorithm>

#include "sim/base/error.h"
#include "workloads/onnx/importer.h"

namespace tilewright::workloads::onnx_model {
namespace {

struct WindowAttributes {
  uint32_t kernel = 1, stride = 1, padding = 0;
};

int64_t all_alike(const std::vector<int64_t>& values, int64_t otherwise, const std::string& what) {
  if (values.empty()) {
    return otherwise;
  }
  if (std::any_of(values.begin(), values.end(), [&](int64_t value) { return value != values.front(); })) {
    throw NodeProblem{"has " + what + " that differ between directions; only equal ones have an equivalent",
                      {}};
  }
  return values.front();
}

std::vector<int64_t> integers(const Node& node, const std::string& attribute) {
  const auto found = node.attributes.find(attribute);
  return found == node.attributes.end() ? std::vector<int64_t>{} : found->second.integers;
}

// A window with holes is written as one without, of the same output size: the counts are the same.
WindowAttributes window_of(const Node& node, int64_t kernel, int64_t input_side, int64_t output_side) {
  constexpr int64_t kMost = 1 << 20;
  WindowAttributes window;
  const int64_t stride = all_alike(integers(node, "strides"), 1, "strides");
  const int64_t dilation = all_alike(integers(node, "dilations"), 1, "dilations");
  int64_t padding = 0;
  const auto automatic = node.attributes.find("auto_pad");
  const std::string mode = automatic == node.attributes.end() ? "NOTSET" : automatic->second.text;
  if (kernel < 1 || stride < 1 || dilation < 1 || kernel > kMost || stride > kMost || dilation > kMost) {
    throw NodeProblem{"has a kernel, stride or dilation of less than 1 or more than 2^20", {}};
  }
  const int64_t reach = dilation * (kernel - 1) + 1;
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    const int64_t all = std::max<int64_t>(0, (output_side - 1) * stride + reach - input_side);
    if (all % 2 != 0) {
      throw NodeProblem{
          "pads one side more than the other (" + mode + "); only equal padding has an equivalent", {}};
    }
    padding = all / 2;
  } else if (mode != "VALID") {
    padding = all_alike(integers(node, "pads"), 0, "pads");
  }
  const int64_t holes = (dilation - 1) * (kernel - 1);
  if (padding < 0 || padding > kMost || holes % 2 != 0 || padding < holes / 2) {
    throw NodeProblem{"has a dilation whose padding has no equivalent", {}};
  }
  window.kernel = narrow(kernel);
  window.stride = narrow(stride);
  window.padding = static_cast<uint32_t>(padding - holes / 2);
  return window;
}

bool is_last(const Node& node, const Dims& dims, int64_t otherwise) {
  const int64_t axis = integer_or(node, "axis", otherwise);
  const auto rank = static_cast<int64_t>(dims.size());
  return axis == -1 || axis == rank - 1;
}

}  // namespace

void Importer::convolution(const Node& node) {
  const Value in = input(node, 0);
  const Value& weights = input(node, 1);
  const Dims out = dims_of(node.outputs.at(0));
  if (weights.dims.size() != 4 || in.dims.size() != 4 || out.size() != 4 || !weights.constant) {
    throw NodeProblem{"is not a convolution of two dimensions with constant weights", {}};
  }
  if (weights.dims[2] != weights.dims[3]) {
    throw NodeProblem{"has a kernel of " + std::to_string(weights.dims[2]) + " x " +
                          std::to_string(weights.dims[3]) + "; only square ones have an equivalent",
                      {}};
  }
  const int64_t groups = integer_or(node, "group", 1);
  if (elements({weights.dims[1], groups}) != elements({in.dims[1]})) {
    throw NodeProblem{"has weights for " + std::to_string(elements({weights.dims[1], groups})) +
                          " input channels, but reads " + std::to_string(in.dims[1]),
                      {}};
  }
  const WindowAttributes window = window_of(node, weights.dims[2], in.dims[2], out[2]);
  NetworkBuilder::Convolution shape;
  shape.output_channels = narrow(weights.dims[0]);
  shape.kernel = window.kernel;
  shape.stride = window.stride;
  shape.padding = window.padding;
  shape.groups = narrow(groups);
  output(node, net_.conv2d(name(node), map(in), shape));
}

void Importer::linear(const Node& node, const Value& in, int64_t features) {
  const auto reduction = static_cast<uint64_t>(in.dims.empty() ? 1 : in.dims.back());
  Tensor tensor = in.tensor;
  if (in.part) {  // read where it lies
    const auto count = static_cast<int64_t>(elements(in.dims) / std::max<uint64_t>(1, reduction));
    tensor = net_.view(tensor, {1, 1, narrow(count), narrow(static_cast<int64_t>(reduction))});
  } else if (const Shape& shape = net_.shape(tensor); uint64_t{shape.groups} * shape.channels != reduction) {
    tensor = rows(in, reduction);
  }
  output(node, net_.linear(name(node), tensor, narrow(features)));
}

void Importer::general_product(const Node& node) {
  const Value in = input(node, 0);
  const Value& right = input(node, 1);
  if (integer_or(node, "transA", 0) != 0 || !right.constant || right.dims.size() != 2 || in.constant) {
    throw NodeProblem{
        "is no linear layer: its second operand must be a constant matrix and its first not transposed", {}};
  }
  linear(node, in, right.dims[integer_or(node, "transB", 0) != 0 ? 0 : 1]);
}

void Importer::product(const Node& node) {
  const Value left = input(node, 0);
  const Value right = input(node, 1);
  if (right.constant && right.dims.size() == 2) {
    linear(node, left, right.dims[1]);
    return;
  }
  const std::size_t rank = left.dims.size();
  if (left.constant || right.constant || rank < 2 || right.dims.size() != rank ||
      !std::equal(left.dims.begin(), left.dims.end() - 2, right.dims.begin())) {
    throw NodeProblem{
        "multiplies what is neither activations by weights [in, out], nor two activations of equal batches",
        {}};
  }
  uint64_t groups = 1;
  for (std::size_t i = 0; i + 2 < rank; ++i) {
    groups = checked_multiply(groups, static_cast<uint64_t>(left.dims[i]));
  }
  const uint32_t heads = narrow(static_cast<int64_t>(groups));
  const uint32_t reduction = narrow(left.dims[rank - 1]);
  const Tensor seen = net_.view(left.tensor, {heads, 1, narrow(left.dims[rank - 2]), reduction});
  output(node, net_.matmul(name(node), seen, right.tensor, {heads, reduction, narrow(right.dims[rank - 1])}));
}

void Importer::pool(const Node& node) {
  const Value in = input(node, 0);
  const Dims out = dims_of(node.outputs.at(0));
  if (in.dims.size() != 4 || out.size() != 4) {
    throw NodeProblem{"is no pooling of two dimensions", {}};
  }
  const std::vector<int64_t> kernel = integers(node, "kernel_shape");
  const bool all = kernel.size() == 2 && kernel[0] == in.dims[2] && kernel[1] == in.dims[3];
  if (all && out[2] == 1 && out[3] == 1) {
    output(node, net_.adaptive_pool(name(node), map(in), 1, 1));
    return;
  }
  const WindowAttributes window = window_of(node, all_alike(kernel, 1, "kernel sides"), in.dims[2], out[2]);
  output(node, net_.pool(name(node), map(in), {window.kernel, window.stride, window.padding}));
}

void Importer::global_pool(const Node& node) {
  output(node, net_.adaptive_pool(name(node), map(input(node, 0)), 1, 1));
}

// Of a whole map or of all tokens: pooling. Along the last dimension: the start of layer normalisation.
void Importer::mean(const Node& node) {
  const Value in = input(node, 0);
  std::vector<int64_t> axes = integers(node, "axes");
  const auto rank = static_cast<int64_t>(in.dims.size());
  for (int64_t& axis : axes) {
    axis += axis < 0 ? rank : 0;
  }
  std::sort(axes.begin(), axes.end());
  if (rank == 4 && axes == std::vector<int64_t>{2, 3}) {
    output(node, net_.adaptive_pool(name(node), map(in), 1, 1));
  } else if (rank == 3 && axes == std::vector<int64_t>{1}) {
    const auto channels = static_cast<uint64_t>(in.dims[2]);
    const Shape tokens{1, 1, narrow(static_cast<int64_t>(elements(in.dims) / channels)), narrow(in.dims[2])};
    output(node, net_.adaptive_pool(name(node), net_.view(whole(in), tokens), 1, 1));
  } else if (axes == std::vector<int64_t>{rank - 1}) {
    Value& value = values_[node.outputs.at(0)] = in;
    value.dims = dims_of(node.outputs.at(0));
    value.normed_of = in.normed_of != 0 ? in.normed_of : in.origin;
    value.read_once = false;
  } else {
    throw NodeProblem{
        "takes the mean over dimensions that have no equivalent",
        {"height and width of a map, all tokens, or the last one as part of layer normalisation"}};
  }
}

void Importer::softmax(const Node& node) {
  const Value in = input(node, 0);
  if (!is_last(node, in.dims, -1)) {
    throw NodeProblem{"is a softmax over another dimension than the last", {}};
  }
  const auto length = static_cast<uint64_t>(in.dims.back());
  Tensor tensor = whole(in);
  if (net_.shape(tensor).channels != length) {
    tensor = rows(in, length);
  }
  output(node, net_.softmax(name(node), tensor));
}

void Importer::layer_norm(const Node& node) {
  const Value in = input(node, 0);
  if (!is_last(node, in.dims, -1)) {
    throw NodeProblem{"normalises over more than the last dimension", {}};
  }
  output(node, net_.layernorm(name(node), rows(in, static_cast<uint64_t>(in.dims.back()))));
}

// Exporters write group normalisation as this, between two changes of size.
void Importer::instance_norm(const Node& node) {
  output(node, net_.groupnorm(name(node), whole(input(node, 0))));
}

void Importer::relu(const Node& node) {
  const Value in = input(node, 0);
  if (in.read_once && !in.part && in.gate_of == 0 && net_.fuse_relu(in.tensor)) {
    alias(node, in).origin = ++origins_;
    return;
  }
  const Tensor tensor = whole(in);
  output(node, net_.relu(name(node), tensor));
}

void Importer::activation(const Node& node) {
  const Value in = input(node, 0);
  if (in.normed_of != 0) {  // the root of the variance
    alias(node, in);
    return;
  }
  output(node, net_.activation(name(node), whole(in))).gate_of = in.origin;
}

// x Phi(x) is written as x (1 + erf(x / sqrt 2)) / 2.
void Importer::error_function(const Node& node) {
  const Value in = input(node, 0);
  output(node, net_.gelu(name(node), whole(in))).gate_of = in.origin;
}

bool Importer::normalising(const Node& node, const Value& a, const Value& b) {
  if (a.constant || b.constant) {
    return false;
  }
  if (node.operation == "Sub" && b.normed_of == a.origin && b.normed_of != 0) {
    alias(node, a).normed_of = b.normed_of;
    return true;
  }
  if (a.normed_of == 0 || a.normed_of != b.normed_of) {
    return false;
  }
  if (node.operation == "Mul") {
    alias(node, a);
    return true;
  }
  if (node.operation == "Div") {
    const Dims& out = dims_of(node.outputs.at(0));
    const Value centred = a;
    output(node, net_.layernorm(name(node), rows(centred, static_cast<uint64_t>(out.back()))));
    return true;
  }
  return false;
}

void Importer::power(const Node& node) {
  const Value in = input(node, 0);
  if (in.normed_of != 0) {
    alias(node, in);
    return;
  }
  output(node, net_.activation(name(node), whole(in))).gate_of = in.origin;
}

void Importer::sum(const Node& node) {
  const Value a = input(node, 0);
  const Value b = input(node, 1);
  if (normalising(node, a, b)) {
    return;
  }
  if (a.constant || b.constant) {
    const Value& activation = a.constant ? b : a;
    const uint64_t table = elements((a.constant ? a : b).dims);
    const auto widest =
        static_cast<uint64_t>(*std::max_element(activation.dims.begin(), activation.dims.end()));
    if (activation.normed_of != 0 || table <= std::max<uint64_t>(1, widest)) {
      alias(node, activation);  // a bias: folded
      return;
    }
    const Tensor tensor = whole(activation);
    output(node, net_.add_table(name(node), tensor, std::min(table, net_.shape(tensor).elements())));
    return;
  }
  if (a.dims != b.dims) {
    throw NodeProblem{"adds tensors of different sizes", {}};
  }
  const Tensor left = whole(a);
  const Tensor right = net_.view(whole(b), net_.shape(left));
  output(node, net_.add(name(node), left, right));
}

// A value times a function of itself is one function: swish, GELU.
bool Importer::close_gate(const Node& node, const Value& a, const Value& b) {
  const bool left = a.gate_of != 0 && a.gate_of == b.origin;
  const bool right = b.gate_of != 0 && b.gate_of == a.origin;
  if (!left && !right) {
    return false;
  }
  Value& value = alias(node, left ? a : b);
  value.gate_of = 0;
  value.read_once = false;
  value.origin = ++origins_;
  return true;
}

void Importer::scale(const Node& node) {
  const Value a = input(node, 0);
  const Value b = input(node, 1);
  if (normalising(node, a, b) || close_gate(node, a, b)) {
    return;
  }
  if (a.constant || b.constant) {
    alias(node, a.constant ? b : a);
    return;
  }
  broadcast_multiply(node, a, b);
}

void Importer::broadcast_multiply(const Node& node, const Value& a, const Value& b) {
  if (a.dims == b.dims) {
    const Tensor left = whole(a);
    output(node, net_.multiply(name(node), left, net_.view(whole(b), net_.shape(left))));
    return;
  }
  const bool swap = elements(a.dims) < elements(b.dims);
  const Value& large = swap ? b : a;
  const Value& small = swap ? a : b;
  if (large.dims.size() != 4 || elements(small.dims) != static_cast<uint64_t>(large.dims[1]) ||
      small.dims.size() != 4 || small.dims[1] != large.dims[1]) {
    throw NodeProblem{"multiplies tensors of different sizes, and none has one value a channel", {}};
  }
  const Tensor gate = net_.view(whole(small), {1, 1, 1, narrow(large.dims[1])});
  output(node, net_.multiply(name(node), map(large), gate));
}

void Importer::concat(const Node& node) {
  const Dims out = dims_of(node.outputs.at(0));
  const auto rank = static_cast<int64_t>(out.size());
  const int64_t written = integer_or(node, "axis", 0);
  const int64_t axis = written < 0 ? written + rank : written;
  std::vector<Value> parts;
  bool constants = false;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    parts.push_back(input(node, i));
    constants = constants || parts.back().constant;
  }
  if (constants) {  // a class token before the others: they move to make room
    const auto moved =
        std::find_if(parts.begin(), parts.end(), [](const Value& value) { return !value.constant; });
    const auto channels = out.back();
    const auto count = static_cast<int64_t>(elements(out)) / std::max<int64_t>(channels, 1);
    output(node, net_.rearrange(name(node), whole(*moved), {1, 1, narrow(count), narrow(channels)}));
    return;
  }
  std::vector<Tensor> tensors;
  const bool maps = rank == 4 && axis == 1;
  const bool tokens = rank == 3 && axis == 1;
  if (!maps && !tokens && axis != rank - 1) {
    throw NodeProblem{"joins along a dimension that has no equivalent", {"channels or tokens"}};
  }
  for (const Value& value : parts) {
    tensors.push_back(maps ? map(value) : rows(value, static_cast<uint64_t>(value.dims.back())));
  }
  if (tokens) {
    output(node, net_.join_tokens(name(node), tensors));
    return;
  }
  if (!maps) {
    for (Tensor& tensor : tensors) {
      const Shape& shape = net_.shape(tensor);
      tensor = net_.view(
          tensor, {1, 1, narrow(static_cast<int64_t>(shape.elements() / shape.channels)), shape.channels});
    }
  }
  output(node, net_.concat(name(node), tensors));
}

}  // namespace tilewright::workloads::onnx_model
