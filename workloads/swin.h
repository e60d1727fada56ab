// SPDX-License-Identifier: Apache-2.0
//
// Swin-T, -S and -B with UPerNet for semantic segmentation (Liu et al., ICCV 2021; Xiao et al., ECCV 2018;
// SwinTransformer/Swin-Transformer-Semantic-Segmentation), without the auxiliary head, which only training
// uses. ADE20K: 512 x 512 and 150 classes.
//
// Windows are 7 x 7; a feature map is padded to whole windows at the right and the bottom, and qkv, attention
// and proj run on the padded tokens, the MLP on the real ones. Partition (with padding and, in every second
// block, the cyclic shift) and its reverse move each element once. The relative position bias, and the mask
// of shifted blocks with it, is one table that the softmax adds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workloads/layer.h"
#include "workloads/settings.h"

namespace tilewright::workloads {

inline constexpr std::size_t kSwinStages = 4;
inline constexpr std::size_t kFpnLevels = 3;  // laterals that have an FPN convolution

enum class SwinSize : uint8_t { kTiny, kSmall, kBase };

struct SwinSpec {
  std::string name;
  uint32_t height = 512;  // multiples of 32
  uint32_t width = 512;
  uint32_t classes = 150;
  uint32_t channels = 96;  // of stage 0; doubled from stage to stage
  uint32_t heads = 3;      // likewise
  std::array<uint32_t, kSwinStages> blocks = {2, 2, 6, 2};
  uint32_t decoder_channels = 512;
};
SwinSpec swin_spec(SwinSize size);

// What is kept; everything left out of it is kept whole.
struct SwinPath {
  // Encoder blocks kept per stage, the first ones, at least 1 each. Windows are shifted in every second one.
  std::optional<std::array<uint32_t, kSwinStages>> blocks;
  // Output channels that the FPN convolutions of level 0 to 2 keep. A level with 0 loses its convolution and its
  // resize; its lateral goes too where no other level reads it (level 0).
  std::optional<std::array<uint32_t, kFpnLevels>> fpn_conv_channels;
  // Input channels that the FPN bottleneck keeps: the first of the concatenation of level 0, 1, 2 and the
  // pyramid pooling. Whatever produces dropped channels still runs.
  std::optional<uint32_t> fpn_bottleneck_input_channels;
  // Input channels that conv_seg keeps, which are the output channels that the FPN bottleneck keeps.
  std::optional<uint32_t> predict_input_channels;
};

std::vector<SettingProblem> check_spec(const SwinSpec& spec);
std::vector<SettingProblem> check_path(const SwinSpec& spec, const SwinPath& path);
Network swin_upernet(const SwinSpec& spec, const SwinPath& path = {});

}  // namespace tilewright::workloads
