// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/report/page/figures.h"
#include "sim/report/page/validation_figures.h"
#include "sim/report/table.h"
#include "sim/report/validation.h"

namespace tilewright::report {
namespace {

constexpr double kSize = 388;  // of a panel: both axes are the same
constexpr double kLeft = 72;
constexpr double kBottom = 52;
constexpr double kTop = 26;
constexpr double kRight = 14;
constexpr std::size_t kSeries = 7;
constexpr double kLeastRange = 4;  // largest over smallest value of an axis

// Shapes repeat after seven; the colour then moves on by one, so that 49 series can be told apart.
std::size_t colour(std::size_t series) {
  return (series + series / kSeries) % kSeries;
}

std::string tooltip(const ValidationPoint& point) {
  return fmt::format("{}\nmeasured {} {}, simulated {} {}\nerror {:+.1f} %, {}{}", point.id,
                     value_text(point.measured), point.unit, value_text(point.simulated), point.unit,
                     point.error * 100, name(point.split), point.known_gap.empty() ? "" : ", known gap");
}

// Both axes hold the same values, so that the diagonal is where the simulator is right.
Scale common_scale(const PointList& points) {
  double low = points.front()->measured, high = low;
  for (const ValidationPoint* point : points) {
    low = std::min({low, point->measured, point->simulated});
    high = std::max({high, point->measured, point->simulated});
  }
  low /= 1.3;
  high *= 1.3;
  const double missing = std::sqrt(std::max(1.0, kLeastRange / (high / low)));
  return {low / missing, high * missing, 0, 0, true};
}

// Where simulated = factor x measured, inside the frame.
void draw_ratio(Svg& svg, const Scale& x, const Scale& y, double factor, std::string_view css_class) {
  const double from = std::max(x.low, x.low / factor);
  const double to = std::min(x.high, x.high / factor);
  svg.line(x(from), y(std::min(from * factor, x.high)), x(to), y(std::max(to * factor, x.low)), css_class);
}

void draw_band(Svg& svg, const Scale& x, const Scale& y, double width, std::string_view css_class) {
  const double more = 1 + width, less = 1 - width;
  svg.polygon({{x(x.low), y(x.low)},
               {x(x.low), y(x.low * more)},
               {x(x.high / more), y(x.high)},
               {x(x.high), y(x.high)},
               {x(x.high), y(x.high * less)},
               {x(x.low / less), y(x.low)}},
              css_class);
}

std::string panel(const PointList& points, const std::vector<std::string>& families) {
  Scale x = common_scale(points);
  Scale y = x;
  x.first = kLeft;
  x.last = kSize - kRight;
  y.first = kSize - kBottom;
  y.last = kTop;
  const std::string unit = points.front()->unit;
  Svg svg(kSize, kSize, "Simulated against measured values in " + unit);
  draw_band(svg, x, y, 0.25, "band wide");
  draw_band(svg, x, y, 0.10, "band");
  draw_axes(svg, x, y, "measured [" + unit + "]", "simulated [" + unit + "]");
  draw_ratio(svg, x, y, 1, "roof");
  for (const ValidationPoint* point : points) {
    const auto family = std::find(families.begin(), families.end(), point->family) - families.begin();
    draw_point(svg, *point, static_cast<std::size_t>(family), x(point->measured), y(point->simulated),
               tooltip(*point));
  }
  return svg.markup();
}

}  // namespace

std::vector<std::string> distinct(const PointList& points, std::string ValidationPoint::*member) {
  std::vector<std::string> values;
  for (const ValidationPoint* point : points) {
    if (std::find(values.begin(), values.end(), point->*member) == values.end()) {
      values.push_back(point->*member);
    }
  }
  return values;
}

void draw_point(Svg& svg, const ValidationPoint& point, std::size_t series, double x, double y,
                const std::string& tooltip) {
  const char fill = point.split == Split::kValidation ? 'g' : 'o';
  svg.marker(series, x, y, fmt::format("{}{} dot", fill, colour(series)), tooltip);
}

std::string series_legend(const std::vector<std::string>& names) {
  std::string items;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Svg key(18, 18, names[i]);
    key.marker(i, 9, 9, fmt::format("g{} dot", colour(i)));
    items += "<li>" + key.markup() + escaped(names[i]) + "</li>\n";
  }
  Svg outline(18, 18, "calibration");
  outline.marker(0, 9, 9, "o0 dot");
  return "<ul class=\"legend\">\n" + items + "<li>" + outline.markup() +
         "outline: calibration point</li></ul>\n";
}

std::string correlation_figure(const ValidationRecord& record) {
  PointList drawn;
  std::size_t left_out = 0;
  for (const ValidationPoint& point : record.points) {
    if (point.measured > 0 && point.simulated > 0) {
      drawn.push_back(&point);
    } else {
      ++left_out;
    }
  }
  if (drawn.empty()) {
    return "";
  }
  const std::vector<std::string> families = distinct(drawn, &ValidationPoint::family);
  std::string panels;
  for (const std::string& unit : distinct(drawn, &ValidationPoint::unit)) {
    PointList points;
    std::copy_if(drawn.begin(), drawn.end(), std::back_inserter(points),
                 [&](const ValidationPoint* point) { return point->unit == unit; });
    panels += panel(points, families);
  }
  return figure(
      series_legend(families) + "<div class=\"panels\">" + panels + "</div>",
      "Simulated against measured, one panel a unit, both axes logarithmic. On the line the simulator is "
      "right; "
      "the bands are 10 and 25 % to either side." +
          (left_out == 0 ? std::string()
                         : fmt::format(" {} points with a value of 0 or less are not drawn.", left_out)));
}

}  // namespace tilewright::report
