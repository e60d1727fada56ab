// SPDX-License-Identifier: Apache-2.0
//
// What a layer and a mapping mean together, before any command is written: the loop nest in the PE's own
// terms, the cuts of the reduction, what stays in the PE buffers for how long, which PE works where, and the
// room in the global buffer. Lowering writes it out; the search's estimate adds it up.
//
// Words. The *lane side* fills the weight buffers (a lane each), the *stream side* the input buffers
// (broadcast to the lanes). Usually those are weights and pixels; with swap_operands they change places, and
// then every field of Mapping named after channels counts pixels and every field named after columns counts
// output channels.
//
// Normal form: 1x1 kernels with stride 1 and no padding are flattened to one row of pixels. Depthwise layers
// with Packing::kTapPair have one group whose lanes are the channels; their tiles hold tile_channels channels
// of input and output alike. Of grouped layers, a tile holds pe_groups neighbouring groups, one for each PE
// group.
#pragma once

#include <string>
#include <vector>

#include "arch/accelerator.h"
#include "mappers/program/mapping.h"
#include "mappers/program/tile_program.h"
#include "workloads/layer.h"

namespace tilewright::mappers {

// A stretch of the reduction that both PE buffers receive and free as a whole.
struct ReductionChunk {
  uint32_t row0 = 0, row1 = 0;          // kernel rows
  uint32_t channel0 = 0, channel1 = 0;  // input channels
  uint32_t vectors = 0;                 // weight vectors a lane works through
  uint64_t macs = 0;                    // useful ones per output value
};

// How long a side's chunks stay in a PE buffer, shortest first. The longest that saves traffic and fits is
// taken.
enum class Scope : uint8_t {
  kStep,      // one step; sent again for each use
  kBlockRun,  // all chunks of one block, while the inner loop runs over the other side's blocks
  kPass,      // all blocks of one tile
  kTileRun,   // the same, for all consecutive passes over one tile
};

// One of the two operands of the PEs.
struct Side {
  TileRole role = TileRole::kInput;
  Scope scope = Scope::kStep;
  bool resident = false;
  bool bypasses = false;    // fetched chunk by chunk, no tiles in the global buffer
  uint32_t tiles = 1;       // distinct tiles within a batch
  uint32_t slots = 0;       // in the global buffer (0: resident)
  uint64_t tile_bytes = 0;  // largest tile
  uint64_t tensor_bytes = 0;
  uint64_t set_bytes = 0;    // all chunks of one block as they lie in a PE buffer
  uint64_t chunk_bytes = 0;  // largest chunk
  uint32_t run_length = 1;   // consecutive passes that use one tile
};

// Why a mapping cannot be: the first thing that is too small, in bytes or entries.
struct Shortfall {
  std::string what;  // "pe.weight_buffer", "global_buffer", ...; empty: the mapping is legal
  uint64_t needed = 0;
  uint64_t available = 0;
  explicit operator bool() const { return !what.empty(); }
};

struct Range {
  uint32_t begin = 0, end = 0;
  uint32_t size() const { return end - begin; }
};

// Why a mapping of this layer cannot let weights past the global buffer; empty where it can. Weights that a
// layer before computed lie in DRAM as that layer wrote them, not as PE buffers want them.
std::string_view refuse_bypass(const workloads::MacShape& shape, bool swap_operands,
                               const arch::AcceleratorSpec& spec, const Residency& residency);

class Plan {
 public:
  // Never throws for a bad mapping: see shortfall(). Throws UserError where sizes leave 64 bits.
  Plan(const workloads::Layer& layer, const Mapping& mapping, const arch::AcceleratorSpec& spec,
       const Residency& residency);

  const Shortfall& shortfall() const { return shortfall_; }

  Range lane_range(uint32_t batch, uint32_t lane_tile) const;
  Range row_range(uint32_t pixel_tile) const;     // output rows of the normal form
  Range column_range(uint32_t pixel_tile) const;  // output columns
  Range group_range(uint32_t batch) const;
  // Input rows (or columns) that output positions need, before clipping to the image.
  static std::pair<int64_t, int64_t> input_span(Range outputs, Range taps, uint32_t stride, uint32_t padding);
  // How many distinct input positions inside the image those are; kernels narrower than the stride skip some.
  static uint32_t input_count(Range outputs, Range taps, uint32_t stride, uint32_t padding, uint32_t extent);

