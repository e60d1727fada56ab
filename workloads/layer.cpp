// SPDX-License-Identifier: Apache-2.0
#include "workloads/layer.h"

#include <initializer_list>

#include "sim/base/error.h"

namespace tilewright::workloads {
namespace {

uint64_t product(std::initializer_list<uint64_t> factors) {
  uint64_t value = 1;
  for (uint64_t factor : factors) {
    value = checked_multiply(value, factor);
  }
  return value;
}

}  // namespace

std::string_view name(LayerKind kind) {
  switch (kind) {
    case LayerKind::kConv2d:
      return "conv2d";
    case LayerKind::kLinear:
      return "linear";
    case LayerKind::kMatmul:
      return "matmul";
    case LayerKind::kSoftmax:
      return "softmax";
    case LayerKind::kLayerNorm:
      return "layernorm";
    case LayerKind::kGelu:
      return "gelu";
    case LayerKind::kRelu:
      return "relu";
    case LayerKind::kAdd:
      return "add";
    case LayerKind::kConcat:
      return "concat";
    case LayerKind::kResize:
      return "resize";
    case LayerKind::kPool:
      return "pool";
    case LayerKind::kGroupNorm:
      return "groupnorm";
    case LayerKind::kActivation:
      return "activation";
    case LayerKind::kMultiply:
      return "multiply";
    case LayerKind::kRearrange:
      return "rearrange";
    case LayerKind::kGather:
      return "gather";
  }
  throw InternalError("a layer kind without a name");
}

uint64_t MacShape::weights() const {
  return product({groups, output_channels, input_channels, kernel_height, kernel_width});
}

uint64_t MacShape::macs() const {
  return product({weights(), output_height, output_width});
}

}  // namespace tilewright::workloads
