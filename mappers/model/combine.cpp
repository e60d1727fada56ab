// SPDX-License-Identifier: Apache-2.0
//
// From two halves of a mapping to its counts.
#include <algorithm>

#include "mappers/model/work.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

constexpr uint64_t kSlotAlignment = 64;

// Plan::choose_scopes, for one side.
Scope scope_of(uint64_t run_length, uint64_t sets, uint64_t other_sets, uint64_t set_bytes, bool outer,
               uint64_t room) {
  if (run_length > 1 && sets * set_bytes <= room) {
    return Scope::kTileRun;
  }
  if (outer && other_sets > 1 && set_bytes <= room) {
    return Scope::kBlockRun;
  }
  if (!outer && other_sets > 1 && sets * set_bytes <= room) {
    return Scope::kPass;
  }
  return Scope::kStep;
}

// Plan::place_endpoints.
uint64_t sent_per_pass(Scope scope, uint64_t sets, uint64_t other_sets, uint64_t set_bytes, uint64_t run_length) {
  const uint64_t once = sets * set_bytes;
  return scope == Scope::kStep      ? once * other_sets
         : scope == Scope::kTileRun ? once / run_length
                                    : once;
}

// How a side's chunks travel: once for each round of the other side's blocks, for each of its tiles, or once.
struct Trips {
  uint64_t sends = 0;   // of every chunk
  uint64_t copies = 0;  // sends x PEs reached
};
Trips trips(Scope scope, const SharedPart& other) {
  switch (scope) {
    case Scope::kStep:
      return {other.rounds, other.blocks};
    case Scope::kBlockRun:
    case Scope::kPass:
      return {other.tiles, other.parts_by_tile};
    case Scope::kTileRun:
      break;
  }
  return {1, other.most_parts};
}

// Row links crossed by all sends of a chunk of `part`; `table` is Geometry's.
uint64_t rows_crossed(Scope scope, const SharedPart& other, const std::vector<uint64_t>& table, std::size_t part,
                      uint32_t width) {
  const uint64_t* const row = table.data() + part * width;
  if (scope == Scope::kTileRun) {
    return row[other.most_parts - 1];
  }
  uint64_t rows = 0;
  for (const PartsAtWork& work : scope == Scope::kStep ? other.rounds_at_work : other.tiles_at_work) {
    rows += work.times * row[work.parts - 1];
  }
  return rows;
}

uint64_t weighted_rows(Scope scope, const SharedPart& other, const std::vector<uint64_t>& table, bool alike,
                       const std::vector<uint64_t>& by_part, uint64_t total, uint32_t width) {
  if (alike) {
    return total * rows_crossed(scope, other, table, 0, width);
  }
  uint64_t rows = 0;
  for (std::size_t part = 0; part < by_part.size(); ++part) {
    rows += by_part[part] * rows_crossed(scope, other, table, part, width);
  }
  return rows;
}

}  // namespace

void LayerModel::choose_scopes(const Halves& h, const Choice& choice, Work& work) const {
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const bool depthwise = h.form->depthwise;
  work.lanes_outer = choice.tile_order == LoopOrder::kWeightsOuter;
  // Depthwise tiles of lanes are batches, each with one tile of its own.
  const uint64_t lane_tiles = depthwise ? 1 : lanes.tiles;
  work.lane_run = work.lanes_outer || lane_tiles == 1 ? pixels.tiles : 1;
  work.stream_run = !work.lanes_outer || pixels.tiles == 1 ? lane_tiles : 1;
  const uint64_t entry = uint64_t{spec_.pe.lanes} * spec_.pe.vector_size * h.form->tap_pixels;
  work.lane_set_bytes = lanes.channel_tiles * entry * h.cut->vectors;
  work.stream_set_bytes = pixels.set_weight * h.cut->unit_bytes * (depthwise ? lanes.channel_tiles : 1);
  const bool outer = choice.pe_order == LoopOrder::kWeightsOuter;
  work.lane_blocks_outer = outer;
  work.lane_scope = scope_of(work.lane_run, lanes.sets, pixels.sets, work.lane_set_bytes, outer,
                             spec_.pe.weight_buffer.value);
  work.stream_scope = depthwise ? Scope::kStep
                                : scope_of(work.stream_run, pixels.sets, lanes.sets, work.stream_set_bytes, !outer,
                                           spec_.pe.input_buffer.value);
  work.adjacent =
      sent_per_pass(work.stream_scope, pixels.sets, lanes.sets, work.stream_set_bytes, work.stream_run) *
          h.split.pixels >=
      sent_per_pass(work.lane_scope, lanes.sets, pixels.sets, work.lane_set_bytes, work.lane_run) * h.split.lanes;
}

