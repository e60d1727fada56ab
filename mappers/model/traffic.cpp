// SPDX-License-Identifier: Apache-2.0
#include "mappers/model/traffic.h"

#include <algorithm>
#include <array>

#include "mappers/model/lines.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

// Calls visit(begin, size) for every part of an axis.
template <typename Visit>
void for_each_part(uint32_t extent, uint32_t part, const Visit& visit) {
  for (uint32_t begin = 0; begin < extent; begin += part) {
    visit(begin, std::min(part, extent - begin));
  }
}

}  // namespace

TrafficCounter::TrafficCounter(const workloads::MacShape& shape, const TensorPlaces& places,
                               const arch::AcceleratorSpec& spec)
    : shape_(shape),
      places_(places),
      pace_(spec),
      burst_(std::max<uint64_t>(1, spec.dram.burst_bytes.value)),
      request_(std::max<uint64_t>(1, spec.dma.request_bytes)),
      interleave_(spec.dram.channel_interleave.value),
      channels_(spec.dram.channels) {}

void TrafficCounter::add(Traffic& traffic, uint64_t start, uint64_t bytes, uint64_t stride, uint64_t count) const {
  traffic.bytes += bytes * count;
  const uint64_t bursts = lines_of_run(start, bytes, stride, count, burst_);
  traffic.bursts += bursts;
  const uint64_t requests = lines_of_run(start, bytes, stride, count, request_);
  const uint64_t whole = bytes / request_;  // but for one, perhaps, of every piece
  traffic.requests += requests;
  traffic.issuing += std::max(requests, whole > 1 ? count * pace_.cycles(whole - 1) : 0);
  // A row opened for less than a request costs about two bursts.
  const double opening = bytes < request_ ? 2.0 * static_cast<double>(count) : 0;
  traffic.strained += (static_cast<double>(bursts) + opening) * imbalance(start, bytes, stride, count);
}

// How much longer the busiest channel works than the average, over as many pieces as are in flight at one time.
double TrafficCounter::imbalance(uint64_t start, uint64_t bytes, uint64_t stride, uint64_t count) const {
  constexpr uint64_t kPieces = 64;
  constexpr uint32_t kMostChannels = 64;
  if (interleave_ == 0 || channels_ < 2 || channels_ > kMostChannels || count < 2 || stride == bytes ||
      bytes >= interleave_ * channels_) {
    return 1;
  }
  count = std::min(count, kPieces);
  // Neighbouring tiles differ in their start alone, which turns the channels round.
  if (last_.bytes == bytes && last_.stride == stride && last_.count == count) {
    return last_.factor;
  }
  std::array<uint64_t, kMostChannels> load{};
  uint64_t total = 0;
  for (uint64_t piece = 0; piece < count; ++piece) {
    uint64_t at = start + piece * stride;
    for (uint64_t left = bytes; left > 0;) {
      const uint64_t part = std::min(left, interleave_ - at % interleave_);
      load[at / interleave_ % channels_] += part;
      total += part;
      at += part;
      left -= part;
    }
  }
  const double even = std::min<double>(channels_, static_cast<double>(count) * static_cast<double>(divide_up(bytes, interleave_)));
  const auto most = static_cast<double>(*std::max_element(load.begin(), load.end()));
  last_ = {bytes, stride, count, std::max(1.0, most * even / static_cast<double>(total))};
  return last_.factor;
}

// The bytes of a pixel that each batch of groups reads.
std::vector<TrafficCounter::Slice> TrafficCounter::group_slices(const Form& form, uint32_t pe_groups) const {
  std::vector<Slice> slices;
  for_each_part(form.groups, pe_groups, [&](uint64_t begin, uint64_t size) {
    slices.push_back({begin * form.channels, size * form.channels});
  });
  return slices;
}

// One slice of the pixels of all tiles that are needed; halos are moved once for every tile.
Traffic TrafficCounter::image_tiles(const Form& form, const std::vector<Span>& rows,
                                    const std::vector<Span>& columns, uint64_t width, uint64_t pixel,
                                    Slice slice) const {
  const uint64_t base = places_.input_base;
  const uint64_t step = form.skips_pixels ? form.stride : 1;
  const uint64_t row_bytes = width * pixel;
  const bool pieces_are_pixels = slice.bytes < pixel || step > 1;
  const bool rows_alike = row_bytes % request_ == 0 && row_bytes % burst_ == 0;
  uint64_t all_rows = 0;
  for (const Span& row : rows) {
    all_rows += row.needed ? row.count : 0;
  }
  Traffic sum;
  for (const Span& column : columns) {
    if (!column.needed || column.count == 0) {
      continue;
    }
    const uint64_t left = base + column.begin * pixel;
    if (!pieces_are_pixels && column.count == width) {
      for (const Span& row : rows) {
        if (row.needed && row.count > 0) {
          const bool merged = row.count * row_bytes <= UINT32_MAX;
          add(sum, left + row.begin * row_bytes, merged ? row.count * row_bytes : row_bytes, row_bytes,
              merged ? 1 : row.count);
        }
      }
      continue;
    }
    Traffic one;
    if (rows_alike) {
      pieces_are_pixels ? add(one, left + slice.begin, slice.bytes, pixel * step, column.count)
                        : add(one, left, column.count * pixel, 0, 1);
      sum += one * all_rows;
      continue;
    }
    for (const Span& row : rows) {
      if (!row.needed) {
        continue;
      }
      if (!pieces_are_pixels) {
        add(sum, left + row.begin * row_bytes, column.count * pixel, row_bytes, row.count);
        continue;
      }
      for (uint64_t i = 0; i < row.count; ++i) {
        add(sum, left + (row.begin + i * step) * row_bytes + slice.begin, slice.bytes, pixel * step, column.count);
      }
    }
  }
  return sum;
}

