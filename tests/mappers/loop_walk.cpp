// SPDX-License-Identifier: Apache-2.0
#include "tests/mappers/loop_walk.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>

namespace tilewright::mappers::testing {
namespace {

struct Block {
  Range rows, columns, lanes;
};

class LoopWalker {
 public:
  LoopWalker(const Plan& plan) : plan_(plan), m_(plan.mapping), spec_(*plan.spec) {}

  std::array<uint64_t, kActionCount> run() {
    const bool lanes_outer = m_.tile_order == LoopOrder::kWeightsOuter;
    for (uint32_t batch = 0; batch < plan_.batches; ++batch) {
      for (uint32_t outer = 0; outer < (lanes_outer ? plan_.lane_tiles : plan_.pixel_tiles()); ++outer) {
        for (uint32_t inner = 0; inner < (lanes_outer ? plan_.pixel_tiles() : plan_.lane_tiles); ++inner) {
          walk_pass(batch, lanes_outer ? outer : inner, lanes_outer ? inner : outer);
        }
      }
    }
    finish();
    return counts_;
  }

 private:
  // A chunk on its way: which one, and how long it stays.
  using ChunkKey = std::tuple<bool, uint32_t, uint32_t, uint32_t, uint32_t, uint64_t>;
  struct Sent {
    uint64_t bytes = 0;
    std::set<uint32_t> endpoints;
  };

  void add(Action action, uint64_t count) { counts_[static_cast<std::size_t>(action)] += count; }

  template <typename Visit>
  static void blocks_of(Range range, uint32_t step, const Visit& visit) {
    for (uint32_t at = range.begin; at < range.end; at += step) {
      visit(Range{at, std::min(at + step, range.end)});
    }
  }

  void walk_pass(uint32_t batch, uint32_t lane_tile, uint32_t pixel_tile) {
    ++pass_;
    const std::pair lane_now{batch, lane_tile}, stream_now{batch, pixel_tile};
    lane_run_ += lane_now != last_lane_ ? 1 : 0;
    stream_run_ += stream_now != last_stream_ ? 1 : 0;
    last_lane_ = lane_now;
    last_stream_ = stream_now;
    std::vector<Block> pixels;
    std::vector<Range> lanes;
    blocks_of(plan_.row_range(pixel_tile), m_.block_rows, [&](Range rows) {
      blocks_of(plan_.column_range(pixel_tile), m_.block_columns,
                [&](Range columns) { pixels.push_back({rows, columns, {}}); });
    });
    blocks_of(plan_.lane_range(batch, lane_tile), m_.channel_tiles * spec_.pe.lanes,
              [&](Range range) { lanes.push_back(range); });
    const bool outer_lanes = m_.pe_order == LoopOrder::kWeightsOuter;
    const auto lane_rounds = static_cast<uint32_t>(divide_up(lanes.size(), m_.pe_channels));
    const auto pixel_rounds = static_cast<uint32_t>(divide_up(pixels.size(), m_.pe_pixels));
    for (uint32_t o = 0; o < (outer_lanes ? lane_rounds : pixel_rounds); ++o, ++outer_round_) {
      for (uint32_t i = 0; i < (outer_lanes ? pixel_rounds : lane_rounds); ++i, ++round_) {
        walk_round(batch, lane_tile, pixel_tile, lanes, pixels, outer_lanes ? o : i, outer_lanes ? i : o);
      }
    }
    store(batch, lane_tile, pixel_tile);
  }

  void walk_round(uint32_t batch, uint32_t lane_tile, uint32_t pixel_tile, const std::vector<Range>& lanes,
                  const std::vector<Block>& pixels, uint32_t lane_round, uint32_t pixel_round) {
    const Range groups = plan_.group_range(batch);
    for (uint32_t g = 0; g < groups.size(); ++g) {
      for (uint32_t lp = 0; lp < m_.pe_channels; ++lp) {
        for (uint32_t pp = 0; pp < m_.pe_pixels; ++pp) {
          const uint32_t l = lane_round * m_.pe_channels + lp, p = pixel_round * m_.pe_pixels + pp;
          if (l >= lanes.size() || p >= pixels.size()) {
            continue;
          }
          Block block = pixels[p];
          block.lanes = lanes[l];
          const uint32_t e = plan_.endpoint(g, lp, pp);
          for (uint32_t chunk = 0; chunk < plan_.chunks.size(); ++chunk) {
            send_lanes(e, g * m_.pe_channels + lp, l, chunk, block, batch, lane_tile);
            const uint32_t part = plan_.depthwise ? e : g * m_.pe_pixels + pp;
            send_stream(e, part, p, plan_.depthwise ? l : 0, chunk, block, batch, pixel_tile);
            step(block, chunk);
          }
          drain(block);
        }
      }
    }
  }

