// SPDX-License-Identifier: Apache-2.0
//
// The networks that a workload file may name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sim/base/config/schema.h"

namespace tilewright::workloads {

enum class NetworkName : uint8_t {
  kSegformerB0Ade,
  kSegformerB1Ade,
  kSegformerB2Ade,
  kSegformerB3Ade,
  kSegformerB4Ade,
  kSegformerB5Ade,
  kSegformerB0Cityscapes,
  kSegformerB1Cityscapes,
  kSegformerB2Cityscapes,
  kSegformerB3Cityscapes,
  kSegformerB4Cityscapes,
  kSegformerB5Cityscapes,
  kSwinTiny,
  kSwinSmall,
  kSwinBase,
  kResnet50V1,
  kResnet50V15,
  kOfaResnet50,
  kDetrR50,
  kDetrDc5R50,
  kDeformableDetrR50,
  kBertBase,
  kBertLarge,
  kDeitTiny,
  kDeitSmall,
  kDeitBase,
};
std::span<const config::EnumName<NetworkName>> enumeration_names(NetworkName);
std::string_view name(NetworkName network);

}  // namespace tilewright::workloads
