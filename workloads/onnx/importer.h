// SPDX-License-Identifier: Apache-2.0
//
// The importer's state while it walks the nodes of a model in order; used by import.cpp and its operators
// alone.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "workloads/builder.h"
#include "workloads/onnx/model.h"

namespace tilewright::workloads::onnx_model {

struct NodeProblem {
  std::string message;
  std::vector<std::string> notes;
};

// A value of the graph: a tensor of the network, or a constant.
struct Value {
  NetworkBuilder::Tensor tensor;
  Dims dims;
  bool constant = false;
  bool part = false;          // only some of what the tensor holds
  bool read_once = true;      // it and everything it is another name of
  std::size_t origin = 0;     // equal for values that differ by constants only
  std::size_t gate_of = 0;    // a function of the value with this origin
  std::size_t normed_of = 0;  // on the way to the normalised value with this origin
};

class Importer {
 public:
  using Tensor = NetworkBuilder::Tensor;

  explicit Importer(const Model& model);
  // Throws NodeProblem.
  void add(const Node& node);
  static bool knows(const std::string& operation);
  Network finish() { return net_.finish(); }

 private:
  using Operator = void (Importer::*)(const Node&);
  static const std::map<std::string, Operator>& operators();

  // --- layers (import_layers.cpp)
  void convolution(const Node& node);
  void general_product(const Node& node);
  void product(const Node& node);
  void pool(const Node& node);
  void global_pool(const Node& node);
  void mean(const Node& node);
  void softmax(const Node& node);
  void layer_norm(const Node& node);
  void instance_norm(const Node& node);
  void relu(const Node& node);
  void activation(const Node& node);
  void error_function(const Node& node);
  void sum(const Node& node);
  void scale(const Node& node);
  void concat(const Node& node);
  void resize(const Node& node);
  void rearrange(const Node& node);
  // --- names, sizes and constants (import.cpp)
  void same(const Node& node);
  void part(const Node& node);
  void gather(const Node& node);
  void sizes(const Node& node);
  void power(const Node& node);

  void linear(const Node& node, const Value& input, int64_t features);
  bool close_gate(const Node& node, const Value& a, const Value& b);
  bool normalising(const Node& node, const Value& a, const Value& b);
  void broadcast_multiply(const Node& node, const Value& a, const Value& b);

  const Value& input(const Node& node, std::size_t index) const;
  bool has_input(const Node& node, std::size_t index) const {
    return index < node.inputs.size() && !node.inputs[index].empty();
  }
  const Dims& dims_of(const std::string& value) const;
  Value& output(const Node& node, Tensor tensor);  // a new value
  Value& alias(const Node& node, const Value& of);
  Tensor map(const Value& value);                                      // [1, C, H, W] as a feature map
  Tensor rows(const Value& value, uint64_t length);                    // rows of so many elements
  Tensor whole(const Value& value);                                    // as it is; a part is copied out first
  std::string name(const Node& node, const std::string& suffix = {});  // used once

  const Model& model_;
  std::map<std::string, uint32_t> readers_;
  NetworkBuilder net_;
  std::map<std::string, Value> values_;
  std::set<std::string> names_;
  std::size_t origins_ = 0;
  const Node* node_ = nullptr;
};

uint64_t elements(const Dims& dims);
int64_t integer_or(const Node& node, const std::string& attribute, int64_t otherwise);
uint32_t narrow(int64_t value);

}  // namespace tilewright::workloads::onnx_model