void LayerModel::size_tiles(const Halves& h, Work& work) const {
  const Form& form = *h.form;
  const uint64_t real_batches = form.depthwise ? h.lanes->tiles : divide_up(form.groups, h.split.groups);
  const uint64_t lane_tiles = form.depthwise ? 1 : h.lanes->tiles;
  const uint64_t groups = form.depthwise ? 1 : h.split.groups;
  const uint64_t depth = form.depthwise ? h.lanes->tile_size : form.channels * groups;
  work.batches = form.depthwise ? 1 : real_batches;
  work.groups = form.groups;
  work.values = places_.output_bytes;
  work.cycles = form.groups * h.lanes->channel_tiles_sum * form.rows * form.columns * h.cut->vectors;
  work.passes = real_batches * lane_tiles * h.pixels->tiles;
  work.stream_tile_bytes = h.pixels->tile_positions * depth;
  work.lane_tile_bytes = h.lanes->tile_size * form.kernel_height * form.kernel_width * form.channels * groups;
  work.lane_resident = form.swap ? input_resident_ : weights_resident_;
  work.stream_resident = form.swap ? weights_resident_ : input_resident_;
  const uint64_t lane_tensor = form.swap ? places_.input_bytes : places_.weight_bytes;
  const uint64_t stream_tensor = form.swap ? places_.weight_bytes : places_.input_bytes;
  const uint64_t output_tile = h.pixels->tile_size * h.lanes->tile_size * groups;
  const auto held = [](bool whole, uint64_t tensor, uint64_t tile, uint64_t tiles) {
    return Work::Held{whole, round_up(whole ? tensor : tile, kSlotAlignment), tiles};
  };
  work.stream_held = held(work.stream_resident, stream_tensor, work.stream_tile_bytes, h.pixels->tiles * real_batches);
  work.lane_held =
      h.bypass ? Work::Held{true, 0, 0}
               : held(work.lane_resident, lane_tensor, work.lane_tile_bytes, lane_tiles * real_batches);
  work.output_held = held(output_resident_, places_.output_bytes, output_tile, work.passes);
}

// Plan::allocate: room for the slots of every class.
bool LayerModel::allocate(const Halves& h, const Choice& choice, Work& work) {
  size_tiles(h, work);
  uint64_t used = residency_.reserved_bytes;
  const auto place = [&](const Work::Held& held, uint32_t wanted) {
    const auto slots = static_cast<uint32_t>(std::min<uint64_t>(wanted, held.tiles));
    used += held.bytes * (held.whole ? 1 : slots);
    return held.whole ? 0 : slots;
  };
  work.stream_slots = place(work.stream_held, h.form->swap ? choice.weight_slots : choice.input_slots);
  work.lane_slots = place(work.lane_held, h.form->swap ? choice.input_slots : choice.weight_slots);
  work.output_slots = place(work.output_held, choice.output_slots);
  return used <= spec_.global_buffer.capacity.value || refuse("global_buffer");
}

