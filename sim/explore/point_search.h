// SPDX-License-Identifier: Apache-2.0
//
// Which points of a space are looked at, and in what order. Whoever drives a search evaluates each batch and reports it;
// the same reports give the same batches, so a run that is resumed is asked the same again.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sim/explore/pareto.h"
#include "sim/explore/space.h"

namespace tilewright::explore {

class PointSearch {
 public:
  virtual ~PointSearch() = default;
  // Points to evaluate, none of them proposed before; empty when the search is over.
  virtual std::vector<PointNumber> next() = 0;
  // What the points of the last next() cost, smaller is better; nothing for those that are no design (failed, over budget).
  virtual void report(const std::vector<std::optional<Values>>& values) = 0;
  virtual uint64_t total() const = 0;  // points, at most
};

// Throws UserError where the space is too large to be enumerated, and where its conditions admit nothing.
std::unique_ptr<PointSearch> make_exhaustive_search(const Space& space);
std::unique_ptr<PointSearch> make_random_search(const Space& space, uint64_t points, uint64_t seed);
// NSGA-II (K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II",
// IEEE Trans. Evolutionary Computation 6(2), 2002), with a space's points as genomes: uniform crossover, mutation to a value
// near by (sometimes to any), no point twice. What is no design is worse than every design.
std::unique_ptr<PointSearch> make_evolutionary_search(const Space& space, const SearchPlan& plan);

// So many different points that the conditions admit, drawn evenly; fewer where there are no more, or none can be found.
std::vector<PointNumber> draw_points(const Space& space, uint64_t count, uint64_t seed);

}  // namespace tilewright::explore
