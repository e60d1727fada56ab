// SPDX-License-Identifier: Apache-2.0
//
// Row links that multicasts cross, for one split of the PE array. PEs stand in the rows in order (sim/accel/layout.h),
// and a split gives them to groups, lane parts and pixel parts as Plan::endpoint says.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/accelerator.h"

namespace tilewright::mappers {

struct Split {
  uint32_t groups = 1, lanes = 1, pixels = 1;  // Mapping::pe_groups, pe_channels, pe_pixels
  uint32_t used() const { return groups * lanes * pixels; }
};

// Sums over the groups of a layer: entry [part][u - 1] is the number of row links that one chunk for `part` crosses on
// its way to the first u PEs that share it, added up over all groups in turn.
struct Geometry {
  std::vector<uint64_t> lane_rows;    // [lane part][pixel parts reached - 1]
  std::vector<uint64_t> stream_rows;  // [pixel part][lane parts reached - 1]
  // The same for the link of the first row alone, which no other row's exceeds by much: 0 or 1 for each group.
  std::vector<uint64_t> lane_first_row, stream_first_row;
  struct Place {
    uint32_t group = 0, lane = 0, pixel = 0;
    uint64_t times = 1;  // groups that the PE works for
  };
  std::vector<Place> first_row;  // its PEs
  bool lanes_alike = true;            // every lane part crosses as many
  bool stream_alike = true;
  uint32_t used_rows = 1;  // rows with a PE that may work
};

// `layer_groups` groups in batches of split.groups. `adjacent`: the PEs of one pixel part are neighbours.
Geometry make_geometry(const Split& split, bool adjacent, uint32_t layer_groups, const arch::AcceleratorSpec& spec);

}  // namespace tilewright::mappers
