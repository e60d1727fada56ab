// SPDX-License-Identifier: Apache-2.0
//
// Two stages: first how the PE array is used (spatial split, block, packing, operand swap, loop order) with tiles as large
// as fit, then the tiles and slots of the few best of those. Knows rules of thumb instead of a mapspace: long chunks, full
// arrays, waves of the whole array.
#include <algorithm>

#include "mappers/search/strategy.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

constexpr uint64_t kChunkBytes = 16384;  // long enough for few steps, short enough to overlap
constexpr std::size_t kKept = 8;         // array mappings that get their tiles searched

uint32_t clamp32(uint64_t value) {
  return static_cast<uint32_t>(std::min<uint64_t>(value, UINT32_MAX));
}

// Sizes of the axes a mapping cuts, in the PE's terms (see Plan).
struct Axes {
  uint32_t lanes = 1, rows = 1, columns = 1, groups = 1;
};

class TwoStageSearch final : public SearchStrategy {
 public:
  TwoStageSearch(LayerModel& model, Objective objective)
      : model_(model), mac_(model.layer().mac), spec_(model.spec()), residency_(model.residency()), objective_(objective) {
    propose_arrays();
  }

  bool ignores_constraints() const override { return true; }

  bool next(Mapping& mapping) override {
    if (at_ == queue_.size() && !tiles_proposed_) {
      propose_tiles();
    }
    if (at_ == queue_.size()) {
      return false;
    }
    mapping = queue_[at_++];
    return true;
  }

  void report(const Mapping& mapping, const Evaluation* evaluation) override {
    if (evaluation == nullptr || tiles_proposed_) {
      return;
    }
    const double value = practical(*evaluation, objective_);
    const auto place =
        std::find_if(kept_.begin(), kept_.end(), [&](const auto& other) { return value < other.second; });
    if (place != kept_.end() || kept_.size() < kKept) {
      Mapping clipped = mapping;
      Halves halves;
      model_.prepare(clipped, halves);
      kept_.insert(place, {clipped, value});
      kept_.resize(std::min(kept_.size(), kKept));
    }
  }

 private:
  bool pointwise() const {
    return mac_.kernel_height == 1 && mac_.kernel_width == 1 && mac_.stride == 1 && mac_.padding == 0;
  }
  bool taps_pair() const { return mac_.depthwise() && spec_.pe.lanes <= spec_.pe.vector_size; }

  Axes axes(const Mapping& m) const {
    Axes result{mac_.output_channels, mac_.output_height, mac_.output_width, mac_.groups};
    if (m.packing == Packing::kTapPair) {
      result.lanes = mac_.groups;
      result.groups = 1;
    }
    if (pointwise()) {
      result.columns = clamp32(uint64_t{result.rows} * result.columns);
      result.rows = 1;
    }
    if (m.swap_operands) {
      std::swap(result.lanes, result.columns);
    }
    return result;
  }

  // ---- stage one: the PE array

  void propose_arrays() {
    propose_straight(arch::Bypass::kNone);
    if (refuse_bypass(mac_, false, spec_, residency_).empty()) {
      propose_straight(arch::Bypass::kWeights);
    }
    if (pointwise() && !taps_pair()) {
      propose_blocks(Packing::kUnpacked, true, arch::Bypass::kNone);
    }
  }

  void propose_straight(arch::Bypass bypass) {
    if (taps_pair()) {
      propose_blocks(Packing::kTapPair, false, bypass);
      return;
    }
    propose_blocks(Packing::kUnpacked, false, bypass);
    if (!pointwise() && mac_.input_channels < spec_.pe.vector_size && mac_.groups == 1) {
      propose_blocks(Packing::kRow, false, bypass);
      propose_blocks(Packing::kIm2col, false, bypass);
    }
  }

