// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "harness/nvml.h"
#include "harness/record.h"
#include "vit/layer_list.h"

namespace tw::gpu::vit {

// Runs one layer on the card with every kernel that can: outputs are compared with the naive kernel's,
// hashed, and the fastest kernel's time recorded (launches in a CUDA graph, operands resident in L2 where
// they fit). With `weigh`, joules over a second.
Point run_layer(const NamedLayer& layer, const Nvml& nvml, bool weigh);

// "enc0.0.sr_conv conv2d 1x64x128x128 -> 64, 8x8/8": for logs.
std::string shape_text(const NamedLayer& layer);

}  // namespace tw::gpu::vit
