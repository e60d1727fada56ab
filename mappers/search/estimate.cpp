// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/estimate.h"

#include <algorithm>
#include <cmath>

#include "mappers/lower/addresses.h"
#include "mappers/search/dram_use.h"

namespace tilewright::mappers {
namespace {

constexpr double kPathLatency =
    40;  // cycles from a DMA request to its first byte and back, beside the DRAM's own

// Extents of an axis cut into tiles: all but the last are alike.
struct Axis {
  uint32_t tile = 1, tiles = 1, last = 1;
  uint32_t size(bool is_last) const { return is_last ? last : tile; }
  uint32_t count(bool is_last) const { return is_last ? 1 : tiles - 1; }
};
Axis cut(uint32_t extent, uint32_t tile) {
  const auto tiles = static_cast<uint32_t>(divide_up(extent, tile));
  return {tile, tiles, extent - (tiles - 1) * tile};
}

class Estimator {
 public:
  explicit Estimator(const Plan& plan) : plan_(plan), m_(plan.mapping), spec_(*plan.spec) {
    lanes_ = cut(plan.lane_extent, m_.tile_channels);
    rows_ = cut(plan.rows, m_.tile_rows);
    columns_ = cut(plan.columns, m_.tile_columns);
    for (const ReductionChunk& chunk : plan.chunks) {
      vectors_ += chunk.vectors;
    }
  }

  CostEstimate run() {
    cost_.macs = plan_.shape.macs();
    count_lane_blocks();
    count_pixel_blocks();
    count_compute();
    count_network();
    count_dram();
    count_fill_and_drain();
    count_refill();
    return cost_;
  }

 private:
  uint32_t lanes_per_block() const { return m_.channel_tiles * spec_.pe.lanes; }

  // Over all lane tiles of a batch (depthwise: over all batches): the first part's share, blocks, rounds.
  void count_lane_blocks() {
    for (const bool last : {false, true}) {
      const uint64_t tiles = lanes_.count(last);
      const uint32_t size = lanes_.size(last);
      const uint64_t blocks = divide_up(size, lanes_per_block());
      const uint64_t rounds = divide_up(blocks, m_.pe_channels);
      const uint64_t channel_tiles = divide_up(size, spec_.pe.lanes);
      const bool first_has_last = (blocks - 1) % m_.pe_channels == 0;
      const uint64_t missing = blocks * m_.channel_tiles - channel_tiles;
      lane_rounds_ += tiles * rounds;
      lane_blocks_ += tiles * blocks;
      first_part_tiles_ += tiles * (rounds * m_.channel_tiles - (first_has_last ? missing : 0));
      all_tiles_ += tiles * channel_tiles;
    }
  }

  // Over all pixel tiles: the first part's pixels, rounds.
  void count_pixel_blocks() {
    for (const bool last_row : {false, true}) {
      for (const bool last_column : {false, true}) {
        const uint64_t tiles = uint64_t{rows_.count(last_row)} * columns_.count(last_column);
        if (tiles == 0) {
          continue;
        }
        const uint32_t height = rows_.size(last_row), width = columns_.size(last_column);
        const uint64_t across = divide_up(width, m_.block_columns);
        const uint64_t blocks = divide_up(height, m_.block_rows) * across;
        pixel_rounds_ += tiles * divide_up(blocks, m_.pe_pixels);
        pixel_blocks_ += tiles * blocks;
        uint64_t pixels = 0;
        for (uint64_t block = 0; block < blocks; block += m_.pe_pixels) {
          const uint64_t top = block / across * m_.block_rows, left = block % across * m_.block_columns;
          pixels += std::min<uint64_t>(m_.block_rows, height - top) *
                    std::min<uint64_t>(m_.block_columns, width - left);
        }
        first_part_pixels_ += tiles * pixels;
      }
    }
  }

