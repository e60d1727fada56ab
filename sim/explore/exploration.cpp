// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/exploration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "mappers/search/moves.h"
#include "sim/explore/point_worker.h"
#include "sim/explore/worker_pool.h"

namespace tilewright::explore {
namespace {

std::size_t index_of(Objective objective) { return static_cast<std::size_t>(objective); }

EnergyRange energy_range(const PathCosts& costs, const std::vector<double>& mix) {
  EnergyRange range;
  for (std::size_t i = 0; i < mix.size(); ++i) {
    range.low_j += mix[i] * costs.energy_low_j[i];
    range.high_j += mix[i] * costs.energy_high_j[i];
  }
  return range;
}

class Explorer {
 public:
  Explorer(const ExplorationSpec& spec, Store& store, unsigned workers,
           const std::function<void(const ExploreProgress&)>& progress)
      : spec_(spec),
        store_(store),
        space_(spec),
        mix_(mix_of(spec)),
        comparison_(comparison_mix(spec)),
        worker_(spec, space_, std::move(store.layer_results())),
        pool_(workers, [this](const Task& task) { return worker_.work(task); }),
        progress_(progress) {}

  ExplorationResult run() {
    result_.space_size = space_.size();
    result_.resumed = store_.resumed();
    sweep();
    find_front();
    result_.answers = answers_of_model(spec_, result_, designs());
    simulate();
    add_simulated_answers(result_);
    compare_stages();
    measure_loss();
    return std::move(result_);
  }

 private:
  std::unique_ptr<PointSearch> make_search() const {
    switch (spec_.search.strategy) {
      case Strategy::kExhaustive:
        return make_exhaustive_search(space_);
      case Strategy::kEvolutionary:
        return make_evolutionary_search(space_, spec_.search);
      case Strategy::kRandom:
        break;
    }
    return make_random_search(space_, spec_.search.points, spec_.search.seed);
  }

  // Works on what the store does not know yet.
  void work(const std::vector<Task>& tasks, ExploreProgress& progress) {
    std::vector<Task> open;
    for (const Task& task : tasks) {
      const Outcome* known = store_.find(task);
      progress.failed += known != nullptr && known->status == Status::kFailed ? 1 : 0;
      if (known == nullptr) {
        open.push_back(task);
      }
    }
    progress.done += tasks.size() - open.size();
    progress.resumed += tasks.size() - open.size();
    progress_(progress);
    pool_.run(open, [&](Outcome outcome) {
      ++progress.done;
      progress.failed += outcome.status == Status::kFailed ? 1 : 0;
      const std::string parameters = parameters_json(space_, outcome.task.point);
      store_.add(std::move(outcome), parameters);
      progress_(progress);
    });
  }

  void sweep() {
    const std::unique_ptr<PointSearch> search = make_search();
    ExploreProgress progress{"points", 0, search->total(), 0, 0};
    std::vector<PointNumber> all;
    for (std::vector<PointNumber> batch = search->next(); !batch.empty(); batch = search->next()) {
      std::vector<Task> tasks;
      for (const PointNumber point : batch) {
        tasks.push_back({Stage::kModel, point});
      }
      work(tasks, progress);
      std::vector<std::optional<Values>> values;
      for (const PointNumber point : batch) {
        const ExploredPoint view = view_of(point);
        values.push_back(view.status == Status::kOk ? std::optional(to_minimise(*view.values, spec_.objectives))
                                                    : std::nullopt);
      }
      search->report(values);
      all.insert(all.end(), batch.begin(), batch.end());
    }
    std::sort(all.begin(), all.end());
    for (const PointNumber point : all) {
      result_.points.push_back(view_of(point));
      const Outcome& outcome = *store_.find({Stage::kModel, point});
      result_.layers += outcome.costs.layers;
      result_.layers_computed += outcome.costs.layers_computed;
      result_.sweep_cpu_s += outcome.cpu_s;
    }
  }

