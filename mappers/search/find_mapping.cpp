// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/find_mapping.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "mappers/search/conflict.h"
#include "mappers/search/fit.h"

namespace tilewright::mappers {

std::span<const config::EnumName<StrategyName>> enumeration_names(StrategyName) {
  static constexpr config::EnumName<StrategyName> kNames[] = {{StrategyName::kBest, "best"},
                                                              {StrategyName::kExhaustive, "exhaustive"},
                                                              {StrategyName::kUnpruned, "unpruned"},
                                                              {StrategyName::kTwoStage, "two_stage"},
                                                              {StrategyName::kDescent, "descent"},
                                                              {StrategyName::kAnnealing, "annealing"},
                                                              {StrategyName::kRandom, "random"}};
  return kNames;
}

namespace {

constexpr uint64_t kProgressEvery = 4096;
constexpr double kMostAnnealed = 20'000;  // beyond that branch and bound finds more

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

bool same_halves(Mapping a, const Mapping& b) {
  a.dataflow = b.dataflow;
  a.pe_order = b.pe_order;
  a.tile_order = b.tile_order;
  a.input_slots = b.input_slots;
  a.weight_slots = b.weight_slots;
  a.output_slots = b.output_slots;
  return a == b;
}

using Candidates = std::vector<std::pair<Mapping, Evaluation>>;

class Driver {
 public:
  Driver(LayerModel& model, const Mapspace& space, const SearchOptions& options)
      : model_(model), space_(space), options_(options) {
    result_.mapspace_size = space.size();
  }

  MappingResult run() {
    const double start = cpu_seconds();
    switch (options_.strategy) {
      case StrategyName::kExhaustive:
      case StrategyName::kBest:
        run_best();
        break;
      case StrategyName::kUnpruned:
        drive(*make_exhaustive_search(model_, space_, options_.objective, false), options_.budget);
        break;
      case StrategyName::kTwoStage:
        drive(*make_two_stage_search(model_, options_.objective), options_.budget);
        break;
      case StrategyName::kDescent:
        drive(*make_descent_search(model_, space_, options_.objective), options_.budget);
        break;
      case StrategyName::kAnnealing:
        drive(*make_annealing_search(space_, options_.objective, options_.budget, options_.seed), options_.budget);
        break;
      case StrategyName::kRandom:
        drive(*make_random_search(space_, options_.seed), options_.budget);
        break;
    }
    if (elite_.empty()) {
      // Where nothing fitted by chance, all of the space is looked through for something that does.
      const auto all = make_exhaustive_search(model_, space_, options_.objective);
      drive(*all, options_.budget + 1'000'000, true);
    }
    if (options_.pareto && !elite_.empty()) {
      run_front();
    }
    finish();
    result_.seconds = cpu_seconds() - start;
    return result_;
  }

  bool found() const { return !elite_.empty(); }

 private:
  void run_best() {
    const auto exhaustive = make_exhaustive_search(model_, space_, options_.objective);
    if (options_.strategy == StrategyName::kBest) {
      drive(*make_two_stage_search(model_, options_.objective), options_.budget);
      drive(*make_descent_search(model_, space_, options_.objective), options_.budget);
      const auto steps = static_cast<uint64_t>(
          std::min({double(options_.budget) / 8, kMostAnnealed, space_.size() / 64}));
      drive(*make_annealing_search(space_, options_.objective, steps, options_.seed), used_ + steps);
      if (!elite_.empty()) {  // what is known already prunes
        exhaustive->report(elite_.front().first, &elite_.front().second);
      }
    }
    if (used_ < options_.budget) {
      const bool ended = drive(*exhaustive, options_.budget);
      if (!ended && options_.bound) {
        exhaustive->stop();
      }
    }
    result_.pruned = exhaustive->pruned();
    lower_bound_ = exhaustive->lower_bound();
  }

  void run_front() {
    const uint64_t until = used_ + options_.budget;
    for (const Objective objective : {Objective::kCycles, Objective::kEdp, Objective::kEnergy}) {
      drive(*make_descent_search(model_, space_, objective), until);
    }
    const auto search = make_front_search(model_, space_, result_.front);
    drive(*search, until);
    result_.front_proven = std::isinf(search->lower_bound());
  }

