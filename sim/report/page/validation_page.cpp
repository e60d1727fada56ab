// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/report/page/document.h"
#include "sim/report/page/markup.h"
#include "sim/report/page/validation_figures.h"
#include "sim/report/table.h"
#include "sim/report/validation.h"

namespace tilewright::report {
namespace {

std::string signed_percent(double fraction) {
  return fmt::format("{:+.1f}", fraction * 100);
}
std::string correlation(const std::optional<double>& value) {
  return value ? fmt::format("{:.3f}", *value) : "-";
}

// Without the metric, where that stands beside it.
std::string short_id(const std::string& id, const std::string& metric) {
  return id.ends_with("/" + metric) ? id.substr(0, id.size() - metric.size() - 1) : id;
}

std::string headline(const ValidationRecord& record) {
  double sum = 0;
  std::size_t n = 0, gaps = 0, missing = 0;
  const ValidationPoint* worst = nullptr;
  for (const ValidationPoint& point : record.points) {
    gaps += point.known_gap.empty() ? 0 : 1;
    if (point.split == Split::kValidation) {
      sum += std::abs(point.error);
      ++n;
      worst = worst == nullptr || std::abs(point.error) > std::abs(worst->error) ? &point : worst;
    }
  }
  for (const NotSimulated& one : record.not_simulated) {
    missing += one.n;
  }
  std::string cards = card(std::to_string(record.points.size()), "points",
                           fmt::format("{} of them validation: nothing is fitted to them", n));
  if (worst != nullptr) {
    cards += card(percent(sum / static_cast<double>(n)), "%", "mean error of the validation points");
    cards += card(signed_percent(worst->error), "%", "the worst of them: " + worst->id);
  }
  cards += card(std::to_string(gaps), "points", "under known gaps, which are explained below");
  cards += card(std::to_string(missing), "points", "measured, but not simulated");
  return cards_of(cards);
}

std::string summary_section(const ValidationRecord& record) {
  const bool one_suite = record.suites.size() == 1;  // its column would only take room
  std::vector<std::string> headings = {"<suite",         "<family",     "<split",      "<metric", "points",
                                       "mean error [%]", "largest [%]", "bias [%]",    "Pearson", "rank",
                                       "baseline [%]",   "<halved",     "<worst point"};
  headings.erase(headings.begin(), headings.begin() + (one_suite ? 1 : 0));
  HtmlTable table(headings);
  for (const ValidationSummary& row : record.summary) {
    const std::string halved = !row.baseline_mape ? "" : halves_baseline(row) ? "yes" : "no";
    std::vector<std::string> cells = {row.suite,
                                      row.family,
                                      name(row.split),
                                      row.metric,
                                      std::to_string(row.n),
                                      percent(row.mape),
                                      percent(row.max_error),
                                      signed_percent(row.bias),
                                      correlation(row.pearson),
                                      correlation(row.rank),
                                      row.baseline_mape ? percent(*row.baseline_mape) : "-",
                                      halved,
                                      short_id(row.worst_id, row.metric)};
    cells.erase(cells.begin(), cells.begin() + (one_suite ? 1 : 0));
    table.add_row(cells);
  }
  return paragraph(validation_legend(), "soft") + table.markup();
}

std::string gaps_section(const ValidationRecord& record, const std::string& prefix) {
  if (record.known_gaps.empty()) {
    return "";
  }
  HtmlTable table({"<points", "from [%]", "to [%]", "points", "<state", "<reason"});
  for (const KnownGap& gap : record.known_gaps) {
    table.add_row({gap.points, signed_percent(gap.low), signed_percent(gap.high), std::to_string(gap.n),
                   gap.n == 0    ? "matches nothing"
                   : gap.holds() ? "holds"
                                 : fmt::format("changed: {} outside", gap.outside.size()),
                   gap.reason});
  }
  return "<h2 id=\"" + prefix + "gaps\">Known gaps</h2>\n" +
         paragraph(
             "Errors that are expected, and why. Each is asserted by a test, so that one that closes is "
             "noticed.",
             "soft") +
         table.markup();
}

std::string not_simulated_section(const ValidationRecord& record, const std::string& prefix) {
  if (record.not_simulated.empty()) {
    return "";
  }
  HtmlTable table({"<suite", "<family", "<split", "points", "<reason"});
  for (const NotSimulated& one : record.not_simulated) {
    table.add_row({one.suite, one.family, name(one.split), std::to_string(one.n), one.reason});
  }
  return "<h2 id=\"" + prefix + "missing\">Not simulated</h2>\n" +
         paragraph("Measured points that have no counterpart in the simulator yet.", "soft") + table.markup();
}

// Recorded points say their parameters in their ids.
bool id_says_parameters(const PointList& points) {
  return std::all_of(points.begin(), points.end(), [](const ValidationPoint* point) {
    return std::all_of(point->parameters.begin(), point->parameters.end(), [&](const auto& parameter) {
      return point->id.find(parameter.first + "=") != std::string::npos;
    });
  });
}

// Points of one metric: its name and unit are in the title, so that the rows stay short.
std::string points_table(const PointList& points, const std::string& metric) {
  std::vector<std::string> headings = {"<point",    "<split",       "measured", "simulated",
                                       "error [%]", "baseline [%]", "<gap",     "<source"};
  const bool with_parameters = !id_says_parameters(points);
  if (with_parameters) {
    headings.emplace_back("<parameters");
  }
  HtmlTable table(headings);
  std::string unit;
  for (const ValidationPoint* point : points) {
    if (point->metric != metric) {
      continue;
    }
    unit = point->unit;
    std::vector<std::string> cells = {
        short_id(point->id, metric),
        name(point->split),
        value_text(point->measured),
        value_text(point->simulated),
        signed_percent(point->error),
        point->baseline ? signed_percent(relative_error(*point->baseline, point->measured)) : "-",
        point->known_gap.empty() ? "" : "known",
        point->source};
    if (with_parameters) {
      cells.push_back(parameters_text(point->parameters));
    }
    table.add_row(cells);
  }
  return folding(fmt::format("{} [{}]: every point", metric, unit), table);
}

std::string suite_section(const ValidationRecord& record, const std::string& suite,
                          const std::string& prefix) {
  PointList points;
  for (const ValidationPoint& point : record.points) {
    if (point.suite == suite) {
      points.push_back(&point);
    }
  }
  if (points.empty()) {
    return "";
  }
  std::string markup = fmt::format("<h2 id=\"{}{}\">{}</h2>\n", prefix, escaped(suite), escaped(suite));
  for (const std::string& family : distinct(points, &ValidationPoint::family)) {
    PointList of_family;
    std::copy_if(points.begin(), points.end(), std::back_inserter(of_family),
                 [&](const ValidationPoint* point) { return point->family == family; });
    markup += "<h3>" + escaped(family) + "</h3>\n" + error_figure(family, of_family);
    for (const std::string& metric : distinct(of_family, &ValidationPoint::metric)) {
      markup += points_table(of_family, metric);
    }
  }
  return markup;
}

}  // namespace

PagePart validation_part(const ValidationRecord& record, const std::string& prefix) {
  PagePart part{"Simulator against measurement",
                fmt::format("{} measured values of {} suite{} beside what the simulator says.",
                            record.points.size(), record.suites.size(), record.suites.size() == 1 ? "" : "s"),
                {},
                ""};
  part.markup += headline(record);
  if (!record.summary.empty()) {
    part.markup += "<h2 id=\"" + prefix + "summary\">Summary</h2>\n" + summary_section(record) +
                   correlation_figure(record);
    part.links.emplace_back(prefix + "summary", "Summary");
  }
  part.markup += gaps_section(record, prefix) + not_simulated_section(record, prefix);
  if (!record.known_gaps.empty()) {
    part.links.emplace_back(prefix + "gaps", "Known gaps");
  }
  if (!record.not_simulated.empty()) {
    part.links.emplace_back(prefix + "missing", "Not simulated");
  }
  for (const std::string& suite : record.suites) {
    const std::string section = suite_section(record, suite, prefix);
    part.markup += section;
    if (!section.empty()) {
      part.links.emplace_back(prefix + suite, suite);
    }
  }
  part.links.emplace_back(prefix + "provenance", "Provenance");
  part.markup += provenance_section({{"tilewright", record.version}, {"command", record.command}}, prefix);
  return part;
}

}  // namespace tilewright::report
