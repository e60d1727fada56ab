// SPDX-License-Identifier: Apache-2.0
#include "mappers/model/model.h"

#include <algorithm>
#include <iterator>

#include "mappers/model/work.h"
#include "sim/base/error.h"
#include "sim/base/units.h"

namespace tilewright::mappers {

std::string_view name(Term term) {
  static constexpr std::array<std::string_view, kTermCount> kNames = {
      "compute", "row_links",   "collect_links", "output_port",  "global_buffer", "load_dma",       "store_dma",
      "dram",    "input_slots", "weight_slots",  "output_slots", "first_walk"};
  return kNames[static_cast<std::size_t>(term)];
}

Term Evaluation::limiter() const {
  return static_cast<Term>(std::max_element(terms.begin(), terms.end()) - terms.begin());
}

Activity Evaluation::activity() const {
  Activity activity;
  for (std::size_t i = 0; i < kActionCount; ++i) {
    activity.add(static_cast<Action>(i), counts[i]);
  }
  return activity;
}

namespace {

struct Key {
  std::array<uint32_t, 8> fields{};
  friend bool operator==(const Key&, const Key&) = default;
};
struct HashKey {
  std::size_t operator()(const Key& key) const {
    uint64_t hash = 0x9e3779b97f4a7c15ULL;
    for (const uint32_t field : key.fields) {
      hash = (hash ^ field) * 0xff51afd7ed558ccdULL;
      hash ^= hash >> 32;
    }
    return hash;
  }
};

// Values made on first use and never moved. The key used last is looked at first: searches change little at a time.
template <typename Value>
class Cache {
 public:
  template <typename Make>
  const Value& get(const Key& key, const Make& make) {
    if (last_ != nullptr && last_key_ == key) {
      return *last_;
    }
    auto found = values_.find(key);
    if (found == values_.end()) {
      found = values_.emplace(key, std::make_unique<Value>(make())).first;
    }
    last_key_ = key;
    last_ = found->second.get();
    return *last_;
  }

