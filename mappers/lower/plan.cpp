// SPDX-License-Identifier: Apache-2.0
#include "mappers/lower/plan.h"

#include <algorithm>

#include "sim/base/error.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

constexpr uint64_t kTensorAlignment = 1ULL << 20;

uint32_t divide_up32(uint64_t numerator, uint64_t denominator) {
  return static_cast<uint32_t>(divide_up(numerator, denominator));
}

Range part(uint32_t index, uint32_t size, uint32_t extent) {
  const uint64_t begin = uint64_t{index} * size;
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(std::min<uint64_t>(begin + size, extent))};
}

}  // namespace

TensorPlaces tensor_places(const workloads::Layer& layer) {
  TensorPlaces places;
  if (layer.on_pe_array) {
    const workloads::MacShape& mac = layer.mac;
    const uint64_t pixels = checked_multiply(mac.input_height, mac.input_width);
    places.input_bytes = checked_multiply(checked_multiply(mac.groups, mac.input_channels), pixels);
    places.weight_bytes = mac.weights();
    places.output_bytes = checked_multiply(checked_multiply(mac.groups, mac.output_channels),
                                           checked_multiply(mac.output_height, mac.output_width));
  } else {
    const workloads::VectorShape& vector = layer.vector;
    const uint64_t half = vector.operands == 2 ? vector.input_elements / 2 : 0;
    places.weight_bytes = vector.second_elements > 0 ? vector.second_elements : half;
    places.input_bytes =
        vector.source_elements > 0 ? vector.source_elements : vector.input_elements - places.weight_bytes;
    places.output_bytes = layer.vector.output_elements;
  }
  places.weight_base = round_up(places.input_bytes, kTensorAlignment);
  places.output_base = places.weight_base + round_up(places.weight_bytes, kTensorAlignment);
  return places;
}

Plan::Plan(const workloads::Layer& layer, const Mapping& chosen, const arch::AcceleratorSpec& machine,
           const Residency& residency)
    : shape(layer.mac), mapping(chosen), spec(&machine) {
  const TensorPlaces places = tensor_places(layer);
  input_base = places.input_base;
  weight_base = places.weight_base;
  output_base = places.output_base;
  output_tensor_bytes = places.output_bytes;
  output_resident = residency.output || !machine.has_dram;
  if (mapping.bypass == arch::Bypass::kWeights) {
    const std::string_view refusal = refuse_bypass(shape, mapping.swap_operands, machine, residency);
    need(refusal.data(), refusal.empty() ? 0 : 1, 0);
  }
  normalise(layer);
  if (shortfall_) {
    return;
  }
  cut_reduction();
  cut_tiles();
  measure_sides(residency);
  if (shortfall_) {
    return;
  }
  choose_scopes();
  place_endpoints();
  allocate(residency);
}

std::string_view refuse_bypass(const workloads::MacShape& shape, bool swap_operands,
                               const arch::AcceleratorSpec& spec, const Residency& residency) {
  if (spec.dma.bypass != arch::Bypass::kWeights || !spec.has_dram) {
    return "bypass: the machine has no way past the global buffer; dma.bypass";
  }
  if (shape.weights_are_activations || residency.weights) {
    return "bypass: only weights known beforehand; operands computed by a layer";
  }
  return swap_operands ? "bypass: only weights on the lanes; operands swapped" : "";
}

void Plan::need(const char* what, uint64_t needed, uint64_t available) {
  if (!shortfall_ && needed > available) {
    shortfall_ = {what, needed, available};
  }
}