  void count_compute() {
    const double batches = plan_.depthwise ? 1 : plan_.batches;
    cost_.compute = batches * double(first_part_tiles_) * double(first_part_pixels_) * double(vectors_);
    const double values = double(plan_.groups) * double(plan_.lane_extent) * plan_.rows * plan_.columns;
    cost_.output_bytes = static_cast<uint64_t>(values);
    cost_.output_ports = batches * double(first_part_tiles_) * double(first_part_pixels_) +
                         values / used_pes() / spec_.noc.collect_bytes_per_cycle;
    cost_.collect_links = values / used_rows() / spec_.noc.collect_bytes_per_cycle;
    // A weight vector serves the pixels of its block; output stationary reads one every cycle.
    const double held = m_.dataflow == arch::Dataflow::kOs ? 1.0 : double(m_.block_rows) * m_.block_columns;
    cost_.weight_read_bytes = cost_.compute * used_pes() / held * spec_.pe.lanes * spec_.pe.vector_size;
    const double sharing = plan_.depthwise ? 1 : plan_.groups;
    cost_.steps = static_cast<uint64_t>(sharing * double(lane_blocks_) * double(pixel_blocks_) *
                                        double(plan_.chunks.size()));
  }

  double used_pes() const { return double(m_.pe_groups) * m_.pe_channels * m_.pe_pixels; }
  double pes_per_row() const { return double(divide_up(spec_.pe_count, spec_.noc.rows)); }
  double used_rows() const { return std::ceil(used_pes() / pes_per_row()); }

  // Row links that one multicast of a side crosses when it reaches the first `used` of its `parts` PEs, on
  // average over the multicast groups of one PE group and over PE groups.
  double rows_per_multicast(uint32_t parts, uint32_t groups, bool adjacent, uint64_t used) const {
    const auto per_row = static_cast<uint32_t>(pes_per_row());
    const uint32_t stride = adjacent ? 1 : groups;
    uint64_t rows = 0;
    for (uint32_t pe_group = 0; pe_group < m_.pe_groups; ++pe_group) {
      for (uint32_t group = 0; group < groups; ++group) {
        const uint32_t first = pe_group * parts * groups + (adjacent ? group * parts : group);
        uint32_t last_row = UINT32_MAX;
        for (uint32_t part = 0; part < std::min<uint64_t>(parts, used); ++part) {
          const uint32_t row = (first + part * stride) / per_row;
          rows += row != last_row ? 1 : 0;
          last_row = row;
        }
      }
    }
    return double(rows) / groups / m_.pe_groups;
  }

  // Bytes of every stream chunk of one walk over all pixel blocks, as they lie in the PE buffers.
  double stream_bytes_once() const {
    if (m_.packing == Packing::kIm2col || m_.packing == Packing::kRow ||
        (plan_.kernel_height == 1 && plan_.padding == 0)) {
      const double per_pixel = double(plan_.stream.set_bytes) / (double(m_.block_rows) * m_.block_columns);
      return per_pixel * plan_.rows * plan_.columns;
    }
    double columns = 0;
    for_each_block(columns_, m_.block_columns, [&](Range block) {
      const uint32_t count =
          Plan::input_count(block, {0, plan_.kernel_width}, plan_.stride, plan_.padding, plan_.input_width);
      columns += plan_.depthwise ? double(divide_up(count, plan_.tap_pixels)) : double(count);
    });
    double rows = 0;
    for_each_block(rows_, m_.block_rows, [&](Range block) {
      for (const ReductionChunk& chunk : plan_.chunks) {
        const double count = Plan::input_count(block, {chunk.row0, chunk.row1}, plan_.stride, plan_.padding,
                                               plan_.input_height);
        rows += count * double(round_up(chunk.channel1 - chunk.channel0, spec_.pe.vector_size));
      }
    });
    return rows * columns;  // depthwise: of one channel tile
  }

  template <typename Visit>
  static void for_each_block(const Axis& axis, uint32_t block, const Visit& visit) {
    for (uint32_t tile = 0; tile < axis.tiles; ++tile) {
      const uint32_t begin = tile * axis.tile;
      const uint32_t end = begin + axis.size(tile + 1 == axis.tiles);
      for (uint32_t at = begin; at < end; at += block) {
        visit({at, std::min(at + block, end)});
      }
    }
  }

  // How often a side's whole tensor is sent: once per round of the other side's blocks, or less where it is
  // kept.
  static double walks(const Side& side, double other_rounds, double other_tiles) {
    switch (side.scope) {
      case Scope::kStep:
        return other_rounds;
      case Scope::kBlockRun:
      case Scope::kPass:
        return other_tiles;
      case Scope::kTileRun:
        return other_tiles / side.run_length;
    }
    return other_rounds;
  }

