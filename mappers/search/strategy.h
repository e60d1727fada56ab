// SPDX-License-Identifier: Apache-2.0
//
// Search strategies propose mappings and are told what each costs; whoever drives them keeps the best (find_mapping.h).
// Everything is deterministic.
#pragma once

#include <limits>
#include <memory>
#include <optional>

#include "mappers/search/front.h"
#include "mappers/search/mapspace.h"
#include "mappers/search/objective.h"

namespace tilewright::mappers {

class SearchStrategy {
 public:
  virtual ~SearchStrategy() = default;
  // The next mapping to evaluate; false when the search is over.
  virtual bool next(Mapping& mapping) = 0;
  // What the mapping of the last next() costs; null where it does not fit the machine.
  virtual void report(const Mapping& mapping, const Evaluation* evaluation) = 0;
  // next() may do so much extra_work() in all; beyond that it ends early, and goes on when more is allowed.
  virtual void allow(uint64_t) {}
  // Work done beside proposing, in evaluations' worth; counts against a budget.
  virtual uint64_t extra_work() const { return 0; }
  // Mappings that were never proposed because a bound showed that they are no better than the best.
  virtual double pruned() const { return 0; }
  // No mapping of the space that was not proposed is better than this; infinity once all are accounted for.
  virtual double lower_bound() const { return 0; }
  // What it proposes need not satisfy the constraints; whoever drives it drops what does not (null report).
  virtual bool ignores_constraints() const { return false; }
  // The budget is spent: work out the tightest lower_bound() that is cheap to have.
  virtual void stop() {}
};

// All of the space, by branch and bound: halves are paired in order of the array's work, and a pair whose floor is no
// better than the best known is skipped with everything that could be chosen for it.
// `prune` off: every pair is evaluated, which is for measuring how fast that is.
std::unique_ptr<SearchStrategy> make_exhaustive_search(LayerModel& model, const Mapspace& space, Objective objective,
                                                       bool prune = true);
// The same for all that no point of `front` covers, which whoever drives the search adds to before each report(). All are
// accounted for where lower_bound() is infinite.
std::unique_ptr<SearchStrategy> make_front_search(LayerModel& model, const Mapspace& space, const Front& front);
// Points drawn evenly from the lists of the space, without end.
std::unique_ptr<SearchStrategy> make_random_search(const Mapspace& space, uint64_t seed);
// Simulated annealing: moves of one list at a time, geometric cooling over `steps`, restarts from the best.
std::unique_ptr<SearchStrategy> make_annealing_search(const Mapspace& space, Objective objective, uint64_t steps,
                                                      uint64_t seed);
// Rules of thumb, about a thousand mappings.
std::unique_ptr<SearchStrategy> make_two_stage_search(LayerModel& model, Objective objective);
// Coordinate descent from a few full arrays with large blocks: a good mapping after some hundred evaluations.
std::unique_ptr<SearchStrategy> make_descent_search(LayerModel& model, const Mapspace& space, Objective objective);

}  // namespace tilewright::mappers