  void propose_blocks(Packing packing, bool swap, arch::Bypass bypass) {
    Mapping m;
    m.bypass = bypass;
    m.dataflow = spec_.dataflows.empty() || std::count(spec_.dataflows.begin(), spec_.dataflows.end(),
                                                       arch::Dataflow::kOsLws) > 0
                     ? arch::Dataflow::kOsLws
                     : spec_.dataflows.front();
    m.packing = packing;
    m.swap_operands = swap;
    const Axes axis = axes(m);
    // What leaves a PE at once must fit a packet.
    const uint64_t values = std::min<uint64_t>(spec_.noc.packet_bytes, spec_.pe.output_buffer.value);
    for (uint32_t tiles = 1;
         tiles <= spec_.pe.accumulator_entries && (tiles - 1) * spec_.pe.lanes < axis.lanes; tiles *= 2) {
      const uint64_t lanes = std::min<uint64_t>(uint64_t{tiles} * spec_.pe.lanes, axis.lanes);
      const uint64_t pixels =
          std::min<uint64_t>(spec_.pe.accumulator_entries / tiles, std::max<uint64_t>(1, values / lanes));
      m.channel_tiles = tiles;
      for (uint32_t rows = 1; rows <= pixels && rows <= axis.rows; rows *= 2) {
        m.block_rows = rows;
        // As wide as the accumulators allow, but no wider than spreads the row evenly.
        const auto widest = clamp32(pixels / rows);
        m.block_columns = std::min(widest, axis.columns);
        if (axis.rows > 1) {
          m.block_columns = clamp32(divide_up(axis.columns, divide_up(axis.columns, m.block_columns)));
        }
        propose_splits(m, axis);
      }
    }
  }

  void propose_splits(Mapping m, const Axes& axis) {
    const uint32_t pes = spec_.pe_count;
    for (uint32_t groups = 1; groups <= std::min(pes, axis.groups); ++groups) {
      const bool even = axis.groups % groups == 0 || groups == std::min(pes, axis.groups);
      if (!even) {
        continue;
      }
      const uint32_t left = pes / groups;
      const uint64_t blocks = divide_up(axis.lanes, uint64_t{m.channel_tiles} * spec_.pe.lanes);
      for (uint32_t channels = 1; channels <= left && channels <= blocks; ++channels) {
        const uint32_t pixels = left / channels;
        if (channels * pixels * 4 < left * 3) {
          continue;
        }
        m.pe_groups = groups;
        m.pe_channels = channels;
        m.pe_pixels = pixels;
        for (const LoopOrder order : {LoopOrder::kWeightsOuter, LoopOrder::kPixelsOuter}) {
          m.pe_order = order;
          choose_chunk(m);
          propose_default_tiles(m, axis);
        }
      }
    }
  }

  // The largest chunk of which both buffers hold several. Whole kernels where they fit, since cutting kernel
  // rows sends the rows between block rows more than once.
  void choose_chunk(Mapping& m) const {
    const uint64_t v = spec_.pe.vector_size;
    const uint64_t lane_room = std::min(spec_.pe.weight_buffer.value / 4, kChunkBytes);
    const uint64_t stream_room = std::min(spec_.pe.input_buffer.value / 4, kChunkBytes);
    const uint64_t lane_vector = uint64_t{m.channel_tiles} * spec_.pe.lanes * v;
    const uint64_t padded = round_up(mac_.input_channels, v);
    const uint64_t down = uint64_t{m.block_rows - 1} * mac_.stride,
                   across = uint64_t{m.block_columns - 1} * mac_.stride;
    const auto fits = [&](uint64_t kernel_rows, uint64_t channels) {
      const uint64_t positions =
          std::min((down + kernel_rows) * (across + mac_.kernel_width),
                   uint64_t{m.block_rows} * m.block_columns * kernel_rows * mac_.kernel_width);
      return kernel_rows * mac_.kernel_width * channels / v * lane_vector <= lane_room &&
             positions * channels <= stream_room;
    };
    m.chunk_kernel_rows = mac_.kernel_height;
    m.chunk_channels = mac_.input_channels;
    if (m.packing != Packing::kUnpacked || fits(mac_.kernel_height, padded)) {
      return;
    }
    if (m.block_rows == 1 && mac_.kernel_height > 1 && fits(1, padded)) {
      m.chunk_kernel_rows = 1;
      while (m.chunk_kernel_rows < mac_.kernel_height && fits(m.chunk_kernel_rows + 1, padded)) {
        ++m.chunk_kernel_rows;
      }
      return;
    }
    uint64_t channels = v;
    while (channels < padded && fits(mac_.kernel_height, channels + v)) {
      channels += v;
    }
    // Chunks of equal size.
    const uint64_t chunks = divide_up(padded, channels);
    m.chunk_channels = clamp32(round_up(divide_up(padded, chunks), v));
  }

  // ---- stage two: tiles in the global buffer

