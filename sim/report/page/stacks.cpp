// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "sim/report/page/figures.h"
#include "sim/report/page/markup.h"
#include "sim/report/table.h"

namespace tilewright::report {
namespace {

constexpr std::size_t kMostRows = 26;  // groups drawn on their own; the rest are summed
constexpr double kRow = 19;
constexpr double kBar = 14;
constexpr double kLabels = 190;
constexpr double kPlot = 800;
constexpr double kWidth = kLabels + kPlot + 130;

// One bar: pieces in the colours s0, s1, ...
struct Bar {
  std::string name;
  std::vector<double> pieces;
  std::string value;  // printed at the end
  double length() const {
    double sum = 0;
    for (const double piece : pieces) {
      sum += piece;
    }
    return sum;
  }
};

// Names of components and stalls as words, so that headings can be broken into lines.
std::string spaced(std::string_view name) {
  std::string words(name);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

// Idle time is grey, so that work and stalls stand out.
std::size_t colour(std::string_view piece, std::size_t index) {
  return piece == name(Stall::kIdle) ? 9 : index % 11;
}

std::string legend(const std::vector<std::string>& names) {
  std::string items;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Svg key(14, 14, names[i]);
    key.rectangle(0, 1, 13, 13, fmt::format("s{}", colour(names[i], i)));
    items += "<li>" + key.markup() + escaped(spaced(names[i])) + "</li>\n";
  }
  return "<ul class=\"legend\">\n" + items + "</ul>\n";
}

std::string bars(const std::vector<Bar>& rows, const std::vector<std::string>& pieces,
                 const std::string& axis, double whole, const std::string& unit) {
  double longest = whole;
  for (const Bar& row : rows) {
    longest = std::max(longest, row.length());
  }
  const double bottom = kRow * static_cast<double>(rows.size()) + 6;
  const Scale x{0, longest > 0 ? longest : 1, kLabels, kLabels + kPlot};
  Svg svg(kWidth, bottom + 46, axis);
  for (const double tick : ticks(x, 8)) {
    svg.line(x(tick), 2, x(tick), bottom, "grid");
    svg.text(x(tick), bottom + 16, tick_label(tick), Anchor::kMiddle, "tick");
  }
  svg.text(kLabels + kPlot / 2, bottom + 36, axis, Anchor::kMiddle, "axis");
  double top = 4;
  for (const Bar& row : rows) {
    svg.text(kLabels - 8, top + 11.5, row.name, Anchor::kEnd);
    double from = 0;
    for (std::size_t i = 0; i < row.pieces.size(); ++i) {
      if (row.pieces[i] > 0) {
        svg.rectangle(x(from), top, x(from + row.pieces[i]) - x(from), kBar,
                      fmt::format("s{} bar", colour(pieces[i], i)),
                      fmt::format("{}, {}\n{:.4g} {} ({:.1f} % of the bar)", row.name, pieces[i],
                                  row.pieces[i], unit, fraction(row.pieces[i], row.length()) * 100));
        from += row.pieces[i];
      }
    }
    svg.text(x(from) + 7, top + 11.5, row.value, Anchor::kStart, "note");
    top += kRow;
  }
  svg.line(kLabels, 2, kLabels, bottom, "frame");
  return svg.markup();
}

std::vector<LayerSum> sorted_groups(const RunRecord& run, double (*size)(const LayerSum&)) {
  std::vector<LayerSum> groups = by_layer_group(run);
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const LayerSum& a, const LayerSum& b) { return size(a) > size(b); });
  return groups;
}

// The energy of what comes after the drawn groups, as one more.
void sum_the_rest(std::vector<LayerSum>& groups) {
  if (groups.size() <= kMostRows) {
    return;
  }
  LayerSum others;
  others.name = fmt::format("{} other groups", groups.size() - kMostRows + 1);
  for (std::size_t i = kMostRows - 1; i < groups.size(); ++i) {
    for (const auto& [component, energy] : groups[i].energy) {
      others.energy[component] += energy;
    }
  }
  groups.resize(kMostRows - 1);
  groups.push_back(std::move(others));
}

double nominal(const LayerSum& sum) {
  return total(sum.energy).nominal;
}
double cycles(const LayerSum& sum) {
  return static_cast<double>(sum.cycles);
}

