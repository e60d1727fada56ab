// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/exploration_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "arch/load.h"
#include "sim/base/config/diagnostics.h"
#include "sim/explore/expression.h"

namespace tilewright::explore {

using config::Checker;

std::span<const config::EnumName<Objective>> enumeration_names(Objective) {
  static constexpr config::EnumName<Objective> kNames[] = {{Objective::kLatency, "latency"},
                                                           {Objective::kEnergy, "energy"},
                                                           {Objective::kArea, "area"},
                                                           {Objective::kEdp, "edp"},
                                                           {Objective::kThroughputPerArea, "throughput_per_area"}};
  return kNames;
}

std::span<const config::EnumName<Strategy>> enumeration_names(Strategy) {
  static constexpr config::EnumName<Strategy> kNames[] = {{Strategy::kExhaustive, "exhaustive"},
                                                          {Strategy::kRandom, "random"},
                                                          {Strategy::kEvolutionary, "evolutionary"}};
  return kNames;
}

namespace {

constexpr std::size_t kMostValues = 4096;

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void check_range(const NumberRange& range, Checker& check) {
  if (range.to < range.from) {
    check.error("to", fmt::format("must be at least 'from' ({}), is {}", range.from, range.to));
  } else if ((range.to - range.from) / range.step >= kMostValues) {
    check.error("step", fmt::format("leaves more than {} values", kMostValues));
  }
}

bool is_name(const std::string& text) {
  static const std::set<std::string> kWords = {"and", "or", "not", "min", "max"};
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), good) &&
         !(text.front() >= '0' && text.front() <= '9') && kWords.count(text) == 0;
}

void check_parameter(const Parameter& parameter, Checker& check) {
  if (!is_name(parameter.name)) {
    check.error("name", "must be a word of lower-case letters, digits and '_', and no word of the conditions' language");
  }
  const int ways = int(!parameter.values.empty()) + int(parameter.range.has_value()) +
                   int(parameter.powers_of_two.has_value());
  if (ways != 1) {
    check.error("name", fmt::format("needs one of 'values', 'range' and 'powers_of_two', has {} of them", ways));
    return;
  }
  if (!parameter.values.empty() && !parameter.unit.empty()) {
    check.error("unit", "belongs to 'range' and 'powers_of_two'; write it into the 'values'");
  }
  const std::vector<std::string> values = values_of(parameter);
  if (values.empty()) {
    check.error("powers_of_two", "holds no power of two");
  }
  if (std::set<std::string>(values.begin(), values.end()).size() != values.size()) {
    check.error("values", "repeat a value");
  }
}

std::vector<std::string> parameter_names(const ExplorationSpec& spec) {
  std::vector<std::string> names;
  for (const Parameter& parameter : spec.parameters) {
    names.push_back(parameter.name);
  }
  return names;
}

void check_expression(const ExplorationSpec& spec, const std::string& text, const std::string& key, Checker& check) {
  const std::vector<std::string> names = parameter_names(spec);
  Expression::Problem problem;
  const std::optional<Expression> expression = Expression::parse(text, names, problem);
  if (!expression) {
    const std::string near =
        problem.unknown_name.empty() ? "" : config::did_you_mean(problem.unknown_name, names);
    check.error(key, fmt::format("is no expression: at its column {} {}{}", problem.column, problem.message, near),
                {"parameters: " + config::join(names), "operators: + - * / % < <= == != >= > and or not min() max()"},
                "config.unknown-value");
    return;
  }
  for (const std::size_t read : expression->reads()) {
    for (const std::string& value : values_of(spec.parameters[read])) {
      if (!number_in(value)) {
        check.error(key, fmt::format("computes with parameter '{}', whose value '{}' is no number", names[read], value));
        return;
      }
    }
  }
}

void check_paths(const ExplorationSpec& spec, Checker& check) {
  std::vector<std::string> known, chosen;
  for (const workloads::ExecutionPath& path : spec.workload.paths) {
    known.push_back(path.name);
    if (spec.paths.empty() || contains(spec.paths, path.name)) {
      chosen.push_back(path.name);
    }
  }
  const auto require = [&](const std::string& key, const std::string& name, const std::vector<std::string>& allowed) {
    if (!contains(allowed, name)) {
      check.error(key, fmt::format("cannot be '{}'{}", name, config::did_you_mean(name, allowed)),
                  {"paths: " + config::join(allowed)}, "config.unknown-value");
    }
  };
  for (std::size_t i = 0; i < spec.paths.size(); ++i) {
    require(fmt::format("paths.{}", i), spec.paths[i], known);
  }
  for (std::size_t i = 0; i < spec.compare_paths.size(); ++i) {
    require(fmt::format("compare_paths.{}", i), spec.compare_paths[i], chosen);
  }
  double sum = 0;
  for (const std::string& name : chosen) {
    const auto weight = spec.weights.find(name);
    sum += weight == spec.weights.end() ? 1 : weight->second;
  }
  for (const auto& [name, weight] : spec.weights) {
    if (!contains(chosen, name)) {
      check.error("weights", fmt::format("names the path '{}', which is not run{}", name, config::did_you_mean(name, chosen)),
                  {"paths: " + config::join(chosen)}, "config.unknown-value");
    }
    if (!(weight >= 0) || weight > 1e9) {
      check.error("weights", fmt::format("must be 0 .. 1e9, '{}' has {}", name, weight));
    }
  }
  if (!(sum > 0)) {
    check.error("weights", "leave no path any weight");
  }
}

