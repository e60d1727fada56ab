// SPDX-License-Identifier: Apache-2.0
#include "mappers/lower/lower_array.h"

#include <algorithm>

#include "mappers/lower/chunk_streams.h"
#include "mappers/lower/coordinates.h"
#include "mappers/lower/tile_streams.h"

namespace tilewright::mappers {
namespace {

// Output pixels, or output channels, of one block.
struct PixelBlock {
  Range rows, columns;
  uint32_t pixels() const { return rows.size() * columns.size(); }
};
struct LaneBlock {
  Range lanes;
  uint32_t channel_tiles = 0;
};

std::vector<uint32_t> feeders(const Plan& plan, uint32_t groups, uint32_t first_sender) {
  std::vector<uint32_t> result(groups);
  for (uint32_t g = 0; g < groups; ++g) {
    result[g] = first_sender + plan.sender(g, groups);
  }
  return result;
}

std::size_t lane_keys(const Plan& plan) {
  return std::size_t{plan.lane_blocks(plan.mapping.tile_channels)} * plan.chunks.size();
}
std::size_t stream_keys(const Plan& plan) {
  return divide_up(plan.mapping.tile_rows, plan.mapping.block_rows) *
         divide_up(plan.mapping.tile_columns, plan.mapping.block_columns) * plan.chunks.size();
}

// One pass: a lane tile times a pixel tile of one batch of groups.
struct Pass {
  uint32_t batch = 0, lane_tile = 0, pixel_tile = 0;
  uint64_t index = 0;
  uint64_t lane_run = 0,
           stream_run = 0;  // runs of consecutive passes over one tile, counted through the layer
  Range groups;
  std::vector<LaneBlock> lane_blocks;
  std::vector<PixelBlock> pixel_blocks;
  uint32_t lane_tile_id = kNone, stream_tile_id = kNone, output_tile_id = kNone;
};

class ArrayLowering {
 public:
  ArrayLowering(const Plan& plan, bool with_coordinates)
      : plan_(plan),
        with_coordinates_(with_coordinates),
        tiles_(program_, with_coordinates),
        lane_chunks_(prepare(), Buffet::kWeight, feeders(plan, plan.lane_groups(), plan.spec->noc.rows),
                     lane_keys(plan)),
        stream_chunks_(program_, Buffet::kInput, feeders(plan, plan.stream_groups(), 0), stream_keys(plan)) {}

  TileProgram run(uint64_t macs) {
    program_.macs = macs;
    for (uint32_t batch = 0; batch < plan_.batches; ++batch) {
      const bool lanes_outer = plan_.mapping.tile_order == LoopOrder::kWeightsOuter;
      const uint32_t outer = lanes_outer ? plan_.lane_tiles : plan_.pixel_tiles();
      const uint32_t inner = lanes_outer ? plan_.pixel_tiles() : plan_.lane_tiles;
      for (uint32_t o = 0; o < outer; ++o) {
        for (uint32_t i = 0; i < inner; ++i) {
          begin_pass(batch, lanes_outer ? o : i, lanes_outer ? i : o);
          write_pass();
        }
      }
    }
    number_chunks();
    return std::move(program_);
  }

 private:
  // The streams need the program's vectors in place before they are built.
  TileProgram& prepare() {
    program_.endpoints = plan_.spec->pe_count + 1;
    program_.senders.resize(std::size_t{plan_.spec->noc.rows} * 2);
    program_.steps.resize(program_.endpoints);
    std::copy(std::begin(plan_.classes), std::end(plan_.classes), std::begin(program_.classes));
    program_.dataflow = plan_.mapping.dataflow;
    return program_;
  }

  void begin_pass(uint32_t batch, uint32_t lane_tile, uint32_t pixel_tile) {
    const bool first = pass_.index == 0;
    const bool new_batch = first || batch != pass_.batch;
    pass_.lane_run += new_batch || lane_tile != pass_.lane_tile ? 1 : 0;
    pass_.stream_run += new_batch || pixel_tile != pass_.pixel_tile ? 1 : 0;
    ++pass_.index;
    pass_.batch = batch;
    pass_.lane_tile = lane_tile;
    pass_.pixel_tile = pixel_tile;
    pass_.groups = plan_.group_range(batch);
    pass_.lane_tile_id = pass_.stream_tile_id = pass_.output_tile_id = kNone;
    cut_blocks();
  }