Traffic TrafficCounter::input(const Form& form, const TileSizes& tiles) const {
  Traffic sum;
  if (form.swap) {
    std::vector<Span> columns;
    for_each_part(form.lanes, tiles.lanes,
                  [&](uint32_t begin, uint32_t size) { columns.push_back({begin, size, true}); });
    const std::vector<Span> one_row{{0, 1, true}};
    for (const Slice slice : group_slices(form, tiles.pe_groups)) {
      sum += image_tiles(form, one_row, columns, form.lanes, uint64_t{form.groups} * form.channels, slice);
    }
    return sum;
  }
  const std::vector<Span> rows = spans_of_tiles(form, AxisKind::kRows, tiles.rows);
  const std::vector<Span> columns = spans_of_tiles(form, AxisKind::kColumns, tiles.columns);
  if (form.depthwise) {
    for_each_part(form.lanes, tiles.lanes, [&](uint32_t begin, uint32_t size) {
      sum += image_tiles(form, rows, columns, form.input_width, form.lanes, {begin, size});
    });
    return sum;
  }
  for (const Slice slice : group_slices(form, tiles.pe_groups)) {
    sum += image_tiles(form, rows, columns, form.input_width, uint64_t{form.groups} * form.channels, slice);
  }
  return sum;
}

Traffic TrafficCounter::weights(const Form& form, const TileSizes& tiles) const {
  Traffic sum;
  const uint64_t row = uint64_t{form.kernel_height} * form.kernel_width * form.channels;  // of an output channel
  const uint32_t extent = form.swap ? form.columns : form.lanes;
  const uint32_t tile = form.swap ? tiles.columns : tiles.lanes;
  for_each_part(extent, tile, [&](uint64_t begin, uint64_t size) {
    if (form.depthwise) {
      add(sum, places_.weight_base + begin * row, size * row, 0, 1);
    } else if (!shape_.weights_are_activations) {
      add(sum, places_.weight_base + begin * row, size * row, shape_.output_channels * row, form.groups);
    } else {
      for_each_part(form.groups, tiles.pe_groups, [&](uint64_t group, uint64_t groups) {
        const uint64_t start = places_.weight_base + (begin * form.groups + group) * row;
        groups == form.groups ? add(sum, start, size * groups * row, 0, 1)
                              : add(sum, start, groups * row, form.groups * row, size);
      });
    }
  });
  return sum;
}

bool TrafficCounter::output_is_sliced(const Form& form, const TileSizes& tiles) {
  const bool all_channels = form.swap ? tiles.columns == form.columns : tiles.lanes == form.lanes;
  return !all_channels || tiles.pe_groups < form.groups;
}

Traffic TrafficCounter::output(const Form& form, const TileSizes& tiles) const {
  const uint64_t width = form.swap ? form.lanes : form.columns;
  const uint64_t channels = form.swap ? form.columns : form.lanes;
  const uint64_t pixel = form.groups * channels;
  const uint64_t base = places_.output_base;
  Traffic sum;
  if (output_is_sliced(form, tiles)) {
    const uint64_t pixels = form.rows * width;
    const auto slice_size = form.swap ? tiles.columns : tiles.lanes;
    for_each_part(form.groups, tiles.pe_groups, [&](uint64_t group, uint64_t groups) {
      for_each_part(static_cast<uint32_t>(channels), slice_size, [&](uint64_t begin, uint64_t size) {
        if (size == channels) {
          add(sum, base + group * channels, groups * channels, pixel, pixels);
          return;
        }
        for (uint64_t g = group; g < group + groups; ++g) {
          add(sum, base + g * channels + begin, size, pixel, pixels);
        }
      });
    });
    return sum;
  }
  for_each_part(static_cast<uint32_t>(width), form.swap ? tiles.lanes : tiles.columns,
                [&](uint64_t begin, uint64_t size) {
                  if (size < width) {
                    add(sum, base + begin * pixel, size * pixel, width * pixel, form.rows);
                    return;
                  }
                  for_each_part(form.rows, tiles.rows, [&](uint64_t row, uint64_t rows) {
                    const bool merged = rows * width * pixel <= UINT32_MAX;
                    add(sum, base + row * width * pixel, (merged ? rows : 1) * width * pixel, width * pixel,
                        merged ? 1 : rows);
                  });
                });
  return sum;
}

}  // namespace tilewright::mappers