// Problems of the machine with one changed value that no other parameter can mend: an unknown key, a wrong unit, a value
// out of its range.
void check_on_machine(const ExplorationSpec& spec, Checker& check) {
  const auto report = [&](const std::string& key, const config::Template<arch::AcceleratorSpec>& machine,
                          const config::Overrides& overrides) {
    try {
      machine.with(overrides);
    } catch (const UserError& error) {
      for (const Diagnostic& problem : error.diagnostics()) {
        const bool here = problem.location.file.starts_with("--set ") ||
                          problem.location.file.find(": --set ") != std::string::npos;
        if (here && problem.code != "config.inconsistent") {
          check.error(key, "does not suit the machine: " + problem.message, problem.notes, problem.code);
          return false;
        }
      }
    }
    return true;
  };
  try {
    const config::Template<arch::AcceleratorSpec> machine(spec.machine);
    for (std::size_t p = 0; p < spec.parameters.size(); ++p) {
      for (std::size_t k = 0; k < spec.parameters[p].keys.size(); ++k) {
        for (const std::string& value : values_of(spec.parameters[p])) {
          if (!report(fmt::format("parameters.{}.keys.{}", p, k), machine, {spec.parameters[p].keys[k] + "=" + value})) {
            break;
          }
        }
      }
    }
    arch::load_energy_table_of(machine.with({}).value);
  } catch (const UserError& error) {
    const Diagnostic& first = error.diagnostics().front();
    check.error("machine", fmt::format("cannot be used: {}{}{} [{}]", first.location.file,
                                       first.location.line > 0 ? fmt::format(":{}: ", first.location.line) : ": ",
                                       first.message, first.code));
  }
}

void check_exploration(const ExplorationSpec& spec, Checker& check) {
  std::vector<std::string> names, keys;
  for (std::size_t p = 0; p < spec.parameters.size(); ++p) {
    if (contains(names, spec.parameters[p].name)) {
      check.error(fmt::format("parameters.{}.name", p), fmt::format("repeats '{}'", spec.parameters[p].name));
    }
    names.push_back(spec.parameters[p].name);
    for (const std::string& key : spec.parameters[p].keys) {
      if (contains(keys, key)) {
        check.error(fmt::format("parameters.{}.keys", p), fmt::format("set '{}', which is set before", key));
      }
      keys.push_back(key);
    }
  }
  for (std::size_t d = 0; d < spec.derived.size(); ++d) {
    if (contains(keys, spec.derived[d].key)) {
      check.error(fmt::format("derived.{}.key", d), fmt::format("sets '{}', which is set before", spec.derived[d].key));
    }
    keys.push_back(spec.derived[d].key);
    check_expression(spec, spec.derived[d].value, fmt::format("derived.{}.value", d), check);
  }
  for (std::size_t c = 0; c < spec.conditions.size(); ++c) {
    check_expression(spec, spec.conditions[c], fmt::format("conditions.{}", c), check);
  }
  const std::set<Objective> distinct(spec.objectives.begin(), spec.objectives.end());
  if (distinct.size() != spec.objectives.size()) {
    check.error("objectives", "repeat one");
  }
  check_paths(spec, check);
  check_on_machine(spec, check);
}

}  // namespace

void describe(config::Schema<NumberRange>& schema) {
  schema.name("range", "numbers, both ends included");
  schema.field(&NumberRange::from, "from", "the first").required().range(0, 1e15);
  schema.field(&NumberRange::to, "to", "the last, if a step ends there").required().range(0, 1e15);
  schema.field(&NumberRange::step, "step", "from one to the next; powers of two have none").at_least(1);
  schema.check(check_range);
}

void describe(config::Schema<Parameter>& schema) {
  using P = Parameter;
  schema.name("parameter", "what of the machine may change");
  schema.field(&P::name, "name", "in conditions and results").required().non_empty();
  schema.field(&P::keys, "keys", "of the machine, as after --set; each gets the value").required().non_empty();
  schema.field(&P::values, "values", "as they would be written in the machine's file");
  schema.field(&P::range, "range", "numbers at equal distances");
  schema.field(&P::powers_of_two, "powers_of_two", "the powers of two in a range");
  schema.field(&P::unit, "unit", "of the numbers of a range, such as KiB");
  schema.check(check_parameter);
}

void describe(config::Schema<DerivedKey>& schema) {
  schema.name("derived", "a key of the machine that follows from the parameters");
  schema.field(&DerivedKey::key, "key", "of the machine").required().non_empty();
  schema.field(&DerivedKey::value, "value", "an expression over the parameters; rounded to an integer").required().non_empty();
  schema.field(&DerivedKey::unit, "unit", "of its value, such as B");
}