 private:
  std::unordered_map<Key, std::unique_ptr<Value>, HashKey> values_;
  Key last_key_;
  const Value* last_ = nullptr;
};

uint32_t id_of(const Form& form) { return static_cast<uint32_t>(form.packing) * 2 + (form.swap ? 1 : 0); }

}  // namespace

struct LayerModel::Caches {
  std::array<std::optional<Form>, 8> forms;
  Cache<ReductionCut> cuts;
  Cache<AxisCut> axes[2];
  Cache<LanePart> lanes;
  Cache<PixelPart> pixels;
  Cache<Traffic> depthwise;
  Cache<Geometry> geometry[2];
};

LayerModel::LayerModel(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency,
                       const EnergyRates& rates)
    : layer_(layer),
      spec_(spec),
      residency_(residency),
      rates_(rates),
      places_(tensor_places(layer)),
      traffic_(layer.mac, places_, spec),
      input_resident_(residency.input || !spec.has_dram),
      weights_resident_(residency.weights || !spec.has_dram),
      output_resident_(residency.output || !spec.has_dram),
      caches_(std::make_unique<Caches>()) {
  TILEWRIGHT_CHECK(layer.on_pe_array, "layer " + layer.name + " does not run on the PE array");
  refuse_overflow();
  const double dma = double(spec.dma.ports) * spec.dma.bytes_per_cycle;
  memory_rate_ = dma;
  if (spec.has_dram && spec.dram.command_clock.value > 0 && spec.operating_point.clock.value > 0) {
    core_per_dram_ = double(spec.operating_point.clock.value) / double(spec.dram.command_clock.value);
    cycles_per_burst_ = double(spec.dram.burst_cycles) / spec.dram.channels * core_per_dram_;
    memory_rate_ = std::min(dma, double(spec.dram.burst_bytes.value) / cycles_per_burst_);
    first_latency_ = (spec.dram.t_rcd + spec.dram.read_latency) * core_per_dram_;
  }
}

LayerModel::~LayerModel() = default;
LayerModel::LayerModel(LayerModel&&) noexcept = default;

// The largest count is that of bytes x links: each step reads at most a full vector for every lane (depthwise: one for
// each alignment), sent over at most two links to each of 63 PEs; tiles and blocks may leave all lanes but one idle. DRAM
// traffic is below that: every tile of outputs loads at most its kernels' positions, gaps of the stride included.
void LayerModel::refuse_overflow() const {
  const workloads::MacShape& mac = layer_.mac;
  const uint64_t alignments = mac.depthwise() ? spec_.pe.vector_size : 1;
  uint64_t most = mac.macs();
  for (const uint64_t factor : {uint64_t{spec_.pe.lanes}, uint64_t{spec_.pe.vector_size}, alignments,
                                uint64_t{mac.stride} * mac.stride, uint64_t{128}}) {
    most = checked_multiply(most, factor);
  }
}

bool LayerModel::refuse(std::string_view what) {
  refusal_ = what;
  return false;
}

const Form& LayerModel::form(Packing packing, bool swap) {
  std::optional<Form>& known = caches_->forms[static_cast<std::size_t>(packing) * 2 + (swap ? 1 : 0)];
  if (!known) {
    known = make_form(layer_.mac, packing, swap, spec_);
    // What all outputs together reach; wide strides leave gaps, of which nothing is known here.
    const Form& made = *known;
    if (swap) {
      known->least_input_bytes = double(places_.input_bytes);
    } else if (made.stride <= std::min(made.kernel_height, made.kernel_width)) {
      known->least_input_bytes = double(spans_of_tiles(made, AxisKind::kRows, made.rows).front().count) *
                                 spans_of_tiles(made, AxisKind::kColumns, made.columns).front().count *
                                 (made.depthwise ? made.lanes : double(made.channels) * made.groups);
    }
  }
  return *known;
}

const ReductionCut& LayerModel::reduction(const Form& form, const Mapping& m) {
  return caches_->cuts.get({{id_of(form), m.chunk_kernel_rows, m.chunk_channels}},
                           [&] { return cut_reduction(form, m.chunk_kernel_rows, m.chunk_channels, spec_.pe); });
}

const AxisCut& LayerModel::axis(const Form& form, const ReductionCut& cut, AxisKind kind, uint32_t tile,
                                uint32_t block) {
  return caches_->axes[kind == AxisKind::kRows ? 0 : 1].get(
      {{id_of(form), cut.kernel_rows.front().size(), tile, block}},
      [&] { return cut_axis(form, cut, kind, tile, block); });
}

const LanePart& LayerModel::lane_part(const Form& form, const Mapping& m) {
  return caches_->lanes.get({{id_of(form), m.tile_channels, m.channel_tiles, m.pe_channels, m.pe_groups}}, [&] {
    LanePart part = make_lane_part(form, m.tile_channels, m.channel_tiles, m.pe_channels, spec_.pe.lanes);
    TileSizes tiles{form.rows, form.columns, m.tile_channels, m.pe_groups};
    if (spec_.has_dram) {
      part.operand = form.swap ? traffic_.input(form, tiles) : traffic_.weights(form, tiles);
      tiles.pe_groups = form.swap ? form.groups : m.pe_groups;
      part.output = traffic_.output(form, tiles);
    }
    return part;
  });
}

const PixelPart& LayerModel::pixel_part(const Form& form, const ReductionCut& cut, const Mapping& m) {
  const Key key{{id_of(form) << 8 | m.pe_groups, cut.kernel_rows.front().size(), m.tile_rows, m.tile_columns, m.block_rows,
                 m.block_columns, m.pe_pixels}};
  return caches_->pixels.get(key, [&] {
    PixelPart part = make_pixel_part(form, axis(form, cut, AxisKind::kRows, m.tile_rows, m.block_rows),
                                     axis(form, cut, AxisKind::kColumns, m.tile_columns, m.block_columns), m.pe_pixels);
    if (spec_.has_dram) {
      TileSizes tiles{m.tile_rows, m.tile_columns, form.lanes, m.pe_groups};
      if (!form.depthwise) {
        part.operand = form.swap ? traffic_.weights(form, tiles) : traffic_.input(form, tiles);
      }
      tiles.pe_groups = form.swap ? m.pe_groups : form.groups;
      part.output = traffic_.output(form, tiles);
    }
    return part;
  });
}

Traffic LayerModel::stream_traffic(const Form& form, const PixelPart& pixels, const Mapping& m) {
  if (!form.depthwise || !spec_.has_dram) {
    return pixels.operand;
  }
  return caches_->depthwise.get({{m.tile_rows, m.tile_columns, m.tile_channels}}, [&] {
    return traffic_.input(form, {m.tile_rows, m.tile_columns, m.tile_channels, 1});
  });
}

void LayerModel::find_geometry(Halves& halves) {
  const Split& split = halves.split;
  const Key key{{split.groups, split.lanes, split.pixels, halves.form->groups}};
  for (const bool adjacent : {false, true}) {
    halves.geometry[adjacent] = &caches_->geometry[adjacent].get(
        key, [&] { return make_geometry(split, adjacent, halves.form->groups, spec_); });
  }
}

// Plan::normalise and Plan::cut_tiles, in the same order.
bool LayerModel::prepare(Mapping& m, Halves& halves) {
  const Form& form = this->form(m.packing, m.swap_operands);
  if (!form.refusal.empty()) {
    return refuse(form.refusal);
  }
  if (m.pe_groups > form.groups) {
    return refuse("groups");
  }
  if (uint64_t{m.pe_channels} * m.pe_pixels * m.pe_groups > spec_.pe_count) {
    return refuse("pe_count");
  }
  if (uint64_t{m.block_rows} * m.block_columns * m.channel_tiles > spec_.pe.accumulator_entries) {
    return refuse("pe.accumulator_entries");
  }
  const uint64_t packet =
      std::min<uint64_t>(uint64_t{m.block_rows} * m.block_columns, uint64_t{form.rows} * form.columns) *
      std::min<uint64_t>(uint64_t{m.channel_tiles} * spec_.pe.lanes, form.lanes);
  if (packet > spec_.noc.packet_bytes) {
    return refuse("noc.packet_bytes");
  }
  if (packet > spec_.pe.output_buffer.value) {
    return refuse("pe.output_buffer");
  }
  if (m.bypass == arch::Bypass::kWeights) {
    const std::string_view refusal = refuse_bypass(layer_.mac, m.swap_operands, spec_, residency_);
    if (!refusal.empty()) {
      return refuse(refusal);
    }
  }
  m.tile_rows = std::min(m.tile_rows, form.rows);
  m.tile_columns = std::min(m.tile_columns, form.columns);
  m.tile_channels = std::min(m.tile_channels, form.lanes);
  if (m.pe_groups > 1 && m.tile_channels < form.lanes && m.tile_columns < form.columns) {
    m.tile_rows = 1;
  }
  m.block_rows = std::min(m.block_rows, m.tile_rows);
  m.block_columns = std::min(m.block_columns, m.tile_columns);
  m.channel_tiles =
      std::min(m.channel_tiles, static_cast<uint32_t>(divide_up(m.tile_channels, spec_.pe.lanes)));
  halves.form = &form;
  halves.cut = &reduction(form, m);
  halves.split = {m.pe_groups, m.pe_channels, m.pe_pixels};
  halves.bypass = m.bypass == arch::Bypass::kWeights;
  halves.lanes = &lane_part(form, m);
  halves.pixels = &pixel_part(form, *halves.cut, m);
  halves.stream = stream_traffic(form, *halves.pixels, m);
  find_geometry(halves);
  return admit(halves);
}

bool LayerModel::admit(const Halves& h) {
  const uint64_t tiles = h.form->depthwise ? h.lanes->channel_tiles : 1;
  if (h.pixels->chunk_weight * h.cut->largest_unit_bytes * tiles > spec_.pe.input_buffer.value) {
    return refuse("pe.input_buffer");
  }
  const uint64_t entry = uint64_t{spec_.pe.lanes} * spec_.pe.vector_size * h.form->tap_pixels;
  if (h.lanes->channel_tiles * entry * h.cut->largest_vectors > spec_.pe.weight_buffer.value) {
    return refuse("pe.weight_buffer");
  }
  return true;
}

bool LayerModel::evaluate(const Mapping& mapping, Evaluation& result) {
  Mapping m = mapping;
  Halves halves;
  return prepare(m, halves) &&
         combine(halves, {m.dataflow, m.pe_order, m.tile_order, m.input_slots, m.weight_slots, m.output_slots}, result);
}

}  // namespace tilewright::mappers
