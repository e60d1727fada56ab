// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "sim/report/page/figures.h"
#include "sim/report/page/markup.h"
#include "sim/report/table.h"

namespace tilewright::report {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 430;
constexpr double kLeft = 66;
constexpr std::size_t kColours = 7;

double gmac(const RunRecord& run) {
  return static_cast<double>(run.macs) / 1e9;
}
double milliseconds(const RunRecord& run) {
  return run.time_s * 1e3;
}
double millijoules(const RunRecord& run) {
  return run.total_energy().nominal * 1e3;
}

// What both panels of a machine share.
struct Paths {
  const MachineRuns& runs;
  const PageOptions& options;
  std::vector<std::string> knobs;  // in order of first appearance: shape and colour
  std::vector<const RunRecord*> pareto;
  std::vector<NearPath> near;

  std::size_t knob(const RunRecord& run) const {
    return static_cast<std::size_t>(std::find(knobs.begin(), knobs.end(), run.group) - knobs.begin());
  }
  bool on_front(const RunRecord* run) const {
    return std::find(pareto.begin(), pareto.end(), run) != pareto.end();
  }
};

std::string colour(std::size_t knob) {
  return fmt::format("g{} dot", knob % kColours);
}

// A little room around the values; from zero, so that lengths can be compared.
Scale scale(const std::vector<const RunRecord*>& runs, double (*value)(const RunRecord&), double first,
            double last) {
  double most = 0;
  for (const RunRecord* run : runs) {
    most = std::max(most, value(*run));
  }
  return {0, most > 0 ? most * 1.06 : 1, first, last};
}

std::string tooltip(const RunRecord& run, const RunRecord* reference) {
  std::string text = fmt::format("{}\n{:.4g} GMAC, {:.4g} ms, {:.4g} mJ with DRAM", run.name, gmac(run),
                                 milliseconds(run), millijoules(run));
  if (reference != nullptr && reference != &run) {
    text += fmt::format("\nsaves {:.1f} % energy, {:.1f} % time",
                        energy_saving(run, *reference, EnergyScope::kWithDram).nominal * 100,
                        (1 - fraction(run.time_s, reference->time_s)) * 100);
  }
  return text;
}

// Paths lie along the rising diagonal: there is room above it to the left and, at the end of a leader, well
// below it to the right. Labels stay inside the frame.
void draw_label(Svg& svg, double x, double y, const std::string& name, bool above) {
  const double width = 7.0 * static_cast<double>(name.size());
  if (above) {
    const bool fits = x - 10 - width > kLeft;
    svg.text(fits ? x - 10 : x + 10, y - 9, name, fits ? Anchor::kEnd : Anchor::kStart, "label");
    return;
  }
  const double start = std::min(x + 24, kWidth - 8 - width);
  svg.line(x + 4, y + 7, std::clamp(x + 20, start, start + width), y + 47, "leader");
  svg.text(start, y + 60, name, Anchor::kStart, "label");
}

void draw_saving_line(Svg& svg, const Paths& paths, const Scale& x, const Scale& y) {
  const double level = millijoules(*paths.runs.reference) * (1 - *paths.options.near_energy_saving);
  svg.line(x.first, y(level), x.last, y(level), "target");
  svg.text(x.first + 8, y(level) - 6,
           fmt::format("{:.0f} % less energy", *paths.options.near_energy_saving * 100), Anchor::kStart,
           "note");
}

std::string panel(const Paths& paths, double (*value)(const RunRecord&), const std::string& x_name) {
  Svg svg(kWidth, kHeight, "Energy of each path against " + x_name);
  const Scale x = scale(paths.runs.runs, value, kLeft, kWidth - 14);
  const Scale y = scale(paths.runs.runs, millijoules, kHeight - 52, 14);
  draw_axes(svg, x, y, x_name, "energy with DRAM [mJ]");
  if (paths.runs.reference != nullptr && paths.options.near_energy_saving) {
    draw_saving_line(svg, paths, x, y);
  }
  for (const RunRecord* run : paths.runs.runs) {
    const std::size_t knob = paths.knob(*run);
    if (paths.on_front(run)) {
      svg.circle(x(value(*run)), y(millijoules(*run)), 8.2, "ring");
    }
    svg.marker(knob, x(value(*run)), y(millijoules(*run)), colour(knob), tooltip(*run, paths.runs.reference));
  }
  if (const RunRecord* reference = paths.runs.reference) {
    draw_label(svg, x(value(*reference)), y(millijoules(*reference)), reference->name, true);
  }
  for (const NearPath& path : paths.near) {
    if (path.nearest_above || path.nearest_below) {
      draw_label(svg, x(value(*path.run)), y(millijoules(*path.run)), path.run->name, path.nearest_below);
    }
  }
  return svg.markup();
}

std::string legend(const Paths& paths) {
  std::string items;
  for (std::size_t knob = 0; knob < paths.knobs.size(); ++knob) {
    Svg key(18, 18, paths.knobs[knob]);
    key.marker(knob, 9, 9, colour(knob));
    items += "<li>" + key.markup() + escaped(paths.knobs[knob].empty() ? "(no group)" : paths.knobs[knob]) +
             "</li>\n";
  }
  Svg ring(18, 18, "Pareto front");
  ring.circle(9, 9, 8, "ring");
  return "<ul class=\"legend\">\n" + items + "<li>" + ring.markup() + "Pareto front</li></ul>\n";
}

std::string milli(const EnergyEstimate& energy, int decimals) {
  return fixed(energy.nominal * 1e3, decimals) + " " +
         range(energy.low * 1e3, energy.high * 1e3, std::max(0, decimals - 1));
}

double millijoules_on_chip(const RunRecord& run) {
  return run.on_chip_energy().nominal * 1e3;
}

// Of a column: as many digits as its largest value needs.
int decimals_of(const std::vector<const RunRecord*>& runs, double (*value)(const RunRecord&)) {
  double most = 0;
  for (const RunRecord* run : runs) {
    most = std::max(most, value(*run));
  }
  return decimals_for(most);
}

std::string paths_values(const Paths& paths) {
  HtmlTable table({"<path", "<knob", "MACs [GMAC]", "cycles", "time [ms]", "on-chip energy [mJ]",
                   "energy with DRAM [mJ]", "utilisation [%]", "time [% of ref.]", "on-chip [% of ref.]",
                   "with DRAM [% of ref.]", "<Pareto"});
  const std::vector<const RunRecord*>& all = paths.runs.runs;
  const RunRecord* reference = paths.runs.reference;
  const auto relative = [&](double part, double whole) {
    return reference == nullptr ? std::string("-") : percent(fraction(part, whole));
  };
  const RunRecord none;
  const RunRecord& base = reference == nullptr ? none : *reference;
  for (const RunRecord* run : paths.runs.runs) {
    table.add_row({run->name, run->group, fixed(gmac(*run), decimals_of(all, gmac)),
                   with_separators(run->cycles), fixed(milliseconds(*run), decimals_of(all, milliseconds)),
                   milli(run->on_chip_energy(), decimals_of(all, millijoules_on_chip)),
                   milli(run->total_energy(), decimals_of(all, millijoules)), percent(run->utilisation),
                   relative(run->time_s, base.time_s),
                   relative(run->on_chip_energy().nominal, base.on_chip_energy().nominal),
                   relative(run->total_energy().nominal, base.total_energy().nominal),
                   paths.on_front(run) ? "yes" : ""});
  }
  return folding("Values of all paths", table);
}

}  // namespace

std::string paths_figure(const MachineRuns& runs, const PageOptions& options) {
  Paths paths{runs, options, {}, pareto_set(runs.runs), {}};
  if (options.near_energy_saving) {
    paths.near = near_saving(runs, *options.near_energy_saving, options.near_margin, EnergyScope::kWithDram);
  }
  for (const RunRecord* run : runs.runs) {
    if (std::find(paths.knobs.begin(), paths.knobs.end(), run->group) == paths.knobs.end()) {
      paths.knobs.push_back(run->group);
    }
  }
  return figure(legend(paths) + "<div class=\"panels\">" + panel(paths, gmac, "multiply-accumulates [GMAC]") +
                    panel(paths, milliseconds, "time [ms]") + "</div>",
                "Energy (nominal, with DRAM) of each execution path against its MACs and its time. Shape and "
                "colour: "
                "the knob turned. Ringed: the Pareto front, paths for which no other takes less energy and "
                "less time "
                "and keeps as many MACs. MACs kept say nothing certain about accuracy.") +
         paths_values(paths);
}

}  // namespace tilewright::report