std::string energy_values(const RunRecord& run, const std::vector<std::string>& names) {
  std::vector<std::string> headings = {"<layer group",          "<kind",    "layers", "time [us]",
                                       "energy with DRAM [uJ]", "share [%]"};
  for (const std::string& name : names) {
    headings.push_back(spaced(name) + " [uJ]");
  }
  const int decimals = std::max(1, decimals_for(run.total_energy().nominal * 1e6));
  const int time_decimals = std::max(1, decimals_for(run.time_s * 1e6));
  HtmlTable table(headings);
  for (const LayerSum& group : by_layer_group(run)) {
    std::vector<std::string> cells = {group.name,
                                      group.kind,
                                      std::to_string(group.layers),
                                      fixed(seconds(run, group.cycles) * 1e6, time_decimals),
                                      fixed(nominal(group) * 1e6, decimals),
                                      percent(fraction(nominal(group), run.total_energy().nominal))};
    for (const std::string& name : names) {
      const auto energy = group.energy.find(name);
      cells.push_back(energy == group.energy.end() ? "0" : fixed(energy->second.nominal * 1e6, decimals));
    }
    table.add_row(cells);
  }
  return folding("Values of all layer groups", table);
}

std::vector<std::string> stall_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kStallCount; ++i) {
    names.push_back(spaced(name(static_cast<Stall>(i))));
  }
  return names;
}

// Shares of the unit's cycles in per cent.
std::vector<double> shares(const StallCycles& stalls) {
  std::vector<double> pieces;
  for (std::size_t i = 0; i < kStallCount; ++i) {
    pieces.push_back(
        fraction(static_cast<double>(stalls[static_cast<Stall>(i)]), static_cast<double>(stalls.total())) *
        100);
  }
  return pieces;
}

// The unit that computes a group: the PEs where there are MACs.
std::string computing_unit(const LayerSum& group) {
  return group.macs > 0 || group.stalls.count("vector_unit") == 0 ? "pe" : "vector_unit";
}

void add_stall_row(HtmlTable& table, const std::string& of, const std::string& unit,
                   const StallCycles& stalls) {
  std::vector<std::string> cells = {of, unit, with_separators(stalls.total())};
  for (const double share : shares(stalls)) {
    cells.push_back(fmt::format("{:.1f}", share));
  }
  table.add_row(cells);
}

}  // namespace

std::string figure(const std::string& drawing, const std::string& caption) {
  return "<figure>\n" + drawing + "<figcaption>" + escaped(caption) + "</figcaption>\n</figure>\n";
}

std::string energy_figure(const RunRecord& run) {
  const std::vector<std::string> names = components({&run});
  std::vector<LayerSum> groups = sorted_groups(run, nominal);
  sum_the_rest(groups);
  std::vector<Bar> rows;
  for (const LayerSum& group : groups) {
    Bar bar{group.name,
            {},
            fmt::format("{:#.3g} mJ, {:.1f} %", nominal(group) * 1e3,
                        fraction(nominal(group), run.total_energy().nominal) * 100)};
    for (const std::string& name : names) {
      const auto energy = group.energy.find(name);
      bar.pieces.push_back(energy == group.energy.end() ? 0 : energy->second.nominal * 1e3);
    }
    rows.push_back(std::move(bar));
  }
  return figure(
             legend(names) + bars(rows, names, "energy with DRAM [mJ]", 0, "mJ"),
             fmt::format("Energy of path {} by layer group and component (nominal constants), largest first.",
                         run.name)) +
         energy_values(run, names);
}

std::string stall_figure(const RunRecord& run) {
  const std::vector<std::string> names = stall_names();
  std::vector<std::string> headings = {"<of", "<unit", "unit cycles"};
  for (const std::string& reason : names) {
    headings.push_back(reason + " [%]");
  }
  HtmlTable table(headings);
  std::vector<Bar> units;
  for (const auto& [unit, stalls] : run.stalls) {
    units.push_back({unit, shares(stalls), ""});
    add_stall_row(table, "all layers", unit, stalls);
  }
  std::vector<Bar> groups;
  double drawn = 0;
  for (const LayerSum& group : sorted_groups(run, cycles)) {
    const std::string unit = computing_unit(group);
    const auto stalls = group.stalls.find(unit);
    if (stalls == group.stalls.end()) {
      continue;
    }
    const double share = fraction(cycles(group), static_cast<double>(run.cycles));
    if (groups.size() < kMostRows) {
      groups.push_back({group.name, shares(stalls->second), fmt::format("{:.1f} % of time", share * 100)});
      drawn += share;
    }
    add_stall_row(table, group.name, unit, stalls->second);
  }
  return figure(legend(names) + bars(units, names, "share of each unit's cycles, all layers [%]", 100, "%") +
                    bars(groups, names, "share of the computing unit's cycles, by layer group [%]", 100, "%"),
                fmt::format(
                    "What the units of path {} did in every cycle; busy, each stall and idle add up to all "
                    "cycles. "
                    "Above: units, those of one kind together. Below: the PEs, or the vector unit for layers "
                    "without MACs, by layer group, longest first; those drawn are {:.1f} % of the time.",
                    run.name, drawn * 100)) +
         folding("Values", table);
}

}  // namespace tilewright::report
