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
  if (h.bypass) {
    least.lane = fetched_once(h);
  } else if (!(form.swap ? input_resident_ : weights_resident_)) {
    least.lane = h.lanes->operand;
  }
  if (!(form.swap ? weights_resident_ : input_resident_)) {
    const auto bursts = static_cast<uint64_t>(form.least_input_bytes / double(spec_.dram.burst_bytes.value));
    const Traffic inputs{static_cast<uint64_t>(form.least_input_bytes), bursts, 0, 0, double(bursts)};
    least.stream = form.depthwise ? inputs : h.pixels->operand;
  }
  if (!output_resident_) {
    const bool all_channels =
        form.swap ? h.pixels->tile_size == form.columns : h.lanes->tile_size == form.lanes;
    const bool sliced = !all_channels || h.split.groups < form.groups;
    least.written = sliced != form.swap ? h.lanes->output : h.pixels->output;
  }
  return least;
}

LayerModel::LeastSends LayerModel::least_sends(const Halves& h) const {
  const double groups = h.form->depthwise ? 1 : h.form->groups;
  LeastSends sends;
  sends.lane = double(spec_.pe.lanes) * spec_.pe.vector_size * h.form->tap_pixels * double(h.cut->vectors) *
               double(h.lanes->channel_tiles_sum) * groups;
  sends.stream = double(h.cut->unit_bytes) * double(h.pixels->weight) *
                 (h.form->depthwise ? double(h.lanes->channel_tiles_sum) : groups);
  return sends;
}

// Time: what the model's terms are at least.
void LayerModel::floor_time(const Halves& h, const LeastTraffic& traffic, const LeastSends& sends, Floor& floor) const {
  const arch::NocSpec& noc = spec_.noc;
  const Ends ends = ends_of(h);
  Terms& terms = floor.terms;
  const auto term = [&](Term which) -> double& { return terms[static_cast<std::size_t>(which)]; };
  bound_array(h, ends, terms);
  Traffic read = traffic.lane;
  read += traffic.stream;
  bound_memory(h, ends, read, traffic.written, terms);
  const double values = double(places_.output_bytes), sent = sends.lane + sends.stream;
  const double rows = double(divide_up(h.split.used(), divide_up(spec_.pe_count, noc.rows)));
  term(Term::kRowLinks) = ends.link_fill + sent / rows / noc.link_bytes_per_cycle + ends.latency + ends.tail;
  term(Term::kCollectLinks) = ends.fill + values / rows / noc.collect_bytes_per_cycle + ends.store;
  const double through = double((h.bypass ? traffic.stream : read).bytes + traffic.written.bytes);
  term(Term::kBanks) = ((h.bypass ? sends.stream : sent) / noc.link_bytes_per_cycle +
                        values / noc.collect_bytes_per_cycle + through / spec_.dma.bytes_per_cycle) /
                       spec_.global_buffer.banks;
  floor.cycles = *std::max_element(terms.begin(), terms.end());
  const double strained = read.strained + traffic.written.strained;
  floor.expected = std::max(floor.cycles, strained * cycles_per_burst_ / kAchieved);
}

void LayerModel::add_contention(Floor& floor) {
  floor.expected = std::max(floor.expected, floor.cycles + contention_of(floor.terms, floor.cycles));
}

// Energy: every count at its least.
double LayerModel::floor_energy(const Halves& h, const LeastTraffic& traffic, const LeastSends& sends,
                                double cycles_bound) const {
  const Form& form = *h.form;
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  const double groups = form.depthwise ? 1 : form.groups;
  const double slots = double(spec_.pe.lanes) * spec_.pe.vector_size;
  const double values = double(places_.output_bytes);
  const double sums = groups * double(lanes.channel_tiles_sum) * form.rows * form.columns;
  const double cycles = sums * double(h.cut->vectors);
  const double macs = double(layer_.mac.macs());
  const double lane_copies = sends.lane * pixels.most_parts;
  const double stream_copies = form.depthwise ? sends.stream : sends.stream * lanes.most_parts;
  const double sent = sends.lane + sends.stream, copies = lane_copies + stream_copies;
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
         joules(Action::kGlobalBufferRead, h.bypass ? sends.stream : sent) +
         joules(Action::kGlobalBufferWrite, values) +
         joules(Action::kDramReadBytes, double(traffic.lane.bursts + traffic.stream.bursts) * burst) +
         joules(Action::kDramWriteBytes, double(traffic.written.bursts) * burst) +
         rates_.per_cycle * cycles_bound;
}

LayerModel::Floor LayerModel::floor_of(const Halves& h, bool energy) const {
  const LeastTraffic traffic = least_traffic(h);
  const LeastSends sends = least_sends(h);
  Floor floor;
  floor_time(h, traffic, sends, floor);
  floor.energy_j = energy ? floor_energy(h, traffic, sends, floor.cycles) : 0;
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
