// SPDX-License-Identifier: Apache-2.0
//
// Layers of the vector unit. Rows (a softmax row, a token's channels) are kept whole: a chunk holds whole
// rows, and where a row is larger than a packet, its first step carries the passes that must see all of it
// before any result leaves. The second of two operands goes to the unit's second buffer, under the weight
// role, so that either may be resident. Layers whose outputs do not match their inputs one to one (resize,
// pool) take their input in proportion; the rows that neighbouring outputs share are not fetched twice.
//
// A gather reads rows of its source again and again. Where a part of the source (an attention head's slice)
// fits, it is brought to the global buffer once and every gathered row comes from there; otherwise each row
// comes from the DRAM, a piece of its own, spread evenly over the source. Which row is read decides nothing
// but banks.
#include <algorithm>

#include "mappers/lower/lower.h"
#include "mappers/lower/lower_array.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

constexpr uint64_t kTileBytes = 16384;  // aimed at: long DRAM bursts, a short start
constexpr uint64_t kSlotAlignment = 64;

struct Part {  // of all output rows, and of each operand
  uint64_t begin = 0, end = 0;
};

class VectorLowering {
 public:
  VectorLowering(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency)
      : layer_(layer), spec_(spec), places_(tensor_places(layer)) {
    rows_ = layer.vector.output_elements / layer.vector.row_elements;
    resident_[0] = residency.input || !spec.has_dram;
    resident_[1] = residency.weights || !spec.has_dram;
    resident_[2] = residency.output || !spec.has_dram;
    two_operands_ = layer.vector.operands == 2;
    gathers_ = layer.vector.source_elements > 0;
    moved_input_ = gathers_ ? layer.vector.input_elements - places_.weight_bytes : places_.input_bytes;
    choose_sizes(residency.reserved_bytes);
    if (gathers_ && shortfall_ && !resident_[0]) {
      by_parts_ = false;
      shortfall_ = {};
      slots_ = 2;
      choose_sizes(residency.reserved_bytes);
    }
  }

  const Shortfall& shortfall() const { return shortfall_; }
  uint64_t occupied_bytes() const {
    uint64_t bytes = 0;
    for (const SlotClass& slots : program_.classes) {
      bytes += slots.slot_bytes * std::max(1U, slots.slots);
    }
    return bytes;
  }

  TileProgram run() {
    program_.endpoints = spec_.pe_count + 1;
    program_.senders.resize(std::size_t{spec_.noc.rows} * 2);
    program_.steps.resize(program_.endpoints);
    const uint64_t part_rows = by_parts() ? rows_ / layer_.vector.source_parts : rows_;
    for (uint64_t part = 0; part < rows_; part += part_rows) {
      for (uint64_t tile = part; tile < part + part_rows; tile += tile_rows_) {
        write_tile({tile, std::min(tile + tile_rows_, part + part_rows)});
      }
    }
    return std::move(program_);
  }

 private:
  std::size_t operands() const { return two_operands_ ? 2 : 1; }
  uint64_t tensor_bytes(std::size_t role) const {
    return role == 0 ? places_.input_bytes : role == 1 ? places_.weight_bytes : places_.output_bytes;
  }
  uint64_t tensor_base(std::size_t role) const {
    return role == 0 ? places_.input_base : role == 1 ? places_.weight_base : places_.output_base;
  }
  // What goes to the unit or comes from it: a gather reads more than its source holds.
  uint64_t moved_bytes(std::size_t role) const { return role == 0 ? moved_input_ : tensor_bytes(role); }
  bool by_parts() const { return gathers_ && by_parts_; }
  uint64_t part_bytes() const { return places_.input_bytes / layer_.vector.source_parts; }
  // Bytes of a tensor that belong to the output rows before `row`.
  uint64_t position(std::size_t role, uint64_t row) const {
    return moved_bytes(role) / rows_ * row + checked_multiply(moved_bytes(role) % rows_, row) / rows_;
  }
  uint64_t largest(std::size_t role, uint64_t rows) const {
    return divide_up(checked_multiply(moved_bytes(role), rows), rows_);
  }

  void require(const char* what, uint64_t needed, uint64_t available) {
    if (!shortfall_ && needed > available) {
      shortfall_ = {what, needed, available};
    }
  }