  ExploredPoint view_of(PointNumber point) const {
    const Outcome& outcome = *store_.find({Stage::kModel, point});
    const Places places = space_.places(point);
    ExploredPoint view;
    view.number = point;
    view.overrides = space_.overrides(places);
    for (std::size_t i = 0; i < space_.parameters(); ++i) {
      view.parameters.push_back(space_.value(i, places));
    }
    view.status = outcome.status;
    view.reason = outcome.reason;
    if (outcome.status != Status::kOk) {
      return view;
    }
    view.values = objective_values(outcome.costs, outcome.area_m2, mix_);
    if (!spec_.compare_paths.empty()) {
      view.compared = objective_values(outcome.costs, outcome.area_m2, comparison_);
    }
    const double power = (*view.values)[index_of(Objective::kEnergy)] / (*view.values)[index_of(Objective::kLatency)];
    if (spec_.budgets.power && power > spec_.budgets.power->value) {
      view.status = Status::kOverBudget;
      view.reason = fmt::format("the mean power of {:.3f} W is over the budget of {:.3f} W", power, spec_.budgets.power->value);
    }
    return view;
  }

  // Indices of the points that are designs.
  std::vector<std::size_t> designs() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < result_.points.size(); ++i) {
      if (result_.points[i].status == Status::kOk) {
        found.push_back(i);
      }
    }
    return found;
  }

  // The front of some points, as indices in `result_.points`; `value` gives what counts.
  template <typename Value>
  std::vector<std::size_t> front_of(const std::vector<std::size_t>& members, const Value& value,
                                    std::vector<FrontReason>* reasons = nullptr) const {
    std::vector<Values> values;
    for (const std::size_t member : members) {
      values.push_back(to_minimise(value(result_.points[member]), spec_.objectives));
    }
    const std::vector<std::size_t> front = pareto_front(values);
    std::vector<std::size_t> result;
    for (const std::size_t i : front) {
      result.push_back(members[i]);
      if (reasons != nullptr) {
        reasons->push_back(reason_on_front(values, front, i));
        reasons->back().neighbour = members[reasons->back().neighbour];
      }
    }
    return result;
  }

  void find_front() {
    result_.front = front_of(designs(), [](const ExploredPoint& p) { return *p.values; }, &result_.reasons);
  }

  std::vector<std::size_t> to_simulate() const {
    std::set<std::size_t> chosen;
    if (spec_.simulation.front) {
      chosen.insert(result_.front.begin(), result_.front.end());
      for (const Answer& found : result_.answers) {
        chosen.insert(found.best);
        chosen.insert(found.compared_best);
      }
    }
    std::vector<std::size_t> others;
    for (const std::size_t i : designs()) {
      if (!chosen.contains(i)) {
        others.push_back(i);
      }
    }
    mappers::Random random(spec_.search.seed + 1);
    for (std::size_t i = 0; i < std::min<std::size_t>(spec_.simulation.random_points, others.size()); ++i) {
      std::swap(others[i], others[i + random.below(others.size() - i)]);
      chosen.insert(others[i]);
    }
    return {chosen.begin(), chosen.end()};
  }

  void simulate() {
    const std::vector<std::size_t> chosen = to_simulate();
    std::vector<Task> tasks;
    for (const std::size_t i : chosen) {
      tasks.push_back({Stage::kSimulation, result_.points[i].number});
    }
    ExploreProgress progress{"simulations", 0, tasks.size(), 0, 0};
    work(tasks, progress);
    for (const std::size_t i : chosen) {
      ExploredPoint& point = result_.points[i];
      const Outcome& outcome = *store_.find({Stage::kSimulation, point.number});
      result_.simulation_cpu_s += outcome.cpu_s;
      if (outcome.status != Status::kOk) {
        point.simulation_failure = outcome.reason;
        continue;
      }
      ++result_.simulated;
      result_.layers_simulated += outcome.costs.layers_computed;
      point.simulated = objective_values(outcome.costs, outcome.area_m2, mix_);
      point.simulated_range = energy_range(outcome.costs, mix_);
      if (!spec_.compare_paths.empty()) {
        point.simulated_compared = objective_values(outcome.costs, outcome.area_m2, comparison_);
        point.simulated_compared_range = energy_range(outcome.costs, comparison_);
      }
    }
  }

