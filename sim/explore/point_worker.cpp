// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/point_worker.h"

#include <fmt/format.h>

#include <ctime>

namespace tilewright::explore {
namespace {

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

PointWorker::PointWorker(const ExplorationSpec& spec, const Space& space, LayerResults known)
    : spec_(spec), space_(space), machine_(spec.machine), evaluator_(spec, std::move(known)) {}

// "lanes = 64: 'pe.weight_buffer' must be a multiple of ...": the parameter whose value a diagnostic is about, then what it
// says.
std::string PointWorker::reason_of(const UserError& error, const Places& places) const {
  const Diagnostic& first = error.diagnostics().front();
  for (std::size_t i = 0; i < spec_.parameters.size(); ++i) {
    for (const std::string& key : spec_.parameters[i].keys) {
      const std::string set = "--set " + key + "=" + space_.value(i, places);
      if (first.location.file == set) {
        return fmt::format("{} = {}: {}", space_.name(i), space_.value(i, places), first.message);
      }
    }
  }
  return first.location.file.empty() ? first.message : first.location.file + ": " + first.message;
}

void PointWorker::run(Outcome& outcome) {
  const config::Resolved<arch::AcceleratorSpec> machine = machine_.with(space_.overrides(space_.places(outcome.task.point)));
  outcome.configuration = machine.yaml;
  outcome.configuration_hash = machine.hash;
  outcome.area_m2 = evaluator_.area_m2(machine.value);
  const auto& area = spec_.budgets.area;
  if (area && outcome.area_m2 > area->value) {
    outcome.status = Status::kOverBudget;
    outcome.reason = fmt::format("the area of {:.3f} mm2 is over the budget of {:.3f} mm2", outcome.area_m2 * 1e6, area->value * 1e6);
    return;
  }
  switch (outcome.task.stage) {
    case Stage::kModel:
      outcome.costs = evaluator_.evaluate(machine.value);
      break;
    case Stage::kReference:
      outcome.costs = evaluator_.evaluate_in_full(machine.value);
      break;
    case Stage::kSimulation:
      outcome.costs = evaluator_.simulate(machine.value);
      break;
  }
}

Outcome PointWorker::work(const Task& task) {
  const double start = cpu_seconds();
  Outcome outcome;
  outcome.task = task;
  const auto fail = [&](std::string reason) {
    outcome.status = Status::kFailed;
    outcome.reason = std::move(reason);
    outcome.costs = {};
  };
  try {
    run(outcome);
  } catch (const UserError& error) {
    fail(reason_of(error, space_.places(task.point)));
  } catch (const std::exception& error) {
    fail(std::string("internal error: ") + error.what());
  }
  outcome.layer_results = evaluator_.take_fresh_results();  // of a point that failed later too
  outcome.cpu_s = cpu_seconds() - start;
  return outcome;
}

}  // namespace tilewright::explore
