// SPDX-License-Identifier: Apache-2.0
//
// What can be asked of a whole network: is it well formed, and what do its layers add up to, group by group.
// Counts are MACs and weight elements; non-GEMM layers appear with zero of both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/layer.h"

namespace tilewright::workloads {

// Layers that share a group name, in the order of their first appearance: a row of a layer table.
struct GroupTotals {
  std::string group;
  LayerKind kind = LayerKind::kConv2d;
  bool depthwise = false;
  uint32_t layers = 0;
  uint64_t macs = 0;
  uint64_t weights = 0;
  std::size_t first = 0;  // index of the group's first layer, for its shapes
};
std::vector<GroupTotals> totals_by_group(const Network& network);

// For each layer, the layers that read its output, each once, in order.
std::vector<std::vector<std::size_t>> readers(const Network& network);

// Elements a layer of the PE array reads and writes once each: input, second operand or weights, output.
// Bytes at INT8.
uint64_t footprint_elements(const MacShape& shape);

// Throws InternalError where a generator broke a law: an input that does not stand before its reader, a name
// used twice, shapes that do not follow from one another; UserError where sizes are so large that counts
// leave 64 bits.
void check_network(const Network& network);

}  // namespace tilewright::workloads
