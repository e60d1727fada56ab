// SPDX-License-Identifier: Apache-2.0
//
// How one layer is laid onto the accelerator. The machine lists what it can do, a mapping chooses; lowering
// (mappers/lower) turns it into a tile program. Units: pixels are output positions, vectors are vector_size
// input channels of one kernel tap.
#pragma once

#include <cstdint>
#include <string>

#include "arch/accelerator.h"

namespace tilewright::mappers {

// How few input channels fill the vector. kRow packs one kernel row (S x C contiguous bytes), kIm2col all taps.
// kTapPair is for depthwise: an entry holds vector_size / lanes neighbouring pixels of `lanes` channels.
enum class Packing : uint8_t { kUnpacked, kRow, kIm2col, kTapPair };

// Which loop is outermost between global buffer and PEs, and between DRAM and global buffer.
enum class LoopOrder : uint8_t { kWeightsOuter, kPixelsOuter };

struct Mapping {
  arch::Dataflow dataflow = arch::Dataflow::kOsLws;
  Packing packing = Packing::kUnpacked;
  // Lanes over pixels, weights broadcast; 1x1 and matmul only. Every field below named after channels then counts
  // pixels, and every one named after columns output channels.
  bool swap_operands = false;

  // Spatial split of the PE array; the product is at most pe_count.
  uint32_t pe_channels = 1;  // output-channel tiles side by side
  uint32_t pe_pixels = 1;    // pixel blocks side by side
  uint32_t pe_groups = 1;    // groups (heads) side by side

  // One PE pass: block_rows x block_columns pixels for channel_tiles x lanes output channels; their product in
  // accumulator entries, block_rows * block_columns * channel_tiles <= accumulator_entries.
  uint32_t block_rows = 1, block_columns = 16;
  uint32_t channel_tiles = 1;
  // The reduction is cut into chunks; a chunk is what a PE buffer receives and frees as a whole.
  uint32_t chunk_kernel_rows = 1;  // kernel rows a chunk
  uint32_t chunk_channels = 32;    // input channels a chunk; only one of the two cuts may be partial
  LoopOrder pe_order = LoopOrder::kWeightsOuter;  // kWeightsOuter: weights stay in the PE while pixels stream

  // Global-buffer tiles: output rows x columns and output channels; the reduction is never cut here.
  uint32_t tile_rows = 1, tile_columns = 1;
  uint32_t tile_channels = 16;
  LoopOrder tile_order = LoopOrder::kWeightsOuter;
  uint32_t input_slots = 2, weight_slots = 2, output_slots = 2;
  // Weights go from the DRAM straight into PE buffers, chunk by chunk, each time they are sent; weight_slots means nothing.
  arch::Bypass bypass = arch::Bypass::kNone;

  friend bool operator==(const Mapping&, const Mapping&) = default;
};

// One line a person can read, e.g. "os_lws k4 x p4, block 1x16, chunk 512c, tile 2x128 x 768, weights outer".
std::string describe(const Mapping& mapping);

// Which of a layer's tensors live in the global buffer for its whole duration, left there by a layer before or kept for
// one after, and how many bytes are taken by tensors that belong to other layers. Part of the reuse key.
struct Residency {
  bool input = false;
  bool weights = false;  // the second operand of a matmul
  bool output = false;
  uint64_t reserved_bytes = 0;
  friend bool operator==(const Residency&, const Residency&) = default;
};

}  // namespace tilewright::mappers
