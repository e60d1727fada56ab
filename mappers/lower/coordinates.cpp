// SPDX-License-Identifier: Apache-2.0
#include "mappers/lower/coordinates.h"

namespace tilewright::mappers {
namespace {

int32_t signed_of(uint32_t value) {
  return static_cast<int32_t>(value);
}

}  // namespace

WorkCoordinates work_coordinates(const Plan& plan, uint32_t group, Range lanes, Range rows, Range columns,
                                 const ReductionChunk& reduction) {
  const bool swapped = plan.mapping.swap_operands;
  const Range pixels = swapped ? lanes : columns;
  const Range channels = plan.depthwise ? Range{0, 1} : swapped ? columns : lanes;
  WorkCoordinates work;
  work.group = signed_of(plan.depthwise ? lanes.begin : group);
  work.group1 = signed_of(plan.depthwise ? lanes.end : group + 1);
  work.row0 = signed_of(rows.begin);
  work.row1 = signed_of(rows.end);
  work.column0 = signed_of(pixels.begin);
  work.column1 = signed_of(pixels.end);
  work.channel0 = signed_of(channels.begin);
  work.channel1 = signed_of(channels.end);
  work.kernel_row0 = signed_of(reduction.row0);
  work.kernel_row1 = signed_of(reduction.row1);
  work.reduction0 = signed_of(reduction.channel0);
  work.reduction1 = signed_of(reduction.channel1);
  return work;
}

ChunkCoordinates chunk_coordinates(const Plan& plan, TileRole role, const WorkCoordinates& work) {
  ChunkCoordinates chunk;
  chunk.role = role;
  chunk.reduction0 = work.reduction0;
  chunk.reduction1 = work.reduction1;
  Box& box = chunk.box;
  box.group0 = work.group;
  box.group1 = work.group1;
  if (role == TileRole::kWeight) {
    box.row0 = work.kernel_row0;
    box.row1 = work.kernel_row1;
    box.column1 = signed_of(plan.kernel_width);
    box.channel0 = work.channel0;
    box.channel1 = work.channel1;
    return chunk;
  }
  const auto stride = signed_of(plan.stride), padding = signed_of(plan.padding);
  box.row0 = work.row0 * stride + work.kernel_row0 - padding;
  box.row1 = (work.row1 - 1) * stride + work.kernel_row1 - padding;
  box.column0 = work.column0 * stride - padding;
  box.column1 = (work.column1 - 1) * stride + signed_of(plan.kernel_width) - padding;
  box.channel0 = work.reduction0;
  box.channel1 = work.reduction1;
  return chunk;
}

}  // namespace tilewright::mappers
