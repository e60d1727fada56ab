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

// Traffic with every tile moved once. Depthwise halves do not know their stream's: what any tiling loads stands in.
LayerModel::LeastTraffic LayerModel::least_traffic(const Halves& h) const {
  LeastTraffic least;
  if (!spec_.has_dram) {
    return least;
  }
  const Form& form = *h.form;
  const auto read = [&least](double bursts, double strained) {
    least.read_bursts += bursts;
    least.strained += strained;
  };
  if (h.bypass) {
    const Traffic fetched = fetched_once(h);
    read(double(fetched.bursts), fetched.strained);
  } else if (!(form.swap ? input_resident_ : weights_resident_)) {
    read(double(h.lanes->operand.bursts), h.lanes->operand.strained);
  }
  if (!(form.swap ? weights_resident_ : input_resident_)) {
    const double inputs = form.least_input_bytes / double(spec_.dram.burst_bytes.value);
    form.depthwise ? read(inputs, inputs) : read(double(h.pixels->operand.bursts), h.pixels->operand.strained);
  }
  if (!output_resident_) {
    const bool all_channels =
        form.swap ? h.pixels->tile_size == form.columns : h.lanes->tile_size == form.lanes;
    const bool sliced = !all_channels || h.split.groups < form.groups;
    const Traffic& output = sliced != form.swap ? h.lanes->output : h.pixels->output;
    least.write_bursts = double(output.bursts);
    least.strained += output.strained;
  }
  return least;
}

// Time: the array, with the first load before it; the memory; outputs on their way back.
void LayerModel::floor_time(const Halves& h, const LeastTraffic& traffic, Floor& floor) const {
  const Form& form = *h.form;
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const arch::NocSpec& noc = spec_.noc;
  const double groups = form.depthwise ? 1 : h.split.groups;
  const double batches = form.depthwise ? 1 : double(divide_up(form.groups, h.split.groups));
  const bool lane_resident = form.swap ? input_resident_ : weights_resident_;
  const bool stream_resident = form.swap ? weights_resident_ : input_resident_;
  const double depth = form.depthwise ? double(lanes.tile_size) : double(form.channels) * groups;
  const uint64_t lane_tile = lanes.tile_size * form.kernel_height * form.kernel_width * form.channels;
  const double lane_first = lane_resident ? 0 : first_lane_bytes(h, lane_tile) * (h.bypass ? 1 : groups);
  const double stream_first =
      stream_resident || !pixels.first_chunks_needed ? 0 : double(pixels.first_positions) * depth;
  const double first = lane_first + stream_first;
  const double fill = 1.0 + noc.latency + (first > 0 ? first_latency_ + first / memory_rate_ : 0);
  const double store = output_resident_ ? 0
                                        : double(pixels.last_size) * double(lanes.last_size) / memory_rate_ +
                                              spec_.dram.write_latency * core_per_dram_;
  const double tail = 2.0 + spec_.pe.pipeline_depth + noc.latency + store;
  const double compute = double(lanes.busiest) * double(pixels.busiest) * batches * double(h.cut->vectors);
  floor.cycles = std::max({fill + compute + tail, (traffic.read_bursts + traffic.write_bursts) * cycles_per_burst_,
                           fill + double(places_.output_bytes) / noc.rows / noc.collect_bytes_per_cycle});
  floor.expected = std::max(floor.cycles, traffic.strained * cycles_per_burst_ / kAchieved);
}

// Energy: every count at its least.
double LayerModel::floor_energy(const Halves& h, const LeastTraffic& traffic, double cycles_bound) const {
  const Form& form = *h.form;
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const double groups = form.depthwise ? 1 : form.groups;
  const double slots = double(spec_.pe.lanes) * spec_.pe.vector_size;
  const double values = double(places_.output_bytes);
  const double sums = groups * double(lanes.channel_tiles_sum) * form.rows * form.columns;
  const double cycles = sums * double(h.cut->vectors);
  const double macs = double(layer_.mac.macs());
  const double lane_sent = slots * form.tap_pixels * double(h.cut->vectors) * double(lanes.channel_tiles_sum) * groups;
  const double stream_sent =
      double(h.cut->unit_bytes) * double(pixels.weight) * (form.depthwise ? double(lanes.channel_tiles_sum) : groups);
  const double lane_copies = lane_sent * pixels.most_parts;
  const double stream_copies = form.depthwise ? stream_sent : stream_sent * lanes.most_parts;
  const double sent = lane_sent + stream_sent, copies = lane_copies + stream_copies;
  const double burst = double(spec_.dram.burst_bytes.value);
  const auto joules = [&](Action action, double count) { return rate(rates_, action) * count; };
  const double dataflow =
      spec_.dataflows.empty() ? 0 : dataflow_energy(h, best_dataflow(h, spec_.dataflows));
  return joules(Action::kMac, macs) + joules(Action::kMacIdleLane, cycles * slots - macs) +
         joules(Action::kInputBufferRead, cycles * spec_.pe.vector_size) + dataflow +
         joules(Action::kAccumulatorRead, sums * spec_.pe.lanes) + joules(Action::kPpuValue, values) +
         joules(Action::kOutputBufferWrite, values) + joules(Action::kOutputBufferRead, values) +
         joules(Action::kWeightBufferWrite, lane_copies) + joules(Action::kInputBufferWrite, stream_copies) +
         joules(Action::kNocInjected, sent) + joules(Action::kNocDelivered, copies) +
         joules(Action::kNocCollected, values) + joules(Action::kNocLinkBytes, sent + copies + 2 * values) +
         joules(Action::kGlobalBufferRead, h.bypass ? stream_sent : sent) + joules(Action::kGlobalBufferWrite, values) +
         joules(Action::kDramReadBytes, traffic.read_bursts * burst) +
         joules(Action::kDramWriteBytes, traffic.write_bursts * burst) + rates_.per_cycle * cycles_bound;
}

LayerModel::Floor LayerModel::floor_of(const Halves& h) const {
  const LeastTraffic traffic = least_traffic(h);
  Floor floor;
  floor_time(h, traffic, floor);
  floor.energy_j = floor_energy(h, traffic, floor.cycles);
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