void Plan::normalise(const workloads::Layer& layer) {
  const bool pointwise = shape.kernel_height == 1 && shape.kernel_width == 1 && shape.padding == 0;
  depthwise = shape.depthwise() && mapping.packing == Packing::kTapPair;
  groups = depthwise ? 1 : shape.groups;
  lane_extent = depthwise ? shape.groups : shape.output_channels;
  channels = shape.input_channels;
  kernel_height = shape.kernel_height;
  kernel_width = shape.kernel_width;
  stride = shape.stride;
  padding = shape.padding;
  input_height = shape.input_height;
  input_width = shape.input_width;
  rows = shape.output_height;
  columns = shape.output_width;
  skips_pixels = pointwise && stride > 1;
  if (pointwise && stride == 1) {
    columns = static_cast<uint32_t>(uint64_t{rows} * columns);
    input_width = columns;
    rows = input_height = 1;
  }
  stream.role = TileRole::kInput;
  lane.role = TileRole::kWeight;
  if (mapping.swap_operands) {
    need("swap_operands: only 1x1 kernels with stride 1 and no packing; kernel",
         pointwise && stride == 1 ? 0 : 2, 1);
    need("swap_operands: packing", mapping.packing == Packing::kUnpacked ? 0 : 1, 0);
    std::swap(lane_extent, columns);
    input_width = columns;
    std::swap(stream.role, lane.role);
  }
  if (mapping.packing == Packing::kTapPair) {
    need("packing tap pairs: depthwise layers on lanes no wider than a vector; lanes",
         depthwise ? spec->pe.lanes : UINT64_MAX, spec->pe.vector_size);
    tap_pixels = std::max(1U, spec->pe.vector_size / spec->pe.lanes);
  }
  need("groups", mapping.pe_groups, groups);
  need("pe_count", uint64_t{mapping.pe_channels} * mapping.pe_pixels * mapping.pe_groups, spec->pe_count);
  need("pe.accumulator_entries", uint64_t{mapping.block_rows} * mapping.block_columns * mapping.channel_tiles,
       spec->pe.accumulator_entries);
  const uint64_t output_packet =
      std::min<uint64_t>(uint64_t{mapping.block_rows} * mapping.block_columns, uint64_t{rows} * columns) *
      std::min<uint64_t>(uint64_t{mapping.channel_tiles} * spec->pe.lanes, lane_extent);
  need("noc.packet_bytes", output_packet, spec->noc.packet_bytes);
  need("pe.output_buffer", output_packet, spec->pe.output_buffer.value);
  const bool no_zero = mapping.pe_channels && mapping.pe_pixels && mapping.pe_groups && mapping.block_rows &&
                       mapping.block_columns && mapping.channel_tiles && mapping.chunk_kernel_rows &&
                       mapping.chunk_channels && mapping.tile_rows && mapping.tile_columns &&
                       mapping.tile_channels && mapping.input_slots && mapping.weight_slots &&
                       mapping.output_slots;
  TILEWRIGHT_CHECK(no_zero, "a mapping field is zero for layer " + layer.name);
}

void Plan::cut_reduction() {
  const uint32_t v = spec->pe.vector_size;
  const auto add = [&](Range kernel_rows, Range reduction, uint32_t vectors) {
    const uint64_t macs = uint64_t{kernel_rows.size()} * kernel_width * reduction.size();
    chunks.push_back({kernel_rows.begin, kernel_rows.end, reduction.begin, reduction.end, vectors, macs});
  };
  if (mapping.packing == Packing::kIm2col) {
    add({0, kernel_height}, {0, channels}, divide_up32(uint64_t{kernel_height} * kernel_width * channels, v));
    return;
  }
  const bool cut_rows = mapping.chunk_kernel_rows < kernel_height;
  const uint32_t row_step = std::min(mapping.chunk_kernel_rows, kernel_height);
  const bool whole_channels = cut_rows || depthwise || mapping.packing == Packing::kRow;
  const uint32_t channel_step = whole_channels ? channels : std::min(mapping.chunk_channels, channels);
  mapping.chunk_kernel_rows = row_step;
  mapping.chunk_channels = channel_step;
  for (uint32_t r = 0; r < kernel_height; r += row_step) {
    const Range kernel_rows{r, std::min(r + row_step, kernel_height)};
    for (uint32_t c = 0; c < channels; c += channel_step) {
      const Range reduction{c, std::min(c + channel_step, channels)};
      uint32_t per_row = kernel_width * divide_up32(reduction.size(), v);
      if (mapping.packing == Packing::kRow) {
        per_row = divide_up32(uint64_t{kernel_width} * channels, v);
      } else if (depthwise) {
        // The first pixel of a window may be any of an entry's pixels.
        per_row = divide_up32(uint64_t{kernel_width} - 1 + tap_pixels, tap_pixels);
      }
      add(kernel_rows, reduction, kernel_rows.size() * per_row);
    }
  }
}

void Plan::cut_tiles() {
  mapping.tile_rows = std::min(mapping.tile_rows, rows);
  mapping.tile_columns = std::min(mapping.tile_columns, columns);
  mapping.tile_channels = std::min(mapping.tile_channels, lane_extent);
  if (mapping.pe_groups > 1 && mapping.tile_channels < lane_extent && mapping.tile_columns < columns) {
    mapping.tile_rows =
        1;  // slices of several groups' channels in several part rows would need a third DRAM stride
  }
  mapping.block_rows = std::min(mapping.block_rows, mapping.tile_rows);
  mapping.block_columns = std::min(mapping.block_columns, mapping.tile_columns);
  mapping.channel_tiles = std::min(mapping.channel_tiles, divide_up32(mapping.tile_channels, spec->pe.lanes));
  tiles_down = divide_up32(rows, mapping.tile_rows);
  tiles_across = divide_up32(columns, mapping.tile_columns);
  const uint32_t across_lanes = divide_up32(lane_extent, mapping.tile_channels);
  batches = depthwise ? across_lanes : divide_up32(groups, mapping.pe_groups);
  lane_tiles = depthwise ? 1 : across_lanes;
}

