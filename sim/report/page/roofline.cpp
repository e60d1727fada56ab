// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "sim/report/page/figures.h"
#include "sim/report/page/markup.h"
#include "sim/report/table.h"

namespace tilewright::report {
namespace {

constexpr double kWidth = 1120;
constexpr double kHeight = 500;
constexpr double kAreaPerShare = 5200;  // square pixels of a dot that takes all the time
constexpr std::size_t kLabels = 12;

struct Dot {
  const LayerSum* group;
  double intensity;  // MACs per DRAM byte
  double rate;       // GMAC/s
  double share;      // of the run's time
  double radius;
};

struct Box {
  double left, top, right, bottom;
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

std::vector<Dot> dots(const RunRecord& run, const std::vector<LayerSum>& groups) {
  std::vector<Dot> found;
  for (const LayerSum& group : groups) {
    const double time = seconds(run, group.cycles);
    if (group.macs == 0 || group.dram_bytes == 0 || time <= 0) {
      continue;
    }
    const double macs = static_cast<double>(group.macs);
    const double share = fraction(time, run.time_s);
    found.push_back({&group, macs / static_cast<double>(group.dram_bytes), macs / time / 1e9, share,
                     std::max(3.0, std::sqrt(share * kAreaPerShare / 3.14159265))});
  }
  // Large ones first: small ones stay visible on top of them.
  std::stable_sort(found.begin(), found.end(), [](const Dot& a, const Dot& b) { return a.share > b.share; });
  return found;
}

struct Axes {
  Scale x, y;
};

// Whole decades would waste room: half a step of the logarithm beyond what is shown.
Axes axes(const std::vector<Dot>& all, double peak, double bandwidth) {
  double x_low = 1e300, x_high = 0, y_low = peak;
  for (const Dot& dot : all) {
    x_low = std::min(x_low, dot.intensity);
    x_high = std::max(x_high, dot.intensity);
    y_low = std::min(y_low, dot.rate);
  }
  if (bandwidth > 0) {
    x_high = std::max(x_high, peak / bandwidth * 1.5);
  }
  return {{x_low / 1.6, x_high * 1.8, 74, kWidth - 20, true},
          {y_low / 1.8, peak * 1.9, kHeight - 54, 14, true}};
}

// What labels must not cover: the ceilings and their names.
std::vector<Box> ceiling_boxes(const Axes& at, double peak, double bandwidth) {
  const double ridge = bandwidth > 0 ? std::clamp(peak / bandwidth, at.x.low, at.x.high) : at.x.low;
  std::vector<Box> boxes = {{at.x(ridge), at.y(peak) - 3, at.x.last, at.y(peak) + 3},
                            {at.x.last - 190, at.y(peak) - 22, at.x.last, at.y(peak)},
                            {at.x(ridge) - 140, at.y(peak) - 22, at.x(ridge), at.y(peak)}};
  constexpr int kPieces = 80;
  for (int i = 0; bandwidth > 0 && i < kPieces; ++i) {
    const double intensity = at.x.low * std::pow(ridge / at.x.low, static_cast<double>(i) / kPieces);
    const double x = at.x(intensity), y = at.y(intensity * bandwidth);
    boxes.push_back({x - 6, y - 6, x + 6, y + 6});
  }
  return boxes;
}

// A place beside, below or above the dot on which the label meets nothing; no label where all are taken.
void place_labels(Svg& svg, const std::vector<Dot>& all, const Axes& at, std::vector<Box> taken) {
  for (const Dot& dot : all) {
    const double cx = at.x(dot.intensity), cy = at.y(dot.rate);
    const double r = dot.radius * 0.8;
    taken.push_back({cx - r, cy - r, cx + r, cy + r});
  }
  std::size_t placed = 0;
  for (const Dot& dot : all) {
    const double width = 7.0 * static_cast<double>(dot.group->name.size());
    const double cx = at.x(dot.intensity), cy = at.y(dot.rate), gap = dot.radius + 4;
    const Box places[] = {{cx + gap, cy - 7, cx + gap + width, cy + 7},
                          {cx - gap - width, cy - 7, cx - gap, cy + 7},
                          {cx - width / 2, cy + gap, cx + width / 2, cy + gap + 14},
                          {cx - width / 2, cy - gap - 14, cx + width / 2, cy - gap},
                          {cx + gap - 2, cy + 6, cx + gap + width, cy + 20}};
    const auto is_free = [&](const Box& box) {
      return box.left > at.x.first && box.right < at.x.last && box.top > at.y.last &&
             box.bottom < at.y.first &&
             std::none_of(taken.begin(), taken.end(), [&](const Box& other) { return other.meets(box); });
    };
    const auto* const place = std::find_if(std::begin(places), std::end(places), is_free);
    if (place != std::end(places)) {
      svg.text(place->left, place->bottom - 3, dot.group->name, Anchor::kStart, "label");
      taken.push_back(*place);
      ++placed;
    }
    if (placed == kLabels) {
      return;
    }
  }
}

// The ceilings in GMAC/s over MAC per byte; the bandwidth's is cut at the frame.
void draw_ceilings(Svg& svg, const Axes& at, double peak, double bandwidth) {
  const double ridge = bandwidth > 0 ? peak / bandwidth : at.x.low;
  svg.line(at.x(std::clamp(ridge, at.x.low, at.x.high)), at.y(peak), at.x.last, at.y(peak), "roof");
  svg.text(at.x.last - 4, at.y(peak) - 7, fmt::format("compute: {:.4g} GMAC/s", peak), Anchor::kEnd, "head");
  if (bandwidth <= 0) {
    return;
  }
  const double from = std::max(at.x.low, at.y.low / bandwidth);
  if (from < ridge) {
    svg.line(at.x(from), at.y(from * bandwidth), at.x(ridge), at.y(peak), "roof");
    svg.text(at.x(ridge) - 12, at.y(peak) - 7, fmt::format("DRAM: {:.4g} GB/s", bandwidth), Anchor::kEnd,
             "head");
  }
}

}  // namespace

std::string roofline_figure(const RunRecord& run, const ExperimentRecord::Machine* machine) {
  const std::vector<LayerSum> groups = by_layer_group(run);
  const std::vector<Dot> all = dots(run, groups);
  if (machine == nullptr || machine->clock_hz <= 0 || machine->macs_per_cycle <= 0 || all.empty()) {
    return "";
  }
  const double peak = machine->clock_hz * machine->macs_per_cycle / 1e9;
  const double bandwidth = machine->dram_bytes_per_second / 1e9;
  const Axes at = axes(all, peak, bandwidth);
  Svg svg(kWidth, kHeight, "Roofline of path " + run.name);
  draw_axes(svg, at.x, at.y, "MACs per byte of DRAM traffic [MAC/B]", "rate [GMAC/s]");
  draw_ceilings(svg, at, peak, bandwidth);
  HtmlTable table({"<layer group", "<kind", "MACs [GMAC]", "DRAM traffic [MB]", "intensity [MAC/B]",
                   "rate [GMAC/s]", "of compute [%]", "of the roof [%]", "time [%]", "<bound by"});
  double shown = 0;
  for (const Dot& dot : all) {
    const double roof = bandwidth > 0 ? std::min(peak, bandwidth * dot.intensity) : peak;
    svg.circle(at.x(dot.intensity), at.y(dot.rate), dot.radius,
               fmt::format("{} dot", dot.group->main_limiter() == "compute" ? "g1" : "g5"),
               fmt::format(
                   "{}\n{:.4g} MAC/B, {:.4g} GMAC/s\n{:.1f} % of the roof, {:.1f} % of the time\nbound by {}",
                   dot.group->name, dot.intensity, dot.rate, dot.rate / roof * 100, dot.share * 100,
                   dot.group->main_limiter()));
    table.add_row(
        {dot.group->name, dot.group->kind, fmt::format("{:.4g}", static_cast<double>(dot.group->macs) / 1e9),
         fmt::format("{:.4g}", static_cast<double>(dot.group->dram_bytes) / 1e6),
         fmt::format("{:.5g}", dot.intensity), fmt::format("{:.4g}", dot.rate), percent(dot.rate / peak),
         percent(dot.rate / roof), percent(dot.share), dot.group->main_limiter()});
    shown += dot.share;
  }
  place_labels(svg, all, at, ceiling_boxes(at, peak, bandwidth));
  return figure(svg.markup(), fmt::format("Roofline of path {}: a dot is a layer group, its area its share "
                                          "of the time; blue: bound by "
                                          "compute, orange: by anything else. Groups without MACs or without "
                                          "DRAM traffic are not shown; "
                                          "the dots are {:.1f} % of the time.",
                                          run.name, shown * 100)) +
         folding("Values", table);
}

}  // namespace tilewright::report