void LayerModel::count_sends(const Halves& h, Work& work) const {
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const Geometry& geometry = *h.geometry[work.adjacent];
  const uint64_t lane_bytes =
      uint64_t{spec_.pe.lanes} * spec_.pe.vector_size * h.form->tap_pixels * h.cut->vectors;  // of a channel tile
  const Trips lane = trips(work.lane_scope, pixels);
  const uint64_t lane_once = lane_bytes * lanes.channel_tiles_sum * work.groups;
  work.lane_sent = lane_once * lane.sends;
  work.lane_delivered = lane_once * lane.copies;
  work.lane_rows = lane_bytes * weighted_rows(work.lane_scope, pixels, geometry.lane_rows, geometry.lanes_alike,
                                              lanes.by_part, lanes.channel_tiles_sum, h.split.pixels);
  work.first_row = lane_bytes * weighted_rows(work.lane_scope, pixels, geometry.lane_first_row, false, lanes.by_part, 0,
                                              h.split.pixels);
  for (const Geometry::Place& pe : geometry.first_row) {
    work.first_row_values += pe.times * lanes.lanes_by_part[pe.lane] * pixels.pixels_by_part[pe.pixel];
  }
  const uint64_t stream_once = h.cut->unit_bytes * pixels.weight;
  if (h.form->depthwise) {  // every channel tile has inputs of its own, for one PE
    work.stream_sent = work.stream_delivered = work.stream_rows = stream_once * lanes.channel_tiles_sum;
    for (const Geometry::Place& pe : geometry.first_row) {
      work.first_row += lanes.by_part[pe.lane] * pixels.by_part[pe.pixel] * h.cut->unit_bytes;
    }
    return;
  }
  const Trips stream = trips(work.stream_scope, lanes);
  work.stream_sent = stream_once * work.groups * stream.sends;
  work.stream_delivered = stream_once * work.groups * stream.copies;
  work.stream_rows =
      h.cut->unit_bytes * weighted_rows(work.stream_scope, lanes, geometry.stream_rows, geometry.stream_alike,
                                        pixels.by_part, pixels.weight, h.split.lanes);
  work.first_row += h.cut->unit_bytes * weighted_rows(work.stream_scope, lanes, geometry.stream_first_row, false,
                                                      pixels.by_part, 0, h.split.lanes);
}

// A side in the inner loop is loaded again for every tile of the outer one, unless all of it has slots.
void LayerModel::count_memory(const Halves& h, const Choice&, Work& work) const {
  const Form& form = *h.form;
  const uint64_t lane_tiles = form.depthwise ? 1 : h.lanes->tiles;
  const uint64_t real_batches = form.depthwise ? h.lanes->tiles : work.batches;
  if (h.bypass) {  // read for each send
    work.lane = fetched_once(h) * trips(work.lane_scope, *h.pixels).sends;
  } else if (!work.lane_resident) {
    const bool again = !work.lanes_outer && lane_tiles > work.lane_slots;
    const uint64_t times = again ? h.pixels->tiles : 1;
    work.lane = h.lanes->operand * times;
    work.lane_loads = lane_tiles * real_batches * times;
  }
  if (!work.stream_resident) {
    const bool again = work.lanes_outer && h.pixels->needed_tiles > work.stream_slots;
    const uint64_t times = again ? lane_tiles : 1;
    work.stream = h.stream * times;
    work.stream_loads = h.pixels->needed_tiles * real_batches * times;
  }
  if (!output_resident_) {
    const bool all_channels =
        form.swap ? h.pixels->tile_size == form.columns : h.lanes->tile_size == form.lanes;
    const bool sliced = !all_channels || h.split.groups < form.groups;
    work.output = sliced != form.swap ? h.lanes->output : h.pixels->output;
  }
}

