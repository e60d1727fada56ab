// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/search.h"

#include <algorithm>

#include "mappers/lower/lower.h"

namespace tilewright::mappers {

Mapping choose_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                       const Residency& residency) {
  Mapping m;
  if (!layer.on_pe_array) {
    return m;
  }
  const uint32_t lanes = spec.pe.lanes;
  m.channel_tiles = 1;
  m.block_rows = 1;
  m.block_columns = spec.pe.accumulator_entries;
  m.pe_pixels = spec.pe_count;
  m.pe_order = LoopOrder::kPixelsOuter;
  m.tile_order = LoopOrder::kPixelsOuter;
  m.chunk_kernel_rows = 1 << 20;
  m.chunk_channels = 512;
  m.tile_rows = 1;
  m.tile_columns = spec.pe_count * spec.pe.accumulator_entries;
  m.tile_channels = 1 << 24;
  m.weight_slots = 1;
  Shortfall shortfall;
  while (true) {
    shortfall = Plan(layer, m, spec, residency).shortfall();
    if (!shortfall) {
      return m;
    }
    if (shortfall.what == "global_buffer" && m.tile_channels > lanes) {
      m.tile_channels = std::max(lanes, std::min(m.tile_channels, layer.mac.output_channels) / 2);
      m.weight_slots = 2;
    } else if (shortfall.what != "global_buffer" && m.chunk_channels > spec.pe.vector_size) {
      m.chunk_channels /= 2;
    } else if (m.block_columns > 1) {
      m.block_columns /= 2;
      m.tile_columns /= 2;
    } else {
      throw does_not_fit(layer, shortfall);
    }
  }
}

}  // namespace tilewright::mappers
