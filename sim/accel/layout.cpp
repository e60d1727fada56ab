// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/layout.h"

#include <bit>

#include "sim/base/error.h"

namespace tilewright::accel {

// Resources: banks, row links out, endpoint inputs, endpoint output ports, row links back, DMA ports in and out.
Layout::Layout(const arch::AcceleratorSpec& spec)
    : banks_(spec.global_buffer.banks),
      rows_(spec.noc.rows),
      endpoints_(spec.pe_count + 1),
      ports_(spec.dma.ports),
      pes_per_row_(static_cast<uint32_t>(divide_up(spec.pe_count, spec.noc.rows))),
      packet_bytes_(spec.noc.packet_bytes) {
  if (resources() > 256 || endpoints_ > 64 || rows_ > 32) {
    throw UserError("the machine has too many parts for the simulator: at most 63 PEs, 32 rows, and banks + 2 rows + 2 (PEs + 1) + "
                    "2 DMA ports at most 256");
  }
}

std::string Layout::endpoint_name(uint32_t endpoint) const {
  return is_vector_unit(endpoint) ? "vector_unit" : "pe" + std::to_string(endpoint);
}

std::string Layout::sender_name(uint32_t sender) const { return sender_kind(sender) + std::to_string(sender % rows_); }

ResourceSet Layout::send_needs(mappers::EndpointMask destinations) const {
  ResourceSet needs;
  for (mappers::EndpointMask rest = destinations; rest != 0; rest &= rest - 1) {
    const auto endpoint = static_cast<uint32_t>(std::countr_zero(rest));
    needs.add(banks_ + rows_ + endpoint);
    if (!is_vector_unit(endpoint)) {
      needs.add(banks_ + row_of(endpoint));
    }
  }
  return needs;
}

ResourceSet Layout::drain_needs(uint32_t endpoint) const {
  ResourceSet needs;
  needs.add(banks_ + rows_ + endpoints_ + endpoint);
  return needs;
}

ResourceSet Layout::egress_needs(uint32_t endpoint) const {
  ResourceSet needs = drain_needs(endpoint);
  if (!is_vector_unit(endpoint)) {
    needs.add(banks_ + rows_ + 2 * endpoints_ + row_of(endpoint));
  }
  return needs;
}

ResourceSet Layout::load_needs(uint32_t port) const {
  ResourceSet needs;
  needs.add(banks_ + 2 * rows_ + 2 * endpoints_ + port);
  return needs;
}

ResourceSet Layout::store_needs(uint32_t port) const {
  ResourceSet needs;
  needs.add(banks_ + 2 * rows_ + 2 * endpoints_ + ports_ + port);
  return needs;
}

uint32_t Layout::rows_reached(mappers::EndpointMask destinations) const {
  uint64_t rows = 0;
  for (mappers::EndpointMask rest = destinations; rest != 0; rest &= rest - 1) {
    const auto endpoint = static_cast<uint32_t>(std::countr_zero(rest));
    rows |= is_vector_unit(endpoint) ? 0 : uint64_t{1} << row_of(endpoint);
  }
  return static_cast<uint32_t>(std::popcount(rows));
}

uint32_t Layout::links_out(mappers::EndpointMask destinations) const {
  return rows_reached(destinations) + static_cast<uint32_t>(std::popcount(destinations));
}

TilePlaces::TilePlaces(const mappers::TileProgram& program)
    : address(program.tiles.size()), predecessor(program.tiles.size(), mappers::kNone) {
  std::array<std::vector<uint32_t>, mappers::kTileRoles> by_index;
  std::array<uint64_t, mappers::kTileRoles> resident_bytes{};
  for (std::size_t i = 0; i < program.tiles.size(); ++i) {
    const mappers::Tile& tile = program.tiles[i];
    const auto role = static_cast<std::size_t>(tile.role);
    const mappers::SlotClass& slot_class = program.classes[role];
    if (slot_class.slots == 0) {
      address[i] = slot_class.base + resident_bytes[role];
      resident_bytes[role] += tile.bytes;
      continue;
    }
    std::vector<uint32_t>& tiles = by_index[role];
    if (tiles.size() <= tile.index) {
      tiles.resize(tile.index + 1, mappers::kNone);
    }
    tiles[tile.index] = static_cast<uint32_t>(i);
    address[i] = slot_class.base + tile.index % slot_class.slots * slot_class.slot_bytes;
  }
  for (std::size_t i = 0; i < program.tiles.size(); ++i) {
    const mappers::Tile& tile = program.tiles[i];
    const auto role = static_cast<std::size_t>(tile.role);
    const uint32_t slots = program.classes[role].slots;
    if (slots != 0 && tile.index >= slots) {
      predecessor[i] = by_index[role][tile.index - slots];
    }
  }
}

}  // namespace tilewright::accel
