// SPDX-License-Identifier: Apache-2.0
//
// How long the PEs of a row wait for their first blocks: they share a link, which brings one chunk after the other. A bound:
// when the last chunk that one of them needs by some step has come, that PE has this step and all after it to do.
// The first row stands for all, since it has blocks where any row has.
#include <algorithm>

#include "mappers/model/work.h"

namespace tilewright::mappers {
namespace {

using Amounts = std::vector<uint64_t>;  // by part

// Of the PEs of a row: what they need, each chunk once (a multicast crosses the link once), in
// units of the halves' weights.
struct Needed {
  double lane = 0, stream = 0;
};

double work_of(const Halves& h, const Geometry::Place& pe) {
  return double(pe.times) * double(h.lanes->by_part[pe.lane]) * double(h.pixels->pixels_by_part[pe.pixel]);
}

// Of the PEs that have at least so much work. They are listed group by group, and no two groups need the same.
Needed needed_by(const Halves& h, const std::vector<Geometry::Place>& row, double least_work, const Amounts& lanes,
                 const Amounts& pixels) {
  Needed needed;
  uint64_t lanes_seen = 0, pixels_seen = 0;
  uint32_t group = 0;
  for (const Geometry::Place& pe : row) {
    if (pe.group != group) {
      group = pe.group;
      lanes_seen = pixels_seen = 0;
    }
    if (work_of(h, pe) < least_work) {
      continue;
    }
    needed.lane += (lanes_seen >> pe.lane & 1) != 0 ? 0 : double(lanes[pe.lane]);
    needed.stream += (pixels_seen >> pe.pixel & 1) != 0 ? 0 : double(pixels[pe.pixel]);
    lanes_seen |= uint64_t{1} << pe.lane;
    pixels_seen |= uint64_t{1} << pe.pixel;
  }
  return needed;
}

double most_worked(const std::vector<Geometry::Place>& row, const Amounts& lanes, const Amounts& pixels) {
  uint64_t most = 0;
  for (const Geometry::Place& pe : row) {
    most = std::max(most, lanes[pe.lane] * pixels[pe.pixel]);
  }
  return double(most);
}

}  // namespace

double LayerModel::first_sends(const Halves& h, const Work& work, const Ends& ends) const {
  if (h.form->depthwise) {
    return 0;  // every channel tile has inputs of its own, for one PE
  }
  const std::vector<Geometry::Place>& row = h.geometry[work.adjacent]->first_row;
  const FirstTile &lanes = h.lanes->first, &pixels = h.pixels->first;
  const ReductionCut& cut = *h.cut;
  const double entry = double(spec_.pe.lanes) * spec_.pe.vector_size;
  const double link = spec_.noc.link_bytes_per_cycle;
  // Tiles of lanes are loaded before those of the stream. What is fetched is sent as it comes.
  const double lane_load = h.bypass ? 0 : load_time(ends.lane_first);
  const auto arrival = [&](double lane, double stream) {
    const bool waits = stream > 0 && ends.stream_first > 0;
    const double both = (lane + stream) / link;
    const double after_stream = waits ? load_time((h.bypass ? 0 : ends.lane_first) + ends.stream_first) + stream / link : 0;
    return std::max({both, lane_load + (lane + (waits ? stream : 0)) / link, after_stream}) + spec_.noc.latency;
  };
  const double last_step = double(lanes.least_size) * double(pixels.least_size) * double(cut.smallest_vectors);
  // By the last step under so many blocks of each side.
  const auto bound_by = [&](double least_work, bool all_lanes, bool all_pixels) {
    const Needed needed = needed_by(h, row, least_work, all_lanes ? lanes.weights : lanes.block_weights,
                                    all_pixels ? pixels.weights : pixels.block_weights);
    const double worked = most_worked(row, all_lanes ? lanes.sizes : lanes.block_sizes,
                                      all_pixels ? pixels.sizes : pixels.block_sizes);
    return arrival(needed.lane * entry * double(cut.vectors), needed.stream * double(cut.unit_bytes)) -
           (worked * double(cut.vectors) - last_step);
  };
  const auto bound = [&](double least_work) {
    const Needed first = needed_by(h, row, least_work, lanes.block_weights, pixels.block_weights);
    const double first_unit = cut.kernel_rows.size() > 1 ? 0 : double(cut.largest_unit_bytes);
    const double begin = arrival(first.lane * entry * double(cut.largest_vectors), first.stream * first_unit);
    const double block = bound_by(least_work, false, false);
    // All blocks of the inner side come under the first of the outer side.
    const double walk = bound_by(least_work, !work.lane_blocks_outer, work.lane_blocks_outer);
    const double pass = bound_by(least_work, true, true);
    return least_work * double(cut.vectors) + std::max({begin, block, walk, pass}) + ends.tail;
  };
  double least = 0, most = 0;
  for (const Geometry::Place& pe : row) {
    const double cycles = work_of(h, pe);
    most = std::max(most, cycles);
    least = cycles > 0 && (least == 0 || cycles < least) ? cycles : least;
  }
  return most == 0 ? 0 : std::max(bound(most), least < most ? bound(least) : 0);
}

}  // namespace tilewright::mappers