// Every chunk of weights once, at a burst of its own. All chunks of a block but the last are alike.
Traffic LayerModel::fetched_once(const Halves& h) const {
  const ReductionCut& cut = *h.cut;
  const uint64_t entry = uint64_t{spec_.pe.lanes} * spec_.pe.vector_size * h.form->tap_pixels;
  Traffic once;
  for (const LanePart::Blocks& blocks : h.lanes->kinds) {
    const uint64_t large = blocks.channel_tiles * entry * cut.largest_vectors;
    const uint64_t small = blocks.channel_tiles * entry * cut.smallest_vectors;
    const auto of_block = [&](uint64_t unit) {
      return (cut.chunks - 1) * divide_up(large, unit) + divide_up(small, unit);
    };
    once.bytes += blocks.count * of_block(1);
    once.bursts += blocks.count * of_block(spec_.dram.burst_bytes.value);
    once.requests += blocks.count * of_block(spec_.dma.request_bytes);
  }
  once.strained = double(once.bursts);
  return once * (h.form->depthwise ? 1 : h.form->groups);
}

void LayerModel::count_actions(const Halves& h, const Choice& choice, const Work& work, Evaluation& result) const {
  const uint64_t lanes = spec_.pe.lanes;
  const uint64_t slots = lanes * spec_.pe.vector_size;
  const uint64_t sums = work.groups * h.lanes->channel_tiles_sum * h.form->rows * h.form->columns;
  uint64_t weight_reads = work.groups * h.lanes->channel_tiles_sum * h.pixels->blocks * h.cut->vectors;
  uint64_t collector_reads = work.cycles;
  uint64_t updates = work.cycles;
  if (choice.dataflow == arch::Dataflow::kOs) {
    weight_reads = work.cycles;
    collector_reads = 0;
    updates = sums * h.cut->chunks;
  } else if (choice.dataflow == arch::Dataflow::kWsLos) {
    updates = sums * h.cut->collector_rounds;
  }
  const auto set = [&](Action action, uint64_t count) {
    result.counts[static_cast<std::size_t>(action)] = count;
  };
  set(Action::kMac, layer_.mac.macs());
  set(Action::kMacIdleLane, work.cycles * slots - layer_.mac.macs());
  set(Action::kWeightBufferRead, weight_reads * slots);
  set(Action::kWeightBufferWrite, work.lane_delivered);
  set(Action::kInputBufferRead, work.cycles * spec_.pe.vector_size);
  set(Action::kInputBufferWrite, work.stream_delivered);
  set(Action::kWeightCollectorRead, collector_reads * slots);
  set(Action::kAccumulatorUpdate, updates * lanes);
  set(Action::kAccumulatorRead, sums * lanes);
  set(Action::kPpuValue, work.values);
  set(Action::kOutputBufferWrite, work.values);
  set(Action::kOutputBufferRead, work.values);
  set(Action::kGlobalBufferRead, (h.bypass ? 0 : work.lane_sent) + work.stream_sent + work.output.bytes);
  set(Action::kGlobalBufferWrite, (h.bypass ? 0 : work.lane.bytes) + work.stream.bytes + work.values);
  set(Action::kNocInjected, work.lane_sent + work.stream_sent);
  set(Action::kNocDelivered, work.lane_delivered + work.stream_delivered);
  set(Action::kNocLinkBytes, work.lane_rows + work.lane_delivered + work.stream_rows + work.stream_delivered +
                                 2 * work.values);
  set(Action::kNocCollected, work.values);
  set(Action::kDramReadBytes, (work.lane.bursts + work.stream.bursts) * spec_.dram.burst_bytes.value);
  set(Action::kDramWriteBytes, work.output.bursts * spec_.dram.burst_bytes.value);
}

bool LayerModel::combine(const Halves& h, const Choice& choice, Evaluation& result) {
  Work work;
  choose_scopes(h, choice, work);
  if (!allocate(h, choice, work)) {
    return false;
  }
  result.steps = work.groups * h.lanes->blocks * h.pixels->blocks * h.cut->chunks;
  count_sends(h, work);
  count_memory(h, choice, work);
  count_actions(h, choice, work, result);
  const Expected expected = bound_time(h, work, result);
  result.waits = expected.waits + std::max(0.0, expected.at_least - result.cycles);
  result.energy_j = rates_.of(result.counts, result.cycles);
  return true;
}

}  // namespace tilewright::mappers
