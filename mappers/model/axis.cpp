// SPDX-License-Identifier: Apache-2.0
#include "mappers/model/axis.h"

#include <algorithm>

#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

uint32_t extent_of(const Form& form, AxisKind kind) { return kind == AxisKind::kRows ? form.rows : form.columns; }
uint32_t kernel_of(const Form& form, AxisKind kind) {
  return kind == AxisKind::kRows ? form.kernel_height : form.kernel_width;
}
uint32_t input_of(const Form& form, AxisKind kind) {
  return kind == AxisKind::kRows ? form.input_height : form.input_width;
}

// What a block weighs that reads `count` input positions for `outputs` output positions under `taps` kernel rows.
uint64_t weigh(const Form& form, AxisKind kind, uint64_t count, uint64_t outputs, uint64_t taps) {
  if (count == 0) {
    return 0;  // nothing but padding
  }
  switch (form.packing) {
    case Packing::kIm2col:
      return outputs;
    case Packing::kRow:
      return kind == AxisKind::kRows ? outputs * taps : outputs;
    case Packing::kTapPair:
      return kind == AxisKind::kColumns ? divide_up(count, form.tap_pixels) : count;
    case Packing::kUnpacked:
      break;
  }
  return count;
}

// Sums over the cuts of the kernel rows; the columns are never cut.
uint64_t weight_of(const Form& form, const ReductionCut& reduction, AxisKind kind, Range outputs) {
  const uint32_t input = input_of(form, kind);
  const auto count = [&](Range taps) {
    return Plan::input_count(outputs, taps, form.stride, form.padding, input);
  };
  if (kind == AxisKind::kColumns) {
    return weigh(form, kind, count({0, form.kernel_width}), outputs.size(), 1);
  }
  uint64_t sum = 0;
  for (const Range taps : reduction.kernel_rows) {
    sum += weigh(form, kind, count(taps), outputs.size(), taps.size());
  }
  return sum;
}

uint64_t most_positions(const Form& form, AxisKind kind, uint64_t outputs, uint64_t taps) {
  const uint64_t reached = taps >= form.stride ? (outputs - 1) * form.stride + taps : outputs * taps;
  return std::min<uint64_t>(input_of(form, kind), reached);
}

void bound_block(const Form& form, const ReductionCut& reduction, AxisKind kind, AxisCut& cut) {
  const auto most = [&](uint64_t taps) {
    return weigh(form, kind, most_positions(form, kind, cut.block, taps), cut.block, taps);
  };
  if (kind == AxisKind::kColumns) {
    cut.most_weight = cut.most_chunk = most(form.kernel_width);
    return;
  }
  for (const Range taps : reduction.kernel_rows) {
    cut.most_weight += most(taps.size());
    cut.most_chunk = std::max(cut.most_chunk, most(taps.size()));
  }
}

}  // namespace

AxisCut cut_axis(const Form& form, const ReductionCut& reduction, AxisKind kind, uint32_t tile, uint32_t block) {
  const uint32_t extent = extent_of(form, kind);
  AxisCut cut;
  cut.tile = tile;
  cut.block = block;
  cut.tiles = static_cast<uint32_t>(divide_up(extent, tile));
  cut.last = extent - (cut.tiles - 1) * tile;
  cut.full_tiles = cut.last == tile ? cut.tiles : cut.tiles - 1;
  cut.blocks_full = static_cast<uint32_t>(divide_up(tile, block));
  cut.blocks_last = cut.full_tiles == cut.tiles ? 0 : static_cast<uint32_t>(divide_up(cut.last, block));
  cut.pixels.assign(cut.blocks_full, 0);
  cut.weight_full.assign(cut.blocks_full, 0);
  cut.weight_last.assign(cut.blocks_last, 0);
  cut.first_chunks_needed = true;
  const Range first_taps = kind == AxisKind::kRows ? reduction.kernel_rows.front() : Range{0, form.kernel_width};
  for (uint32_t t = 0; t < cut.tiles; ++t) {
    const uint32_t begin = t * tile;
    const uint32_t end = std::min(begin + tile, extent);
    uint64_t in_tile = 0;
    uint32_t index = 0;
    for (uint32_t at = begin; at < end; at += block, ++index) {
      const Range outputs{at, std::min(at + block, end)};
      const uint64_t weight = weight_of(form, reduction, kind, outputs);
      cut.pixels[index] += outputs.size();
      (t < cut.full_tiles ? cut.weight_full : cut.weight_last)[index] += weight;
      in_tile += weight;
      if (t == 0) {
        cut.first_weights.push_back(weight);
        cut.first_chunks_needed &=
            Plan::input_count(outputs, first_taps, form.stride, form.padding, input_of(form, kind)) > 0;
      }
    }
    cut.weight += in_tile;
    cut.needed_tiles += in_tile > 0 ? 1 : 0;
  }
  bound_block(form, reduction, kind, cut);
  return cut;
}

std::vector<Span> spans_of_tiles(const Form& form, AxisKind kind, uint32_t tile) {
  const uint32_t extent = extent_of(form, kind);
  const uint32_t input = input_of(form, kind);
  const Range taps{0, kernel_of(form, kind)};
  const uint32_t step = form.skips_pixels ? form.stride : 1;
  std::vector<Span> spans;
  for (uint32_t begin = 0; begin < extent; begin += tile) {
    const Range outputs{begin, std::min(begin + tile, extent)};
    const auto [first, last] = Plan::input_span(outputs, taps, form.stride, form.padding);
    Span span;
    span.begin = static_cast<uint32_t>(std::max<int64_t>(first, 0));
    const auto end = static_cast<uint32_t>(std::clamp<int64_t>(last, 0, input));
    span.count = end > span.begin ? static_cast<uint32_t>(divide_up(end - span.begin, step)) : 0;
    span.needed = Plan::input_count(outputs, taps, form.stride, form.padding, input) > 0;
    spans.push_back(span);
  }
  return spans;
}

uint64_t tile_extent(const Form& form, AxisKind kind, uint32_t outputs) {
  if (form.skips_pixels) {
    return outputs;
  }
  return std::min<uint64_t>(input_of(form, kind),
                            (uint64_t{outputs} - 1) * form.stride + kernel_of(form, kind));
}

}  // namespace tilewright::mappers
