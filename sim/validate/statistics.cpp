// SPDX-License-Identifier: Apache-2.0
#include "sim/validate/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace tilewright::validate {
namespace {

using Group = std::vector<const ValidationPoint*>;

auto key(const ValidationPoint& point) {
  return std::tie(point.suite, point.family, point.split, point.metric);
}

std::vector<Group> groups(const std::vector<ValidationPoint>& points) {
  std::vector<Group> all;
  for (const ValidationPoint& point : points) {
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const Group& group) { return key(*group.front()) == key(point); });
    if (same == all.end()) {
      all.push_back({&point});
    } else {
      same->push_back(&point);
    }
  }
  return all;
}

std::optional<double> baseline_error(const Group& group) {
  double sum = 0;
  for (const ValidationPoint* point : group) {
    if (!point->baseline) {
      return std::nullopt;
    }
    sum += std::abs(relative_error(*point->baseline, point->measured));
  }
  return sum / static_cast<double>(group.size());
}

ValidationSummary summary_of(const Group& group) {
  ValidationSummary row;
  std::tie(row.suite, row.family, row.split, row.metric) = key(*group.front());
  row.n = group.size();
  std::vector<double> measured, simulated;
  for (const ValidationPoint* point : group) {
    const double size = std::abs(point->error);
    row.mape += size;
    row.bias += point->error;
    if (row.worst_id.empty() || size > row.max_error) {
      row.max_error = size;
      row.worst_id = point->id;
    }
    measured.push_back(point->measured);
    simulated.push_back(point->simulated);
  }
  row.mape /= static_cast<double>(row.n);
  row.bias /= static_cast<double>(row.n);
  row.pearson = pearson(measured, simulated);
  row.rank = pearson(ranks(measured), ranks(simulated));
  row.baseline_mape = baseline_error(group);
  return row;
}

}  // namespace

std::optional<double> pearson(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 3) {
    return std::nullopt;
  }
  const auto n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double both = 0, only_a = 0, only_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - mean_a) * (b[i] - mean_b);
    only_a += (a[i] - mean_a) * (a[i] - mean_a);
    only_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  // Rounding leaves a variance of about n x (epsilon x mean)^2 to equal values.
  const auto is_constant = [&](double squares, double mean) { return squares <= n * 1e-24 * mean * mean; };
  if (is_constant(only_a, mean_a) || is_constant(only_b, mean_b)) {
    return std::nullopt;
  }
  return std::clamp(both / std::sqrt(only_a) / std::sqrt(only_b), -1.0, 1.0);
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> found(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && values[order[end]] == values[order[first]]) {
      ++end;
    }
    for (std::size_t i = first; i < end; ++i) {
      found[order[i]] = (static_cast<double>(first + end - 1)) / 2 + 1;
    }
    first = end;
  }
  return found;
}

std::vector<ValidationSummary> summarise(const std::vector<ValidationPoint>& points) {
  std::vector<ValidationSummary> rows;
  for (const Group& group : groups(points)) {
    rows.push_back(summary_of(group));
  }
  return rows;
}

}  // namespace tilewright::validate