void describe(config::Schema<Budgets>& schema) {
  schema.name("budgets", "what a design may cost; those above are recorded but never on the front");
  schema.field(&Budgets::area, "area", "of the accelerator, without its memory").at_least(0);
  schema.field(&Budgets::power, "power", "mean energy over mean latency").at_least(0);
}

void describe(config::Schema<SearchPlan>& schema) {
  using S = SearchPlan;
  schema.name("search", "which points are looked at");
  schema.field(&S::strategy, "strategy", "every point, points drawn evenly, or NSGA-II");
  schema.field(&S::points, "points", "random, evolutionary: how many are evaluated").range(1, 10'000'000);
  schema.field(&S::population, "population", "evolutionary").range(4, 4096);
  schema.field(&S::seed, "seed", "of everything that is drawn");
}

void describe(config::Schema<MapperPlan>& schema) {
  using M = MapperPlan;
  schema.name("mapper", "the bounded mapper of the sweep");
  schema.field(&M::objective, "objective", "of each layer's mapping");
  schema.field(&M::strategy, "strategy", "as of `tilewright map`");
  schema.field(&M::factors, "factors", "sizes to try, where the constraints say nothing");
  schema.field(&M::budget, "budget", "evaluations a layer").range(1, 1e9);
  schema.field(&M::reference_budget, "reference_budget", "of the full search that the loss is stated against").range(1, 1e9);
  schema.field(&M::sample_points, "sample_points", "points that the loss is found on").range(0, 1000);
  schema.field(&M::constraints, "constraints", "a file of kind 'mapping_constraints', or its keys").reference();
}

void describe(config::Schema<SimulationPlan>& schema) {
  schema.name("simulation", "the second stage: what is simulated in 'event'");
  schema.field(&SimulationPlan::front, "front", "every point of the model's front");
  schema.field(&SimulationPlan::random_points, "random_points", "up to so many others, drawn at random").range(0, 100'000);
}

void describe(config::Schema<ExplorationSpec>& schema) {
  using E = ExplorationSpec;
  schema.kind("exploration", "a design space over a machine and the paths of a workload");
  schema.field(&E::name, "name", "shown in reports").required().non_empty();
  schema.field(&E::description, "description", "one sentence");
  schema.field(&E::machine, "machine", "a file of kind 'accelerator'").required().file();
  schema.field(&E::workload, "workload", "a file of kind 'workload', or its keys").required().reference();
  schema.field(&E::paths, "paths", "names of the workload's paths to run; all, if absent");
  schema.field(&E::weights, "weights", "how often each path runs, relative to the others; 1 where absent");
  schema.field(&E::compare_paths, "compare_paths", "ask the same for these paths alone, and compare the answers");
  schema.field(&E::parameters, "parameters", "what of the machine may change").required().non_empty();
  schema.field(&E::derived, "derived", "what follows from the parameters");
  schema.field(&E::conditions, "conditions", "expressions over the parameters that must hold").non_empty();
  schema.field(&E::budgets, "budgets", "what a design may cost");
  schema.field(&E::objectives, "objectives", "what the front is of").non_empty();
  schema.field(&E::search, "search", "which points are looked at");
  schema.field(&E::mapper, "mapper", "the bounded mapper of the sweep");
  schema.field(&E::simulation, "simulation", "the second stage");
  schema.check(check_exploration);
}

std::vector<std::string> values_of(const Parameter& parameter) {
  std::vector<std::string> values = parameter.values;
  const auto add = [&](uint64_t number) {
    values.push_back(parameter.unit.empty() ? std::to_string(number) : fmt::format("{} {}", number, parameter.unit));
  };
  if (parameter.range) {
    for (uint64_t number = parameter.range->from; number <= parameter.range->to; number += parameter.range->step) {
      add(number);
    }
  }
  if (parameter.powers_of_two) {
    for (uint64_t number = 1; number <= parameter.powers_of_two->to; number *= 2) {
      if (number >= parameter.powers_of_two->from) {
        add(number);
      }
    }
  }
  return values;
}

std::vector<const workloads::ExecutionPath*> selected_paths(const ExplorationSpec& spec) {
  std::vector<const workloads::ExecutionPath*> selected;
  for (const workloads::ExecutionPath& path : spec.workload.paths) {
    if (spec.paths.empty() || contains(spec.paths, path.name)) {
      selected.push_back(&path);
    }
  }
  return selected;
}

std::vector<double> mix_of(const ExplorationSpec& spec) {
  std::vector<double> mix;
  double sum = 0;
  for (const workloads::ExecutionPath* path : selected_paths(spec)) {
    const auto weight = spec.weights.find(path->name);
    mix.push_back(weight == spec.weights.end() ? 1 : weight->second);
    sum += mix.back();
  }
  for (double& weight : mix) {
    weight /= sum;
  }
  return mix;
}

std::vector<double> comparison_mix(const ExplorationSpec& spec) {
  std::vector<double> mix;
  for (const workloads::ExecutionPath* path : selected_paths(spec)) {
    mix.push_back(contains(spec.compare_paths, path->name) ? 1.0 / double(spec.compare_paths.size()) : 0);
  }
  return mix;
}

}  // namespace tilewright::explore
