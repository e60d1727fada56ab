// SPDX-License-Identifier: Apache-2.0
#include "mappers/lower/addresses.h"

#include <algorithm>

namespace tilewright::mappers {
namespace {

// Boxes of an activation tensor of `height` x `width` pixels of groups x channels bytes.
DramPattern activation_pattern(const TileBox& box, uint64_t base, uint64_t width, uint64_t groups,
                               uint64_t channels) {
  const uint64_t pixel = groups * channels;
  const uint64_t depth_begin = box.groups.begin * channels + box.channels.begin;
  const uint64_t depth = (uint64_t{box.groups.size()} - 1) * channels + box.channels.size();
  DramPattern pattern;
  pattern.base = base + (uint64_t{box.rows.begin} * width + box.columns.begin) * pixel + depth_begin;
  const auto across = static_cast<uint32_t>(divide_up(box.columns.size(), box.step));
  const auto down = static_cast<uint32_t>(divide_up(box.rows.size(), box.step));
  const bool several_slices = box.groups.size() > 1 && box.channels.size() < channels;
  if (several_slices) {
    // A slice of the channels of each of several groups: one piece a group; only 1x1 shapes reach this.
    pattern.piece_bytes = box.channels.size();
    pattern.inner_count = box.groups.size();
    pattern.inner_stride = channels;
    pattern.outer_count = down * across;
    pattern.outer_stride = pixel;
    return pattern;
  }
  if (depth < pixel || box.step > 1) {
    pattern.piece_bytes = static_cast<uint32_t>(depth);
    pattern.inner_count = across;
    pattern.inner_stride = pixel * box.step;
    pattern.outer_count = down;
    pattern.outer_stride = width * pixel * box.step;
  } else if (across < width) {
    pattern.piece_bytes = static_cast<uint32_t>(across * pixel);
    pattern.outer_count = down;
    pattern.outer_stride = width * pixel;
  } else {
    // Whole rows are contiguous; a piece must stay below 4 GiB.
    pattern.piece_bytes = static_cast<uint32_t>(width * pixel);
    pattern.outer_count = down;
    pattern.outer_stride = width * pixel;
    if (uint64_t{down} * pattern.piece_bytes <= UINT32_MAX) {
      pattern.piece_bytes *= down;
      pattern.outer_count = 1;
    }
  }
  return pattern;
}

// The same where each group's matrix of `width` rows lies apart.
DramPattern matrix_pattern(const TileBox& box, uint64_t base, uint64_t width, uint64_t channels) {
  const uint64_t matrix = width * channels;
  DramPattern pattern;
  pattern.base = base + box.groups.begin * matrix + box.columns.begin * channels + box.channels.begin;
  pattern.piece_bytes = static_cast<uint32_t>(box.channels.size());
  pattern.inner_count = box.columns.size();
  pattern.inner_stride = channels;
  pattern.outer_count = box.groups.size();
  pattern.outer_stride = matrix;
  if (box.channels.size() == channels) {
    pattern.piece_bytes *= pattern.inner_count;
    pattern.inner_count = 1;
  }
  if (pattern.inner_count == 1 && pattern.piece_bytes == matrix &&
      uint64_t{pattern.piece_bytes} * pattern.outer_count <= UINT32_MAX) {
    pattern.piece_bytes *= pattern.outer_count;
    pattern.outer_count = 1;
  }
  return pattern;
}

Range clipped_span(const Plan& plan, Range outputs, uint32_t kernel, uint32_t extent) {
  const auto [first, last] = Plan::input_span(outputs, {0, kernel}, plan.stride, plan.padding);
  const auto begin = static_cast<uint32_t>(std::max<int64_t>(first, 0));
  return {begin, std::max(begin, static_cast<uint32_t>(std::clamp<int64_t>(last, 0, extent)))};
}

void finish_activation(const Plan& plan, TileBox& box, uint64_t base, uint64_t width, uint64_t groups,
                       uint64_t channels) {
  box.dram = plan.shape.groups_apart ? matrix_pattern(box, base, width, channels)
                                     : activation_pattern(box, base, width, groups, channels);
  box.bytes = box.dram.bytes();
}

void finish_weights(const Plan& plan, TileBox& box) {
  const uint64_t taps = uint64_t{plan.kernel_height} * plan.kernel_width;
  const uint64_t row = taps * plan.channels;  // of one output channel
  DramPattern& dram = box.dram;
  if (plan.depthwise) {
    dram.base = plan.weight_base + box.channels.begin * row;
    dram.piece_bytes = static_cast<uint32_t>(box.channels.size() * row);
  } else if (plan.shape.weights_are_activations && !plan.shape.groups_apart) {
    dram.base = plan.weight_base + (uint64_t{box.channels.begin} * plan.groups + box.groups.begin) * row;
    dram.piece_bytes = static_cast<uint32_t>(box.groups.size() * row);
    dram.inner_count = box.channels.size();
    dram.inner_stride = plan.groups * row;
    if (box.groups.size() == plan.groups) {
      dram.piece_bytes *= dram.inner_count;
      dram.inner_count = 1;
    }
  } else {
    dram.base = plan.weight_base +
                (uint64_t{box.groups.begin} * plan.shape.output_channels + box.channels.begin) * row;
    dram.piece_bytes = static_cast<uint32_t>(box.channels.size() * row);
    dram.inner_count = box.groups.size();
    dram.inner_stride = plan.shape.output_channels * row;
    if (plan.shape.groups_apart && box.channels.size() == plan.shape.output_channels) {
      dram.piece_bytes *= dram.inner_count;
      dram.inner_count = 1;
    }
  }
  box.bytes = dram.bytes();
}

}  // namespace

TileBox input_box(const Plan& plan, uint32_t batch, uint32_t tile) {
  TileBox box;
  box.groups = plan.group_range(batch);
  if (plan.mapping.swap_operands) {
    box.rows = {0, 1};
    box.columns = plan.lane_range(batch, tile);
    box.channels = {0, plan.channels};
    finish_activation(plan, box, plan.input_base, plan.lane_extent, plan.groups, plan.channels);
    return box;
  }
  box.rows = clipped_span(plan, plan.row_range(tile), plan.kernel_height, plan.input_height);
  box.columns = clipped_span(plan, plan.column_range(tile), plan.kernel_width, plan.input_width);
  box.step = plan.skips_pixels ? plan.stride : 1;
  if (plan.depthwise) {
    box.channels = plan.lane_range(batch, 0);
    finish_activation(plan, box, plan.input_base, plan.input_width, 1, plan.lane_extent);
  } else {
    box.channels = {0, plan.channels};
    finish_activation(plan, box, plan.input_base, plan.input_width, plan.groups, plan.channels);
  }
  return box;
}

TileBox weight_box(const Plan& plan, uint32_t batch, uint32_t tile) {
  TileBox box;
  box.groups = plan.group_range(batch);
  box.channels = plan.mapping.swap_operands ? plan.column_range(tile) : plan.lane_range(batch, tile);
  box.rows = {0, plan.kernel_height};
  box.columns = {0, plan.kernel_width};
  finish_weights(plan, box);
  return box;
}

TileBox output_box(const Plan& plan, uint32_t batch, uint32_t lane_tile, uint32_t pixel_tile) {
  TileBox box;
  box.groups = plan.group_range(batch);
  box.rows = plan.row_range(pixel_tile);
  box.columns = plan.column_range(pixel_tile);
  box.channels = plan.lane_range(batch, lane_tile);
  uint64_t width = plan.columns;
  uint64_t channels = plan.lane_extent;
  if (plan.mapping.swap_operands) {
    std::swap(box.columns, box.channels);
    std::swap(width, channels);
  }
  finish_activation(plan, box, plan.output_base, width, plan.groups, channels);
  return box;
}

TileBox whole_tensor(const Plan& plan, TileRole role) {
  TileBox box;
  box.groups = {0, plan.groups};
  box.rows = {0, 1};
  box.columns = {0, 1};
  const bool swapped = plan.mapping.swap_operands;
  switch (role) {
    case TileRole::kInput:
      box.rows.end = plan.input_height;
      box.columns.end = swapped ? plan.lane_extent : plan.input_width;
      box.channels = {0, plan.depthwise ? plan.lane_extent : plan.channels};
      break;
    case TileRole::kWeight:
      box.rows.end = plan.kernel_height;
      box.columns.end = plan.kernel_width;
      box.channels = {0, swapped ? plan.columns : plan.lane_extent};
      break;
    case TileRole::kOutput:
      box.rows.end = plan.rows;
      box.columns.end = swapped ? plan.lane_extent : plan.columns;
      box.channels = {0, swapped ? plan.columns : plan.lane_extent};
      break;
  }
  if (role == TileRole::kWeight) {
    box.bytes = plan.shape.weights();
  } else {
    box.bytes = uint64_t{box.groups.size()} * box.rows.size() * box.columns.size() * box.channels.size();
  }
  return box;
}

}  // namespace tilewright::mappers
