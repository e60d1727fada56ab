// SPDX-License-Identifier: Apache-2.0
//
// Layers written out in one line.
#pragma once

#include "workloads/layer.h"

namespace tilewright::mappers::testing {

inline workloads::Layer linear(uint32_t tokens, uint32_t inputs, uint32_t outputs) {
  workloads::Layer layer;
  layer.name = layer.group = "linear";
  layer.kind = workloads::LayerKind::kLinear;
  layer.mac.input_channels = inputs;
  layer.mac.output_channels = outputs;
  layer.mac.input_width = layer.mac.output_width = tokens;
  layer.output = {1, 1, tokens, outputs};
  return layer;
}

inline workloads::Layer matmul(uint32_t groups, uint32_t rows, uint32_t reduction, uint32_t columns) {
  workloads::Layer layer = linear(rows, reduction, columns);
  layer.name = layer.group = "matmul";
  layer.kind = workloads::LayerKind::kMatmul;
  layer.mac.groups = groups;
  layer.mac.weights_are_activations = true;
  layer.mac.groups_share_pixels = false;
  layer.output = {groups, 1, rows, columns};
  return layer;
}

struct Window {
  uint32_t kernel = 1, stride = 1, padding = 0;
};
inline workloads::Layer conv2d(uint32_t size, uint32_t inputs, uint32_t outputs, Window window,
                               uint32_t groups = 1) {
  workloads::Layer layer;
  layer.name = layer.group = "conv2d";
  workloads::MacShape& mac = layer.mac;
  mac.groups = groups;
  mac.input_channels = inputs / groups;
  mac.output_channels = outputs / groups;
  mac.kernel_height = mac.kernel_width = window.kernel;
  mac.stride = window.stride;
  mac.padding = window.padding;
  mac.input_height = mac.input_width = size;
  mac.output_height = mac.output_width = (size + 2 * window.padding - window.kernel) / window.stride + 1;
  layer.output = {1, mac.output_height, mac.output_width, outputs};
  return layer;
}

inline workloads::Layer elementwise(workloads::LayerKind kind, uint64_t rows, uint32_t row, uint32_t operands,
                                    uint32_t passes) {
  workloads::Layer layer;
  layer.name = layer.group = std::string(workloads::name(kind));
  layer.kind = kind;
  layer.on_pe_array = false;
  layer.vector.output_elements = rows * row;
  layer.vector.input_elements = rows * row * operands;
  layer.vector.operands = operands;
  layer.vector.passes = passes;
  layer.vector.row_elements = row;
  layer.output = {1, 1, static_cast<uint32_t>(rows), row};
  return layer;
}

}  // namespace tilewright::mappers::testing