  // Chunks are halves of the input buffer at most where a row allows it, so that the next one arrives
  // meanwhile.
  void choose_sizes(uint64_t reserved) {
    const uint64_t room = spec_.vector_unit.input_buffer.value;
    uint64_t row_bytes = 0;
    for (std::size_t role = 0; role < operands(); ++role) {
      row_bytes = std::max(row_bytes, largest(role, 1));
    }
    require("vector_unit.input_buffer", row_bytes, room);
    packet_ = std::min<uint64_t>(spec_.noc.packet_bytes, spec_.vector_unit.output_buffer.value);
    require("vector_unit.output_buffer", 1, packet_);
    if (shortfall_) {
      return;
    }
    chunk_rows_ = std::clamp<uint64_t>(room / 2 / std::max<uint64_t>(row_bytes, 1), 1, rows_);
    chunk_rows_ = std::min(chunk_rows_, std::max<uint64_t>(1, packet_ / layer_.vector.row_elements));
    const uint64_t row_size = gathers_ && !by_parts_ ? row_bytes : layer_.vector.row_elements;
    tile_rows_ = std::min(rows_, chunk_rows_ * std::max<uint64_t>(1, kTileBytes / (chunk_rows_ * row_size)));
    if (place_classes() + reserved > spec_.global_buffer.capacity.value) {
      tile_rows_ = chunk_rows_;
      if (place_classes() + reserved > spec_.global_buffer.capacity.value) {
        slots_ = 1;
      }
    }
    require("global_buffer", place_classes() + reserved, spec_.global_buffer.capacity.value);
  }

  uint64_t place_classes() {
    uint64_t used = 0;
    const uint64_t tiles = divide_up(rows_, tile_rows_);
    for (std::size_t role = 0; role < kTileRoles; ++role) {
      SlotClass& slots = program_.classes[role];
      slots = {};
      slots.base = used;
      if (tensor_bytes(role) == 0) {
        continue;
      }
      if (role == 0 && by_parts() && !resident_[0]) {
        slots.slots = std::min(layer_.vector.source_parts, slots_);
        slots.slot_bytes = round_up(part_bytes(), kSlotAlignment);
        used += slots.slot_bytes * slots.slots;
        continue;
      }
      slots.slots = resident_[role] ? 0 : static_cast<uint32_t>(std::min<uint64_t>(tiles, slots_));
      slots.slot_bytes =
          round_up(resident_[role] ? tensor_bytes(role) : largest(role, tile_rows_) + 1, kSlotAlignment);
      used += slots.slot_bytes * std::max(1U, slots.slots);
    }
    return used;
  }

  uint32_t hold(std::size_t role, Part part) {
    if (resident_[role] && resident_tile_[role] != kNone) {
      return resident_tile_[role];
    }
    if (role == 0 && by_parts() && !resident_[0]) {
      return hold_part(part.begin / (rows_ / layer_.vector.source_parts));
    }
    Tile tile;
    tile.role = static_cast<TileRole>(role);
    tile.index = count_[role]++;
    const auto index = static_cast<uint32_t>(program_.tiles.size());
    if (resident_[role]) {
      tile.bytes = tensor_bytes(role);
      resident_tile_[role] = index;
    } else {
      const uint64_t begin = position(role, part.begin);
      tile.bytes = position(role, part.end) - begin;
      tile.dram.base = tensor_base(role) + begin;
      tile.dram.piece_bytes = static_cast<uint32_t>(tile.bytes);
      if (tile.bytes == 0) {
        return kNone;
      }
      if (role == 0 && gathers_) {
        tile.dram = scattered_rows(tile.bytes);
      }
      (role == 2 ? program_.stores : program_.loads).push_back(index);
    }
    program_.tiles.push_back(tile);
    return index;
  }

  // One part of a gather's source: a slice of each of its pixels, the whole where there is one part.
  uint32_t hold_part(uint64_t number) {
    if (part_tile_ != kNone && number == part_number_) {
      return part_tile_;
    }
    part_number_ = number;
    part_tile_ = static_cast<uint32_t>(program_.tiles.size());
    const uint64_t parts = layer_.vector.source_parts;
    const uint64_t piece = parts == 1 ? part_bytes() : layer_.vector.row_elements;
    Tile tile;
    tile.role = TileRole::kInput;
    tile.index = count_[0]++;
    tile.bytes = part_bytes();
    tile.dram.base = tensor_base(0) + number * piece;
    tile.dram.piece_bytes = static_cast<uint32_t>(piece);
    tile.dram.inner_count = static_cast<uint32_t>(part_bytes() / piece);
    tile.dram.inner_stride = piece * parts;
    program_.loads.push_back(part_tile_);
    program_.tiles.push_back(tile);
    return part_tile_;
  }

  DramPattern scattered_rows(uint64_t bytes) const {
    DramPattern pattern;
    pattern.base = tensor_base(0);
    pattern.piece_bytes = layer_.vector.row_elements;
    pattern.inner_count = static_cast<uint32_t>(bytes / pattern.piece_bytes);
    const uint64_t source_rows = layer_.vector.source_elements / pattern.piece_bytes;
    pattern.inner_stride = std::max<uint64_t>(1, source_rows / pattern.inner_count) * pattern.piece_bytes;
    return pattern;
  }

