// SPDX-License-Identifier: Apache-2.0
//
// One layer as the kernels see it. Per group: `outputs` filters of kernel x kernel x channels over an image,
// channels innermost.
#pragma once

#include <cstdint>

#include "vit/arithmetic.h"

namespace tw::gpu::vit {

struct LayerShape {
  int groups = 1, channels = 1, outputs = 1;  // channels and outputs of one group
  int kernel_height = 1, kernel_width = 1, stride = 1, padding = 0;
  int input_height = 1, input_width = 1, output_height = 1, output_width = 1;
  int relu = 0;

  TW_BOTH int reduction() const { return kernel_height * kernel_width * channels; }
  TW_BOTH int pixels() const { return output_height * output_width; }
  uint64_t input_count() const { return uint64_t(groups) * input_height * input_width * channels; }
  uint64_t weight_count() const { return uint64_t(groups) * outputs * reduction(); }
  uint64_t output_count() const { return uint64_t(groups) * pixels() * outputs; }
  uint64_t macs() const { return output_count() * reduction(); }
  bool depthwise() const { return groups > 1 && channels == 1 && outputs == 1; }
  friend bool operator==(const LayerShape&, const LayerShape&) = default;
};

// Position within the reduction, which runs over kernel row, kernel column, channel.
struct PatchCursor {
  int row = 0, column = 0, channel = 0;
  TW_BOTH void advance(int count, const LayerShape& shape) {
    channel += count;
    while (channel >= shape.channels) {
      channel -= shape.channels;
      if (++column == shape.kernel_width) {
        column = 0;
        ++row;
      }
    }
  }
};

// The image position under kernel position (0, 0) of one output pixel.
struct Patch {
  int row, column;
};
TW_BOTH Patch patch_of(int pixel, const LayerShape& shape) {
  return {pixel / shape.output_width * shape.stride - shape.padding,
          pixel % shape.output_width * shape.stride - shape.padding};
}

// True and the element's index where the cursor stands on the image; false on the padding and behind the
// reduction's end.
TW_BOTH bool input_position(const LayerShape& shape, int group, Patch patch, const PatchCursor& at,
                            uint64_t& index) {
  const int row = patch.row + at.row, column = patch.column + at.column;
  index = ((uint64_t(group) * shape.input_height + row) * shape.input_width + column) * shape.channels +
          at.channel;
  return at.row < shape.kernel_height && row >= 0 && row < shape.input_height && column >= 0 &&
         column < shape.input_width;
}

}  // namespace tw::gpu::vit