  void cut_blocks() {
    const Mapping& m = plan_.mapping;
    const Range lanes = plan_.lane_range(pass_.batch, pass_.lane_tile);
    const uint32_t lane_step = m.channel_tiles * plan_.spec->pe.lanes;
    pass_.lane_blocks.clear();
    for (uint32_t l = lanes.begin; l < lanes.end; l += lane_step) {
      const Range block{l, std::min(l + lane_step, lanes.end)};
      pass_.lane_blocks.push_back(
          {block, static_cast<uint32_t>(divide_up(block.size(), plan_.spec->pe.lanes))});
    }
    const Range rows = plan_.row_range(pass_.pixel_tile);
    const Range columns = plan_.column_range(pass_.pixel_tile);
    pass_.pixel_blocks.clear();
    for (uint32_t p = rows.begin; p < rows.end; p += m.block_rows) {
      for (uint32_t q = columns.begin; q < columns.end; q += m.block_columns) {
        pass_.pixel_blocks.push_back(
            {{p, std::min(p + m.block_rows, rows.end)}, {q, std::min(q + m.block_columns, columns.end)}});
      }
    }
  }

  // All PEs walk the same rounds; those whose share of blocks is smaller sit the last ones out.
  void write_pass() {
    const Mapping& m = plan_.mapping;
    const auto lane_rounds = static_cast<uint32_t>(divide_up(pass_.lane_blocks.size(), m.pe_channels));
    const auto pixel_rounds = static_cast<uint32_t>(divide_up(pass_.pixel_blocks.size(), m.pe_pixels));
    const bool lanes_outer = m.pe_order == LoopOrder::kWeightsOuter;
    const uint32_t outer = lanes_outer ? lane_rounds : pixel_rounds;
    const uint32_t inner = lanes_outer ? pixel_rounds : lane_rounds;
    for (uint32_t o = 0; o < outer; ++o) {
      for (uint32_t i = 0; i < inner; ++i) {
        const uint32_t lane_round = lanes_outer ? o : i;
        const uint32_t pixel_round = lanes_outer ? i : o;
        for (uint32_t chunk = 0; chunk < plan_.chunks.size(); ++chunk) {
          write_round(lane_round, pixel_round, chunk);
        }
        ++round_;
      }
      ++outer_round_;
    }
    if (program_.classes[static_cast<std::size_t>(TileRole::kOutput)].slots > 0) {
      program_.stores.push_back(pass_.output_tile_id);
    }
  }

  // In the order of endpoints, so that neighbours' outputs lie side by side in their tile.
  void write_round(uint32_t lane_round, uint32_t pixel_round, uint32_t chunk) {
    const Mapping& m = plan_.mapping;
    const bool lanes_inner = plan_.lane_parts_adjacent;
    const uint32_t outer = lanes_inner ? m.pe_pixels : m.pe_channels;
    const uint32_t inner = lanes_inner ? m.pe_channels : m.pe_pixels;
    for (uint32_t g = 0; g < pass_.groups.size(); ++g) {
      for (uint32_t o = 0; o < outer; ++o) {
        for (uint32_t i = 0; i < inner; ++i) {
          const uint32_t lane_part = lanes_inner ? i : o;
          const uint32_t pixel_part = lanes_inner ? o : i;
          const uint32_t lane_block = lane_round * m.pe_channels + lane_part;
          const uint32_t pixel_block = pixel_round * m.pe_pixels + pixel_part;
          if (pixel_block < pass_.pixel_blocks.size() && lane_block < pass_.lane_blocks.size()) {
            write_step(g, lane_part, pixel_part, lane_block, pixel_block, chunk);
          }
        }
      }
    }
  }

