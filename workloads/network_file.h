// SPDX-License-Identifier: Apache-2.0
//
// A network of the user's own (kind: network): an input and a list of layers, each with what its kind needs. A
// layer reads the layer before it unless it names its inputs; "input" is the network's input. Shapes follow
// from the layers; what does not fit is said with the place of the layer. docs/workloads.md lists the keys.
//
//   kind: network
//   name: two_layers
//   input: {height: 32, width: 32, channels: 3}
//   layers:
//     - {name: conv, kind: conv2d, output_channels: 16, kernel: 3, padding: 1, relu: true}
//     - {name: classes, kind: linear, output_channels: 10}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/config/schema.h"
#include "workloads/layer.h"

namespace tilewright::workloads {

std::span<const config::EnumName<LayerKind>> enumeration_names(LayerKind);

// Keys that a kind does not know are refused; those that it needs must be there.
struct LayerEntry {
  std::string name;
  std::string group;  // the row in tables; its name, if empty
  LayerKind kind = LayerKind::kConv2d;
  std::vector<std::string> inputs;
  std::optional<uint32_t> output_channels, input_channels, kernel, stride, padding, groups;
  std::optional<uint32_t> heads, reduction, columns, windows;  // matmul
  std::optional<uint32_t> height, width, channels;             // what a layer is made to
  std::optional<uint32_t> row, rows_per_output, passes;
  std::optional<uint64_t> table_elements;
  std::optional<bool> relu;

  std::vector<std::string> written() const;  // the keys of those that are there
};

struct NetworkInput {
  uint32_t height = 1;
  uint32_t width = 1;
  uint32_t channels = 1;
};

struct NetworkFile {
  std::string name;
  std::string description;
  NetworkInput input;
  std::vector<LayerEntry> layers;

  // Throws UserError; after loading it does not.
  Network build() const;
};
void describe(config::Schema<NetworkFile>& schema);
void describe(config::Schema<NetworkInput>& schema);
void describe(config::Schema<LayerEntry>& schema);

}  // namespace tilewright::workloads
