// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/pareto.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tilewright::explore {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::vector<std::size_t> all_of(std::size_t count) {
  std::vector<std::size_t> indices(count);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return indices;
}

// The front of some of the points. In lexicographic order a point can only be dominated by one before it, and then also by
// one that is on the front.
std::vector<std::size_t> front_of(const std::vector<Values>& points, std::vector<std::size_t> candidates) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](std::size_t a, std::size_t b) { return points[a] < points[b]; });
  std::vector<std::size_t> front;
  for (const std::size_t candidate : candidates) {
    // The latest member is the most alike, so it is asked first.
    const bool beaten = std::any_of(front.rbegin(), front.rend(), [&](std::size_t member) {
      return dominates(points[member], points[candidate]);
    });
    if (!beaten) {
      front.push_back(candidate);
    }
  }
  std::sort(front.begin(), front.end());
  return front;
}

Values extents(const std::vector<Values>& points, const std::vector<std::size_t>& front) {
  Values low = points[front.front()], high = low;
  for (const std::size_t member : front) {
    for (std::size_t o = 0; o < low.size(); ++o) {
      low[o] = std::min(low[o], points[member][o]);
      high[o] = std::max(high[o], points[member][o]);
    }
  }
  for (std::size_t o = 0; o < low.size(); ++o) {
    high[o] -= low[o];
  }
  return high;
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order = all_of(values.size());
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t start = 0; start < order.size();) {
    std::size_t end = start;
    while (end < order.size() && values[order[end]] == values[order[start]]) {
      ++end;
    }
    for (std::size_t i = start; i < end; ++i) {
      result[order[i]] = double(start + end - 1) / 2;
    }
    start = end;
  }
  return result;
}

}  // namespace

bool dominates(const Values& a, const Values& b) {
  bool better = false;
  for (std::size_t o = 0; o < a.size(); ++o) {
    if (a[o] > b[o]) {
      return false;
    }
    better = better || a[o] < b[o];
  }
  return better;
}

std::vector<std::size_t> pareto_front(const std::vector<Values>& points) { return front_of(points, all_of(points.size())); }

std::vector<std::vector<std::size_t>> non_dominated_sort(const std::vector<Values>& points) {
  std::vector<std::vector<std::size_t>> fronts;
  std::vector<std::size_t> rest = all_of(points.size());
  while (!rest.empty()) {
    fronts.push_back(front_of(points, rest));
    std::vector<std::size_t> left;
    std::set_difference(rest.begin(), rest.end(), fronts.back().begin(), fronts.back().end(), std::back_inserter(left));
    rest = std::move(left);
  }
  return fronts;
}

std::vector<double> crowding_distances(const std::vector<Values>& points, const std::vector<std::size_t>& front) {
  std::vector<double> distances(front.size(), 0);
  if (front.empty()) {
    return distances;
  }
  const Values extent = extents(points, front);
  for (std::size_t o = 0; o < extent.size(); ++o) {
    std::vector<std::size_t> order = all_of(front.size());
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return points[front[a]][o] < points[front[b]][o]; });
    distances[order.front()] = distances[order.back()] = kInfinite;
    for (std::size_t i = 1; i + 1 < order.size() && extent[o] > 0; ++i) {
      distances[order[i]] += (points[front[order[i + 1]]][o] - points[front[order[i - 1]]][o]) / extent[o];
    }
  }
  return distances;
}

FrontReason reason_on_front(const std::vector<Values>& points, const std::vector<std::size_t>& front, std::size_t point) {
  FrontReason reason;
  reason.neighbour = point;
  const Values extent = extents(points, front);
  double nearest = kInfinite;
  for (const std::size_t other : front) {
    if (other == point || points[other] == points[point]) {
      continue;
    }
    double distance = 0;
    for (std::size_t o = 0; o < extent.size(); ++o) {
      const double apart = extent[o] > 0 ? (points[other][o] - points[point][o]) / extent[o] : 0;
      distance += apart * apart;
    }
    if (distance < nearest) {
      nearest = distance;
      reason.neighbour = other;
    }
  }
  for (std::size_t o = 0; o < extent.size(); ++o) {
    const bool best = std::all_of(front.begin(), front.end(),
                                  [&](std::size_t other) { return points[point][o] <= points[other][o]; });
    if (best) {
      reason.best_in.push_back(o);
    }
    const double mine = points[point][o], theirs = points[reason.neighbour][o];
    if (mine < theirs) {
      reason.gains.push_back(o);
    } else if (mine > theirs) {
      reason.pays.push_back(o);
    }
  }
  return reason;
}

double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 2) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::vector<double> ranks_a = ranks(a), ranks_b = ranks(b);
  const double mean = double(a.size() - 1) / 2;
  double covariance = 0, variance_a = 0, variance_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    covariance += (ranks_a[i] - mean) * (ranks_b[i] - mean);
    variance_a += (ranks_a[i] - mean) * (ranks_a[i] - mean);
    variance_b += (ranks_b[i] - mean) * (ranks_b[i] - mean);
  }
  return covariance / std::sqrt(variance_a * variance_b);
}

}  // namespace tilewright::explore
