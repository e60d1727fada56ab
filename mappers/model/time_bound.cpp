// SPDX-License-Identifier: Apache-2.0
//
// The least time that each resource needs. docs/mapper.md derives every term; what makes them bounds is said here.
#include <algorithm>

#include "mappers/model/work.h"
#include "sim/base/units.h"

namespace tilewright::mappers {

void LayerModel::bound_time(const Halves& h, const Work& work, Evaluation& result) const {
  const Form& form = *h.form;
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const arch::NocSpec& noc = spec_.noc;
  const double link = noc.link_bytes_per_cycle;
  const double dma = double(spec_.dma.ports) * spec_.dma.bytes_per_cycle;
  const double used_rows = h.geometry[0]->used_rows;
  const auto term = [&](Term which) -> double& { return result.terms[static_cast<std::size_t>(which)]; };

  // Before any step: the first weight tile is complete, mostly the first input tile too, and a packet has crossed the
  // network. The PE that has most to do works in the first tile, the largest.
  const double groups = form.depthwise ? 1 : std::min(h.split.groups, form.groups);
  const double depth = form.depthwise ? double(lanes.tile_size) : double(form.channels) * groups;
  const double lane_first = work.lane_resident ? 0 : double(work.lane_tile_bytes);
  const double stream_first = work.stream_resident ? 0 : double(pixels.first_positions) * depth;
  const double latency = 1.0 + noc.latency;
  const auto load = [&](double bytes) { return bytes > 0 ? first_latency_ + bytes / memory_rate_ : 0; };
  const double fill = latency + load(lane_first + (pixels.first_chunks_needed ? stream_first : 0));
  const double link_fill = load(std::min(lane_first, stream_first));  // before any packet
  // After its last step: sums through the PPU, over the network, and the tile they belong to into the DRAM.
  const uint64_t last_groups =
      form.depthwise ? 1 : form.groups - (work.batches - 1) * std::min(h.split.groups, form.groups);
  const double last_tile = double(pixels.last_size) * double(lanes.last_size) * double(last_groups);
  const double write_latency = spec_.dram.write_latency * core_per_dram_;
  const double store = output_resident_ ? 0 : last_tile / memory_rate_ + write_latency;
  const double tail = 1.0 + spec_.pe.pipeline_depth + latency + store;

  const double batches = double(work.batches);
  const double pixel_cycles = double(pixels.busiest) * batches;
  const double compute = double(lanes.busiest) * pixel_cycles * double(h.cut->vectors);
  const double values = double(work.values);
  term(Term::kCompute) = fill + compute + tail;
  term(Term::kRowLinks) = link_fill + double(work.lane_rows + work.stream_rows) / used_rows / link + latency + tail;
  term(Term::kCollectLinks) = fill + values / used_rows / noc.collect_bytes_per_cycle + store;
  term(Term::kOutputPort) = fill + double(lanes.busiest) * pixel_cycles +
                            double(lanes.busiest_lanes) * pixel_cycles / noc.collect_bytes_per_cycle + store;
  const double sent = double(work.lane_sent + work.stream_sent);
  const double loaded = double(work.lane.bytes + work.stream.bytes), stored = double(work.output.bytes);
  term(Term::kBanks) = (sent / link + values / noc.collect_bytes_per_cycle +
                        (loaded + stored) / spec_.dma.bytes_per_cycle) /
                       spec_.global_buffer.banks;
  const double requests = double(work.lane.requests + work.stream.requests);
  term(Term::kLoadDma) = std::max(loaded / dma, requests);
  term(Term::kStoreDma) = std::max(stored / dma, double(work.output.requests));
  const double first = loaded > 0 ? first_latency_ : 0;
  term(Term::kDram) =
      first + double(work.lane.bursts + work.stream.bursts + work.output.bursts) * cycles_per_burst_;

  // A slot is taken from the request of its tile's first byte until the last is sent on (outputs: from the first block
  // until all is stored), and there are only so many.
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

  const double filling = values / used_rows / noc.collect_bytes_per_cycle;
  term(Term::kOutputSlots) =
      output_resident_
          ? 0
          : (double(work.passes) * latency + filling + stored / dma) / work.output_slots;
  bound_exchange(h, work, result);
  result.cycles = *std::max_element(result.terms.begin(), result.terms.end());
}

// A chunk takes room in a PE from the grant of its first packet until its last step ends; room x time is limited. Of
// the PE that has most to do; only chunks that are used once, whose time is known.
void LayerModel::bound_exchange(const Halves& h, const Work& work, Evaluation& result) const {
  const double link = spec_.noc.link_bytes_per_cycle;
  const double batches = double(work.batches);
  const double entry = double(spec_.pe.lanes) * spec_.pe.vector_size * h.form->tap_pixels;
  double lane = 0;
  if (work.lane_scope == Scope::kStep) {
    const double squares = double(h.cut->squared_vectors) * double(h.lanes->busiest_squared);
    lane = squares * entry * entry / link * double(h.pixels->busiest_blocks) +
           spec_.noc.latency * entry * double(h.cut->vectors) * double(h.lanes->busiest) *
               double(h.pixels->busiest_blocks) +
           squares * entry * double(h.pixels->busiest);
  }
  result.terms[static_cast<std::size_t>(Term::kLaneExchange)] =
      lane * batches / double(spec_.pe.weight_buffer.value);
  result.terms[static_cast<std::size_t>(Term::kStreamExchange)] = 0;
}

}  // namespace tilewright::mappers
