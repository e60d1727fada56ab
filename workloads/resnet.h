// SPDX-License-Identifier: Apache-2.0
//
// ResNet-50 (He et al., CVPR 2016) for 224 x 224 images and 1000 classes, and as a backbone of detectors. v1
// puts the stride of a stage into its first 1x1 convolution, v1.5 (torchvision, NVIDIA) into its 3x3. Batch
// normalisation is folded into the convolutions, the ReLU behind a residual addition into the addition.
// Layers are named as NVIDIA names them: res3a_branch2b is the 3x3 of the first block of stage 3.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "workloads/builder.h"
#include "workloads/settings.h"

namespace tilewright::workloads {

struct ResnetSpec {
  std::string name = "resnet50_v1_5";
  uint32_t height = 224;
  uint32_t width = 224;
  uint32_t classes = 1000;
  bool stride_in_first = false;  // v1
};

struct ResnetOptions {
  bool stride_in_first = false;
  bool dilated_last_stage = false;  // the last stage keeps the size of the one before it (DETR-DC5)
};

// Appends conv1 to res5c; returns the outputs of stages 2 to 5.
std::array<NetworkBuilder::Tensor, 4> append_resnet50(NetworkBuilder& net, NetworkBuilder::Tensor image,
                                                      const ResnetOptions& options);

std::vector<SettingProblem> check_spec(const ResnetSpec& spec);
Network resnet50(const ResnetSpec& spec);

}  // namespace tilewright::workloads
