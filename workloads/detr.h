// SPDX-License-Identifier: Apache-2.0
//
// DETR-R50 and DETR-DC5-R50 (Carion et al., ECCV 2020; facebookresearch/detr) and Deformable DETR-R50 (Zhu et
// al., ICLR 2021; fundamentalvision/Deformable-DETR, single stage without box refinement), COCO at 800 x 1066.
//
// DC5 dilates the last stage of the backbone instead of shrinking it: its 3x3 convolutions are written as
// undilated ones of the same size, whose counts are the same (the halo of a tile is a pixel narrower than it is).
// Deformable attention samples 4 points in each of 4 levels for every query and head: a gather of 4
// neighbours a point, weighted and summed (bilinear: 3 passes a point as for a resize, and 1 for its weight).
// Position embeddings are tables that are added wherever the definition adds them. Heads run on the last
// decoder layer's output only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/layer.h"
#include "workloads/settings.h"

namespace tilewright::workloads {

enum class DetrVariant : uint8_t { kR50, kDc5, kDeformable };

struct DetrSpec {
  std::string name = "detr_r50";
  DetrVariant variant = DetrVariant::kR50;
  uint32_t height = 800;
  uint32_t width = 1066;
  uint32_t classes = 92;  // outputs of the class head: 91 and "no object"
  uint32_t queries = 100;
  uint32_t feed_forward_channels = 2048;
  uint32_t encoder_layers = 6;
  uint32_t decoder_layers = 6;
};
DetrSpec detr_spec(DetrVariant variant);

// The first so many layers are kept.
struct DetrPath {
  uint32_t encoder_layers = 6;
  uint32_t decoder_layers = 6;
};

std::vector<SettingProblem> check_spec(const DetrSpec& spec);
std::vector<SettingProblem> check_path(const DetrSpec& spec, const DetrPath& path);
Network detr(const DetrSpec& spec, const DetrPath& path = {});

}  // namespace tilewright::workloads
