// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_names.h"

#include "sim/base/error.h"

namespace tilewright::workloads {

std::span<const config::EnumName<NetworkName>> enumeration_names(NetworkName) {
  using enum NetworkName;
  static constexpr config::EnumName<NetworkName> kNames[] = {
      {kSegformerB0Ade, "segformer_b0_ade"},
      {kSegformerB1Ade, "segformer_b1_ade"},
      {kSegformerB2Ade, "segformer_b2_ade"},
      {kSegformerB3Ade, "segformer_b3_ade"},
      {kSegformerB4Ade, "segformer_b4_ade"},
      {kSegformerB5Ade, "segformer_b5_ade"},
      {kSegformerB0Cityscapes, "segformer_b0_cityscapes"},
      {kSegformerB1Cityscapes, "segformer_b1_cityscapes"},
      {kSegformerB2Cityscapes, "segformer_b2_cityscapes"},
      {kSegformerB3Cityscapes, "segformer_b3_cityscapes"},
      {kSegformerB4Cityscapes, "segformer_b4_cityscapes"},
      {kSegformerB5Cityscapes, "segformer_b5_cityscapes"},
      {kSwinTiny, "swin_tiny_upernet_ade"},
      {kSwinSmall, "swin_small_upernet_ade"},
      {kSwinBase, "swin_base_upernet_ade"},
      {kResnet50V1, "resnet50_v1"},
      {kResnet50V15, "resnet50_v1_5"},
      {kOfaResnet50, "ofa_resnet50"},
      {kDetrR50, "detr_r50"},
      {kDetrDc5R50, "detr_dc5_r50"},
      {kDeformableDetrR50, "deformable_detr_r50"},
      {kBertBase, "bert_base"},
      {kBertLarge, "bert_large"},
      {kDeitTiny, "deit_tiny"},
      {kDeitSmall, "deit_small"},
      {kDeitBase, "deit_base"},
  };
  return kNames;
}

std::string_view name(NetworkName network) {
  for (const auto& entry : enumeration_names(network)) {
    if (entry.value == network) {
      return entry.name;
    }
  }
  throw InternalError("a network without a name");
}

}  // namespace tilewright::workloads
