// SPDX-License-Identifier: Apache-2.0
//
// A tile program: what a mapped layer becomes, and all that the two accelerator models (tick, event) have in common.
// Every engine has its own in-order stream of commands. Nothing is scheduled here: commands wait for data, room and
// resources, and the buffers' fill and free counts are the only synchronisation (buffets: Pellauer et al., ASPLOS 2019).
//
//   loads   DRAM -> global-buffer tile                 one stream
//   sends   global-buffer tile -> chunk in PE buffets  one stream per sender
//           or DRAM -> chunk in PE buffets: a fetch
//   steps   compute on one weight and one input chunk  one stream per endpoint (PEs, then the vector unit)
//   (drain, packet to the global buffer: follow from a step whose `drains` is set)
//   stores  global-buffer output tile -> DRAM          one stream
//
// Laws (checked by check_program and again by every run): each buffet of each endpoint is fed by one sender only, whose sends
// are all from tiles or all fetches; chunks are
// freed oldest first; a chunk fits its buffet; tiles of one slot class are loaded, freed, filled and stored in order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/accelerator.h"

namespace tilewright::mappers {

inline constexpr uint32_t kNone = UINT32_MAX;

// Bit e of a mask is endpoint e: PE e for e < pe_count; the vector unit is bit pe_count. At most 64 endpoints.
using EndpointMask = uint64_t;

enum class Buffet : uint8_t { kWeight, kInput };

// Bytes in DRAM: outer_count x inner_count pieces of piece_bytes.
struct DramPattern {
  uint64_t base = 0;
  uint32_t piece_bytes = 0;
  uint32_t inner_count = 1;
  uint64_t inner_stride = 0;
  uint32_t outer_count = 1;
  uint64_t outer_stride = 0;
  uint64_t bytes() const { return uint64_t{piece_bytes} * inner_count * outer_count; }
};

// Slots are what a tile occupies in the global buffer. Tiles of one class (role) use its slots in turn; a tile may be
// loaded (or, for outputs, written) once the tile `slots` places before it in its class has been freed.
struct SlotClass {
  uint32_t slots = 0;      // 0: the tensor is resident, every tile has its own place and no load or store
  uint64_t slot_bytes = 0; // room of one slot (resident: of the whole tensor)
  uint64_t base = 0;       // first byte in the global buffer
};
enum class TileRole : uint8_t { kInput, kWeight, kOutput };  // kInput also: operands of the vector unit
inline constexpr std::size_t kTileRoles = 3;

struct Tile {
  TileRole role = TileRole::kInput;
  uint32_t index = 0;   // within its class, in the order of loading (inputs, weights) or of filling (outputs)
  uint64_t bytes = 0;   // in the global buffer
  uint32_t uses = 0;    // sends that read it (inputs, weights); it is freed when all are done
  DramPattern dram;     // where it comes from or goes to; unused where resident
};

struct Send {
  uint32_t tile = 0;           // index in TileProgram::tiles; kNone: a fetch, past the global buffer
  uint64_t offset = 0;         // first byte in the tile: decides the bank of each packet; of a fetch: in DRAM
  uint32_t bytes = 0;          // of the chunk, as it lies in the PE's buffer
  EndpointMask destinations = 0;
  Buffet buffet = Buffet::kInput;
  uint32_t coordinates = kNone;  // functional runs: index in TileProgram::chunks
  bool fetches() const { return tile == kNone; }
};

// One run of the vector MACs over resident chunks: channel_tiles x vectors x pixels cycles (vector unit: `cycles`).
// Chunk numbers count the chunks that this endpoint's buffet has received, from 0.
struct Step {
  uint32_t weight_chunk = kNone;  // kNone: needs none
  uint32_t input_chunk = kNone;
  uint8_t free_weight = 0;        // oldest chunks freed when the step ends
  uint8_t free_input = 0;
  bool starts = false;            // first step of its output block: needs the accumulators
  bool drains = false;            // last step: the sums leave through the PPU
  uint32_t channel_tiles = 1;
  uint32_t vectors = 1;           // weight vectors a lane works through
  uint32_t pixels = 1;
  uint32_t cycles = 0;            // of the step; channel_tiles * vectors * pixels on a PE
  uint64_t macs = 0;              // useful ones
  uint32_t output_tile = kNone;   // with drains: index in TileProgram::tiles
  uint32_t output_bytes = 0;      // with drains: bytes sent to the global buffer, one packet
  uint64_t output_offset = 0;     // within the output tile
  uint32_t drain_entries = 0;     // with drains: accumulator entries read, one a cycle
  uint32_t coordinates = kNone;   // functional runs: index in TileProgram::works
};

// Coordinates, present only where the program was lowered for a functional run. Half-open ranges.
struct Box {  // of a tensor, in its own coordinates; may stick out of the image (padding reads zero)
  int32_t group0 = 0, group1 = 0, row0 = 0, row1 = 0, column0 = 0, column1 = 0, channel0 = 0, channel1 = 0;
};
struct ChunkCoordinates {
  TileRole role = TileRole::kInput;
  Box box;            // input: pixels of the image; weight: see below
  // weight chunks: output channels channel0..1 of group; kernel rows row0..1; reduction channels
  int32_t reduction0 = 0, reduction1 = 0;
};
struct WorkCoordinates {  // what a step adds up
  int32_t group = 0, group1 = 0;                  // group1 > group + 1 only for depthwise (a lane a group)
  int32_t row0 = 0, row1 = 0, column0 = 0, column1 = 0;  // output pixels
  int32_t channel0 = 0, channel1 = 0;             // output channels within the group
  int32_t kernel_row0 = 0, kernel_row1 = 0;
  int32_t reduction0 = 0, reduction1 = 0;         // input channels within the group
};

struct TileProgram {
  uint32_t endpoints = 0;  // pe_count + 1
  SlotClass classes[kTileRoles];
  std::vector<Tile> tiles;
  std::vector<uint32_t> loads;                // tile indices, in the order of issue
  std::vector<std::vector<Send>> senders;     // one stream each
  std::vector<std::vector<Step>> steps;       // one stream an endpoint
  std::vector<uint32_t> stores;               // tile indices, in the order of issue
  arch::Dataflow dataflow = arch::Dataflow::kOsLws;
  uint64_t macs = 0;                          // of the layer: the sum over all steps must equal it
  std::vector<Box> tile_boxes;                // functional: a box a tile
  std::vector<ChunkCoordinates> chunks;
  std::vector<WorkCoordinates> works;
};

// Throws InternalError naming the law, the command and the numbers. Linear in the size of the program.
void check_program(const TileProgram& program, const arch::AcceleratorSpec& spec);

}  // namespace tilewright::mappers
