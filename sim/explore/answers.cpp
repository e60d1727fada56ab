// SPDX-License-Identifier: Apache-2.0
//
// Which design is best at a given area for the mix of paths, which for the compared paths alone, and how far to trust that.
#include <algorithm>
#include <cmath>
#include <limits>

#include "mappers/search/moves.h"
#include "sim/explore/exploration.h"

namespace tilewright::explore {
namespace {

constexpr std::size_t kAreas = 8;        // at which the question is answered
constexpr std::size_t kResamples = 200;  // of the points, for the range of an answer
constexpr double kTail = 0.05;           // on either side of that range

std::size_t index_of(Objective objective) { return static_cast<std::size_t>(objective); }

// What counts of each design, for one objective: smaller is better.
struct Candidate {
  std::size_t point = 0;
  double area_m2 = 0, mix = 0, compared = 0;
};

struct Pair {
  const Candidate* best = nullptr;           // for the mix
  const Candidate* compared_best = nullptr;  // for the compared paths alone
};

void consider(Pair& pair, const Candidate& candidate, double area_m2) {
  if (candidate.area_m2 > area_m2) {
    return;
  }
  if (pair.best == nullptr || candidate.mix < pair.best->mix) {
    pair.best = &candidate;
  }
  if (pair.compared_best == nullptr || candidate.compared < pair.compared_best->compared) {
    pair.compared_best = &candidate;
  }
}

Pair best_within(const std::vector<Candidate>& candidates, double area_m2) {
  Pair pair;
  for (const Candidate& candidate : candidates) {
    consider(pair, candidate, area_m2);
  }
  return pair;
}

// Of values that grow worse upwards; throughput comes as its negative.
double regret(const Pair& pair) { return std::abs(pair.compared_best->mix / pair.best->mix - 1); }

// The regret over points drawn again from those evaluated, with replacement (bootstrap): what would have been answered had the
// random search seen others like them.
void add_range(Answer& answer, const std::vector<Candidate>& candidates, mappers::Random& random) {
  std::vector<double> regrets;
  for (std::size_t sample = 0; sample < kResamples; ++sample) {
    Pair pair;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      consider(pair, candidates[random.below(candidates.size())], answer.area_m2);
    }
    if (pair.best != nullptr) {
      regrets.push_back(regret(pair));
    }
  }
  std::sort(regrets.begin(), regrets.end());
  if (!regrets.empty()) {
    const auto at = [&](double quantile) { return regrets[static_cast<std::size_t>(quantile * double(regrets.size() - 1))]; };
    answer.regret_low = at(kTail);
    answer.regret_high = at(1 - kTail);
  }
}

std::vector<Candidate> candidates_of(const ExplorationResult& result, const std::vector<std::size_t>& members,
                                     Objective objective, bool simulated) {
  std::vector<Candidate> candidates;
  for (const std::size_t i : members) {
    const ExploredPoint& point = result.points[i];
    const auto& mix = simulated ? point.simulated : point.values;
    const auto& compared = simulated ? point.simulated_compared : point.compared;
    if (mix && compared) {
      candidates.push_back({i, (*point.values)[index_of(Objective::kArea)], to_minimise(*mix, {objective}).front(),
                            to_minimise(*compared, {objective}).front()});
    }
  }
  return candidates;
}

}  // namespace

std::vector<Answer> answers_of_model(const ExplorationSpec& spec, const ExplorationResult& result,
                                     const std::vector<std::size_t>& members) {
  std::vector<Answer> answers;
  if (spec.compare_paths.empty() || members.empty()) {
    return answers;
  }
  double least = std::numeric_limits<double>::infinity(), most = 0;
  for (const std::size_t i : members) {
    const double area = (*result.points[i].values)[index_of(Objective::kArea)];
    least = std::min(least, area);
    most = std::max(most, area);
  }
  mappers::Random random(spec.search.seed + 3);
  for (const Objective objective : spec.objectives) {
    if (objective == Objective::kArea) {
      continue;
    }
    const std::vector<Candidate> candidates = candidates_of(result, members, objective, false);
    for (std::size_t step = 1; step <= kAreas; ++step) {
      Answer answer;
      answer.objective = objective;
      // The last is the largest itself, whatever the rounding.
      answer.area_m2 = step == kAreas ? most : least * std::pow(most / least, double(step) / kAreas);
      const Pair pair = best_within(candidates, answer.area_m2);
      answer.best = pair.best->point;
      answer.compared_best = pair.compared_best->point;
      answer.regret = answer.regret_low = answer.regret_high = regret(pair);
      if (spec.search.strategy == Strategy::kRandom) {
        add_range(answer, candidates, random);
      }
      answers.push_back(answer);
    }
  }
  return answers;
}

void add_simulated_answers(ExplorationResult& result) {
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    if (result.points[i].simulated) {
      members.push_back(i);
    }
  }
  for (Answer& answer : result.answers) {
    const std::vector<Candidate> candidates = candidates_of(result, members, answer.objective, true);
    const Pair pair = best_within(candidates, answer.area_m2);
    if (pair.best != nullptr) {
      answer.simulated = SimulatedAnswer{pair.best->point, pair.compared_best->point, regret(pair)};
    }
  }
}

}  // namespace tilewright::explore