  void write_step(uint32_t g, uint32_t lane_part, uint32_t pixel_part, uint32_t lane_block,
                  uint32_t pixel_block, uint32_t chunk) {
    const uint32_t e = plan_.endpoint(g, lane_part, pixel_part);
    const ReductionChunk& reduction = plan_.chunks[chunk];
    const LaneBlock& lanes = pass_.lane_blocks[lane_block];
    const PixelBlock& pixels = pass_.pixel_blocks[pixel_block];
    Step step;
    step.weight_chunk =
        lane_chunk(e, plan_.lane_group(g, lane_part), pass_.groups.begin + g, lane_block, chunk);
    step.input_chunk = stream_chunk(e, plan_.stream_group(g, lane_part, pixel_part), pass_.groups.begin + g,
                                    lane_block, pixel_block, chunk);
    step.starts = chunk == 0;
    step.drains = chunk + 1 == plan_.chunks.size();
    step.channel_tiles = lanes.channel_tiles;
    step.vectors = reduction.vectors;
    step.pixels = pixels.pixels();
    step.cycles = step.channel_tiles * step.vectors * step.pixels;
    step.macs = uint64_t{step.pixels} * lanes.lanes.size() * reduction.macs;
    if (step.drains) {
      drain(step, lanes);
    }
    if (with_coordinates_) {
      program_.works.push_back(work(pass_.groups.begin + g, lanes, pixels, reduction));
      step.coordinates = static_cast<uint32_t>(program_.works.size() - 1);
    }
    program_.steps[e].push_back(step);
  }

  uint64_t epoch(Scope scope, uint64_t run) const {
    switch (scope) {
      case Scope::kStep:
        return round_;
      case Scope::kBlockRun:
        return outer_round_;
      case Scope::kPass:
        return pass_.index;
      case Scope::kTileRun:
        return run;
    }
    return 0;
  }

  uint32_t lane_chunk(uint32_t e, uint32_t group, uint32_t real_group, uint32_t block, uint32_t chunk) {
    const std::size_t key = std::size_t{block} * plan_.chunks.size() + chunk;
    const uint64_t now = epoch(plan_.lane.scope, pass_.lane_run);
    uint32_t send = kNone;
    if (lane_chunks_.reuse(group, key, now, e, send)) {
      return send;
    }
    const LaneBlock& lanes = pass_.lane_blocks[block];
    const ReductionChunk& reduction = plan_.chunks[chunk];
    Send command;
    command.bytes = static_cast<uint32_t>(plan_.lane_chunk_bytes(reduction, lanes.channel_tiles));
    find_lane_source(command, group / plan_.mapping.pe_channels, key);
    if (with_coordinates_) {
      command.coordinates = add(
          chunk_coordinates(plan_, plan_.lane.role, work(real_group, lanes, {{0, 1}, {0, 1}}, reduction)));
    }
    return lane_chunks_.append(group, key, now, e, command);
  }

  void find_lane_source(Send& command, uint32_t group, std::size_t key) {
    if (plan_.lane.bypasses) {
      command.tile = kNone;
      command.offset = plan_.fetch_address(pass_.batch, pass_.lane_tile, group, key);
      return;
    }
    if (pass_.lane_tile_id == kNone) {
      pass_.lane_tile_id = hold(plan_.lane.role, pass_.lane_tile, plan_.lane_tiles);
    }
    command.tile = pass_.lane_tile_id;
    command.offset = offset(plan_.lane, command.tile, pass_.lane_tile, group, pass_.lane_blocks.size(), key);
  }

  uint32_t stream_chunk(uint32_t e, uint32_t group, uint32_t real_group, uint32_t lane_block, uint32_t block,
                        uint32_t chunk) {
    const std::size_t key = std::size_t{block} * plan_.chunks.size() + chunk;
    const uint64_t now = epoch(plan_.stream.scope, pass_.stream_run);
    uint32_t send = kNone;
    if (stream_chunks_.reuse(group, key, now, e, send)) {
      return send;
    }
    const PixelBlock& pixels = pass_.pixel_blocks[block];
    const LaneBlock& lanes = pass_.lane_blocks[lane_block];
    const ReductionChunk& reduction = plan_.chunks[chunk];
    Send command;
    command.bytes = static_cast<uint32_t>(
        plan_.stream_chunk_bytes(reduction, pixels.rows, pixels.columns, lanes.channel_tiles));
    if (command.bytes > 0) {
      if (pass_.stream_tile_id == kNone) {
        pass_.stream_tile_id = hold(plan_.stream.role, pass_.pixel_tile, plan_.pixel_tiles());
      }
      command.tile = pass_.stream_tile_id;
      const std::size_t slices = plan_.depthwise ? pass_.lane_blocks.size() : 1;
      command.offset =
          offset(plan_.stream, command.tile, pass_.pixel_tile, real_group - pass_.groups.begin,
                 pass_.pixel_blocks.size() * slices, key * slices + (plan_.depthwise ? lane_block : 0));
      if (with_coordinates_) {
        command.coordinates =
            add(chunk_coordinates(plan_, plan_.stream.role, work(real_group, lanes, pixels, reduction)));
      }
    }
    return stream_chunks_.append(group, key, now, e, command);
  }