  uint64_t epoch(Scope scope, uint64_t run) const {
    return scope == Scope::kStep       ? round_
           : scope == Scope::kBlockRun ? outer_round_
           : scope == Scope::kPass     ? pass_
                                       : run;
  }

  static uint64_t channel_tiles(const Block& block, uint64_t lanes) { return divide_up(block.lanes.size(), lanes); }

  void send_lanes(uint32_t e, uint32_t part, uint32_t block_index, uint32_t chunk, const Block& block, uint32_t batch,
                  uint32_t lane_tile) {
    Sent& sent = sent_[{true, part, block_index, 0, chunk, epoch(plan_.lane.scope, lane_run_)}];
    sent.endpoints.insert(e);
    sent.bytes = channel_tiles(block, spec_.pe.lanes) * spec_.pe.lanes * plan_.chunks[chunk].vectors *
                 spec_.pe.vector_size * plan_.tap_pixels;
    if (m_.bypass == arch::Bypass::kNone) {
      hold(plan_.lane, batch, lane_tile, plan_.lane_tiles);
    }
  }

  // Distinct input positions along one axis, tap by tap.
  static std::set<uint32_t> reached(Range outputs, Range taps, uint32_t stride, uint32_t padding, uint32_t extent) {
    std::set<uint32_t> positions;
    for (uint32_t output = outputs.begin; output < outputs.end; ++output) {
      for (uint32_t tap = taps.begin; tap < taps.end; ++tap) {
        const int64_t at = int64_t{output} * stride + tap - padding;
        if (at >= 0 && at < int64_t{extent}) {
          positions.insert(static_cast<uint32_t>(at));
        }
      }
    }
    return positions;
  }

  // Positions between the first and the last reached are fetched too where kernels are as wide as the stride.
  uint64_t stream_bytes(const Block& block, uint32_t chunk) const {
    const ReductionChunk& c = plan_.chunks[chunk];
    const uint64_t v = spec_.pe.vector_size;
    const auto rows = reached(block.rows, {c.row0, c.row1}, plan_.stride, plan_.padding, plan_.input_height);
    const auto columns = reached(block.columns, {0, plan_.kernel_width}, plan_.stride, plan_.padding, plan_.input_width);
    const uint64_t pixels = uint64_t{block.rows.size()} * block.columns.size();
    if (rows.empty() || columns.empty()) {
      return 0;
    }
    switch (m_.packing) {
      case Packing::kIm2col:
        return pixels * round_up(uint64_t{plan_.kernel_height} * plan_.kernel_width * plan_.channels, v);
      case Packing::kRow:
        return pixels * (c.row1 - c.row0) * round_up(uint64_t{plan_.kernel_width} * plan_.channels, v);
      case Packing::kTapPair:
        return rows.size() * divide_up(columns.size(), plan_.tap_pixels) * v * channel_tiles(block, spec_.pe.lanes);
      case Packing::kUnpacked:
        break;
    }
    return rows.size() * columns.size() * round_up(c.channel1 - c.channel0, v);
  }

  void send_stream(uint32_t e, uint32_t part, uint32_t block_index, uint32_t slice, uint32_t chunk, const Block& block,
                   uint32_t batch, uint32_t pixel_tile) {
    const uint64_t bytes = stream_bytes(block, chunk);
    if (bytes == 0) {
      return;
    }
    Sent& sent = sent_[{false, part, block_index, slice, chunk, epoch(plan_.stream.scope, stream_run_)}];
    sent.endpoints.insert(e);
    sent.bytes = bytes;
    hold(plan_.stream, batch, pixel_tile, plan_.pixel_tiles());
  }

  // One vector operation after the other.
  void step(const Block& block, uint32_t chunk) {
    const ReductionChunk& c = plan_.chunks[chunk];
    const uint64_t lanes = spec_.pe.lanes, v = spec_.pe.vector_size;
    const uint64_t tiles = channel_tiles(block, lanes);
    const uint64_t pixels = uint64_t{block.rows.size()} * block.columns.size();
    uint64_t macs = 0;
    for (uint64_t lane = 0; lane < block.lanes.size(); ++lane) {
      for (uint64_t pixel = 0; pixel < pixels; ++pixel) {
        for (uint32_t row = c.row0; row < c.row1; ++row) {
          for (uint32_t tap = 0; tap < plan_.kernel_width; ++tap) {
            macs += c.channel1 - c.channel0;
          }
        }
      }
    }
    for (uint64_t tile = 0; tile < tiles; ++tile) {
      for (uint64_t vector = 0; vector < c.vectors; ++vector) {
        const bool every = m_.dataflow == arch::Dataflow::kOs;
        add(Action::kWeightBufferRead, (every ? pixels : 1) * lanes * v);
        for (uint64_t pixel = 0; pixel < pixels; ++pixel) {
          add(Action::kInputBufferRead, v);
          add(Action::kMacIdleLane, lanes * v);  // the useful ones are taken off below
          add(Action::kWeightCollectorRead, every ? 0 : lanes * v);
          const bool updates = m_.dataflow == arch::Dataflow::kOs ? vector == 0
                               : m_.dataflow == arch::Dataflow::kWsLos
                                   ? vector % spec_.pe.weight_collector_entries == 0
                                   : true;
          add(Action::kAccumulatorUpdate, updates ? lanes : 0);
        }
      }
    }
    add(Action::kMac, macs);
    counts_[static_cast<std::size_t>(Action::kMacIdleLane)] -= macs;
  }

