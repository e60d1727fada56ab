// SPDX-License-Identifier: Apache-2.0
//
// The least time that each resource needs. docs/mapper.md derives every term; what makes them bounds is said here.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "mappers/model/work.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
// The sixth norm of what keeps units busy, beyond its maximum. Slots are no units: more of them must not seem to help
// where others decide, or the search could not climb them one at a time (slot_climb.h).
double LayerModel::contention_of(const Terms& terms, double cycles) {
  if (cycles <= 0) {
    return 0;
  }
  double sum = 0;
  for (std::size_t i = 0; i < kTermCount; ++i) {
    const auto term = static_cast<Term>(i);
    if (term != Term::kInputSlots && term != Term::kWeightSlots && term != Term::kOutputSlots && term != Term::kFirstWalk) {
      const double ratio = terms[i] / cycles, cube = ratio * ratio * ratio;
      sum += cube * cube;
    }
  }
  return sum > 1 ? cycles * (std::pow(sum, 1.0 / 6) - 1) : 0;
}

// Before any step: the first weight tile is complete, mostly the first input tile too, and a packet has crossed the
// network. The PE that has most to do works in the first tile, the largest.
// After its last step: sums through the PPU, over the network, and the tile they belong to into the DRAM.
LayerModel::Ends LayerModel::ends_of(const Halves& h) const {
  const Form& form = *h.form;
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  Ends ends;
  ends.batches = form.depthwise ? 1 : double(divide_up(form.groups, h.split.groups));
  const double groups = form.depthwise ? 1 : h.split.groups;
  const double depth = form.depthwise ? double(lanes.tile_size) : double(form.channels) * groups;
  ends.lane_first = (form.swap ? input_resident_ : weights_resident_) ? 0 : first_lane_bytes(h);
  ends.stream_first =
      (form.swap ? weights_resident_ : input_resident_) ? 0 : double(pixels.first_positions) * depth;
  ends.latency = 1.0 + spec_.noc.latency;
  ends.fill = ends.latency + load_time(ends.lane_first + (pixels.first_chunks_needed ? ends.stream_first : 0));
  // Before any packet; what is fetched is sent on from its first transaction.
  ends.link_fill = load_time(std::min(h.bypass ? 1 : ends.lane_first, ends.stream_first));
  ends.last_groups = form.depthwise ? 1 : form.groups - (ends.batches - 1) * groups;
  const double last_tile = store_time(h, double(lanes.last_size), double(pixels.last_size), ends.last_groups);
  ends.store = output_resident_ ? 0 : last_tile + spec_.dram.write_latency * core_per_dram_;
  ends.tail = 1.0 + spec_.pe.pipeline_depth + ends.latency + ends.store;
  return ends;
}

// What the array and its output ports need: known with the halves.
void LayerModel::bound_array(const Halves& h, const Ends& ends, Terms& terms) const {
  const Form& form = *h.form;
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const double pixel_cycles = double(pixels.busiest) * ends.batches;
  const double compute = double(lanes.busiest) * pixel_cycles * double(h.cut->vectors);
  double& bound = terms[static_cast<std::size_t>(Term::kCompute)];
  bound = ends.fill + compute + ends.tail;
  if (!pixels.first_chunks_needed && form.padding < std::min(form.kernel_height, form.kernel_width)) {
    // Only chunks in the padding can go before the first input tile is there, and no block consists of those alone.
    const double block = double(lanes.channel_tiles) * double(pixels.block_pixels) * double(h.cut->vectors);
    bound = std::max(bound, ends.latency + load_time(ends.lane_first + ends.stream_first) + compute - block + ends.tail);
  }
  terms[static_cast<std::size_t>(Term::kOutputPort)] =
      ends.fill + double(lanes.busiest) * pixel_cycles +
      double(lanes.busiest_lanes) * pixel_cycles / spec_.noc.collect_bytes_per_cycle + ends.store;
}

