// SPDX-License-Identifier: Apache-2.0
//
// What no choice of loop orders, slots and dataflow can go below: chunks are sent once, tiles loaded once, nothing
// waits. Cheap enough to be asked for every pair of halves.
#include <algorithm>

#include "mappers/model/model.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

double rate(const EnergyRates& rates, Action action) { return rates.per_action[static_cast<std::size_t>(action)]; }

}  // namespace

// Energy of the accesses that the dataflow decides.
double LayerModel::dataflow_energy(const Halves& h, arch::Dataflow dataflow) const {
  const double slots = double(spec_.pe.lanes) * spec_.pe.vector_size;
  const double tiles = double(h.form->groups) * double(h.lanes->channel_tiles_sum);
  const double sums = tiles * h.form->rows * h.form->columns;
  const double cycles = sums * double(h.cut->vectors);
  double reads = tiles * double(h.pixels->blocks) * double(h.cut->vectors);
  double collector = cycles, updates = cycles;
  if (dataflow == arch::Dataflow::kOs) {
    reads = cycles;
    collector = 0;
    updates = sums * double(h.cut->chunks);
  } else if (dataflow == arch::Dataflow::kWsLos) {
    updates = sums * double(h.cut->collector_rounds);
  }
  return rate(rates_, Action::kWeightBufferRead) * reads * slots +
         rate(rates_, Action::kWeightCollectorRead) * collector * slots +
         rate(rates_, Action::kAccumulatorUpdate) * updates * spec_.pe.lanes;
}

arch::Dataflow LayerModel::best_dataflow(const Halves& halves, const std::vector<arch::Dataflow>& dataflows) const {
  return *std::min_element(dataflows.begin(), dataflows.end(), [&](arch::Dataflow a, arch::Dataflow b) {
    return dataflow_energy(halves, a) < dataflow_energy(halves, b);
  });
}

