// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/import.h"

#include <algorithm>
#include <set>

#include "sim/base/error.h"
#include "workloads/onnx/importer.h"

namespace tilewright::workloads {
namespace onnx_model {
namespace {

constexpr int64_t kMostSide = int64_t{1} << 30;

// "input" of a network: height x width x channels.
Shape input_shape(const Model& model) {
  const Dims& dims = model.sizes.at(model.inputs.front());
  switch (dims.size()) {
    case 4:
      return {1, narrow(dims[2]), narrow(dims[3]), narrow(dims[1])};
    case 3:
      return {1, 1, narrow(dims[1]), narrow(dims[2])};
    case 2:
      return {1, 1, narrow(dims[0]), narrow(dims[1])};
    default:
      throw NodeProblem{"the input '" + model.inputs.front() + "' has " + std::to_string(dims.size()) +
                            " dimensions; 2 to 4 are read",
                        {"[batch, channels, height, width], [batch, tokens, channels] or [batch, channels]"}};
  }
}

}  // namespace

uint64_t elements(const Dims& dims) {
  uint64_t count = 1;
  for (const int64_t dim : dims) {
    count = checked_multiply(count, static_cast<uint64_t>(std::max<int64_t>(dim, 0)));
  }
  return count;
}

int64_t integer_or(const Node& node, const std::string& attribute, int64_t otherwise) {
  const auto found = node.attributes.find(attribute);
  return found == node.attributes.end() ? otherwise : found->second.integer;
}

uint32_t narrow(int64_t value) {
  if (value < 1 || value > kMostSide) {
    throw NodeProblem{"has a dimension of " + std::to_string(value) + "; 1 to 2^30 are allowed", {}};
  }
  return static_cast<uint32_t>(value);
}

const std::map<std::string, Importer::Operator>& Importer::operators() {
  using I = Importer;
  static const std::map<std::string, Operator> all = [] {
    std::map<std::string, Operator> table = {
        {"Conv", &I::convolution},
        {"Gemm", &I::general_product},
        {"MatMul", &I::product},
        {"MaxPool", &I::pool},
        {"AveragePool", &I::pool},
        {"GlobalAveragePool", &I::global_pool},
        {"GlobalMaxPool", &I::global_pool},
        {"ReduceMean", &I::mean},
        {"Softmax", &I::softmax},
        {"LayerNormalization", &I::layer_norm},
        {"InstanceNormalization", &I::instance_norm},
        {"Relu", &I::relu},
        {"Clip", &I::relu},
        {"Erf", &I::error_function},
        {"Add", &I::sum},
        {"Sub", &I::sum},
        {"Mul", &I::scale},
        {"Div", &I::scale},
        {"Pow", &I::power},
        {"Concat", &I::concat},
        {"Resize", &I::resize},
        {"Upsample", &I::resize},
        {"Pad", &I::rearrange},
        {"DepthToSpace", &I::rearrange},
        {"SpaceToDepth", &I::rearrange},
        {"Slice", &I::part},
        {"Split", &I::part},
        {"Gather", &I::gather},
        {"Shape", &I::sizes},
    };
    // Sqrt stands in layer normalisation.
    for (const char* name : {"Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "LeakyRelu", "Elu", "Softplus",
                             "Selu", "Celu", "Softsign", "Exp", "Sqrt", "Mish", "PRelu", "ThresholdedRelu"}) {
      table[name] = &I::activation;
    }
    // Other names, other sizes, other types; batch normalisation is scaling by constants.
    for (const char* name : {"Identity", "Dropout", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze",
                             "Transpose", "BatchNormalization", "QuantizeLinear", "DequantizeLinear"}) {
      table[name] = &I::same;
    }
    return table;
  }();
  return all;
}

bool Importer::knows(const std::string& operation) {
  // These are read where they work on constants.
  static const std::set<std::string> constant_only = {"Constant",   "ConstantOfShape",
                                                      "Range",      "Expand",
                                                      "Where",      "Equal",
                                                      "Less",       "Greater",
                                                      "Not",        "And",
                                                      "Or",         "Floor",
                                                      "Ceil",       "Mod",
                                                      "Neg",        "Abs",
                                                      "Tile",       "Min",
                                                      "Max",        "ReduceProd",
                                                      "NonZero",    "ScatterND",
                                                      "Reciprocal", "Size",
                                                      "Round",      "ReduceSum"};
  return operators().contains(operation) || constant_only.contains(operation);
}

Importer::Importer(const Model& model) : model_(model), net_(model.name, input_shape(model)) {
  for (const Node& node : model.nodes) {
    for (const std::string& value : node.inputs) {
      ++readers_[value];
    }
  }
  for (const std::string& value : model.outputs) {
    ++readers_[value];
  }
  for (const auto& [constant, is] : model.constants) {
    values_[constant] = {.tensor = {}, .dims = dims_of(constant), .constant = is};
  }
  Value& image = values_[model.inputs.front()];
  image.tensor = net_.input();
  image.dims = dims_of(model.inputs.front());
  image.origin = ++origins_;
}

const Dims& Importer::dims_of(const std::string& value) const {
  const auto found = model_.sizes.find(value);
  if (found == model_.sizes.end() ||
      std::find(found->second.begin(), found->second.end(), -1) != found->second.end()) {
    throw NodeProblem{"'" + value + "' has no size that follows from the input's",
                      {"sizes that depend on values are not read"}};
  }
  return found->second;
}

const Value& Importer::input(const Node& node, std::size_t index) const {
  if (!has_input(node, index)) {
    throw NodeProblem{"lacks input " + std::to_string(index), {}};
  }
  const auto found = values_.find(node.inputs[index]);
  if (found == values_.end()) {
    throw NodeProblem{"reads '" + node.inputs[index] + "', which nothing before it writes", {}};
  }
  return found->second;
}

void Importer::add(const Node& node) {
  node_ = &node;
  bool constant = true;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    constant = constant && (!has_input(node, i) || input(node, i).constant);
  }
  if (constant || node.operation == "Shape") {
    sizes(node);
    return;
  }
  const auto found = operators().find(node.operation);
  if (found == operators().end()) {
    throw NodeProblem{"has no equivalent where it reads activations", {}};
  }
  (this->*found->second)(node);
}

Value& Importer::output(const Node& node, Tensor tensor) {
  const std::string& written = node.outputs.at(0);
  const Dims& dims = dims_of(written);
  if (elements(dims) != net_.shape(tensor).elements()) {
    throw NodeProblem{"would write " + std::to_string(net_.shape(tensor).elements()) +
                          " elements, but ONNX infers " + std::to_string(elements(dims)),
                      {"rounding up of sizes, several images at a time and broadcasting have no equivalent"}};
  }
  Value& value = values_[written];
  value = {.tensor = tensor, .dims = dims, .read_once = readers_[written] <= 1, .origin = ++origins_};
  return value;
}

Value& Importer::alias(const Node& node, const Value& of) {
  const std::string& written = node.outputs.at(0);
  Value value = of;
  value.dims = dims_of(written);
  value.read_once = value.read_once && readers_[written] <= 1;
  return values_[written] = value;
}

Importer::Tensor Importer::map(const Value& value) {
  if (value.dims.size() != 4 || value.dims[0] != 1) {
    throw NodeProblem{"needs a tensor of one image, [1, channels, height, width]", {}};
  }
  return net_.view(whole(value), {1, narrow(value.dims[2]), narrow(value.dims[3]), narrow(value.dims[1])});
}

Importer::Tensor Importer::rows(const Value& value, uint64_t length) {
  const Tensor tensor = whole(value);
  const Shape& shape = net_.shape(tensor);
  if (shape.groups == 1 && shape.channels == length) {
    return tensor;
  }
  const auto count = static_cast<int64_t>(shape.elements() / length);
  return net_.view(tensor, {1, 1, narrow(count), narrow(static_cast<int64_t>(length))});
}

Importer::Tensor Importer::whole(const Value& value) {
  if (value.constant) {
    throw NodeProblem{"reads a constant where an activation is needed", {}};
  }
  if (!value.part) {
    return value.tensor;
  }
  const auto last = value.dims.empty() ? 1 : value.dims.back();
  const auto count = static_cast<int64_t>(elements(value.dims)) / std::max<int64_t>(last, 1);
  return net_.rearrange(name(*node_, "_part"), value.tensor, {1, 1, narrow(count), narrow(last)});
}

std::string Importer::name(const Node& node, const std::string& suffix) {
  const std::string wanted = node.name + suffix;
  std::string unique = wanted;
  for (std::size_t i = 2; !names_.insert(unique).second; ++i) {
    unique = wanted + "_" + std::to_string(i);
  }
  return unique;
}

void Importer::same(const Node& node) {
  alias(node, input(node, 0));
}

// Some of the elements, at no cost where the reader is a product: it reads them where they are.
void Importer::part(const Node& node) {
  const Value from = input(node, 0);
  for (const std::string& written : node.outputs) {
    if (written.empty()) {
      continue;
    }
    Value& value = values_[written] = from;
    value.dims = dims_of(written);
    value.part = from.part || elements(value.dims) < net_.shape(from.tensor).elements();
    value.read_once = false;
    value.origin = ++origins_;
  }
}

void Importer::gather(const Node& node) {
  const Value& from = input(node, 0);
  if (!from.constant) {
    part(node);
    return;
  }
  const Dims& dims = dims_of(node.outputs.at(0));
  const uint32_t channels = narrow(dims.back());
  const auto count = narrow(static_cast<int64_t>(elements(dims) / channels));
  output(node, net_.gather_table(name(node), whole(input(node, 1)), elements(from.dims),
                                 {.output = {1, 1, count, channels}, .rows_per_output = 1, .passes = 1}));
}

void Importer::resize(const Node& node) {
  const Dims out = dims_of(node.outputs.at(0));
  if (out.size() != 4) {
    throw NodeProblem{"is no resize of two dimensions", {}};
  }
  output(node, net_.resize(name(node), map(input(node, 0)), narrow(out[2]), narrow(out[3])));
}

void Importer::rearrange(const Node& node) {
  const Dims out = dims_of(node.outputs.at(0));
  if (out.size() != 4 || out[0] != 1) {
    throw NodeProblem{"moves elements of a tensor that is no map of one image", {}};
  }
  output(node, net_.rearrange(name(node), map(input(node, 0)),
                              {1, narrow(out[2]), narrow(out[3]), narrow(out[1])}));
}

void Importer::sizes(const Node& node) {
  for (const std::string& written : node.outputs) {
    Value& value = values_[written];
    value.constant = true;
    const auto known = model_.sizes.find(written);
    value.dims = known == model_.sizes.end() ? Dims{} : known->second;
  }
}

}  // namespace onnx_model

