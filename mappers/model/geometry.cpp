// SPDX-License-Identifier: Apache-2.0
#include "mappers/model/geometry.h"

#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

// Whether all parts (rows of a table `width` wide) hold the same numbers.
bool alike(const std::vector<uint64_t>& table, uint32_t parts, uint32_t width) {
  for (uint32_t part = 1; part < parts; ++part) {
    for (uint32_t u = 0; u < width; ++u) {
      if (table[part * width + u] != table[u]) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

Geometry make_geometry(const Split& split, bool adjacent, uint32_t layer_groups, const arch::AcceleratorSpec& spec) {
  const auto per_row = static_cast<uint32_t>(divide_up(spec.pe_count, spec.noc.rows));
  const auto batches = static_cast<uint32_t>(divide_up(layer_groups, split.groups));
  const uint32_t in_last = layer_groups - (batches - 1) * split.groups;
  const auto row_of = [&](uint32_t group, uint32_t lane, uint32_t pixel) {
    const uint32_t within = adjacent ? pixel * split.lanes + lane : lane * split.pixels + pixel;
    return (group * split.lanes * split.pixels + within) / per_row;
  };
  Geometry geometry;
  geometry.lane_rows.assign(std::size_t{split.lanes} * split.pixels, 0);
  geometry.stream_rows = geometry.lane_first_row = geometry.stream_first_row = geometry.lane_rows;
  geometry.used_rows = static_cast<uint32_t>(divide_up(split.used(), per_row));
  // PEs with one coordinate fixed stand in rising order, so a row is new when it differs from the last.
  for (uint32_t group = 0; group < split.groups; ++group) {
    const uint64_t times = group < in_last ? batches : batches - 1;
    for (uint32_t lane = 0; lane < split.lanes; ++lane) {
      uint64_t rows = 0;
      for (uint32_t pixel = 0; pixel < split.pixels; ++pixel) {
        rows += pixel == 0 || row_of(group, lane, pixel) != row_of(group, lane, pixel - 1) ? 1 : 0;
        geometry.lane_rows[lane * split.pixels + pixel] += times * rows;
        geometry.lane_first_row[lane * split.pixels + pixel] += row_of(group, lane, 0) == 0 ? times : 0;
        if (row_of(group, lane, pixel) == 0) {
          geometry.first_row.push_back({group, lane, pixel, times});
        }
      }
    }
    for (uint32_t pixel = 0; pixel < split.pixels; ++pixel) {
      uint64_t rows = 0;
      for (uint32_t lane = 0; lane < split.lanes; ++lane) {
        rows += lane == 0 || row_of(group, lane, pixel) != row_of(group, lane - 1, pixel) ? 1 : 0;
        geometry.stream_rows[pixel * split.lanes + lane] += times * rows;
        geometry.stream_first_row[pixel * split.lanes + lane] += row_of(group, 0, pixel) == 0 ? times : 0;
      }
    }
  }
  geometry.lanes_alike = alike(geometry.lane_rows, split.lanes, split.pixels);
  geometry.stream_alike = alike(geometry.stream_rows, split.pixels, split.lanes);
  return geometry;
}

}  // namespace tilewright::mappers