LayerModel::Floor LayerModel::floor_of(const Halves& h) const {
  const Form& form = *h.form;
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const arch::NocSpec& noc = spec_.noc;
  const double groups = form.depthwise ? 1 : form.groups;
  const double batches = form.depthwise ? 1 : double(divide_up(form.groups, h.split.groups));
  const double slots = double(spec_.pe.lanes) * spec_.pe.vector_size;
  const double values = double(places_.output_bytes);
  // Time: the array, with the first load before it; the memory; outputs on their way back.
  const bool lane_resident = form.swap ? input_resident_ : weights_resident_;
  const bool stream_resident = form.swap ? weights_resident_ : input_resident_;
  const double lane_first = lane_resident ? 0
                                          : double(lanes.tile_size) * form.kernel_height * form.kernel_width *
                                                form.channels * (form.depthwise ? 1 : h.split.groups);
  const double stream_first = stream_resident || !pixels.first_chunks_needed
                                  ? 0
                                  : double(pixels.first_positions) *
                                        (form.depthwise ? double(lanes.tile_size) : double(form.channels) * h.split.groups);
  const double first = lane_first + stream_first;
  const double fill = 1.0 + noc.latency + (first > 0 ? first_latency_ + first / memory_rate_ : 0);
  const double tail = 2.0 + spec_.pe.pipeline_depth + noc.latency +
                      (output_resident_ ? 0
                                        : double(pixels.last_size) * double(lanes.last_size) / memory_rate_ +
                                              spec_.dram.write_latency * core_per_dram_);
  const double compute = double(lanes.busiest) * double(pixels.busiest) * batches * double(h.cut->vectors);
  double read_bursts = 0, write_bursts = 0, strained = 0;
  if (spec_.has_dram) {
    read_bursts = (lane_resident ? 0 : double(lanes.operand.bursts)) +
                  (stream_resident || form.depthwise ? 0 : double(pixels.operand.bursts));
    const bool all_channels = form.swap ? pixels.tile_size == form.columns : lanes.tile_size == form.lanes;
    const bool sliced = !all_channels || h.split.groups < form.groups;
    const Traffic& output = sliced != form.swap ? lanes.output : pixels.output;
    write_bursts = output_resident_ ? 0 : double(output.bursts);
    strained = (lane_resident ? 0 : lanes.operand.strained) +
               (stream_resident || form.depthwise ? 0 : pixels.operand.strained) +
               (output_resident_ ? 0 : output.strained);
    if (form.depthwise && !stream_resident) {
      const double inputs = form.least_input_bytes / double(spec_.dram.burst_bytes.value);
      read_bursts += inputs;
      strained += inputs;
    }
  }
  Floor floor;
  floor.cycles = std::max({fill + compute + tail, (read_bursts + write_bursts) * cycles_per_burst_,
                           fill + values / noc.rows / noc.collect_bytes_per_cycle});
  floor.expected = std::max(floor.cycles, strained * cycles_per_burst_ / kAchieved);
  // Energy: every count at its least.
  const double cycles = groups * double(lanes.channel_tiles_sum) * form.rows * form.columns * double(h.cut->vectors);
  const double macs = double(layer_.mac.macs());
  const double lane_sent = slots * form.tap_pixels * double(h.cut->vectors) * double(lanes.channel_tiles_sum) * groups;
  const double stream_sent =
      double(h.cut->unit_bytes) * double(pixels.weight) * (form.depthwise ? double(lanes.channel_tiles_sum) : groups);
  const double lane_copies = lane_sent * pixels.most_parts;
  const double stream_copies = form.depthwise ? stream_sent : stream_sent * lanes.most_parts;
  const double sent = lane_sent + stream_sent, copies = lane_copies + stream_copies;
  const auto joules = [&](Action action, double count) { return rate(rates_, action) * count; };
  double dataflow = 0;
  bool any = false;
  for (const arch::Dataflow each : spec_.dataflows) {
    const double cost = dataflow_energy(h, each);
    dataflow = any ? std::min(dataflow, cost) : cost;
    any = true;
  }
  const double burst = double(spec_.dram.burst_bytes.value);
  floor.energy_j = joules(Action::kMac, macs) + joules(Action::kMacIdleLane, cycles * slots - macs) +
                   joules(Action::kInputBufferRead, cycles * spec_.pe.vector_size) + dataflow +
                   joules(Action::kAccumulatorRead, groups * double(lanes.channel_tiles_sum) * form.rows *
                                                        form.columns * spec_.pe.lanes) +
                   joules(Action::kPpuValue, values) + joules(Action::kOutputBufferWrite, values) +
                   joules(Action::kOutputBufferRead, values) + joules(Action::kWeightBufferWrite, lane_copies) +
                   joules(Action::kInputBufferWrite, stream_copies) + joules(Action::kNocInjected, sent) +
                   joules(Action::kNocDelivered, copies) + joules(Action::kNocCollected, values) +
                   joules(Action::kNocLinkBytes, sent + copies + 2 * values) +
                   joules(Action::kGlobalBufferRead, sent) + joules(Action::kGlobalBufferWrite, values) +
                   joules(Action::kDramReadBytes, read_bursts * burst) +
                   joules(Action::kDramWriteBytes, write_bursts * burst) + rates_.per_cycle * floor.cycles;
  return floor;
}

LayerModel::Floor LayerModel::floor_of_split(const Form& form, const Split& split, uint64_t vectors) const {
  const uint64_t lane_share = divide_up(divide_up(form.lanes, spec_.pe.lanes), split.lanes);
  const uint64_t pixel_share = divide_up(uint64_t{form.rows} * form.columns, split.pixels);
  const uint64_t batches = divide_up(form.groups, split.groups);
  const double compute = double(lane_share) * double(pixel_share) * double(vectors) * double(batches);
  double bytes = 0, read = 0, written = 0;
  if (spec_.has_dram) {
    read = (input_resident_ ? 0 : form.least_input_bytes) + (weights_resident_ ? 0 : double(places_.weight_bytes));
    written = output_resident_ ? 0 : double(places_.output_bytes);
    bytes = read + written;
  }
  Floor floor;
  const double burst = std::max(1.0, double(spec_.dram.burst_bytes.value));
  floor.cycles = std::max({compute, bytes / burst * cycles_per_burst_,
                           double(places_.output_bytes) / spec_.noc.rows / spec_.noc.collect_bytes_per_cycle});
  floor.expected = std::max(floor.cycles, bytes / burst * cycles_per_burst_ / kAchieved);
  floor.energy_j = rate(rates_, Action::kMac) * double(layer_.mac.macs()) +
                   rate(rates_, Action::kDramReadBytes) * read + rate(rates_, Action::kDramWriteBytes) * written +
                   rates_.per_cycle * floor.cycles;
  return floor;
}

}  // namespace tilewright::mappers