namespace {

using onnx_model::Model;
using onnx_model::Node;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& message,
                         std::vector<std::string> notes = {}) {
  throw UserError({{{path.string(), 0, 0}, "onnx.unsupported", message, std::move(notes)}});
}

}  // namespace

Network import_onnx(const std::filesystem::path& path) {
  const Model model = onnx_model::read(path, onnx_model::Importer::knows);
  if (model.inputs.size() != 1 || !model.sizes.contains(model.inputs.front())) {
    refuse(path, "has " + std::to_string(model.inputs.size()) + " inputs; one tensor is read");
  }
  const Node* current = nullptr;
  const auto say = [&](const std::string& message, std::vector<std::string> notes = {}) {
    refuse(path, (current == nullptr ? "" : onnx_model::named(*current)) + message, std::move(notes));
  };
  try {
    onnx_model::Importer importer(model);
    for (const Node& node : model.nodes) {
      current = &node;
      importer.add(node);
    }
    current = nullptr;
    return importer.finish();
  } catch (const onnx_model::NodeProblem& problem) {
    say(problem.message, problem.notes);
  } catch (const IllegalLayer& problem) {
    say(problem.reason());
  } catch (const UserError& problem) {
    say(problem.diagnostics().front().message);
  } catch (const InternalError& problem) {
    say(std::string("does not make a network: ") + problem.what());
  } catch (const std::out_of_range&) {
    say("lacks an input, an output or an attribute");
  }
  throw InternalError("an ONNX model was neither imported nor refused");
}

}  // namespace tilewright::workloads