  // ---- tiles

  uint32_t hold(TileRole role, uint32_t tile, uint32_t tiles) {
    const std::size_t index = static_cast<std::size_t>(role);
    return tiles_.hold(role, uint64_t{pass_.batch} * tiles + tile, [&] {
      const bool resident = program_.classes[index].slots == 0;
      return resident                   ? whole_tensor(plan_, role)
             : role == TileRole::kInput ? input_box(plan_, pass_.batch, tile)
                                        : weight_box(plan_, pass_.batch, tile);
    });
  }

  // In the global buffer a tile lies chunk by chunk, so that what the senders read at one time is spread over
  // the banks. Chunks may hold a halo twice or be padded, the tile does not: the last ones wrap round.
  uint64_t offset(const Side& side, uint32_t tile, uint32_t ordinal, uint32_t group, std::size_t blocks,
                  std::size_t key) const {
    const uint64_t before =
        side.resident ? (uint64_t{pass_.batch} * side.tiles + ordinal) * side.tile_bytes : 0;
    const uint64_t position = uint64_t{group} * blocks * plan_.chunks.size() + key;
    return (before + position * side.chunk_bytes) % program_.tiles[tile].bytes;
  }

  // Outputs lie in the order in which they are drained.
  void drain(Step& step, const LaneBlock& lanes) {
    const bool resident = program_.classes[static_cast<std::size_t>(TileRole::kOutput)].slots == 0;
    if (pass_.output_tile_id == kNone) {
      pass_.output_tile_id = tiles_.hold(TileRole::kOutput, pass_.index, [&] {
        return resident ? whole_tensor(plan_, TileRole::kOutput)
                        : output_box(plan_, pass_.batch, pass_.lane_tile, pass_.pixel_tile);
      });
      drained_ = resident ? drained_ : 0;
    }
    step.output_tile = pass_.output_tile_id;
    step.output_bytes = step.pixels * lanes.lanes.size();
    step.drain_entries = step.pixels * lanes.channel_tiles;
    step.output_offset = drained_;
    drained_ += step.output_bytes;
  }

  WorkCoordinates work(uint32_t group, const LaneBlock& lanes, const PixelBlock& pixels,
                       const ReductionChunk& reduction) const {
    return work_coordinates(plan_, group, lanes.lanes, pixels.rows, pixels.columns, reduction);
  }
  uint32_t add(const ChunkCoordinates& chunk) {
    program_.chunks.push_back(chunk);
    return static_cast<uint32_t>(program_.chunks.size() - 1);
  }

  void number_chunks() {
    const Mapping& m = plan_.mapping;
    for (uint32_t g = 0; g < m.pe_groups; ++g) {
      for (uint32_t lane_part = 0; lane_part < m.pe_channels; ++lane_part) {
        for (uint32_t pixel_part = 0; pixel_part < m.pe_pixels; ++pixel_part) {
          const uint32_t e = plan_.endpoint(g, lane_part, pixel_part);
          lane_chunks_.number_chunks(e, plan_.lane_group(g, lane_part));
          stream_chunks_.number_chunks(e, plan_.stream_group(g, lane_part, pixel_part));
        }
      }
    }
  }

  const Plan& plan_;
  bool with_coordinates_;
  TileProgram program_;
  TileStreams tiles_;
  ChunkStreams lane_chunks_, stream_chunks_;
  uint64_t drained_ = 0;  // bytes of the output tile given to blocks so far
  Pass pass_;
  uint64_t round_ = 0, outer_round_ = 0;
};

}  // namespace

TileProgram lower_array(const workloads::Layer& layer, const Plan& plan, bool with_coordinates) {
  return ArrayLowering(plan, with_coordinates).run(layer.macs());
}

}  // namespace tilewright::mappers