  void write_tile(Part tile) {
    uint32_t ids[kTileRoles] = {kNone, kNone, kNone};
    for (std::size_t role = 0; role < operands(); ++role) {
      ids[role] = hold(role, tile);
    }
    ids[2] = hold(2, tile);
    for (uint64_t row = tile.begin; row < tile.end; row += chunk_rows_) {
      write_chunk(tile, {row, std::min(row + chunk_rows_, tile.end)}, ids);
    }
  }

  void write_chunk(Part tile, Part chunk, const uint32_t (&ids)[kTileRoles]) {
    uint32_t numbers[2] = {kNone, kNone};
    for (std::size_t role = 0; role < operands(); ++role) {
      const uint64_t begin = position(role, chunk.begin);
      const uint64_t bytes = position(role, chunk.end) - begin;
      if (bytes == 0) {
        continue;  // a resize may need no new input for these rows
      }
      Send send;
      send.tile = ids[role];
      send.offset = begin - (resident_[role] ? 0 : position(role, tile.begin));
      if (role == 0 && gathers_) {
        send.offset %= program_.tiles[ids[0]].bytes;
      }
      send.bytes = static_cast<uint32_t>(bytes);
      send.destinations = EndpointMask{1} << spec_.pe_count;
      send.buffet = role == 0 ? Buffet::kInput : Buffet::kWeight;
      program_.senders[role == 0 ? 0 : spec_.noc.rows].push_back(send);
      ++program_.tiles[ids[role]].uses;
      numbers[role] = chunks_[role]++;
    }
    write_steps(tile, chunk, ids[2], numbers);
  }

  void write_steps(Part tile, Part chunk, uint32_t output_tile, const uint32_t (&numbers)[2]) {
    const uint64_t first = position(2, chunk.begin);
    const uint64_t last = position(2, chunk.end);
    const uint64_t lanes = spec_.vector_unit.lanes;
    const uint32_t passes = layer_.vector.passes;
    for (uint64_t at = first; at < last; at += packet_) {
      const uint64_t bytes = std::min(packet_, last - at);
      const bool final_step = at + bytes == last;
      Step step;
      step.input_chunk = numbers[0];
      step.weight_chunk = numbers[1];
      step.free_input = final_step && numbers[0] != kNone ? 1 : 0;
      step.free_weight = final_step && numbers[1] != kNone ? 1 : 0;
      step.starts = step.drains = true;
      // All passes but the last must have seen the whole chunk before its first result leaves.
      const uint64_t own = divide_up(bytes, lanes);
      const uint64_t before = at == first ? divide_up(last - first, lanes) * (passes - 1) : 0;
      step.pixels = static_cast<uint32_t>(divide_up(bytes, lanes));
      step.cycles = static_cast<uint32_t>(own + before);
      step.output_tile = output_tile;
      step.output_bytes = static_cast<uint32_t>(bytes);
      step.output_offset = at - (resident_[2] ? 0 : position(2, tile.begin));
      step.drain_entries = step.pixels;
      program_.steps[spec_.pe_count].push_back(step);
    }
  }

  const workloads::Layer& layer_;
  const arch::AcceleratorSpec& spec_;
  TensorPlaces places_;
  uint64_t rows_ = 0, chunk_rows_ = 1, tile_rows_ = 1, packet_ = 0;
  uint32_t slots_ = 2;
  bool two_operands_ = false;
  bool gathers_ = false;
  bool by_parts_ = true;
  uint64_t moved_input_ = 0;
  uint64_t part_number_ = 0;
  uint32_t part_tile_ = kNone;
  bool resident_[kTileRoles] = {};
  uint32_t resident_tile_[kTileRoles] = {kNone, kNone, kNone};
  uint32_t count_[kTileRoles] = {};
  uint32_t chunks_[2] = {};
  Shortfall shortfall_;
  TileProgram program_;
};

}  // namespace

TileProgram lower_vector(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                         const Residency& residency) {
  if (layer.vector.output_elements == 0) {  // a concat written in place by its producers
    TileProgram program;
    program.endpoints = spec.pe_count + 1;
    program.senders.resize(std::size_t{spec.noc.rows} * 2);
    program.steps.resize(program.endpoints);
    return program;
  }
  VectorLowering lowering(layer, spec, residency);
  if (lowering.shortfall()) {
    throw does_not_fit(layer, lowering.shortfall());
  }
  return lowering.run();
}

uint64_t occupied_bytes_vector(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency) {
  return layer.vector.output_elements == 0 ? 0 : VectorLowering(layer, spec, residency).occupied_bytes();
}

Shortfall vector_shortfall(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                           const Residency& residency) {
  return layer.vector.output_elements == 0 ? Shortfall{} : VectorLowering(layer, spec, residency).shortfall();
}

}  // namespace tilewright::mappers
