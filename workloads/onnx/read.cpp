// SPDX-License-Identifier: Apache-2.0
//
// The only file that includes ONNX's and protobuf's headers.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/checker.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <climits>
#include <cstring>
#include <fstream>
#include <set>

#include "sim/base/error.h"
#include "workloads/onnx/model.h"

namespace tilewright::workloads::onnx_model {
namespace {

constexpr std::size_t kMostConstants = 64;  // elements of a constant that is kept
constexpr std::size_t kMostMessage = 400;
constexpr std::size_t kMostName = 80;
constexpr std::size_t kMostListed = 20;  // unknown nodes
constexpr std::size_t kMostNodes = 100000;

// What comes from the file may be anything.
std::string printable(std::string text, std::size_t most = kMostName) {
  if (text.size() > most) {
    text = text.substr(0, most) + " ...";
  }
  for (char& c : text) {
    c = c == '\n' || c == '\r' ? ' ' : c < 32 || c > 126 ? '?' : c;
  }
  return text;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& code, std::string message,
                         std::vector<std::string> notes = {}) {
  throw UserError(
      {{{path.string(), 0, 0}, code, printable(std::move(message), kMostMessage), std::move(notes)}});
}

onnx::ModelProto parse(const std::filesystem::path& path) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed || !std::filesystem::is_regular_file(path)) {
    refuse(path, "config.missing-file", "cannot open the file");
  }
  if (size == 0) {
    refuse(path, "onnx.unreadable", "the file is empty");
  }
  if (size > INT_MAX) {
    refuse(path, "onnx.unreadable", "the file is larger than 2 GiB",
           {"export the weights to files of their own (external data): only their sizes are needed"});
  }
  std::ifstream stream(path, std::ios::binary);
  google::protobuf::io::IstreamInputStream input(&stream);
  google::protobuf::io::CodedInputStream coded(&input);
  coded.SetTotalBytesLimit(INT_MAX);
  const google::protobuf::LogSilencer quiet;
  onnx::ModelProto model;
  if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage() || !model.has_graph()) {
    refuse(path, "onnx.unreadable", "is not an ONNX model, or not all of one");
  }
  return model;
}

int64_t opset_of(const onnx::ModelProto& model, const std::filesystem::path& path) {
  int64_t opset = 0;
  for (const auto& import : model.opset_import()) {
    if (import.domain().empty() || import.domain() == "ai.onnx") {
      opset = import.version();
    }
  }
  if (opset < kOldestOpset || opset > kNewestOpset) {
    refuse(path, "onnx.unsupported",
           "has operator set " + std::to_string(opset) + "; " + std::to_string(kOldestOpset) + " to " +
               std::to_string(kNewestOpset) + " are read");
  }
  return opset;
}

std::set<std::string> initializers_of(const onnx::GraphProto& graph) {
  std::set<std::string> names;
  for (const auto& tensor : graph.initializer()) {
    names.insert(tensor.name());
  }
  for (const auto& tensor : graph.sparse_initializer()) {
    names.insert(tensor.values().name());
  }
  return names;
}

// Batch is 1 everywhere: a first dimension without a number becomes 1, any other is the user's to fix.
void fix_batch(onnx::ModelProto& model, const std::filesystem::path& path) {
  const std::set<std::string> initializers = initializers_of(model.graph());
  for (auto& input : *model.mutable_graph()->mutable_input()) {
    if (initializers.contains(input.name()) || !input.type().has_tensor_type()) {
      continue;
    }
    auto* shape = input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (int i = 0; i < shape->dim_size(); ++i) {
      auto* dim = shape->mutable_dim(i);
      if (dim->has_dim_value() && dim->dim_value() > 0) {
        continue;
      }
      if (i > 0) {
        refuse(path, "onnx.shape",
               "input '" + input.name() + "' has no fixed size in dimension " + std::to_string(i) +
                   (dim->dim_param().empty() ? "" : " ('" + dim->dim_param() + "')"),
               {"export the model with fixed sizes; only the batch, the first dimension, may be left open"});
      }
      dim->set_dim_value(1);
    }
  }
}

void infer_shapes(onnx::ModelProto& model, const std::filesystem::path& path) {
  try {
    onnx::checker::check_model(model);
    model.mutable_graph()->clear_value_info();  // what was exported may be of another batch
    const onnx::ShapeInferenceOptions options{/*check_type=*/false, /*strict_mode=*/1, /*data_prop=*/true};
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), options);
  } catch (const std::exception& problem) {
    refuse(path, "onnx.unreadable", std::string("ONNX finds the model broken: ") + problem.what());
  }
}

Dims dims_of(const onnx::TensorShapeProto& shape) {
  Dims dims;
  for (const auto& dim : shape.dim()) {
    dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  }
  return dims;
}

