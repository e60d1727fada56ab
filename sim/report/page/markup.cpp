// SPDX-License-Identifier: Apache-2.0
#include "sim/report/page/markup.h"

#include <fmt/format.h>

#include <cmath>

#include "sim/base/error.h"

namespace tilewright::report {
namespace {

constexpr std::size_t kMostOpenRows = 50;
constexpr std::size_t kLongCell = 48;  // characters; longer ones may be broken into lines

// The seven shapes as polygons; the disc is drawn as a circle.
constexpr std::size_t kShapes = 7;
std::string marker_points(std::size_t shape, double x, double y) {
  static const std::vector<std::vector<std::pair<double, double>>> kPoints = {
      {},
      {{-4.2, -4.2}, {4.2, -4.2}, {4.2, 4.2}, {-4.2, 4.2}},
      {{0, -5.6}, {5.4, 4}, {-5.4, 4}},
      {{0, -6}, {6, 0}, {0, 6}, {-6, 0}},
      {{0, 5.6}, {5.4, -4}, {-5.4, -4}},
      {{-1.8, -5.5},
       {1.8, -5.5},
       {1.8, -1.8},
       {5.5, -1.8},
       {5.5, 1.8},
       {1.8, 1.8},
       {1.8, 5.5},
       {-1.8, 5.5},
       {-1.8, 1.8},
       {-5.5, 1.8},
       {-5.5, -1.8},
       {-1.8, -1.8}},
      {{-5.4, 0}, {-2.7, -4.7}, {2.7, -4.7}, {5.4, 0}, {2.7, 4.7}, {-2.7, 4.7}}};
  std::string points;
  for (const auto& [dx, dy] : kPoints[shape]) {
    points += fmt::format("{:.1f},{:.1f} ", x + dx, y + dy);
  }
  return points;
}

std::string_view anchor_name(Anchor anchor) {
  return anchor == Anchor::kStart ? "start" : anchor == Anchor::kMiddle ? "middle" : "end";
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

HtmlTable::HtmlTable(const std::vector<std::string>& headings) {
  for (const std::string& heading : headings) {
    is_text_.push_back(heading.starts_with('<'));
    const std::string words = is_text_.back() ? heading.substr(1) : heading;
    head_ +=
        fmt::format("<th scope=\"col\"{}>{}</th>", is_text_.back() ? " class=\"w\"" : "", escaped(words));
  }
}

void HtmlTable::add_row(const std::vector<std::string>& cells) {
  TILEWRIGHT_CHECK(cells.size() == is_text_.size(), "a table row has as many cells as the table has columns");
  ++rows_;
  body_ += "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool is_long = cells[i].size() > kLongCell;
    body_ += fmt::format("<td{}>{}</td>",
                         !is_text_[i] ? ""
                         : is_long    ? " class=\"w l\""
                                      : " class=\"w\"",
                         escaped(cells[i]));
  }
  body_ += "</tr>\n";
}

std::string HtmlTable::markup() const {
  return "<div class=\"scroll\"><table class=\"sortable\"><thead><tr>" + head_ + "</tr></thead>\n<tbody>\n" +
         body_ + "</tbody></table></div>\n";
}

std::string folding(std::string_view summary, const HtmlTable& table) {
  return fmt::format("<details{}><summary>{}</summary>\n{}</details>\n",
                     table.rows() > kMostOpenRows ? "" : " open", escaped(summary), table.markup());
}

Svg::Svg(double width, double height, std::string_view label) {
  markup_ = fmt::format(
      "<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" "
      "aria-label=\"{2}\">\n",
      width, height, escaped(label));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  markup_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1,
                         y1, x2, y2, css_class);
}

void Svg::shape(const std::string& element, std::string_view css_class, std::string_view tooltip) {
  if (tooltip.empty()) {
    markup_ += fmt::format("<{} class=\"{}\"/>\n", element, css_class);
    return;
  }
  markup_ += fmt::format("<{0} class=\"tip {1}\"><title>{3}</title></{2}>\n", element, css_class,
                         element.substr(0, element.find(' ')), escaped(tooltip));
}

void Svg::rectangle(double x, double y, double width, double height, std::string_view css_class,
                    std::string_view tooltip) {
  shape(fmt::format("rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\"", x, y, width, height),
        css_class, tooltip);
}

void Svg::circle(double x, double y, double radius, std::string_view css_class, std::string_view tooltip) {
  shape(fmt::format("circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"", x, y, radius), css_class, tooltip);
}

void Svg::marker(std::size_t which, double x, double y, std::string_view css_class,
                 std::string_view tooltip) {
  if (which % kShapes == 0) {
    circle(x, y, 4.8, css_class, tooltip);
  } else {
    shape(fmt::format("polygon points=\"{}\"", marker_points(which % kShapes, x, y)), css_class, tooltip);
  }
}

void Svg::polygon(const std::vector<std::pair<double, double>>& corners, std::string_view css_class) {
  std::string points;
  for (const auto& [x, y] : corners) {
    points += fmt::format("{:.1f},{:.1f} ", x, y);
  }
  shape(fmt::format("polygon points=\"{}\"", points), css_class, {});
}

void Svg::text(double x, double y, std::string_view words, Anchor anchor, std::string_view css_class) {
  markup_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", x, y,
                         anchor_name(anchor), css_class, escaped(words));
}

void Svg::text_upwards(double x, double y, std::string_view words) {
  markup_ += fmt::format(
      "<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" text-anchor=\"middle\" "
      "class=\"axis\">{}</text>\n",
      x, y, escaped(words));
}

double Scale::operator()(double value) const {
  const double share =
      logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return first + share * (last - first);
}

std::vector<double> ticks(const Scale& scale, int count) {
  std::vector<double> values;
  // A file that was read back may hold any number; what has no extent, or one beyond numbers, has no ticks.
  const double extent = scale.high - scale.low;
  if (!(extent > 0) || !std::isfinite(extent) || (scale.logarithmic && !(scale.low > 0))) {
    return values;
  }
  if (scale.logarithmic) {
    const int from = static_cast<int>(std::floor(std::log10(scale.low)));
    const int to = static_cast<int>(std::ceil(std::log10(scale.high)));
    for (int exponent = from; exponent <= to; ++exponent) {
      for (const double digit : {1.0, 2.0, 5.0}) {
        const double value = digit * std::pow(10.0, exponent);
        const bool inside = value >= scale.low * 0.999 && value <= scale.high * 1.001;
        if (inside && (digit == 1.0 || (to - from) * 3 <= count)) {
          values.push_back(value);
        }
      }
    }
    return values;
  }
  const double rough = (scale.high - scale.low) / count;
  const double decade = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * decade;
  for (const double digit : {5.0, 2.0, 1.0}) {
    step = digit * decade >= rough ? digit * decade : step;
  }
  const auto first = static_cast<int64_t>(std::ceil(scale.low / step - 1e-9));
  const auto last = static_cast<int64_t>(std::floor(scale.high / step + 1e-9));
  for (int64_t i = first; i <= last; ++i) {
    values.push_back(static_cast<double>(i) * step);
  }
  return values;
}

std::string tick_label(double value) {
  constexpr double kLong = 1e5;  // six digits are wider than a tick
  std::string label = std::abs(value) < kLong ? fmt::format("{:.6g}", value) : fmt::format("{:.3g}", value);
  // "1e+05" and "1e-07" without what says nothing.
  for (std::size_t at = label.find('e'); at != std::string::npos && label.size() > at + 2;) {
    const char next = label[at + 1];
    if (next == '+' || next == '0') {
      label.erase(at + 1, 1);
    } else if (next == '-' && label[at + 2] == '0') {
      label.erase(at + 2, 1);
    } else {
      break;
    }
  }
  return label;
}

// As many as there is room for labels of an axis.
int tick_count(const Scale& scale, double pixels) {
  return static_cast<int>(std::abs(scale.last - scale.first) / pixels);
}

void draw_axes(Svg& svg, const Scale& x, const Scale& y, std::string_view x_name, std::string_view y_name) {
  for (const double value : ticks(x, x.logarithmic ? tick_count(x, 46) : 7)) {
    svg.line(x(value), y.first, x(value), y.last, "grid");
    svg.text(x(value), y.first + 16, tick_label(value), Anchor::kMiddle, "tick");
  }
  for (const double value : ticks(y, y.logarithmic ? tick_count(y, 34) : 6)) {
    svg.line(x.first, y(value), x.last, y(value), "grid");
    svg.text(x.first - 7, y(value) + 4, tick_label(value), Anchor::kEnd, "tick");
  }
  svg.line(x.first, y.first, x.last, y.first, "frame");
  svg.line(x.first, y.first, x.first, y.last, "frame");
  svg.text((x.first + x.last) / 2, y.first + 36, x_name, Anchor::kMiddle, "axis");
  svg.text_upwards(x.first - 51, (y.first + y.last) / 2, y_name);
}

}  // namespace tilewright::report
