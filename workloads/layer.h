// SPDX-License-Identifier: Apache-2.0
//
// One operator with its shapes. Batch is 1 everywhere; `groups` carries attention heads and grouped
// convolutions. MACs are counted with padding positions included, as the vision papers count "FLOPs".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.h"

namespace tilewright::workloads {

enum class LayerKind : uint8_t {
  kConv2d,  // strided, grouped, depthwise (groups == input channels)
  kLinear,  // tokens x input features -> tokens x output features
  kMatmul,  // per group: [rows x reduction] times [reduction x columns], both operands activations
  kSoftmax,
  kLayerNorm,
  kGelu,
  kRelu,
  kAdd,
  kConcat,  // along channels; moves data only where its inputs are not written in place (VectorShape)
  kResize,  // bilinear
  kPool,    // average or maximum over a window
};
std::string_view name(LayerKind kind);

// Shape of an activation tensor, channels innermost in memory. Tokens are height x width.
struct Shape {
  uint32_t groups = 1;  // attention heads; 1 for feature maps
  uint32_t height = 1;
  uint32_t width = 1;
  uint32_t channels = 1;
  uint64_t elements() const { return uint64_t{groups} * height * width * channels; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

// Convolution and matrix product in one form. Per group: K x C x R x S weights over a C x H x W input.
// A linear layer is a 1x1 convolution over height = 1, width = tokens. A matmul is the same with one weight
// matrix a group, whose values are activations.
struct MacShape {
  uint32_t groups = 1;
  uint32_t input_channels = 1;   // C of one group
  uint32_t output_channels = 1;  // K of one group
  uint32_t kernel_height = 1, kernel_width = 1;
  uint32_t stride = 1;
  uint32_t padding = 0;
  uint32_t input_height = 1, input_width = 1;
  uint32_t output_height = 1, output_width = 1;
  bool weights_are_activations = false;
  // Convolution: groups are slices of the channels of one image; matmul: groups have their own matrices.
  bool groups_share_pixels = true;

  uint64_t macs() const;
  uint64_t weights() const;  // elements, biases not counted
  bool depthwise() const {
    return input_channels == 1 && output_channels == 1 && groups > 1 && groups_share_pixels;
  }
  friend bool operator==(const MacShape&, const MacShape&) = default;
};

// Work of the vector unit, in passes over elements. Passes: layernorm and softmax 3 (statistics, exponent or
// centring, scale), GELU 1, ReLU 1, add 1, resize 3 (two linear interpolations across, one down), pool =
// window size, concat 1 over the inputs that must be copied. A concat whose inputs are all written in place
// by their producers (nobody else reads them) has 0 passes, 0 operands and 0 elements: it costs nothing.
struct VectorShape {
  uint64_t input_elements = 0;  // all operands together
  uint64_t output_elements = 0;
  uint32_t operands = 1;
  uint32_t passes = 1;        // over output elements
  uint32_t row_elements = 1;  // what must be together in the unit: a softmax row, a token's channels
  friend bool operator==(const VectorShape&, const VectorShape&) = default;
};

struct Layer {
  std::string name;   // "enc0.0.qk"
  std::string group;  // what it is counted as in tables: "enc0.qk", "Conv2DFuse"
  LayerKind kind = LayerKind::kConv2d;
  bool on_pe_array = true;  // conv2d, linear and matmul; all others run on the vector unit
  MacShape mac;             // where on_pe_array
  VectorShape vector;       // elsewhere
  Shape output;
  bool relu = false;  // applied by the PPU on the way out; batch normalisation is folded into weights
  // Layers of the network whose outputs this reads; kNetworkInput for the image.
  std::vector<std::size_t> inputs;

  uint64_t macs() const { return on_pe_array ? mac.macs() : 0; }
  uint64_t weights() const { return on_pe_array && !mac.weights_are_activations ? mac.weights() : 0; }
};
inline constexpr std::size_t kNetworkInput = static_cast<std::size_t>(-1);

// Layers in an order in which every input stands before its reader.
struct Network {
  std::string name;
  Shape input;
  std::vector<Layer> layers;

  uint64_t macs() const;
  uint64_t weights() const;
};

}  // namespace tilewright::workloads