  // True where the search ended of itself.
  bool drive(SearchStrategy& search, uint64_t until, bool until_found = false) {
    Mapping mapping;
    Evaluation evaluation;
    const uint64_t before = used_;
    uint64_t proposed = 0;
    while (before + proposed + search.extra_work() < until && !(until_found && !elite_.empty())) {
      search.allow(until - before - proposed);
      if (!search.next(mapping)) {
        used_ = before + proposed + search.extra_work();
        return used_ < until;
      }
      ++proposed;
      if (options_.progress && proposed % kProgressEvery == 0) {
        options_.progress(before + proposed + search.extra_work());
      }
      if (search.ignores_constraints() && !space_.admits(mapping)) {
        search.report(mapping, nullptr);
      } else if (model_.evaluate(mapping, evaluation)) {
        ++result_.evaluations;
        keep(mapping, evaluation);
        search.report(mapping, &evaluation);
      } else {
        ++result_.refused;
        search.report(mapping, nullptr);
      }
    }
    used_ = before + proposed + search.extra_work();
    return false;
  }

  void keep(const Mapping& mapping, const Evaluation& evaluation) {
    if (options_.pareto) {
      result_.front.insert(mapping, evaluation);
    }
    keep_in(elite_, mapping, evaluation, [this](const Evaluation& a, const Evaluation& b) {
      return better(a, b, options_.objective);
    });
    // edp leaves nothing out. The little weight of the other never makes up for a twofold loss.
    const bool may_be = elite_.empty() || value_of(evaluation, options_.objective) <=
                                              2 * value_of(elite_.front().second, options_.objective);
    if (options_.objective != Objective::kEdp && may_be) {
      keep_in(practical_, mapping, evaluation, [this](const Evaluation& a, const Evaluation& b) {
        return practical(a, options_.objective) < practical(b, options_.objective);
      });
    }
  }

  template <typename Better>
  void keep_in(Candidates& list, const Mapping& mapping, const Evaluation& evaluation, const Better& precedes) {
    if (list.size() >= options_.keep && !precedes(evaluation, list.back().second)) {
      return;
    }
    const auto alike = std::find_if(list.begin(), list.end(),
                                    [&](const auto& other) { return same_halves(mapping, other.first); });
    if (alike != list.end()) {
      if (!precedes(evaluation, alike->second)) {
        return;
      }
      list.erase(alike);
    }
    const auto at = std::find_if(list.begin(), list.end(),
                                 [&](const auto& other) { return precedes(evaluation, other.second); });
    list.insert(at, {mapping, evaluation});
    if (list.size() > options_.keep) {
      list.pop_back();
    }
  }

  void finish() {
    if (elite_.empty()) {
      return;
    }
    for (const Candidates* list : {&elite_, &practical_}) {
      for (const auto& [mapping, evaluation] : *list) {
        Mapping clipped = mapping;
        Halves halves;
        model_.prepare(clipped, halves);
        const auto& known = result_.candidates;
        if (std::find(known.begin(), known.end(), clipped) == known.end()) {
          result_.candidates.push_back(clipped);
        }
      }
    }
    result_.mapping = result_.candidates.front();
    result_.evaluation = elite_.front().second;
    const auto& chosen = options_.objective == Objective::kEdp ? elite_.front() : practical_.front();
    result_.practical_mapping = chosen.first;
    result_.practical_evaluation = chosen.second;
    const double best = value_of(result_.evaluation, options_.objective);
    result_.lower_bound = std::min(best, lower_bound_);
    result_.proven = lower_bound_ >= best;
    result_.gap = result_.lower_bound > 0 ? best / result_.lower_bound - 1 : std::numeric_limits<double>::infinity();
  }

  LayerModel& model_;
  const Mapspace& space_;
  const SearchOptions& options_;
  MappingResult result_;
  Candidates elite_, practical_;
  uint64_t used_ = 0;
  double lower_bound_ = 0;
};

}  // namespace

MappingResult find_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                           const Residency& residency, const EnergyRates& rates, const SearchOptions& options) {
  LayerModel model(layer, spec, residency, rates);
  const Mapspace space(model, options.constraints, options.factors);
  if (space.shapes().empty()) {
    throw no_mapping(model, options.constraints, options.factors);
  }
  Driver driver(model, space, options);
  const MappingResult result = driver.run();
  if (!driver.found()) {
    throw no_mapping(model, options.constraints, options.factors);
  }
  return result;
}

}  // namespace tilewright::mappers