// What the memory needs for so many bursts, and the DMA for so many requests.
void LayerModel::bound_memory(const Halves& h, const Ends& ends, const Traffic& read, const Traffic& written,
                              Terms& terms) const {
  const auto term = [&](Term which) -> double& { return terms[static_cast<std::size_t>(which)]; };
  const double dma = double(spec_.dma.ports) * spec_.dma.bytes_per_cycle;
  term(Term::kLoadDma) = std::max(double(read.bytes) / dma, double(read.requests));
  term(Term::kStoreDma) = std::max(double(written.bytes) / dma, double(written.issuing));
  const double reads = (read.bytes > 0 ? first_latency_ : 0) + double(read.bursts) * cycles_per_burst_;
  term(Term::kDram) = reads + double(written.bursts) * cycles_per_burst_;
  if (read.bytes > 0 && !h.form->depthwise) {
    // Some pass needs the tile that was loaded last, and then some PE has an even share of its work at least;
    // of blocks at the border, chunks in the padding can go before. What was fetched last is used by one step
    // perhaps.
    const Form& form = *h.form;
    const double pass = double(divide_up(h.lanes->last_size, spec_.pe.lanes)) * double(h.pixels->last_size) *
                        ends.last_groups * double(h.cut->vectors) / h.split.used();
    const double block =
        double(h.lanes->channel_tiles) * double(h.pixels->block_pixels) * double(h.cut->vectors);
    const bool known = !h.bypass && form.padding < std::min(form.kernel_height, form.kernel_width);
    const double last_pass = known ? std::max(0.0, pass - (form.padding == 0 ? 0 : block)) : 0;
    term(Term::kDram) = std::max(term(Term::kDram), reads + ends.latency + last_pass + ends.tail);
  }
}

LayerModel::Expected LayerModel::bound_time(const Halves& h, const Work& work, Evaluation& result) const {
  const arch::NocSpec& noc = spec_.noc;
  const double link = noc.link_bytes_per_cycle;
  const double used_rows = h.geometry[0]->used_rows;
  const auto term = [&](Term which) -> double& { return result.terms[static_cast<std::size_t>(which)]; };
  const Ends ends = ends_of(h);
  Traffic read = work.lane;
  read += work.stream;
  bound_array(h, ends, result.terms);
  bound_memory(h, ends, read, work.output, result.terms);
  double expected_walk = 0;
  term(Term::kFirstWalk) = first_walk(h, work, ends.latency, ends.tail, expected_walk);
  const double first = first_sends(h, work, ends);
  const double late_start = std::max(0.0, first - term(Term::kCompute));
  term(Term::kCompute) = std::max({term(Term::kCompute), first, last_two_stores(h, work, ends)});
  // The first row's PEs have most to do: lower numbers are dealt blocks first. The average is a bound as well.
  const double over_rows =
      std::max(double(work.first_row), double(work.lane_rows + work.stream_rows) / used_rows) / link;
  term(Term::kRowLinks) = ends.link_fill + over_rows + ends.latency + ends.tail;
  const double values = double(work.values);
  const double back = std::max(double(work.first_row_values), values / used_rows) / noc.collect_bytes_per_cycle;
  term(Term::kCollectLinks) = ends.fill + back + ends.store;
  const double sent = double((h.bypass ? 0 : work.lane_sent) + work.stream_sent);
  const double through = double((h.bypass ? 0 : work.lane.bytes) + work.stream.bytes + work.output.bytes);
  term(Term::kBanks) =
      (sent / link + values / noc.collect_bytes_per_cycle + through / spec_.dma.bytes_per_cycle) /
      spec_.global_buffer.banks;
  bound_slots(h, work, result);
  result.cycles = *std::max_element(result.terms.begin(), result.terms.end());
  result.contention = contention_of(result.terms, result.cycles);
  const double strained = work.lane.strained + work.stream.strained + work.output.strained;
  // What the bound knows of the first wait is not expected once more.
  return {std::max(0.0, expect_waits(h, work) - late_start), std::max(strained * cycles_per_burst_ / kAchieved, expected_walk)};
}

// Of weights, what a PE must have before its first step.
double LayerModel::first_lane_bytes(const Halves& h) const {
  const Form& form = *h.form;
  if (h.bypass) {
    return double(h.cut->smallest_vectors) * spec_.pe.lanes * spec_.pe.vector_size * form.tap_pixels;
  }
  const double groups = form.depthwise ? 1 : h.split.groups;
  return double(h.lanes->tile_size) * form.kernel_height * form.kernel_width * form.channels * groups;
}