  void count_network() {
    const double link = spec_.noc.link_bytes_per_cycle;
    const double stream_once = stream_bytes_once() * (plan_.depthwise ? double(all_tiles_) : plan_.groups);
    const double lane_once =
        double(all_tiles_) * double(plan_.lane.set_bytes) / m_.channel_tiles * plan_.groups;
    const double stream = plan_.depthwise
                              ? stream_once
                              : stream_once * walks(plan_.stream, double(lane_rounds_), plan_.lane_tiles);
    const double lane = lane_once * walks(plan_.lane, double(pixel_rounds_), plan_.pixel_tiles());
    const bool adjacent = plan_.lane_parts_adjacent;
    // A bound must not count PEs that the last, partial tile leaves idle.
    const uint64_t least_lane_blocks = divide_up(lanes_.last, lanes_per_block());
    const uint64_t least_pixel_blocks =
        divide_up(rows_.last, m_.block_rows) * divide_up(columns_.last, m_.block_columns);
    const auto links = [&](uint64_t lane_parts, uint64_t pixel_parts) {
      const double stream_rows =
          plan_.depthwise ? 1 : rows_per_multicast(m_.pe_channels, m_.pe_pixels, adjacent, lane_parts);
      const double lane_rows = rows_per_multicast(m_.pe_pixels, m_.pe_channels, !adjacent, pixel_parts);
      return (stream * stream_rows + lane * lane_rows) / used_rows() / link;
    };
    cost_.row_links = links(m_.pe_channels, m_.pe_pixels);
    // Nor chunks that hold nothing but padding, which are not sent.
    cost_.row_links_bound = plan_.padding > 0 ? 0 : links(least_lane_blocks, least_pixel_blocks);
    cost_.injected_bytes = static_cast<uint64_t>(stream + lane);
    cost_.delivered_bytes =
        static_cast<uint64_t>(stream * (plan_.depthwise ? 1 : m_.pe_channels) + lane * m_.pe_pixels);
    cost_.banks = (stream + lane) / link + double(cost_.output_bytes) / spec_.noc.collect_bytes_per_cycle;
  }

  // A side in the inner loop is loaded again for every tile of the outer one, unless all of it has slots.
  double loads(const Side& side, bool inner, double outer_tiles) const {
    if (side.resident) {
      return 0;
    }
    return inner && side.tiles > side.slots && side.tiles > 1 ? outer_tiles : 1;
  }

  // Input positions fetched along one axis, over all its tiles.
  double fetched(const Axis& axis, uint32_t kernel, uint32_t extent) const {
    double sum = 0;
    for (uint32_t tile = 0; tile < axis.tiles; ++tile) {
      const Range outputs{tile * axis.tile, tile * axis.tile + axis.size(tile + 1 == axis.tiles)};
      const auto [first, last] = Plan::input_span(outputs, {0, kernel}, plan_.stride, plan_.padding);
      sum +=
          plan_.skips_pixels
              ? double(outputs.size())
              : double(std::max<int64_t>(0, std::min<int64_t>(last, extent) - std::max<int64_t>(first, 0)));
    }
    return sum;
  }

