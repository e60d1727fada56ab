// SPDX-License-Identifier: Apache-2.0
//
// What an ONNX file says, as plain values: nodes in order, the sizes of every tensor, and the contents of small
// integer constants. The file is checked and its shapes are inferred by ONNX's own library, whose headers only
// read.cpp sees. Weights are not kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tilewright::workloads::onnx_model {

using Dims = std::vector<int64_t>;  // -1: not known

struct Attribute {
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<int64_t> integers;
};

struct Node {
  std::string name;  // "node 7" where the file gives none
  std::string operation;
  std::vector<std::string> inputs, outputs;  // names of values; empty: left out
  std::map<std::string, Attribute> attributes;
};

struct Model {
  std::string name;
  int64_t opset = 0;
  std::vector<std::string> inputs, outputs;  // without initializers
  std::map<std::string, Dims> sizes;         // of every value whose size is known
  std::map<std::string, bool> constants;     // initializers: true
  std::map<std::string, Dims> integers;      // what integer constants of at most 64 elements hold
  std::vector<Node> nodes;
};

inline constexpr int64_t kOldestOpset = 11;
inline constexpr int64_t kNewestOpset = 17;

// "node 'conv7' (Conv) ", printable and short.
std::string named(const Node& node);

// Symbolic batch sizes become 1. Throws UserError naming the file where it is no ONNX model, of another operator
// set, has operators that are not known (all of them are named), or does not hold together.
Model read(const std::filesystem::path& path, bool (*knows)(const std::string& operation));

}  // namespace tilewright::workloads::onnx_model