// Where the inner loop's tiles are kept, they are all loaded during the first walk over them, however fast the array is; the
// other walks follow. The PE that has most to do has blocks in every tile but the last, perhaps.
double LayerModel::first_walk(const Halves& h, const Work& work, double latency, double tail, double& expected) const {
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  if (h.form->depthwise || work.batches > 1 || !work.walks_known) {  // the next batch's tiles come while this one's are used
    return 0;
  }
  double bytes = 0, last = 0, other = 0, later = 0;
  if (work.lanes_outer && !work.stream_resident && work.stream_loads == pixels.needed_tiles && pixels.needed_tiles > 1) {
    bytes = double(work.stream.bytes);
    last = double(work.stream_tile_bytes);
    other = work.lane_resident || h.bypass ? 0 : double(work.lane_tile_bytes);
    later = double(lanes.busiest - std::min(lanes.busiest, lanes.sets * lanes.channel_tiles)) * double(pixels.busiest);
  } else if (!work.lanes_outer && !work.lane_resident && work.lane_loads == lanes.tiles && lanes.tiles > 1) {
    bytes = double(work.lane.bytes);
    last = double(work.lane_tile_bytes);
    other = work.stream_resident ? 0 : double(work.stream_tile_bytes);
    later = double(lanes.busiest) * double(pixels.busiest - std::min(pixels.busiest, pixels.sets * pixels.block_pixels));
  }
  if (bytes <= last || later <= 0) {
    return 0;
  }
  const double rest = latency + first_latency_ + later * double(h.cut->vectors) + tail;
  expected = (bytes + other) / (memory_rate_ * kAchieved) + rest;
  return (bytes - last) / memory_rate_ + rest;
}

// A slot is taken from the request of its tile's first byte until the last is sent on (outputs: from the first block
// until all is stored), and there are only so many.
void LayerModel::bound_slots(const Halves& h, const Work& work, Evaluation& result) const {
  const Form& form = *h.form;
  const arch::NocSpec& noc = spec_.noc;
  const double link = noc.link_bytes_per_cycle;
  const double dma = double(spec_.dma.ports) * spec_.dma.bytes_per_cycle;
  const double latency = 1.0 + noc.latency;
  const auto term = [&](Term which) -> double& { return result.terms[static_cast<std::size_t>(which)]; };
  const double read_latency = 2.0 + (spec_.dram.read_latency + spec_.dram.burst_cycles) * core_per_dram_;
  const auto slots = [&](uint64_t loads, const Traffic& traffic, uint64_t bytes_sent, double groups_sent,
                         uint32_t count) {
    if (loads == 0) {
      return 0.0;
    }
    const double senders = std::min<double>(noc.rows, groups_sent);
    return (double(loads) * read_latency + double(traffic.bytes) / dma + double(bytes_sent) / senders / link) / count;
  };
  const double lane_slots = slots(work.lane_loads, work.lane, work.lane_sent,
                                  double(h.split.groups) * h.split.lanes, work.lane_slots);
  const double stream_slots =
      slots(work.stream_loads, work.stream, work.stream_sent,
            double(h.split.groups) * h.split.pixels * (form.depthwise ? h.split.lanes : 1), work.stream_slots);
  term(Term::kWeightSlots) = form.swap ? stream_slots : lane_slots;
  term(Term::kInputSlots) = form.swap ? lane_slots : stream_slots;

  const double filling = double(work.values) / h.geometry[0]->used_rows / noc.collect_bytes_per_cycle;
  term(Term::kOutputSlots) =
      output_resident_
          ? 0
          : (double(work.passes) * latency + filling + double(work.output.bytes) / dma) / work.output_slots;
}

namespace {

// A side of a PE, in cycles and bytes.
struct Exchange {
  Scope scope = Scope::kStep;
  double room = 0;             // of the buffer
  double chunk = 0, set = 0;   // bytes of the largest chunk, of all chunks of a block
  double sets = 1;             // blocks of the side in a tile
  double chunks = 1;           // of a block
  double blocks = 0;           // block pairs of the busiest PE
  double own_blocks = 0;       // blocks of this side that it receives, each once for a pass
  double passes = 0, runs = 0; // passes, and runs of passes over one tile
  double sharing = 1;          // transfers of this side that a row link makes one after the other
};

// Old chunks are freed one by one during the last use, and new ones arrive behind them; what does not arrive in that time
// is waited for, and the first chunk always is.
double wait_of(const Exchange& e, double block_cycles, double link, double latency) {
  const double first = e.chunk / link + latency;
  const auto wait = [&](double held, double times, double last_use) {
    if (times <= 0 || held * 2 <= e.room) {
      return 0.0;
    }
    const double room_ahead = e.room - held >= e.chunk ? (e.room - held) / held : 0;
    const double late = held * (1 - room_ahead) * e.sharing / link - last_use;
    return times * ((room_ahead > 0 ? 0 : first) + std::max(0.0, late));
  };
  switch (e.scope) {
    case Scope::kStep:
      if (e.chunk * 2 > e.room) {
        return e.blocks * (e.set / link + e.chunks * latency);
      }
      // Two fit: the next is sent while the last that came is used, and must be there in that time, bank conflicts included.
      return e.chunk * 3 <= e.room ? 0
                                   : e.blocks * std::max(0.0, 2 * e.set * e.sharing / link + e.chunks * latency -
                                                                  block_cycles);
    case Scope::kBlockRun:
      return wait(e.set, e.own_blocks - 1, block_cycles * (e.chunks - 1) / e.chunks);
    case Scope::kPass:
      return wait(e.set * e.sets, e.passes - 1, block_cycles * e.sets);
    case Scope::kTileRun:
      break;
  }
  return wait(e.set * e.sets, e.runs - 1, block_cycles * e.sets);
}

// Of fetched weights alone: nothing hides the first, since no PE is done with its first block before all of its chunks have
// come; and no more is under way than there is room for.
double fetch_waits(const Exchange& lane, double rate, double latency, double block_cycles) {
  const double first = std::max(0.0, lane.set * lane.sharing / rate - block_cycles);
  const double slow = std::max(0.0, lane.set / lane.room * latency - block_cycles);
  return first + (lane.scope == Scope::kStep ? lane.blocks * slow : 0);
}

}  // namespace