  void count_dram() {
    const bool lanes_outer = m_.tile_order == LoopOrder::kWeightsOuter;
    const double depth = plan_.depthwise ? plan_.lane_extent : double(plan_.channels) * plan_.groups;
    const bool whole = plan_.kernel_height == 1 && plan_.stride == 1 && plan_.padding == 0;
    const double stream_once = whole ? double(plan_.rows) * plan_.columns * depth
                                     : fetched(rows_, plan_.kernel_height, plan_.input_height) *
                                           fetched(columns_, plan_.kernel_width, plan_.input_width) * depth;
    const double lane_once =
        double(plan_.lane_extent) * plan_.kernel_height * plan_.kernel_width * plan_.channels * plan_.groups;
    const double stream_loads = loads(plan_.stream, lanes_outer, plan_.lane_tiles);
    const double lane_loads = loads(plan_.lane, !lanes_outer, plan_.pixel_tiles());
    const bool stream_is_input = plan_.stream.role == TileRole::kInput;
    const DramUse stream = use_of(stream_once * stream_loads,
                                  stream_is_input ? input_box(plan_, 0, 0) : weight_box(plan_, 0, 0));
    const DramUse lane =
        use_of(lane_once * lane_loads, stream_is_input ? weight_box(plan_, 0, 0) : input_box(plan_, 0, 0));
    const DramUse output =
        use_of(plan_.output_resident ? 0 : double(cost_.output_bytes), output_box(plan_, 0, 0, 0));
    const double read = stream.bytes + lane.bytes;
    const double rate = dram_bytes_per_cycle(spec_);
    cost_.dram_read_bytes = static_cast<uint64_t>(read);
    cost_.dram_write_bytes = static_cast<uint64_t>(output.bytes);
    cost_.dram = (stream.burst_bytes + lane.burst_bytes + output.burst_bytes) / rate;
    cost_.dram_strided = (stream.strided_bytes + lane.strided_bytes + output.strided_bytes) / rate;
    const double dma = double(spec_.dma.ports) * spec_.dma.bytes_per_cycle;
    cost_.dma = std::max(
        {read / dma, output.bytes / dma, stream.transactions + lane.transactions, output.transactions});
    cost_.banks =
        (cost_.banks + (read + output.bytes) / spec_.dma.bytes_per_cycle) / spec_.global_buffer.banks;
    count_slot_cycles(stream, stream_loads, lane, lane_loads, output);
    const double batches = plan_.batches;
    if (lanes_outer) {
      count_phases(stream, stream_loads, lane, output, plan_.lane_tiles * batches);
    } else {
      count_phases(lane, lane_loads, stream, output, plan_.pixel_tiles() * batches);
    }
    if (batches > 1) {
      cost_.phases = 0;  // every batch brings its own
    }
  }

  // The last tile's pieces may be of another size: only like tiles are rounded in a bound.
  DramUse use_of(double bytes, const TileBox& first) const {
    return dram_use(spec_, bytes, first.bytes == 0 ? nullptr : &first.dram,
                    lanes_.tiles == 1 || lanes_.last == lanes_.tile);
  }

  // A slot is loaded, used, freed and loaded again: with few slots and short tiles the latency of the DRAM
  // shows.
  void count_slot_cycles(const DramUse& stream, double stream_loads, const DramUse& lane, double lane_loads,
                         const DramUse& output) {
    const double rate = dram_bytes_per_cycle(spec_);
    const double latency = double(spec_.dram.read_latency + spec_.dram.t_rcd) *
                               double(spec_.operating_point.clock.value) /
                               std::max(1.0, double(spec_.dram.command_clock.value)) +
                           kPathLatency;
    const auto cycle = [&](const Side& side, const DramUse& traffic, double times, double used) {
      if (traffic.bytes == 0) {
        return 0.0;
      }
      const double tiles = double(side.tiles) * plan_.batches * times;
      const double load = traffic.strided_bytes / tiles / rate;
      return side.slots < 2 ? tiles * (latency + load) + used : tiles * (latency + load) / (side.slots - 1);
    };
    cost_.slot_cycle =
        std::max({cycle(plan_.stream, stream, stream_loads, cost_.compute),
                  cycle(plan_.lane, lane, lane_loads, cost_.compute), output_slot_cycle(output)});
  }

  // An output slot is taken from the first drain into it until its tile is stored.
  double output_slot_cycle(const DramUse& output) const {
    if (output.bytes == 0) {
      return 0;
    }
    const double passes = double(plan_.batches) * plan_.lane_tiles * plan_.pixel_tiles();
    const double rounds = double(lane_rounds_) / lanes_.tiles * double(pixel_rounds_) / plan_.pixel_tiles();
    const double filling = cost_.compute / passes * (1 - 1 / std::max(1.0, rounds));
    const double collecting = cost_.collect_links / passes / std::max(1.0, rounds);
    const double storing =
        std::max(output.strided_bytes / dram_bytes_per_cycle(spec_), output.transactions) / passes;
    const uint32_t slots = plan_.classes[static_cast<std::size_t>(TileRole::kOutput)].slots;
    return passes * (filling + collecting + storing + kPathLatency) / slots;
  }

