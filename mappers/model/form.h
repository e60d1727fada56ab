// SPDX-License-Identifier: Apache-2.0
//
// A layer in the PE's own terms under one packing and operand order (the normal form of mappers/lower/plan.h), and the
// cuts of its reduction.
#pragma once

#include <string_view>
#include <vector>

#include "mappers/lower/plan.h"

namespace tilewright::mappers {

struct Form {
  Packing packing = Packing::kUnpacked;
  bool swap = false;
  bool depthwise = false;     // lanes are groups
  bool skips_pixels = false;  // 1x1 with a stride
  uint32_t groups = 1, lanes = 1, rows = 1, columns = 1, channels = 1;
  uint32_t kernel_height = 1, kernel_width = 1, stride = 1, padding = 0, input_height = 1, input_width = 1;
  uint32_t tap_pixels = 1;
  double least_input_bytes = 0;  // that any tiling loads, set by LayerModel
  // Why the layer has no such form; empty where it has.
  std::string_view refusal;
};

// 1x1, stride 1, unpadded: one row of pixels whose operands may change places.
bool pointwise(const workloads::MacShape& shape);

Form make_form(const workloads::MacShape& shape, Packing packing, bool swap, const arch::AcceleratorSpec& spec);

// The chunks of one reduction. They are the product of cuts of the kernel's rows and of the channels, only one of
// which is more than one piece.
struct ReductionCut {
  std::vector<Range> kernel_rows;
  uint32_t channel_pieces = 1;
  uint64_t chunks = 1;
  uint64_t vectors = 0;           // of all chunks
  uint64_t largest_vectors = 0;   // of the largest
  uint64_t smallest_vectors = 0;  // of the smallest
  uint64_t squared_vectors = 0;   // sum of squares
  uint64_t collector_rounds = 0;  // sum of ceil(vectors / weight_collector_entries)
  // Bytes of the stream for each unit of AxisCut weight: padded channels of one position, or of one pixel's patch.
  uint64_t unit_bytes = 0;          // of all channel pieces together
  uint64_t largest_unit_bytes = 0;  // of the largest piece
};
ReductionCut cut_reduction(const Form& form, uint32_t chunk_kernel_rows, uint32_t chunk_channels,
                           const arch::PeSpec& pe);

}  // namespace tilewright::mappers