  void drain(const Block& block) {
    const uint64_t pixels = uint64_t{block.rows.size()} * block.columns.size();
    const uint64_t bytes = pixels * block.lanes.size();
    add(Action::kAccumulatorRead, pixels * channel_tiles(block, spec_.pe.lanes) * spec_.pe.lanes);
    for (const Action action : {Action::kPpuValue, Action::kOutputBufferWrite, Action::kOutputBufferRead,
                                Action::kNocCollected, Action::kGlobalBufferWrite, Action::kNocLinkBytes,
                                Action::kNocLinkBytes}) {
      add(action, bytes);
    }
  }

  // ---- DRAM: the bytes of a tile, one by one.

  void hold(const Side& side, uint32_t batch, uint32_t tile, uint32_t tiles) {
    if (side.resident) {
      return;
    }
    std::deque<uint64_t>& held = held_[static_cast<std::size_t>(side.role)];
    const uint64_t key = uint64_t{batch} * tiles + tile;
    if (std::find(held.begin(), held.end(), key) != held.end()) {
      return;
    }
    held.push_back(key);
    if (held.size() > side.slots) {
      held.pop_front();
    }
    move(side.role == TileRole::kInput ? input_addresses(batch, tile) : weight_addresses(batch, tile), false);
  }

  void store(uint32_t batch, uint32_t lane_tile, uint32_t pixel_tile) {
    if (plan_.output_resident) {
      return;
    }
    std::vector<std::set<uint64_t>> addresses(1);
    const Range lanes = plan_.lane_range(batch, lane_tile), columns = plan_.column_range(pixel_tile);
    const uint64_t width = m_.swap_operands ? plan_.lane_extent : plan_.columns;
    const uint64_t channels = m_.swap_operands ? plan_.columns : plan_.lane_extent;
    const Range across = m_.swap_operands ? lanes : columns, deep = m_.swap_operands ? columns : lanes;
    const Range rows = plan_.row_range(pixel_tile), groups = plan_.group_range(batch);
    for (uint64_t y = rows.begin; y < rows.end; ++y) {
      for (uint64_t x = across.begin; x < across.end; ++x) {
        for (uint64_t g = groups.begin; g < groups.end; ++g) {
          for (uint64_t c = deep.begin; c < deep.end; ++c) {
            addresses[0].insert(plan_.output_base + ((y * width + x) * plan_.groups + g) * channels + c);
          }
        }
      }
    }
    move(addresses, true);
  }

  std::vector<std::set<uint64_t>> input_addresses(uint32_t batch, uint32_t tile) const {
    std::vector<std::set<uint64_t>> addresses(1);
    const Range groups = plan_.group_range(batch);
    const Range lanes = plan_.lane_range(batch, 0);
    const auto positions = [&](Range outputs, uint32_t kernel, uint32_t extent) {
      std::vector<uint32_t> all;
      const auto some = reached(outputs, {0, kernel}, plan_.stride, plan_.padding, extent);
      if (plan_.skips_pixels) {
        all.assign(some.begin(), some.end());
        return all;
      }
      const int64_t first = int64_t{outputs.begin} * plan_.stride - plan_.padding;
      const int64_t last = (int64_t{outputs.end} - 1) * plan_.stride + kernel - plan_.padding;
      for (int64_t at = std::max<int64_t>(first, 0); at < std::min<int64_t>(last, extent); ++at) {
        all.push_back(static_cast<uint32_t>(at));
      }
      return all;
    };
    std::vector<uint32_t> rows{0}, columns;
    uint64_t width = plan_.input_width;
    if (m_.swap_operands) {
      const Range range = plan_.lane_range(batch, tile);
      for (uint32_t at = range.begin; at < range.end; ++at) {
        columns.push_back(at);
      }
      width = plan_.lane_extent;
    } else {
      rows = positions(plan_.row_range(tile), plan_.kernel_height, plan_.input_height);
      columns = positions(plan_.column_range(tile), plan_.kernel_width, plan_.input_width);
    }
    const uint64_t pixel = plan_.depthwise ? plan_.lane_extent : uint64_t{plan_.groups} * plan_.channels;
    const uint64_t begin = plan_.depthwise ? lanes.begin : uint64_t{groups.begin} * plan_.channels;
    const uint64_t end = plan_.depthwise ? lanes.end : uint64_t{groups.end} * plan_.channels;
    for (const uint64_t y : rows) {
      for (const uint64_t x : columns) {
        for (uint64_t c = begin; c < end; ++c) {
          addresses[0].insert(plan_.input_base + (y * width + x) * pixel + c);
        }
      }
    }
    return addresses;
  }

