// SPDX-License-Identifier: Apache-2.0
#include "mappers/model/form.h"

#include <algorithm>
#include <utility>

#include "sim/base/units.h"

namespace tilewright::mappers {

bool pointwise(const workloads::MacShape& shape) {
  return shape.kernel_height == 1 && shape.kernel_width == 1 && shape.padding == 0 && shape.stride == 1;
}

Form make_form(const workloads::MacShape& shape, Packing packing, bool swap, const arch::AcceleratorSpec& spec) {
  Form form;
  form.packing = packing;
  form.swap = swap;
  form.depthwise = shape.depthwise() && packing == Packing::kTapPair;
  form.groups = form.depthwise ? 1 : shape.groups;
  form.lanes = form.depthwise ? shape.groups : shape.output_channels;
  form.channels = shape.input_channels;
  form.kernel_height = shape.kernel_height;
  form.kernel_width = shape.kernel_width;
  form.stride = shape.stride;
  form.padding = shape.padding;
  form.input_height = shape.input_height;
  form.input_width = shape.input_width;
  form.rows = shape.output_height;
  form.columns = shape.output_width;
  form.skips_pixels =
      shape.kernel_height == 1 && shape.kernel_width == 1 && shape.padding == 0 && shape.stride > 1;
  if (pointwise(shape)) {
    form.columns = static_cast<uint32_t>(uint64_t{form.rows} * form.columns);
    form.input_width = form.columns;
    form.rows = form.input_height = 1;
  }
  if (swap) {
    if (!pointwise(shape) || packing != Packing::kUnpacked) {
      form.refusal = "swap_operands";
      return form;
    }
    std::swap(form.lanes, form.columns);
    form.input_width = form.columns;
  }
  if (packing == Packing::kTapPair) {
    if (!form.depthwise || spec.pe.lanes > spec.pe.vector_size) {
      form.refusal = "packing";
      return form;
    }
    form.tap_pixels = std::max(1U, spec.pe.vector_size / spec.pe.lanes);
  }
  return form;
}

namespace {

std::vector<Range> cut_rows(uint32_t kernel_rows, uint32_t step) {
  std::vector<Range> cuts;
  for (uint32_t row = 0; row < kernel_rows; row += step) {
    cuts.push_back({row, std::min(row + step, kernel_rows)});
  }
  return cuts;
}

// One kernel row's weight vectors in a chunk of `channels`.
uint64_t vectors_of_row(const Form& form, uint64_t channels, uint64_t vector) {
  if (form.packing == Packing::kRow) {
    return divide_up(uint64_t{form.kernel_width} * channels, vector);
  }
  if (form.depthwise) {
    return divide_up(uint64_t{form.kernel_width} - 1 + form.tap_pixels, form.tap_pixels);
  }
  return form.kernel_width * divide_up(channels, vector);
}

}  // namespace

ReductionCut cut_reduction(const Form& form, uint32_t chunk_kernel_rows, uint32_t chunk_channels,
                           const arch::PeSpec& pe) {
  ReductionCut cut;
  const uint64_t vector = pe.vector_size;
  const auto add = [&](uint64_t vectors) {
    cut.vectors += vectors;
    cut.largest_vectors = std::max(cut.largest_vectors, vectors);
    cut.smallest_vectors = cut.smallest_vectors == 0 ? vectors : std::min(cut.smallest_vectors, vectors);
    cut.squared_vectors += vectors * vectors;
    cut.collector_rounds += divide_up(vectors, pe.weight_collector_entries);
  };
  if (form.packing == Packing::kIm2col) {
    const uint64_t patch = uint64_t{form.kernel_height} * form.kernel_width * form.channels;
    cut.kernel_rows = {{0, form.kernel_height}};
    add(divide_up(patch, vector));
    cut.unit_bytes = cut.largest_unit_bytes = round_up(patch, vector);
    return cut;
  }
  const bool partial_rows = chunk_kernel_rows < form.kernel_height;
  const bool whole_channels = partial_rows || form.depthwise || form.packing == Packing::kRow;
  const uint32_t channel_step = whole_channels ? form.channels : std::min(chunk_channels, form.channels);
  cut.kernel_rows = cut_rows(form.kernel_height, std::min(chunk_kernel_rows, form.kernel_height));
  cut.channel_pieces = static_cast<uint32_t>(divide_up(form.channels, channel_step));
  cut.chunks = uint64_t{cut.channel_pieces} * cut.kernel_rows.size();
  for (uint32_t channel = 0; channel < form.channels; channel += channel_step) {
    const uint64_t channels = std::min(channel_step, form.channels - channel);
    for (const Range rows : cut.kernel_rows) {
      add(rows.size() * vectors_of_row(form, channels, vector));
    }
    const uint64_t unit = form.packing == Packing::kRow ? round_up(uint64_t{form.kernel_width} * channels, vector)
                          : form.depthwise              ? vector
                                                        : round_up(channels, vector);
    cut.unit_bytes += unit;
    cut.largest_unit_bytes = std::max(cut.largest_unit_bytes, unit);
  }
  return cut;
}

}  // namespace tilewright::mappers
