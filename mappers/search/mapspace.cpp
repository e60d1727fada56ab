// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/mapspace.h"

#include <algorithm>

#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

constexpr uint32_t kEveryCount = 32;   // numbers of parts that are all tried
constexpr uint32_t kPerOctave = 8;     // and beyond
constexpr std::size_t kFewBlocks = 8;  // smallest numbers of blocks that are all tried
constexpr uint64_t kMostKept = 4096;   // tiles that may all have a slot

uint32_t divide_up32(uint32_t value, uint32_t divisor) { return static_cast<uint32_t>(divide_up(value, divisor)); }

uint32_t part_of(uint32_t extent, uint64_t count) { return static_cast<uint32_t>(divide_up(extent, count)); }

std::vector<uint32_t> divisors(uint32_t value) {
  std::vector<uint32_t> result;
  for (uint64_t d = 1; d * d <= value; ++d) {
    if (value % d == 0) {
      result.push_back(static_cast<uint32_t>(d));
      if (d * d != value) {
        result.push_back(static_cast<uint32_t>(value / d));
      }
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

void make_unique(std::vector<uint32_t>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

template <typename Value>
std::vector<Value> allowed(const std::vector<Value>& all, const std::vector<Value>& wanted) {
  std::vector<Value> result;
  std::copy_if(all.begin(), all.end(), std::back_inserter(result), [&](const Value& value) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
  });
  return result;
}

bool allows(const std::optional<SizeConstraint>& constraint, uint32_t value, uint32_t extent) {
  return !constraint || constraint->allows(value, extent);
}

}  // namespace

Mapspace::Mapspace(LayerModel& model, const MappingConstraints& constraints, Factors factors)
    : constraints_(constraints), factors_(constraints.factors.value_or(factors)) {
  const arch::AcceleratorSpec& spec = model.spec();
  most_block_ = spec.pe.accumulator_entries;
  lanes_ = spec.pe.lanes;
  vector_ = spec.pe.vector_size;
  pes_ = spec.pe_count;
  const std::vector<LoopOrder> orders{LoopOrder::kWeightsOuter, LoopOrder::kPixelsOuter};
  dataflows_ = allowed(spec.dataflows.empty() ? std::vector{arch::Dataflow::kOsLws} : spec.dataflows,
                       constraints.dataflows);
  pe_orders_ = allowed(orders, constraints.pe_orders);
  tile_orders_ = allowed(orders, constraints.tile_orders);
  free_ = given_constraints(constraints).empty();
  if (dataflows_.empty()) {
    return;
  }
  const auto packings = allowed(
      std::vector{Packing::kUnpacked, Packing::kRow, Packing::kIm2col, Packing::kTapPair}, constraints.packings);
  const auto operands = allowed(std::vector{Operands::kStraight, Operands::kSwapped}, constraints.operands);
  for (const Packing packing : packings) {
    for (const Operands operand : operands) {
      const bool swap = operand == Operands::kSwapped;
      // Packing helps where channels do not fill a vector, and nothing is gained by packing one tap.
      const workloads::MacShape& mac = model.layer().mac;
      const bool packed = packing == Packing::kRow || packing == Packing::kIm2col;
      const bool of_use = !packed || (!pointwise(mac) && mac.input_channels < vector_);
      if (!model.form(packing, swap).refusal.empty() || (!of_use && constraints.packings.empty())) {
        continue;
      }
      for (const arch::Bypass bypass : bypasses(model)) {
        if (bypass == arch::Bypass::kNone || refuse_bypass(mac, swap, spec, model.residency()).empty()) {
          add_shape(model, packing, swap, bypass);
        }
      }
    }
  }
}

// A layer without weights has nothing to let past, and cannot be asked to.
std::vector<arch::Bypass> Mapspace::bypasses(const LayerModel& model) const {
  const bool has_weights = !model.layer().mac.weights_are_activations && !model.residency().weights;
  return allowed(std::vector{arch::Bypass::kNone, arch::Bypass::kWeights},
                 has_weights ? constraints_.bypass : std::vector<arch::Bypass>{});
}

// Every number of parts up to a limit, and then a geometric series of them.
std::vector<uint32_t> Mapspace::sizes(uint32_t extent) const {
  if (factors_ == Factors::kPerfect) {
    return divisors(extent);
  }
  std::vector<uint32_t> result;
  for (uint64_t count = 1; count <= extent;) {
    result.push_back(part_of(extent, count));
    uint64_t octave = kEveryCount;
    while (octave * 2 <= count) {
      octave *= 2;
    }
    count += count < kEveryCount ? 1 : std::max<uint64_t>(1, octave / kPerOctave);
  }
  result.push_back(1);
  make_unique(result);
  return result;
}

std::vector<uint32_t> Mapspace::block_sizes(uint32_t tile, uint32_t most) const {
  std::vector<uint32_t> result;
  if (factors_ == Factors::kPerfect) {
    result = divisors(tile);
    result.erase(std::upper_bound(result.begin(), result.end(), most), result.end());
    return result;
  }
  for (uint64_t count = divide_up(tile, most), tried = 0; count <= tile && tried < kFewBlocks; ++count, ++tried) {
    result.push_back(part_of(tile, count));
  }
  for (uint64_t power = 1; power <= std::min(tile, most); power *= 2) {
    result.push_back(static_cast<uint32_t>(power));
  }
  make_unique(result);
  return result;
}

std::vector<Mapspace::Axis> Mapspace::axis(uint32_t extent, const std::optional<SizeConstraint>& tiles,
                                           const std::optional<SizeConstraint>& blocks) const {
  std::vector<Axis> result;
  for (const uint32_t tile : sizes(extent)) {
    if (!allows(tiles, tile, extent)) {
      continue;
    }
    for (const uint32_t block : block_sizes(tile, most_block_)) {
      if (allows(blocks, block, tile)) {
        result.push_back({tile, block});
      }
    }
  }
  return result;
}

bool Mapspace::pixels_fit(const Axis& rows, const Axis& columns) const {
  return uint64_t{rows.block} * columns.block <= most_block_;
}

namespace {

// Ways to split the array: all, or by divisors of its size only.
template <typename Accept>
std::vector<Split> split_array(uint32_t pes, uint32_t groups, bool perfect, const Accept& accept) {
  std::vector<Split> result;
  for (uint32_t g = 1; g <= std::min(pes, groups); ++g) {
    for (uint32_t lanes = 1; g * lanes <= pes; ++lanes) {
      for (uint32_t pixels = 1; g * lanes * pixels <= pes; ++pixels) {
        if ((!perfect || pes % (g * lanes * pixels) == 0) && accept(g, lanes, pixels)) {
          result.push_back({g, lanes, pixels});
        }
      }
    }
  }
  // Full arrays first.
  std::stable_sort(result.begin(), result.end(), [](const Split& a, const Split& b) { return a.used() > b.used(); });
  return result;
}

}  // namespace

void Mapspace::add_shape(LayerModel& model, Packing packing, bool swap, arch::Bypass bypass) {
  const Form& form = model.form(packing, swap);
  const MappingConstraints& c = constraints_;
  Shape& shape = shapes_.emplace_back();
  shape.packing = packing;
  shape.swap = swap;
  shape.bypass = bypass;
  shape.form = &form;
  shape.splits = split_array(pes_, form.groups, factors_ == Factors::kPerfect,
                             [&](uint32_t g, uint32_t lanes, uint32_t pixels) {
                               return allows(c.pe_groups, g, form.groups) && allows(c.pe_channels, lanes, pes_) &&
                                      allows(c.pe_pixels, pixels, pes_);
                             });
  // Lanes: tiles of whole lane groups where sizes need not divide.
  std::vector<uint32_t> tiles = sizes(form.lanes);
  if (factors_ == Factors::kImperfect) {
    for (uint32_t& tile : tiles) {
      tile = static_cast<uint32_t>(std::min<uint64_t>(form.lanes, round_up(tile, lanes_)));
    }
    make_unique(tiles);
  }
  for (const uint32_t tile : tiles) {
    for (const uint32_t block : block_sizes(divide_up32(tile, lanes_), most_block_)) {
      if (allows(c.tile_channels, tile, form.lanes) && allows(c.channel_tiles, block, divide_up32(tile, lanes_))) {
        shape.lanes.push_back({tile, block});
      }
    }
  }
  const auto cut = [&](uint32_t rows, uint32_t channels) {
    if (allows(c.chunk_kernel_rows, rows, form.kernel_height) && allows(c.chunk_channels, channels, form.channels)) {
      shape.cuts.push_back({rows, channels});
    }
  };
  if (packing != Packing::kIm2col) {
    for (const uint32_t rows : sizes(form.kernel_height)) {
      if (rows < form.kernel_height) {
        cut(rows, form.channels);
      }
    }
  }
  if (packing == Packing::kUnpacked) {
    for (const uint32_t vectors : sizes(static_cast<uint32_t>(divide_up(form.channels, vector_)))) {
      cut(form.kernel_height, static_cast<uint32_t>(std::min<uint64_t>(form.channels, uint64_t{vectors} * vector_)));
    }
  } else {
    cut(form.kernel_height, form.channels);
  }
  shape.rows = axis(form.rows, c.tile_rows, c.block_rows);
  shape.columns = axis(form.columns, c.tile_columns, c.block_columns);
  for (const Axis& rows : shape.rows) {
    for (const Axis& columns : shape.columns) {
      shape.pixel_halves += pixels_fit(rows, columns) ? 1 : 0;
    }
  }
  const bool empty = shape.splits.empty() || shape.lanes.empty() || shape.cuts.empty() || shape.pixel_halves == 0.0;
  if (empty) {
    shapes_.pop_back();
    return;
  }
  size_ += double(shape.splits.size()) * double(shape.lanes.size()) * double(shape.cuts.size()) * shape.pixel_halves *
           choices(shape);
}

double Mapspace::choices(const Shape& shape) const {
  const double weight_slots =
      shape.bypass == arch::Bypass::kWeights ? 1 : double(slots(TileRole::kWeight, kMostKept).size());
  return double(dataflows_.size()) * double(pe_orders_.size()) * double(tile_orders_.size()) *
         double(slots(TileRole::kInput, kMostKept).size()) * weight_slots *
         double(slots(TileRole::kOutput, kMostKept).size());
}

SlotCounts Mapspace::slots(TileRole role, uint64_t tiles) const {
  const std::optional<SizeConstraint>& constraint = role == TileRole::kInput    ? constraints_.input_slots
                                                    : role == TileRole::kWeight ? constraints_.weight_slots
                                                                                : constraints_.output_slots;
  const auto most = static_cast<uint32_t>(std::min<uint64_t>(tiles, kMostKept));
  SlotCounts result;
  for (const uint32_t count : {1U, 2U, 3U, 4U, 6U, 8U, 12U, 16U}) {
    if (count <= most && allows(constraint, count, most)) {
      result.insert(count);
    }
  }
  // All of them; outputs are written once and none need be kept.
  if (role != TileRole::kOutput && most == tiles && allows(constraint, most, most)) {
    result.insert(most);
  }
  if (result.empty() && constraint) {
    result.insert(most);  // fewer tiles than slots demanded: all there are
  }
  return result;
}

bool Mapspace::admits(const Mapping& m) const {
  if (free_ && factors_ == Factors::kImperfect) {
    return true;
  }
  const auto one_of = [](const auto& list, const auto& value) { return std::find(list.begin(), list.end(), value) != list.end(); };
  const auto shape = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& s) {
    return s.packing == m.packing && s.swap == m.swap_operands && s.bypass == m.bypass;
  });
  if (shape == shapes_.end() || !one_of(dataflows_, m.dataflow) || !one_of(pe_orders_, m.pe_order) ||
      !one_of(tile_orders_, m.tile_order)) {
    return false;
  }
  const Form& form = *shape->form;
  const MappingConstraints& c = constraints_;
  const uint32_t lane_groups = divide_up32(m.tile_channels, lanes_);
  const bool divides = pes_ % (m.pe_groups * m.pe_channels * m.pe_pixels) == 0 && form.rows % m.tile_rows == 0 &&
                       form.columns % m.tile_columns == 0 && form.lanes % m.tile_channels == 0 &&
                       m.tile_rows % m.block_rows == 0 && m.tile_columns % m.block_columns == 0 &&
                       lane_groups % m.channel_tiles == 0;
  return (factors_ == Factors::kImperfect || divides) && allows(c.pe_groups, m.pe_groups, form.groups) &&
         allows(c.pe_channels, m.pe_channels, pes_) && allows(c.pe_pixels, m.pe_pixels, pes_) &&
         allows(c.block_rows, m.block_rows, m.tile_rows) && allows(c.block_columns, m.block_columns, m.tile_columns) &&
         allows(c.channel_tiles, m.channel_tiles, lane_groups) && allows(c.tile_rows, m.tile_rows, form.rows) &&
         allows(c.tile_columns, m.tile_columns, form.columns) && allows(c.tile_channels, m.tile_channels, form.lanes) &&
         allows(c.chunk_kernel_rows, m.chunk_kernel_rows, form.kernel_height) &&
         allows(c.chunk_channels, m.chunk_channels, form.channels) && allows(c.input_slots, m.input_slots, UINT32_MAX) &&
         (m.bypass == arch::Bypass::kWeights || allows(c.weight_slots, m.weight_slots, UINT32_MAX)) && allows(c.output_slots, m.output_slots, UINT32_MAX);
}

Mapping Mapspace::mapping_of(const Point& point) const {
  const Shape& shape = shapes_[point.shape];
  Mapping m;
  m.dataflow = dataflows_[point.dataflow];
  m.packing = shape.packing;
  m.swap_operands = shape.swap;
  m.bypass = shape.bypass;
  const Split& split = shape.splits[point.split];
  m.pe_groups = split.groups;
  m.pe_channels = split.lanes;
  m.pe_pixels = split.pixels;
  m.tile_channels = shape.lanes[point.lanes].tile;
  m.channel_tiles = shape.lanes[point.lanes].channel_tiles;
  m.chunk_kernel_rows = shape.cuts[point.cut].kernel_rows;
  m.chunk_channels = shape.cuts[point.cut].channels;
  m.tile_rows = shape.rows[point.rows].tile;
  m.block_rows = shape.rows[point.rows].block;
  m.tile_columns = shape.columns[point.columns].tile;
  m.block_columns = shape.columns[point.columns].block;
  m.pe_order = pe_orders_[point.pe_order];
  m.tile_order = tile_orders_[point.tile_order];
  m.input_slots = point.slots[0];
  m.weight_slots = point.slots[1];
  m.output_slots = point.slots[2];
  return m;
}

}  // namespace tilewright::mappers