  // A convolution's groups are asked for one after the other, even where they happen to be neighbours.
  std::vector<std::set<uint64_t>> weight_addresses(uint32_t batch, uint32_t tile) const {
    std::vector<std::set<uint64_t>> addresses;
    const Range groups = plan_.group_range(batch);
    const Range outputs = m_.swap_operands ? plan_.column_range(tile) : plan_.lane_range(batch, tile);
    const uint64_t row = uint64_t{plan_.kernel_height} * plan_.kernel_width * plan_.channels;
    for (uint64_t g = groups.begin; g < groups.end; ++g) {
      if (addresses.empty() || !plan_.shape.weights_are_activations) {
        addresses.emplace_back();
      }
      for (uint64_t k = outputs.begin; k < outputs.end; ++k) {
        const uint64_t line = plan_.depthwise                        ? k
                              : plan_.shape.weights_are_activations ? k * plan_.groups + g
                                                                    : g * plan_.shape.output_channels + k;
        for (uint64_t byte = 0; byte < row; ++byte) {
          addresses.back().insert(plan_.weight_base + line * row + byte);
        }
      }
    }
    return addresses;
  }

  // Every stretch of neighbouring bytes touches whole bursts of its own.
  void move(const std::vector<std::set<uint64_t>>& pieces, bool write) {
    const uint64_t burst = spec_.dram.burst_bytes.value;
    for (const std::set<uint64_t>& addresses : pieces) {
      add(write ? Action::kGlobalBufferRead : Action::kGlobalBufferWrite, addresses.size());
      uint64_t last = UINT64_MAX - 1;
      for (const uint64_t address : addresses) {
        if (address != last + 1 || address / burst != last / burst) {
          add(write ? Action::kDramWriteBytes : Action::kDramReadBytes, burst);
        }
        last = address;
      }
    }
  }

  void finish() {
    const auto per_row = static_cast<uint32_t>(divide_up(spec_.pe_count, spec_.noc.rows));
    for (const auto& [key, sent] : sent_) {
      std::set<uint32_t> rows;
      for (const uint32_t e : sent.endpoints) {
        rows.insert(e / per_row);
      }
      const uint64_t copies = sent.bytes * sent.endpoints.size();
      if (m_.bypass == arch::Bypass::kWeights && std::get<0>(key)) {  // burst after burst, every time it is sent
        for (uint64_t at = 0; at < sent.bytes; at += spec_.dram.burst_bytes.value) {
          add(Action::kDramReadBytes, spec_.dram.burst_bytes.value);
        }
      } else {
        add(Action::kGlobalBufferRead, sent.bytes);
      }
      add(Action::kNocInjected, sent.bytes);
      add(Action::kNocDelivered, copies);
      add(Action::kNocLinkBytes, copies + sent.bytes * rows.size());
      add(std::get<0>(key) ? Action::kWeightBufferWrite : Action::kInputBufferWrite, copies);
    }
  }

  const Plan& plan_;
  const Mapping& m_;
  const arch::AcceleratorSpec& spec_;
  std::array<uint64_t, kActionCount> counts_{};
  std::map<ChunkKey, Sent> sent_;
  std::deque<uint64_t> held_[kTileRoles];
  uint64_t pass_ = 0, lane_run_ = 0, stream_run_ = 0, round_ = 0, outer_round_ = 0;
  std::pair<uint32_t, uint32_t> last_lane_{UINT32_MAX, 0}, last_stream_{UINT32_MAX, 0};
};

}  // namespace

std::array<uint64_t, kActionCount> walk_loops(const workloads::Layer& layer, const Mapping& mapping,
                                              const arch::AcceleratorSpec& spec, const Residency& residency) {
  const Plan plan(layer, mapping, spec, residency);
  return LoopWalker(plan).run();
}

}  // namespace tilewright::mappers::testing
