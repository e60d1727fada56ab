// SPDX-License-Identifier: Apache-2.0
//
// The ResNet-50D space of Once-For-All (Cai et al., ICLR 2020; mit-han-lab/once-for-all, OFAResNets): any
// subnet by depth, expand ratio, width multiplier and resolution. Stem of three 3x3 convolutions, of which the
// middle one is residual and can be left out; bottleneck blocks whose shortcut is average pooling and a 1x1
// convolution. Weights are shared with the largest subnet: a subnet uses the first channels and blocks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "workloads/layer.h"
#include "workloads/settings.h"

namespace tilewright::workloads {

inline constexpr std::size_t kOfaStages = 4;
inline constexpr std::size_t kOfaMostBlocks = 18;  // [4, 4, 6, 4]

struct OfaResnetSpec {
  std::string name = "ofa_resnet50";
  uint32_t classes = 1000;
  uint32_t resolution = 224;
  // Of the stem, then of the stages: a stage has [2, 2, 4, 2] + depth blocks; the stem has its residual
  // convolution with 2 and not with less.
  std::array<uint32_t, 1 + kOfaStages> depth = {2, 2, 2, 2, 2};
  // A block each, [4, 4, 6, 4] of them: the inner width is this part of the outer one, in multiples of 8.
  std::array<double, kOfaMostBlocks> expand_ratio{};
  // Of the stem's inner and outer width and of the stages.
  std::array<double, 2 + kOfaStages> width_multiplier = {1, 1, 1, 1, 1, 1};
};
// The largest subnet.
OfaResnetSpec ofa_resnet_spec();

std::vector<SettingProblem> check_spec(const OfaResnetSpec& spec);
Network ofa_resnet50(const OfaResnetSpec& spec);

}  // namespace tilewright::workloads
