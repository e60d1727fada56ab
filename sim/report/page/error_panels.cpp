// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "sim/report/page/figures.h"
#include "sim/report/page/validation_figures.h"

namespace tilewright::report {
namespace {

constexpr double kWidth = 368;
constexpr double kHeight = 270;
constexpr double kLeft = 66;
constexpr double kRight = 16;
constexpr double kBottom = 60;
constexpr double kTop = 12;
constexpr std::size_t kMostWords = 8;   // of a parameter that is a word
constexpr double kCharacter = 6.6;      // pixels of one under a tick
constexpr double kLogarithmicFrom = 8;  // largest over smallest value

std::set<std::string> parameter_names(const PointList& points) {
  std::set<std::string> names;
  for (const ValidationPoint* point : points) {
    for (const auto& [name, value] : point->parameters) {
      names.insert(name);
    }
  }
  return names;
}

// The points' values of one parameter, all numbers or all words.
struct Axis {
  std::set<double> numbers;
  std::set<std::string> words;
  bool drawable() const {
    return numbers.empty() ? words.size() >= 2 && words.size() <= kMostWords
                           : words.empty() && numbers.size() >= 2;
  }
};

Axis axis_of(const PointList& points, const std::string& parameter) {
  Axis axis;
  for (const ValidationPoint* point : points) {
    const auto value = point->parameters.find(parameter);
    if (value == point->parameters.end()) {
      continue;
    }
    if (std::holds_alternative<double>(value->second)) {
      axis.numbers.insert(std::get<double>(value->second));
    } else {
      axis.words.insert(std::get<std::string>(value->second));
    }
  }
  return axis;
}

Scale error_scale(const PointList& points) {
  double low = -12, high = 12;
  for (const ValidationPoint* point : points) {
    low = std::min(low, point->error * 100 * 1.1);
    high = std::max(high, point->error * 100 * 1.1);
  }
  return {low, high, kHeight - kBottom, kTop};
}

Scale number_scale(const std::set<double>& numbers) {
  double low = *numbers.begin(), high = *numbers.rbegin();
  const bool logarithmic = low > 0 && high / low >= kLogarithmicFrom;
  const double room = logarithmic ? std::pow(high / low, 0.06) : (high - low) * 0.06;
  low = logarithmic ? low / room : low - room;
  high = logarithmic ? high * room : high + room;
  return {low, high, kLeft, kWidth - kRight, logarithmic};
}

void draw_error_axis(Svg& svg, const Scale& y) {
  svg.rectangle(kLeft, y(10), kWidth - kRight - kLeft, y(-10) - y(10), "band");
  for (const double tick : ticks(y, 6)) {
    svg.line(kLeft, y(tick), kWidth - kRight, y(tick), "grid");
    svg.text(kLeft - 7, y(tick) + 4, tick_label(tick), Anchor::kEnd, "tick");
  }
  svg.line(kLeft, y(0), kWidth - kRight, y(0), "roof");
  svg.line(kLeft, y.first, kWidth - kRight, y.first, "frame");
  svg.line(kLeft, y.first, kLeft, y.last, "frame");
  svg.text_upwards(kLeft - 46, (y.first + y.last) / 2, "error [%]");
}

// What fits a tick; words stand in two rows.
std::string shortened(const std::string& word, std::size_t words) {
  const auto room =
      static_cast<std::size_t>(2 * (kWidth - kRight - kLeft) / static_cast<double>(words) / kCharacter);
  return word.size() <= room ? word : word.substr(0, room - 1) + "\u2026";
}

std::string panel(const std::string& parameter, const PointList& points,
                  const std::vector<std::string>& metrics) {
  const Axis axis = axis_of(points, parameter);
  Svg svg(kWidth, kHeight, "Error against " + parameter);
  const Scale y = error_scale(points);
  const bool is_words = axis.numbers.empty();
  const Scale x = is_words ? Scale{-0.5, static_cast<double>(axis.words.size()) - 0.5, kLeft, kWidth - kRight}
                           : number_scale(axis.numbers);
  draw_error_axis(svg, y);
  const auto word_at = [&](const std::string& word) {
    return x(static_cast<double>(std::distance(axis.words.begin(), axis.words.find(word))));
  };
  double row = 0;
  for (const std::string& word : axis.words) {
    svg.text(word_at(word), y.first + 16 + row, shortened(word, axis.words.size()), Anchor::kMiddle, "tick");
    row = 13 - row;
  }
  for (const double tick :
       is_words ? std::vector<double>{} : ticks(x, x.logarithmic ? tick_count(x, 46) : 5)) {
    svg.line(x(tick), y.first, x(tick), y.first + 4, "frame");
    svg.text(x(tick), y.first + 17, tick_label(tick), Anchor::kMiddle, "tick");
  }
  svg.text((kLeft + kWidth - kRight) / 2, y.first + 46, parameter, Anchor::kMiddle, "axis");
  for (const ValidationPoint* point : points) {
    const auto value = point->parameters.find(parameter);
    if (value == point->parameters.end()) {
      continue;
    }
    const double at =
        is_words ? word_at(std::get<std::string>(value->second)) : x(std::get<double>(value->second));
    const auto metric = std::find(metrics.begin(), metrics.end(), point->metric) - metrics.begin();
    draw_point(svg, *point, static_cast<std::size_t>(metric), at, y(point->error * 100),
               fmt::format("{}\n{:+.1f} %", point->id, point->error * 100));
  }
  return svg.markup();
}

}  // namespace

std::string error_figure(const std::string& family, const PointList& points) {
  const std::vector<std::string> metrics = distinct(points, &ValidationPoint::metric);
  std::string panels;
  for (const std::string& parameter : parameter_names(points)) {
    if (axis_of(points, parameter).drawable()) {
      panels += panel(parameter, points, metrics);
    }
  }
  return panels.empty()
             ? ""
             : figure(series_legend(metrics) + "<div class=\"panels\">" + panels + "</div>",
                      "Errors of " + family + " against what its points vary over; the band is 10 %.");
}

}  // namespace tilewright::report
