// SPDX-License-Identifier: Apache-2.0
//
// What LayerModel::combine adds up on its way from the halves of a mapping to its counts and its time.
#pragma once

#include "mappers/model/model.h"

namespace tilewright::mappers {

struct LayerModel::Work {
  Scope lane_scope = Scope::kStep, stream_scope = Scope::kStep;
  bool adjacent = true;
  bool lanes_outer = true;           // in the order of tiles
  bool lane_blocks_outer = true;     // in a PE
  uint64_t lane_run = 1, stream_run = 1;
  uint64_t batches = 1;              // 1 where the lanes' sums are over all batches already (depthwise)
  uint64_t groups = 1;               // likewise
  uint64_t lane_set_bytes = 0, stream_set_bytes = 0;
  uint64_t lane_tile_bytes = 0, stream_tile_bytes = 0;
  // Of a class in the global buffer: a slot for each tile that is held, or the whole tensor; nothing of what passes it by.
  struct Held {
    bool whole = false;
    uint64_t bytes = 0, tiles = 0;
  };
  Held lane_held, stream_held, output_held;
  bool walks_known = true;  // false for a floor of mappings some of which load the inner loop's tiles once, some again
  uint32_t lane_slots = 0, stream_slots = 0, output_slots = 0;
  bool lane_resident = false, stream_resident = false;

  uint64_t lane_sent = 0, lane_delivered = 0, lane_rows = 0;  // bytes, bytes x PEs, bytes x row links
  uint64_t stream_sent = 0, stream_delivered = 0, stream_rows = 0;
  uint64_t first_row = 0, first_row_values = 0;  // bytes over the first row's links, out and back
  uint64_t lane_loads = 0, stream_loads = 0;  // tiles
  Traffic lane, stream, output;
  uint64_t values = 0;  // outputs
  uint64_t cycles = 0;  // of all PEs
  uint64_t passes = 0;  // output tiles
};

}  // namespace tilewright::mappers