Range Plan::lane_range(uint32_t batch, uint32_t lane_tile) const {
  return part(depthwise ? batch : lane_tile, mapping.tile_channels, lane_extent);
}
Range Plan::row_range(uint32_t pixel_tile) const {
  return part(pixel_tile / tiles_across, mapping.tile_rows, rows);
}
Range Plan::column_range(uint32_t pixel_tile) const {
  return part(pixel_tile % tiles_across, mapping.tile_columns, columns);
}
Range Plan::group_range(uint32_t batch) const {
  return depthwise ? Range{0, 1} : part(batch, mapping.pe_groups, groups);
}

std::pair<int64_t, int64_t> Plan::input_span(Range outputs, Range taps, uint32_t stride, uint32_t padding) {
  const int64_t first = int64_t{outputs.begin} * stride + taps.begin - padding;
  const int64_t last = (int64_t{outputs.end} - 1) * stride + taps.end - padding;
  return {first, last};
}

uint32_t Plan::input_count(Range outputs, Range taps, uint32_t stride, uint32_t padding, uint32_t extent) {
  const auto clipped = [extent](std::pair<int64_t, int64_t> span) {
    return static_cast<uint32_t>(
        std::max<int64_t>(0, std::min<int64_t>(span.second, extent) - std::max<int64_t>(span.first, 0)));
  };
  if (taps.size() >= stride || outputs.size() == 1) {
    return clipped(input_span(outputs, taps, stride, padding));
  }
  if (padding == 0 && taps.end <= extent && (uint64_t{outputs.end} - 1) * stride + taps.end <= extent) {
    return outputs.size() * taps.size();
  }
  uint32_t count = 0;
  for (uint32_t position = outputs.begin; position < outputs.end; ++position) {
    count += clipped(input_span({position, position + 1}, taps, stride, padding));
  }
  return count;
}

uint64_t Plan::stream_chunk_bytes(const ReductionChunk& chunk, Range out_rows, Range out_columns,
                                  uint32_t channel_tiles) const {
  return packed_bytes(chunk, uint64_t{out_rows.size()} * out_columns.size(),
                      input_count(out_rows, {chunk.row0, chunk.row1}, stride, padding, input_height),
                      input_count(out_columns, {0, kernel_width}, stride, padding, input_width),
                      channel_tiles);
}

uint64_t Plan::packed_bytes(const ReductionChunk& chunk, uint64_t pixels, uint64_t input_rows,
                            uint64_t input_columns, uint32_t channel_tiles) const {
  const uint64_t v = spec->pe.vector_size;
  if (input_rows * input_columns == 0) {
    return 0;  // nothing but padding
  }
  if (mapping.packing == Packing::kIm2col) {
    return pixels * round_up(uint64_t{kernel_height} * kernel_width * channels, v);
  }
  if (mapping.packing == Packing::kRow) {
    return pixels * (chunk.row1 - chunk.row0) * round_up(uint64_t{kernel_width} * channels, v);
  }
  if (depthwise) {
    return input_rows * divide_up(input_columns, tap_pixels) * v * channel_tiles;
  }
  return input_rows * input_columns * round_up(chunk.channel1 - chunk.channel0, v);
}

uint64_t Plan::lane_chunk_bytes(const ReductionChunk& chunk, uint32_t channel_tiles) const {
  // Idle lanes of a partial channel tile are filled with zeros: their banks are as deep as the others.
  // Depthwise weights are held once for each alignment of the window to the entries.
  return uint64_t{channel_tiles} * spec->pe.lanes * chunk.vectors * spec->pe.vector_size *
         (depthwise ? tap_pixels : 1);
}

uint64_t Plan::stream_tile_bytes(uint32_t batch, uint32_t pixel_tile) const {
  const Range out_rows = row_range(pixel_tile);
  const Range out_columns = column_range(pixel_tile);
  const auto extent = [this](Range outputs, uint32_t kernel, uint32_t limit) -> uint64_t {
    if (skips_pixels) {
      return outputs.size();
    }
    const auto [first, last] = input_span(outputs, {0, kernel}, stride, padding);
    return static_cast<uint64_t>(
        std::max<int64_t>(0, std::min<int64_t>(last, limit) - std::max<int64_t>(first, 0)));
  };
  return extent(out_rows, kernel_height, input_height) * extent(out_columns, kernel_width, input_width) *
         depth(batch);
}

