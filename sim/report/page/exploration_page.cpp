// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "sim/report/exploration.h"
#include "sim/report/page/document.h"
#include "sim/report/page/figures.h"
#include "sim/report/page/markup.h"
#include "sim/report/table.h"

namespace tilewright::report {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 400;
constexpr double kLeft = 74;
constexpr double kRoom = 1.08;  // around the values, on logarithmic axes

double shown(const ExplorationPoint& point, const ObjectiveWords& words) { return value_of(point, words.key) * words.scale; }

std::string axis_name(const ObjectiveWords& words) { return fmt::format("{} [{}]", words.word, words.unit); }

std::string tooltip(const ExplorationRecord& record, const ExplorationPoint& point) {
  std::string text = design(point);
  for (const std::string& key : record.objectives) {
    const ObjectiveWords& words = words_of(key);
    text += fmt::format("\n{} {:.4g} {}", words.word, shown(point, words), words.unit);
  }
  return text;
}

Scale scale(const std::vector<const ExplorationPoint*>& designs, const ObjectiveWords& words, double first, double last) {
  double low = shown(*designs.front(), words), high = low;
  for (const ExplorationPoint* point : designs) {
    low = std::min(low, shown(*point, words));
    high = std::max(high, shown(*point, words));
  }
  return {low / kRoom, high * kRoom, first, last, true};
}

std::string panel(const ExplorationRecord& record, const std::vector<const ExplorationPoint*>& designs,
                  const ObjectiveWords& across, const ObjectiveWords& up) {
  Svg svg(kWidth, kHeight, fmt::format("{} of each design against {}", up.word, across.word));
  const Scale x = scale(designs, across, kLeft, kWidth - 14);
  const Scale y = scale(designs, up, kHeight - 52, 14);
  draw_axes(svg, x, y, axis_name(across), axis_name(up));
  // One mark where many designs lie on top of one another: a page of ten thousand points stays readable, and small.
  std::set<std::pair<int, int>> drawn;
  for (const ExplorationPoint* point : designs) {
    const double at_x = x(shown(*point, across)), at_y = y(shown(*point, up));
    if (drawn.emplace(static_cast<int>(at_x / 2), static_cast<int>(at_y / 2)).second) {
      svg.circle(at_x, at_y, 2, "s9");
    }
  }
  for (const std::size_t i : record.front) {
    const ExplorationPoint& point = record.points[i];
    svg.circle(x(shown(point, across)), y(shown(point, up)), 4, "g1 dot", tooltip(record, point));
  }
  return svg.markup();
}

std::string front_figure(const ExplorationRecord& record, const std::vector<const ExplorationPoint*>& designs) {
  std::string panels;
  for (std::size_t a = 0; a < record.objectives.size(); ++a) {
    for (std::size_t b = a + 1; b < record.objectives.size(); ++b) {
      panels += panel(record, designs, words_of(record.objectives[b]), words_of(record.objectives[a]));
    }
  }
  if (panels.empty()) {
    return "";  // one objective: the front is one point, and the table says which
  }
  return figure("<div class=\"panels\">" + panels + "</div>",
                "Designs in grey, the Pareto front of all objectives together in colour; both axes logarithmic. In a figure of two "
                "objectives a point of the front may look beaten: it is better in a third.");
}

std::string front_table(const ExplorationRecord& record) {
  std::vector<std::string> headings;
  const ExplorationPoint& first = record.points[record.front.front()];
  for (const auto& [key, value] : first.objectives) {
    headings.push_back(axis_name(words_of(key)));
  }
  for (const auto& [name, value] : first.parameters) {
    headings.push_back(name);
  }
  HtmlTable table(headings);
  std::vector<std::size_t> order = record.front;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return value_of(record.points[a], record.objectives.front()) < value_of(record.points[b], record.objectives.front());
  });
  for (const std::size_t i : order) {
    const ExplorationPoint& point = record.points[i];
    std::vector<std::string> cells;
    for (const auto& [key, value] : point.objectives) {
      cells.push_back(fmt::format("{:.4g}", shown(point, words_of(key))));
    }
    for (const auto& [name, value] : point.parameters) {
      cells.push_back(value);
    }
    table.add_row(cells);
  }
  return folding("Designs on the front", table);
}

std::string refusals_section(const ExplorationRecord& record, const std::string& prefix) {
  std::map<std::pair<std::string, std::string>, std::size_t> reasons;
  for (const ExplorationPoint& point : record.points) {
    if (point.status != "ok") {
      ++reasons[{point.status, point.reason}];
    }
  }
  if (reasons.empty()) {
    return "";
  }
  HtmlTable table({"<status", "points", "<reason"});
  for (const auto& [what, times] : reasons) {
    table.add_row({what.first, std::to_string(times), what.second});
  }
  return "<h2 id=\"" + prefix + "refused\">No designs</h2>\n" + folding("Points that are no design, and why", table);
}

std::string cards(const ExplorationRecord& record, const std::vector<const ExplorationPoint*>& designs) {
  std::string all = card(with_separators(record.points.size()), "points", "of the design space were evaluated");
  all += card(with_separators(designs.size()), "designs", "machines that run every path within the budgets");
  all += card(with_separators(record.front.size()), "designs", "on the Pareto front");
  for (const std::string& key : record.objectives) {
    const ObjectiveWords& words = words_of(key);
    const auto [least, most] = std::minmax_element(designs.begin(), designs.end(), [&](const auto* a, const auto* b) {
      return value_of(*a, key) < value_of(*b, key);
    });
    if (!designs.empty()) {
      all += card(fmt::format("{:.4g} to {:.4g}", shown(**least, words), shown(**most, words)), std::string(words.unit),
                  std::string(words.word) + " of the designs");
    }
  }
  return cards_of(all);
}

}  // namespace

PagePart exploration_part(const ExplorationRecord& record, const std::string& prefix) {
  std::vector<const ExplorationPoint*> designs;
  for (const ExplorationPoint& point : record.points) {
    if (point.status == "ok") {
      designs.push_back(&point);
    }
  }
  PagePart part{"Design space",
                fmt::format("{} points, by the analytic model; what the simulator says of some of them is in points.csv and "
                            "summary.txt beside explore.json.",
                            with_separators(record.points.size())),
                {},
                cards(record, designs)};
  if (!record.front.empty()) {
    part.markup += "<h2 id=\"" + prefix + "front\">Pareto front</h2>\n" + front_figure(record, designs) + front_table(record);
    part.links.emplace_back(prefix + "front", "Pareto front");
  }
  const std::string refused = refusals_section(record, prefix);
  part.markup += refused;
  if (!refused.empty()) {
    part.links.emplace_back(prefix + "refused", "No designs");
  }
  return part;
}

}  // namespace tilewright::report