  // One walk of the array over pixels, and over lanes.
  struct Wave {
    uint32_t rows, columns, lanes;
  };
  Wave wave(const Mapping& m, const Axes& axis) const {
    const auto lanes =
        clamp32(std::min<uint64_t>(axis.lanes, uint64_t{m.pe_channels} * m.channel_tiles * spec_.pe.lanes));
    if (axis.rows == 1) {
      return {1, clamp32(std::min<uint64_t>(axis.columns, uint64_t{m.pe_pixels} * m.block_columns)), lanes};
    }
    const uint64_t across = divide_up(axis.columns, m.block_columns);
    const uint64_t rows = divide_up(m.pe_pixels, across) * m.block_rows;
    return {clamp32(std::min<uint64_t>(axis.rows, rows)), axis.columns, lanes};
  }

  static void set_pixels(Mapping& m, const Axes& axis, const Wave& one, uint32_t waves) {
    m.tile_rows = clamp32(std::min<uint64_t>(axis.rows, uint64_t{one.rows} * (axis.rows == 1 ? 1 : waves)));
    m.tile_columns =
        clamp32(std::min<uint64_t>(axis.columns, uint64_t{one.columns} * (axis.rows == 1 ? waves : 1)));
  }
  static void set_lanes(Mapping& m, const Axes& axis, const Wave& one, uint32_t waves) {
    m.tile_channels = clamp32(std::min<uint64_t>(axis.lanes, uint64_t{one.lanes} * waves));
  }

  // The largest tiles of a few shapes that fit: which is decided by the global buffer alone.
  void propose_default_tiles(Mapping m, const Axes& axis) {
    const Wave one = wave(m, axis);
    const uint64_t all_lanes = divide_up(axis.lanes, one.lanes);
    m.tile_order = LoopOrder::kPixelsOuter;
    for (uint64_t lane_waves = all_lanes; lane_waves > 0; lane_waves /= 2) {
      set_lanes(m, axis, one, clamp32(lane_waves));
      set_pixels(m, axis, one, 2);
      if (fits(m)) {
        queue_.push_back(m);
        if (lane_waves < all_lanes) {
          m.tile_order = LoopOrder::kWeightsOuter;
          queue_.push_back(m);
        }
        return;
      }
    }
    propose_small_tiles(m, axis);
  }

  // Where not even one wave of the array fits, smaller tiles leave PEs idle but are legal.
  void propose_small_tiles(Mapping m, const Axes& axis) {
    if (m.bypass == arch::Bypass::kWeights && propose_fewer_pixels(m, axis)) {
      return;
    }
    m.input_slots = m.weight_slots = m.output_slots = 1;
    const Wave one = wave(m, axis);
    for (uint32_t divisor = 1; divisor <= 4096; divisor *= 4) {
      m.tile_rows = std::max(1U, one.rows / divisor);
      m.tile_columns = axis.rows == 1 ? std::max(1U, one.columns / divisor) : axis.columns;
      m.tile_channels = std::max(1U, one.lanes / divisor);
      if (fits(m)) {
        queue_.push_back(m);
        return;
      }
      m.tile_columns = std::max(1U, one.columns / divisor);
      if (fits(m)) {
        queue_.push_back(m);
        return;
      }
    }
  }

  // Weights past the global buffer take no room in it, so fewer pixels do. Either all lanes find those there, or one wave of
  // lanes keeps its weights while all pixels pass.
  bool propose_fewer_pixels(Mapping m, const Axes& axis) {
    const Wave one = wave(m, axis);
    m.tile_rows = one.rows;
    m.tile_columns = one.columns;
    m.tile_channels = axis.lanes;
    while (!fits(m)) {
      if (m.tile_rows * m.tile_columns == 1) {
        return false;
      }
      uint32_t& longer = m.tile_rows > m.tile_columns ? m.tile_rows : m.tile_columns;
      longer = clamp32(divide_up(longer, 2));
    }
    m.tile_order = LoopOrder::kPixelsOuter;
    queue_.push_back(m);
    m.tile_channels = one.lanes;
    m.tile_order = LoopOrder::kWeightsOuter;
    queue_.push_back(m);
    return true;
  }

