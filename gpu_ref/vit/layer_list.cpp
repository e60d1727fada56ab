// SPDX-License-Identifier: Apache-2.0
#include "vit/layer_list.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

#include "harness/check.h"

namespace tw::gpu::vit {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) {
    cells.push_back(cell);
  }
  return cells;
}

class Row {
 public:
  Row(const std::vector<std::string>& columns, const std::string& line, std::string where)
      : where_(std::move(where)) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != columns.size()) {
      throw UsageError(where_ + ": " + std::to_string(cells.size()) + " cells under " +
                       std::to_string(columns.size()) + " headings");
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      cells_[columns[i]] = cells[i];
    }
  }
  const std::string& text(const std::string& column) const {
    const auto found = cells_.find(column);
    if (found == cells_.end()) {
      throw UsageError(where_ + ": there is no column '" + column +
                       "'; expected what 'tilewright list layers FILE --format csv' prints");
    }
    return found->second;
  }
  int number(const std::string& column, int least) const {
    const std::string& cell = text(column);
    int value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc() || end != cell.data() + cell.size() || value < least) {
      throw UsageError(where_ + ": " + column + " cannot be '" + cell + "'");
    }
    return value;
  }

 private:
  std::string where_;
  std::map<std::string, std::string> cells_;
};

LayerShape shape_of(const Row& row) {
  LayerShape shape;
  shape.groups = row.number("groups", 1);
  shape.channels = row.number("input_channels", 1);
  shape.outputs = row.number("output_channels", 1);
  shape.kernel_height = row.number("kernel_height", 1);
  shape.kernel_width = row.number("kernel_width", 1);
  shape.stride = row.number("stride", 1);
  shape.padding = row.number("padding", 0);
  shape.input_height = row.number("input_height", 1);
  shape.input_width = row.number("input_width", 1);
  shape.output_height = row.number("output_height", 1);
  shape.output_width = row.number("output_width", 1);
  shape.relu = row.number("relu", 0);
  return shape;
}

}  // namespace

std::vector<NamedLayer> read_distinct_layers(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) {
    throw UsageError("cannot read a line of " + file);
  }
  const std::vector<std::string> columns = cells_of(line);
  std::vector<NamedLayer> layers;
  for (int number = 2; std::getline(in, line); ++number) {
    const Row row(columns, line, file + ":" + std::to_string(number));
    const std::string& kind = row.text("kind");
    if (kind != "conv2d" && kind != "depthwise" && kind != "linear" && kind != "matmul") {
      continue;
    }
    const LayerShape shape = shape_of(row);
    const auto same = [&](const NamedLayer& other) { return other.shape == shape; };
    if (std::none_of(layers.begin(), layers.end(), same)) {
      layers.push_back({row.text("path"), row.text("name"), kind, shape});
    }
  }
  return layers;
}

}  // namespace tw::gpu::vit