  // Bytes of one chunk in a PE buffer.
  uint64_t stream_chunk_bytes(const ReductionChunk& chunk, Range rows, Range columns,
                              uint32_t channel_tiles) const;
  uint64_t lane_chunk_bytes(const ReductionChunk& chunk, uint32_t channel_tiles) const;
  // Bytes of the stream side's tile in the global buffer.
  uint64_t stream_tile_bytes(uint32_t batch, uint32_t pixel_tile) const;
  uint64_t lane_tile_bytes(uint32_t batch, uint32_t lane_tile) const;
  uint32_t lane_blocks(uint32_t lanes_in_tile) const;
  // Where a fetched chunk lies in DRAM: as in the PE's buffer, padding included, each at a burst of its own.
  uint64_t fetch_address(uint32_t batch, uint32_t lane_tile, uint32_t group, uint64_t key) const;
  uint64_t depth(uint32_t batch) const;  // bytes of one input pixel in a tile: all its groups and channels

  uint32_t endpoint(uint32_t group, uint32_t lane_part, uint32_t pixel_part) const;
  uint32_t lane_groups() const { return mapping.pe_groups * mapping.pe_channels; }  // multicast groups
  uint32_t stream_groups() const;
  uint32_t lane_group(uint32_t group, uint32_t lane_part) const {
    return group * mapping.pe_channels + lane_part;
  }
  uint32_t stream_group(uint32_t group, uint32_t lane_part, uint32_t pixel_part) const;
  uint32_t sender(uint32_t multicast_group, uint32_t multicast_groups) const;  // among `rows` senders

  workloads::MacShape shape;
  Mapping mapping;
  const arch::AcceleratorSpec* spec;

  // Normal form.
  bool depthwise = false;     // lanes are groups
  bool skips_pixels = false;  // 1x1 with a stride: only the pixels used are loaded
  uint32_t groups = 1, lane_extent = 1, rows = 1, columns = 1, channels = 1;
  uint32_t kernel_height = 1, kernel_width = 1, stride = 1, padding = 0, input_height = 1, input_width = 1;
  uint32_t tap_pixels = 1;  // neighbouring pixels in one entry (kTapPair)

  uint32_t batches = 1, lane_tiles = 1, tiles_down = 1, tiles_across = 1;
  uint32_t pixel_tiles() const { return tiles_down * tiles_across; }
  std::vector<ReductionChunk> chunks;
  Side lane, stream;
  bool lane_parts_adjacent = true;  // the PEs of one pixel part are neighbours (else those of one lane part)

  uint64_t output_tile_bytes = 0, output_tensor_bytes = 0;
  bool output_resident = false;
  SlotClass classes[kTileRoles];
  uint64_t input_base = 0, weight_base = 0, output_base = 0;  // in DRAM

 private:
  void normalise(const workloads::Layer& layer);
  void cut_reduction();
  void cut_tiles();
  void measure_sides(const Residency& residency);
  void choose_scopes();
  void place_endpoints();
  void allocate(const Residency& residency);
  uint64_t fetch_stride() const;  // from one fetched chunk to the next
  uint64_t packed_bytes(const ReductionChunk& chunk, uint64_t pixels, uint64_t input_rows,
                        uint64_t input_columns, uint32_t channel_tiles) const;
  void need(const char* what, uint64_t needed, uint64_t available);

  Shortfall shortfall_;
};

// Sizes of a layer's tensors in bytes (INT8: one an element), and where they start in DRAM: the input at 0,
// the weights (or second operand) at the next multiple of 1 MiB, the output at the next after that.
struct TensorPlaces {
  uint64_t input_bytes = 0, weight_bytes = 0, output_bytes = 0;
  uint64_t input_base = 0, weight_base = 0, output_base = 0;
};
TensorPlaces tensor_places(const workloads::Layer& layer);

}  // namespace tilewright::mappers