  void compare_stages() {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < result_.points.size(); ++i) {
      if (result_.points[i].simulated) {
        members.push_back(i);
      }
    }
    for (const Objective objective : spec_.objectives) {
      if (objective == Objective::kArea || members.empty()) {
        continue;  // the simulator has no other area
      }
      Correlation correlation;
      correlation.objective = objective;
      correlation.least_ratio = std::numeric_limits<double>::infinity();
      std::vector<double> model, simulated;
      for (const std::size_t i : members) {
        model.push_back((*result_.points[i].values)[index_of(objective)]);
        simulated.push_back((*result_.points[i].simulated)[index_of(objective)]);
        const double ratio = simulated.back() / model.back();
        correlation.mean_ratio += ratio / double(members.size());
        correlation.least_ratio = std::min(correlation.least_ratio, ratio);
        correlation.largest_ratio = std::max(correlation.largest_ratio, ratio);
      }
      correlation.rank = rank_correlation(model, simulated);
      result_.correlations.push_back(correlation);
    }
    result_.simulated_front = front_of(members, [](const ExploredPoint& p) { return *p.simulated; });
    // Both stages over the same points.
    const std::vector<std::size_t> modelled = front_of(members, [](const ExploredPoint& p) { return *p.values; });
    std::set_difference(modelled.begin(), modelled.end(), result_.simulated_front.begin(), result_.simulated_front.end(),
                        std::back_inserter(result_.left));
    std::set_difference(result_.simulated_front.begin(), result_.simulated_front.end(), modelled.begin(), modelled.end(),
                        std::back_inserter(result_.entered));
  }

  void measure_loss() {
    std::vector<std::size_t> members = designs();
    mappers::Random random(spec_.search.seed + 2);
    std::vector<Task> tasks;
    for (std::size_t i = 0; i < std::min<std::size_t>(spec_.mapper.sample_points, members.size()); ++i) {
      std::swap(members[i], members[i + random.below(members.size() - i)]);
      tasks.push_back({Stage::kReference, result_.points[members[i]].number});
    }
    ExploreProgress progress{"full searches", 0, tasks.size(), 0, 0};
    work(tasks, progress);
    double bounded_latency = 0, bounded_energy = 0, latency = 0, energy = 0;
    for (const Task& task : tasks) {
      const Outcome& full = *store_.find(task);
      const Outcome& bounded = *store_.find({Stage::kModel, task.point});
      result_.reference_cpu_s += full.cpu_s;
      if (full.status != Status::kOk) {
        continue;
      }
      ++result_.loss.points;
      bounded_latency += bounded.costs.latency_s.front();
      bounded_energy += bounded.costs.energy_j.front();
      latency += full.costs.latency_s.front();
      energy += full.costs.energy_j.front();
    }
    if (result_.loss.points > 0) {
      result_.loss.latency = bounded_latency / latency - 1;
      result_.loss.energy = bounded_energy / energy - 1;
    }
  }

  const ExplorationSpec& spec_;
  Store& store_;
  Space space_;
  std::vector<double> mix_, comparison_;
  PointWorker worker_;
  WorkerPool pool_;
  const std::function<void(const ExploreProgress&)>& progress_;
  ExplorationResult result_;
};

}  // namespace

std::string_view key_of(Objective objective) {
  switch (objective) {
    case Objective::kLatency:
      return "latency_s";
    case Objective::kEnergy:
      return "energy_j";
    case Objective::kArea:
      return "area_m2";
    case Objective::kEdp:
      return "edp_js";
    case Objective::kThroughputPerArea:
      break;
  }
  return "throughput_per_area_per_s_m2";
}

ObjectiveValues objective_values(const PathCosts& costs, double area_m2, const std::vector<double>& mix) {
  double latency = 0, energy = 0;
  for (std::size_t i = 0; i < mix.size(); ++i) {
    latency += mix[i] * costs.latency_s[i];
    energy += mix[i] * costs.energy_j[i];
  }
  return {latency, energy, area_m2, latency * energy, 1 / (latency * area_m2)};
}

Values to_minimise(const ObjectiveValues& values, const std::vector<Objective>& objectives) {
  Values result;
  for (const Objective objective : objectives) {
    const double value = values[index_of(objective)];
    result.push_back(objective == Objective::kThroughputPerArea ? -value : value);
  }
  return result;
}

ExplorationResult explore(const ExplorationSpec& spec, Store& store, unsigned workers,
                          const std::function<void(const ExploreProgress&)>& progress) {
  return Explorer(spec, store, workers, progress).run();
}

Store::Identity identity_of(const config::Resolved<ExplorationSpec>& resolved) {
  Store::Identity identity{resolved.hash, resolved.yaml, {}};
  for (const workloads::ExecutionPath* path : selected_paths(resolved.value)) {
    identity.paths.push_back(path->name);
  }
  return identity;
}

}  // namespace tilewright::explore