double LayerModel::expect_waits(const Halves& h, const Work& work) const {
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const bool depthwise = h.form->depthwise;
  const double link = spec_.noc.link_bytes_per_cycle;
  const double latency = 1.0 + spec_.noc.latency;
  const double block_cycles = double(lanes.channel_tiles) * double(pixels.block_pixels) * double(h.cut->vectors);
  const double per_row = std::min<double>(double(divide_up(spec_.pe_count, spec_.noc.rows)), h.split.used());
  const double lane_rounds = double(lanes.rounds) * double(work.batches), pixel_rounds = double(pixels.rounds);
  const double passes = double(work.passes);
  Exchange lane, stream;
  lane.scope = work.lane_scope;
  lane.room = double(spec_.pe.weight_buffer.value);
  lane.set = double(work.lane_set_bytes);
  lane.chunk = lane.set / double(h.cut->vectors) * double(h.cut->largest_vectors);
  lane.sets = double(lanes.sets);
  lane.own_blocks = lane_rounds * double(pixels.tiles);
  lane.runs = passes / double(work.lane_run);
  lane.sharing = work.adjacent ? std::min<double>(per_row, h.split.lanes) : std::max(1.0, per_row / h.split.pixels);
  stream.scope = work.stream_scope;
  stream.room = double(spec_.pe.input_buffer.value);
  stream.set = double(work.stream_set_bytes);
  stream.chunk = double(pixels.chunk_weight * h.cut->largest_unit_bytes) * (depthwise ? lanes.channel_tiles : 1);
  stream.sets = double(pixels.sets);
  stream.own_blocks = pixel_rounds * double(work.batches) * (depthwise ? 1 : double(lanes.tiles));
  stream.runs = passes / double(work.stream_run);
  stream.sharing =
      work.adjacent ? std::max(1.0, per_row / h.split.lanes) : std::min<double>(per_row, h.split.pixels);
  for (Exchange* side : {&lane, &stream}) {
    side->chunks = double(h.cut->chunks);
    side->blocks = lane_rounds * pixel_rounds;
    side->passes = passes;
  }
  // What is fetched comes after the memory's latency and at its pace, for one group of PEs after the other.
  const double lane_rate = h.bypass ? std::min(link, memory_rate_ * kAchieved) : link;
  if (h.bypass) {
    lane.sharing = double(h.split.lanes) * h.split.groups;
  }
  double waits = wait_of(lane, block_cycles, lane_rate, h.bypass ? latency + first_latency_ : latency) +
                 wait_of(stream, block_cycles, link, latency);
  if (h.bypass) {
    waits += fetch_waits(lane, lane_rate, latency + first_latency_, block_cycles);
  }
  // What a PE keeps for several passes arrives in the first of them, which may take longer than its work.
  const double pass_cycles = block_cycles * lane.sets * stream.sets;
  for (const auto& [side, run, rate] : {std::tuple(&lane, work.lane_run, lane_rate), std::tuple(&stream, work.stream_run, link)}) {
    if (side->scope == Scope::kTileRun && run > 1) {
      waits += std::max(0.0, side->set * side->sets * side->sharing / rate - pass_cycles);
    }
  }
  // One slot: a tile is loaded (stored) while nothing else of its class can be used.
  const double read_latency = first_latency_ + 2.0 * latency;
  const auto alone = [&](uint32_t slots, uint64_t loads, const Traffic& traffic) {
    return slots == 1 && loads > 1 ? double(loads) * read_latency + double(traffic.bytes) / memory_rate_ : 0;
  };
  waits += alone(work.lane_slots, work.lane_loads, work.lane) + alone(work.stream_slots, work.stream_loads, work.stream);
  waits += alone(work.output_slots, work.passes, work.output);
  return waits;
}

}  // namespace tilewright::mappers