  // A quick look at the global buffer, before a plan is made.
  bool fits(const Mapping& m) const {
    const bool depthwise = m.packing == Packing::kTapPair;
    const uint64_t groups = depthwise ? 1 : m.pe_groups;
    const uint64_t taps = uint64_t{mac_.kernel_height} * mac_.kernel_width;
    const auto extent = [&](uint64_t outputs, uint64_t kernel, uint64_t input) {
      return std::min(input, (outputs - 1) * mac_.stride + kernel);
    };
    const uint64_t channels = depthwise ? m.tile_channels : mac_.input_channels * groups;
    uint64_t stream = m.tile_columns * channels;
    if (!pointwise()) {
      stream = extent(m.tile_rows, mac_.kernel_height, mac_.input_height) *
               extent(m.tile_columns, mac_.kernel_width, mac_.input_width) * channels;
    }
    const uint64_t lane = m.tile_channels * taps * mac_.input_channels * groups;
    const uint64_t output = uint64_t{m.tile_rows} * m.tile_columns * m.tile_channels * groups;
    const uint64_t input_bytes = m.swap_operands ? lane : stream,
                   weight_bytes = m.swap_operands ? stream : lane;
    const bool held = !spec_.has_dram;
    const uint64_t whole_input =
        uint64_t{mac_.groups} * mac_.input_channels * mac_.input_height * mac_.input_width;
    const uint64_t whole_output =
        uint64_t{mac_.groups} * mac_.output_channels * mac_.output_height * mac_.output_width;
    const uint64_t need = (held || residency_.input ? whole_input : input_bytes * m.input_slots) +
                          (m.bypass == arch::Bypass::kWeights  ? 0
                           : held || residency_.weights ? mac_.weights()
                                                        : weight_bytes * m.weight_slots) +
                          (held || residency_.output ? whole_output : output * m.output_slots);
    return need + residency_.reserved_bytes + 256 <= spec_.global_buffer.capacity.value;
  }

  void propose_tiles() {
    tiles_proposed_ = true;
    queue_.clear();
    at_ = 0;
    for (const auto& [array, value] : kept_) {
      Mapping m = array;
      const Axes axis = axes(m);
      const Wave one = wave(m, axis);
      const auto lane_waves = clamp32(divide_up(axis.lanes, one.lanes));
      const auto pixel_waves =
          clamp32(axis.rows == 1 ? divide_up(axis.columns, one.columns) : divide_up(axis.rows, one.rows));
      queue_.push_back(m);
      for (uint32_t lanes = 1;; lanes = std::min(lanes * 2, lane_waves)) {
        set_lanes(m, axis, one, lanes);
        for (uint32_t pixels = 1;; pixels = std::min(pixels * 2, pixel_waves)) {
          set_pixels(m, axis, one, pixels);
          propose_slots(m, divide_up(lane_waves, lanes), divide_up(pixel_waves, pixels));
          if (pixels == pixel_waves) {
            break;
          }
        }
        if (lanes == lane_waves) {
          break;
        }
      }
    }
  }

  void propose_slots(Mapping m, uint64_t lane_tiles, uint64_t pixel_tiles) {
    for (const LoopOrder order : {LoopOrder::kWeightsOuter, LoopOrder::kPixelsOuter}) {
      m.tile_order = order;
      for (const uint32_t slots : {2U, 4U, 8U}) {
        m.input_slots = m.weight_slots = m.output_slots = slots;
        if (!fits(m)) {
          break;
        }
        queue_.push_back(m);
        // Slots for all tiles of the inner loop: they are loaded once.
        const uint64_t inner = order == LoopOrder::kWeightsOuter ? pixel_tiles : lane_tiles;
        const bool inner_is_weights = (order == LoopOrder::kPixelsOuter) != m.swap_operands;
        const bool held = !inner_is_weights || m.bypass == arch::Bypass::kNone;
        if (held && inner > slots && inner < 4096) {
          (inner_is_weights ? m.weight_slots : m.input_slots) = clamp32(inner);
          if (fits(m)) {
            queue_.push_back(m);
          }
        }
      }
    }
  }

  LayerModel& model_;
  const workloads::MacShape mac_;
  const arch::AcceleratorSpec& spec_;
  const Residency residency_;
  Objective objective_;
  std::vector<Mapping> queue_;
  std::size_t at_ = 0;
  bool tiles_proposed_ = false;
  std::vector<std::pair<Mapping, double>> kept_;
};

}  // namespace

std::unique_ptr<SearchStrategy> make_two_stage_search(LayerModel& model, Objective objective) {
  return std::make_unique<TwoStageSearch>(model, objective);
}

}  // namespace tilewright::mappers
