// SPDX-License-Identifier: Apache-2.0
//
// Kirkpatrick, Gelatt and Vecchi, Science 220 (1983): worse steps are taken with a probability that falls with the
// temperature. Temperatures are relative to the objective, so that layers of any size cool alike.
#include <cmath>

#include "mappers/search/moves.h"
#include "mappers/search/strategy.h"

namespace tilewright::mappers {
namespace {

constexpr double kFirstTemperature = 0.3, kLastTemperature = 0.001;
constexpr uint64_t kRestarts = 4;  // rounds of cooling, each from the best so far

class AnnealingSearch final : public SearchStrategy {
 public:
  AnnealingSearch(const Mapspace& space, Objective objective, uint64_t steps, uint64_t seed)
      : space_(space), objective_(objective), steps_(steps), random_(seed) {}

  bool next(Mapping& mapping) override {
    if (step_ == steps_) {
      return false;
    }
    const uint64_t round = std::max<uint64_t>(1, steps_ / kRestarts);
    if (best_value_ && step_ % round == 0) {
      current_ = best_;
      current_value_ = best_value_;
    }
    const double cooled = static_cast<double>(step_ % round) / static_cast<double>(round);
    temperature_ = kFirstTemperature * std::pow(kLastTemperature / kFirstTemperature, cooled);
    ++step_;
    // Until one fits, anywhere.
    proposed_ = current_value_ ? random_step(space_, current_, random_) : random_point(space_, random_);
    mapping = space_.mapping_of(proposed_);
    return true;
  }

  void report(const Mapping&, const Evaluation* evaluation) override {
    if (evaluation == nullptr) {
      return;
    }
    const double value = value_of(*evaluation, objective_);
    const bool accept = !current_value_ || value <= *current_value_ ||
                        random_.fraction() < std::exp((1 - value / *current_value_) / temperature_);
    if (accept) {
      current_ = proposed_;
      current_value_ = value;
    }
    if (!best_value_ || value < *best_value_) {
      best_ = proposed_;
      best_value_ = value;
    }
  }

 private:
  const Mapspace& space_;
  Objective objective_;
  uint64_t steps_, step_ = 0;
  Random random_;
  double temperature_ = kFirstTemperature;
  Mapspace::Point proposed_, current_, best_;
  std::optional<double> current_value_, best_value_;
};

}  // namespace

std::unique_ptr<SearchStrategy> make_annealing_search(const Mapspace& space, Objective objective, uint64_t steps,
                                                      uint64_t seed) {
  return std::make_unique<AnnealingSearch>(space, objective, steps, seed);
}

}  // namespace tilewright::mappers