  // Where the inner loop's tensor is kept, it is all loaded during the first walk over it: that walk may be
  // bound by the DRAM and all later ones by the array.
  void count_phases(const DramUse& inner, double inner_loads, const DramUse& outer, const DramUse& output,
                    double walks) {
    const double rate = dram_bytes_per_cycle(spec_);
    const double work = std::max({cost_.compute, cost_.row_links, cost_.collect_links}) / walks;
    const double rest =
        (outer.strided_bytes + output.strided_bytes + (inner_loads > 1 ? inner.strided_bytes : 0)) / walks /
        rate;
    const double once = inner_loads > 1 ? 0 : inner.strided_bytes / rate;
    cost_.phases = std::max(work, once + rest) + (walks - 1) * std::max(work, rest);
  }

  void count_fill_and_drain() {
    const double rate =
        std::min(dram_bytes_per_cycle(spec_), double(spec_.dma.ports) * spec_.dma.bytes_per_cycle);
    const double lane = plan_.lane.resident ? 0 : double(plan_.lane_tile_bytes(0, 0)) / rate;
    const double stream = plan_.stream.resident ? 0 : double(plan_.stream_tile_bytes(0, 0)) / rate;
    cost_.fill = lane + stream;
    // The first step of a padded layer may lie in the padding and need no input.
    cost_.fill_bound = lane + (plan_.padding == 0 ? stream : 0);
    cost_.link_fill = lane;
    const double last = double(rows_.last) * columns_.last * lanes_.last;
    cost_.drain = plan_.output_resident ? 0 : last / rate;
  }

  // A buffer whose contents are exchanged can take the next only as the last are freed, chunk by chunk,
  // during the last walk over them. What does not arrive in that time is waited for.
  void count_refill() {
    const double link = spec_.noc.link_bytes_per_cycle;
    const double block = double(m_.block_rows) * m_.block_columns * m_.channel_tiles * double(vectors_);
    const bool lanes_outer = m_.pe_order == LoopOrder::kWeightsOuter;
    const auto wait = [&](const Side& side, double sets, double exchanges, double sharing, double room) {
      if (side.scope == Scope::kStep) {
        return 0.0;
      }
      const double held = side.scope == Scope::kBlockRun ? 1 : sets;
      const double bytes = held * double(side.set_bytes);
      const double arrives = std::min(bytes, std::max(0.0, room - bytes)) * sharing / link;
      const double first = std::max(0.0, bytes * sharing / link - held * block);
      return first +
             std::max(0.0, bytes * sharing / link - arrives - held * block) * std::max(0.0, exchanges - 1);
    };
    const double passes = double(plan_.batches) * plan_.lane_tiles * plan_.pixel_tiles();
    const double lane_sets = double(lane_rounds_) / lanes_.tiles;
    const double stream_sets = double(pixel_rounds_) / plan_.pixel_tiles();
    const double per_row = std::min(pes_per_row(), used_pes());
    const bool adjacent = plan_.lane_parts_adjacent;
    const double lane_sharing =
        adjacent ? std::min<double>(per_row, m_.pe_channels) : std::max(1.0, per_row / m_.pe_pixels);
    const double stream_sharing =
        adjacent ? std::max(1.0, per_row / m_.pe_channels) : std::min<double>(per_row, m_.pe_pixels);
    const auto exchanges = [&](const Side& side, double sets, bool outer) {
      const double runs = side.scope == Scope::kTileRun ? passes / side.run_length : passes;
      return outer && side.scope == Scope::kBlockRun ? runs * sets : runs;
    };
    cost_.refill = wait(plan_.lane, lane_sets, exchanges(plan_.lane, lane_sets, lanes_outer), lane_sharing,
                        double(spec_.pe.weight_buffer.value)) +
                   wait(plan_.stream, stream_sets, exchanges(plan_.stream, stream_sets, !lanes_outer),
                        stream_sharing, double(spec_.pe.input_buffer.value));
  }

  const Plan& plan_;
  const Mapping& m_;
  const arch::AcceleratorSpec& spec_;
  Axis lanes_, rows_, columns_;
  uint64_t vectors_ = 0;
  uint64_t lane_rounds_ = 0, lane_blocks_ = 0, first_part_tiles_ = 0, all_tiles_ = 0;
  uint64_t pixel_rounds_ = 0, pixel_blocks_ = 0, first_part_pixels_ = 0;
  CostEstimate cost_;
};

}  // namespace

CostEstimate estimate(const Plan& plan) {
  return Estimator(plan).run();
}

}  // namespace tilewright::mappers
