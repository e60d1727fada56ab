// SPDX-License-Identifier: Apache-2.0
//
// The layers of a workload's execution paths as `tilewright list layers FILE --format csv` prints them:
// shapes come from one place.
#pragma once

#include <string>
#include <vector>

#include "vit/shape.h"

namespace tw::gpu::vit {

struct NamedLayer {
  std::string path, name, kind;  // the first path and layer of this shape
  LayerShape shape;
};

// Layers with products (conv2d, depthwise, linear, matmul), each shape once, in the order of the file. Throws
// UsageError with file and line for anything that is not such a list.
std::vector<NamedLayer> read_distinct_layers(const std::string& file);

}  // namespace tw::gpu::vit