template <class T>
void append_raw(const std::string& raw, Dims& values) {
  for (std::size_t at = 0; at + sizeof(T) <= raw.size() && values.size() < kMostConstants; at += sizeof(T)) {
    T value;
    std::memcpy(&value, raw.data() + at, sizeof(T));
    values.push_back(static_cast<int64_t>(value));
  }
}

void keep_constant(Model& model, const std::string& name, const onnx::TensorProto& tensor) {
  Dims dims(tensor.dims().begin(), tensor.dims().end());
  double elements = 1;
  for (const int64_t dim : dims) {
    elements *= static_cast<double>(dim);
  }
  model.sizes[name] = std::move(dims);
  model.constants[name] = true;
  const bool wide = tensor.data_type() == onnx::TensorProto::INT64;
  if ((!wide && tensor.data_type() != onnx::TensorProto::INT32) || elements > kMostConstants) {
    return;
  }
  Dims values;
  if (wide) {
    values.assign(tensor.int64_data().begin(), tensor.int64_data().end());
    append_raw<int64_t>(tensor.raw_data(), values);
  } else {
    values.assign(tensor.int32_data().begin(), tensor.int32_data().end());
    append_raw<int32_t>(tensor.raw_data(), values);
  }
  if (static_cast<double>(values.size()) == elements) {
    model.integers[name] = std::move(values);
  }
}

Node node_of(const onnx::NodeProto& proto, std::size_t index) {
  Node node;
  node.name = proto.name().empty() ? "node " + std::to_string(index) : proto.name();
  const bool standard = proto.domain().empty() || proto.domain() == "ai.onnx";
  node.operation = standard ? proto.op_type() : proto.domain() + "." + proto.op_type();
  node.inputs.assign(proto.input().begin(), proto.input().end());
  node.outputs.assign(proto.output().begin(), proto.output().end());
  for (const auto& attribute : proto.attribute()) {
    Attribute& kept = node.attributes[attribute.name()];
    kept.integer = attribute.i();
    kept.real = static_cast<double>(attribute.f());
    kept.text = attribute.s();
    kept.integers.assign(attribute.ints().begin(), attribute.ints().end());
  }
  return node;
}

// Before anything is checked: what ONNX says of operators that it does not know helps nobody.
void refuse_unknown(const Model& model, const std::filesystem::path& path,
                    bool (*knows)(const std::string&)) {
  std::vector<Diagnostic> problems;
  for (const Node& node : model.nodes) {
    if (!knows(node.operation) && problems.size() < kMostListed) {
      problems.push_back({{path.string(), 0, 0}, "onnx.unsupported", named(node) + "has no equivalent", {}});
    }
  }
  if (!problems.empty()) {
    throw UserError(std::move(problems));
  }
}

void keep_value(Model& model, const onnx::ValueInfoProto& value) {
  if (value.type().has_tensor_type() && value.type().tensor_type().has_shape()) {
    model.sizes[value.name()] = dims_of(value.type().tensor_type().shape());
  }
}

}  // namespace

std::string named(const Node& node) {
  return "node '" + printable(node.name) + "' (" + printable(node.operation) + ") ";
}

Model read(const std::filesystem::path& path, bool (*knows)(const std::string& operation)) {
  onnx::ModelProto proto = parse(path);
  Model model;
  model.opset = opset_of(proto, path);
  const onnx::GraphProto& graph = proto.graph();
  if (static_cast<std::size_t>(graph.node_size()) > kMostNodes) {
    refuse(path, "onnx.unsupported", "has more than " + std::to_string(kMostNodes) + " nodes");
  }
  for (const auto& node : graph.node()) {
    model.nodes.push_back(node_of(node, model.nodes.size()));
  }
  refuse_unknown(model, path, knows);
  fix_batch(proto, path);
  infer_shapes(proto, path);
  model.name = graph.name().empty() ? path.stem().string() : graph.name();
  const std::set<std::string> initializers = initializers_of(graph);
  for (const auto& value : graph.value_info()) {
    keep_value(model, value);
  }
  for (const auto& input : graph.input()) {
    keep_value(model, input);
    if (!initializers.contains(input.name())) {
      model.inputs.push_back(input.name());
    }
  }
  for (const auto& output : graph.output()) {
    keep_value(model, output);
    model.outputs.push_back(output.name());
  }
  for (const auto& tensor : graph.initializer()) {
    keep_constant(model, tensor.name(), tensor);
  }
  for (const auto& tensor : graph.sparse_initializer()) {
    model.constants[tensor.values().name()] = true;
    model.sizes[tensor.values().name()] = Dims(tensor.dims().begin(), tensor.dims().end());
  }
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (node.op_type() == "Constant" && attribute.has_t() && node.output_size() == 1) {
        keep_constant(model, node.output(0), attribute.t());
      }
    }
  }
  return model;
}

}  // namespace tilewright::workloads::onnx_model
