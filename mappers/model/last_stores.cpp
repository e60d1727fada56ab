// SPDX-License-Identifier: Apache-2.0
//
// Output tiles are stored in the order of the passes, so a layer does not end before its last tiles are stored one after
// the other: the last alone after the last step, and the last two after the steps of the pass before.
#include <algorithm>

#include "mappers/model/work.h"

namespace tilewright::mappers {

// At most one request a cycle, and a request for every piece; `lanes` and `pixels` are of the tile.
double LayerModel::store_time(const Halves& h, double lanes, double pixels, double groups) const {
  const Form& form = *h.form;
  const double positions = form.swap ? lanes : pixels;
  const double all_channels = form.swap ? form.columns : form.lanes;
  const double tile_channels = double(form.swap ? h.pixels->tile_size : h.lanes->tile_size);
  const bool sliced = tile_channels < all_channels || h.split.groups < form.groups;
  const double pieces = !sliced ? 1 : positions * (tile_channels < all_channels ? groups : 1);
  const double bytes = lanes * pixels * groups;
  return std::max({bytes / memory_rate_, bytes / double(spec_.dma.request_bytes), pieces});
}

double LayerModel::last_two_stores(const Halves& h, const Work& work, const Ends& ends) const {
  const LanePart& lanes = *h.lanes;
  const PixelPart& pixels = *h.pixels;
  if (output_resident_ || work.passes < 2) {
    return 0;
  }
  double lane = double(lanes.last_size), pixel = double(pixels.last_size), groups = ends.last_groups;
  const bool pixels_inner = work.lanes_outer || h.form->depthwise;
  if (pixels.tiles > 1 && (pixels_inner || lanes.tiles == 1)) {
    pixel = double(pixels.previous_size);
  } else if (lanes.tiles > 1) {
    lane = double(lanes.tile_size);
  } else {
    groups = h.split.groups;
  }
  const double last_pass = double(lanes.last_work) * double(pixels.last_work) * double(h.cut->vectors);
  const double compute = double(lanes.busiest) * double(pixels.busiest) * ends.batches * double(h.cut->vectors);
  return ends.fill + std::max(0.0, compute - last_pass) + ends.tail + store_time(h, lane, pixel, groups);
}

}  // namespace tilewright::mappers
