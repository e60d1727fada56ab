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
  kGroupNorm,   // statistics over groups of channels of a whole image: its input is read twice
  kActivation,  // another function of one value: sigmoid, swish, tanh, ...
  kMultiply,    // element by element; the second operand may be one value a channel
  kRearrange,   // moves elements to other places: window partition with shift and padding, its reverse, ...
  kGather,      // reads rows at computed places: deformable sampling, embedding look-up
};
inline constexpr std::size_t kLayerKinds = 16;
std::string_view name(LayerKind kind);

// Shape of an activation tensor, channels innermost in memory. Tokens are height x width.
struct Shape {
  uint32_t groups = 1;  // attention heads; 1 for feature maps
  uint32_t height = 1;
  uint32_t width = 1;
  uint32_t channels = 1;
  // Throws UserError where it leaves 64 bits.
  uint64_t elements() const {
    return checked_multiply(checked_multiply(groups, height), checked_multiply(width, channels));
  }
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
  // Matmul: the matrices of the groups lie one behind the other in memory (windows of windowed attention),
  // not side by side in the row of each token (heads).
  bool groups_apart = false;

  uint64_t macs() const;
  uint64_t weights() const;  // elements, biases not counted
  bool depthwise() const {
    return input_channels == 1 && output_channels == 1 && groups > 1 && groups_share_pixels;
  }
  friend bool operator==(const MacShape&, const MacShape&) = default;
};

// Work of the vector unit, in passes over elements. Passes: layernorm, groupnorm and softmax 3 (statistics,
// exponent or centring, scale; a softmax that adds a table first 4), GELU and other functions 1, ReLU 1, add
// and multiply 1, resize 3 (two linear interpolations across, one down), pool = window size, rearrange 1,
// gather: stated by whoever builds it, concat 1 over the inputs that must be copied. A concat whose inputs
// are all written in place by their producers (nobody else reads them) has 0 passes, 0 operands and 0
// elements: it costs nothing.
struct VectorShape {
  uint64_t input_elements = 0;  // all operands together, as often as they are read
  uint64_t output_elements = 0;
  uint32_t operands = 1;
  uint32_t passes = 1;        // over output elements
  uint32_t row_elements = 1;  // what must be together in the unit: a softmax row, a token's channels
  uint64_t second_elements = 0;  // of the second of two operands; 0: half of all
  uint64_t table_elements = 0;   // of input_elements: parameters of the network, from the DRAM every time
  // A gather reads rows of `row_elements` of its first operand, again and again: `source_elements` is how many
  // elements there are to read from (0: not a gather), in `source_parts` equal parts (attention heads) that
  // are worked on one after the other.
  uint64_t source_elements = 0;
  uint32_t source_parts = 1;
  // Multiply-accumulates among the passes, where published totals count them: the weighted sum of deformable
  // attention.
  uint64_t macs = 0;
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

  uint64_t macs() const { return on_pe_array ? mac.macs() : vector.macs; }
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
