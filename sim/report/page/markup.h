// SPDX-License-Identifier: Apache-2.0
//
// HTML and SVG as text: escaping, sortable tables, drawing primitives, axes. Colours are CSS classes of the
// page's style sheet, so that dark mode and print change them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tilewright::report {

// For element content and for attributes in double quotes.
std::string escaped(std::string_view text);

// A table whose headings sort it where scripts run.
class HtmlTable {
 public:
  // A heading that starts with '<' marks a column of text: "<path".
  explicit HtmlTable(const std::vector<std::string>& headings);
  void add_row(const std::vector<std::string>& cells);
  std::string markup() const;
  std::size_t rows() const { return rows_; }

 private:
  std::size_t rows_ = 0;
  std::vector<bool> is_text_;
  std::string head_;
  std::string body_;
};

// A table under a line that folds it away. Long ones are folded at first; printing unfolds all.
std::string folding(std::string_view summary, const HtmlTable& table);

enum class Anchor : uint8_t { kStart, kMiddle, kEnd };

// One drawing; coordinates in pixels from the top left.
class Svg {
 public:
  Svg(double width, double height, std::string_view label);
  void line(double x1, double y1, double x2, double y2, std::string_view css_class);
  void rectangle(double x, double y, double width, double height, std::string_view css_class,
                 std::string_view tooltip = {});
  void circle(double x, double y, double radius, std::string_view css_class, std::string_view tooltip = {});
  // Shapes are told apart without colour: disc, square, triangle, diamond, triangle down, plus, hexagon; then
  // again.
  void marker(std::size_t shape, double x, double y, std::string_view css_class,
              std::string_view tooltip = {});
  void polygon(const std::vector<std::pair<double, double>>& corners, std::string_view css_class);
  void text(double x, double y, std::string_view words, Anchor anchor, std::string_view css_class = {});
  void text_upwards(double x, double y, std::string_view words);
  std::string markup() const { return markup_ + "</svg>\n"; }

 private:
  void shape(const std::string& element, std::string_view css_class, std::string_view tooltip);
  std::string markup_;
};

// Maps values to pixels.
struct Scale {
  double low, high;    // of the values
  double first, last;  // pixels
  bool logarithmic = false;
  double operator()(double value) const;
};

// Round values inside the scale: at most about `count` on a linear one; 1, 2, 5 of each decade (1 where that
// is too many) on a logarithmic one.
std::vector<double> ticks(const Scale& scale, int count);
int tick_count(const Scale& scale, double pixels);  // ticks that so many pixels each leave room for
// "0.5", "20", "1e5", "2e-7": as short as a tick can be.
std::string tick_label(double value);

// Frame, grid, tick labels and names of both axes.
void draw_axes(Svg& svg, const Scale& x, const Scale& y, std::string_view x_name, std::string_view y_name);

}  // namespace tilewright::report