uint64_t Plan::depth(uint32_t batch) const {
  return depthwise ? lane_range(batch, 0).size() : uint64_t{channels} * group_range(batch).size();
}

uint64_t Plan::lane_tile_bytes(uint32_t batch, uint32_t lane_tile) const {
  return uint64_t{lane_range(batch, lane_tile).size()} * kernel_height * kernel_width * channels *
         group_range(batch).size();
}

uint32_t Plan::lane_blocks(uint32_t lanes_in_tile) const {
  return divide_up32(lanes_in_tile, uint64_t{mapping.channel_tiles} * spec->pe.lanes);
}

uint64_t Plan::fetch_stride() const {
  return round_up(lane.chunk_bytes, spec->dram.burst_bytes.value);
}

uint64_t Plan::fetch_address(uint32_t batch, uint32_t lane_tile, uint32_t group, uint64_t key) const {
  const uint64_t tile = uint64_t{batch} * lane_tiles + lane_tile;
  const uint64_t keys = uint64_t{lane_blocks(mapping.tile_channels)} * chunks.size();
  return weight_base + ((tile * mapping.pe_groups + group) * keys + key) * fetch_stride();
}

void Plan::measure_sides(const Residency& residency) {
  stream.tiles = pixel_tiles();
  lane.tiles = lane_tiles;
  // Upper bounds: nothing is clipped but by the image itself.
  const auto most = [this](uint32_t outputs, uint32_t taps, uint32_t extent) {
    return std::min(extent, input_count({0, outputs}, {0, taps}, stride, 0, UINT32_MAX));
  };
  for (const ReductionChunk& chunk : chunks) {
    const uint64_t stream_bytes =
        packed_bytes(chunk, uint64_t{mapping.block_rows} * mapping.block_columns,
                     most(mapping.block_rows, chunk.row1 - chunk.row0, input_height),
                     most(mapping.block_columns, kernel_width, input_width), mapping.channel_tiles);
    const uint64_t lane_bytes = lane_chunk_bytes(chunk, mapping.channel_tiles);
    stream.chunk_bytes = std::max(stream.chunk_bytes, stream_bytes);
    stream.set_bytes += stream_bytes;
    lane.chunk_bytes = std::max(lane.chunk_bytes, lane_bytes);
    lane.set_bytes += lane_bytes;
  }
  need("pe.input_buffer", stream.chunk_bytes, spec->pe.input_buffer.value);
  need("pe.weight_buffer", lane.chunk_bytes, spec->pe.weight_buffer.value);
  lane.bypasses = mapping.bypass == arch::Bypass::kWeights;
  if (lane.bypasses) {  // padding makes weights longer than they are
    const uint64_t chunks_of_tile =
        uint64_t{mapping.pe_groups} * lane_blocks(mapping.tile_channels) * chunks.size();
    const uint64_t all =
        checked_multiply(checked_multiply(uint64_t{batches} * lane_tiles, chunks_of_tile), fetch_stride());
    output_base = std::max(output_base, weight_base + round_up(all, kTensorAlignment));
  }
  const auto extent = [this](uint32_t outputs, uint32_t taps, uint32_t limit) -> uint64_t {
    return skips_pixels ? outputs : std::min<uint64_t>(limit, (uint64_t{outputs} - 1) * stride + taps);
  };
  stream.tile_bytes = extent(mapping.tile_rows, kernel_height, input_height) *
                      extent(mapping.tile_columns, kernel_width, input_width) * depth(0);
  lane.tile_bytes = lane_tile_bytes(0, 0);
  output_tile_bytes =
      uint64_t{mapping.tile_rows} * mapping.tile_columns * mapping.tile_channels * group_range(0).size();
  const auto tensor = [this](const Side& side) {
    const uint64_t weights = shape.weights();
    const uint64_t inputs =
        uint64_t{shape.groups} * shape.input_channels * shape.input_height * shape.input_width;
    return side.role == TileRole::kWeight ? weights : inputs;
  };
  for (Side* side : {&lane, &stream}) {
    side->tensor_bytes = tensor(*side);
    side->resident =
        !spec->has_dram || (side->role == TileRole::kWeight ? residency.weights : residency.input);
  }
  const bool lanes_outer = mapping.tile_order == LoopOrder::kWeightsOuter;
  lane.run_length = lanes_outer || lane_tiles == 1 ? pixel_tiles() : 1;
  stream.run_length = !lanes_outer || pixel_tiles() == 1 ? lane_tiles : 1;
}

}  // namespace tilewright::mappers
