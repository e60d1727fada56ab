// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/dynamic_inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "arch/energy.h"
#include "sim/base/error.h"
#include "sim/cli/run_experiment.h"
#include "sim/report/files.h"
#include "sim/report/summary.h"
#include "sim/report/table.h"
#include "sim/report/text.h"

namespace tilewright::cli {
namespace {

double cost(const PathCost& path, Resource resource) {
  return resource == Resource::kTime ? path.time_s : path.energy_j;
}
double switch_cost(const PathCost& path, Resource resource) {
  return resource == Resource::kTime ? path.switch_time_s : path.switch_energy_j;
}

// What a frame's choice knows.
struct Situation {
  const std::vector<PathCost>* paths;
  Resource resource;
  std::size_t current;
  double budget;
  bool free_switches;
  double of(std::size_t path) const {
    const PathCost& next = (*paths)[path];
    return cost(next, resource) + (path == current || free_switches ? 0 : switch_cost(next, resource));
  }
};

// The best that fits; of equals the cheaper; the cheapest of all where none fits.
std::size_t choose(const Situation& now) {
  std::size_t best = SIZE_MAX, cheapest = 0;
  for (std::size_t i = 0; i < now.paths->size(); ++i) {
    cheapest = now.of(i) < now.of(cheapest) ? i : cheapest;
    if (now.of(i) > now.budget) {
      continue;
    }
    const double kept = (*now.paths)[i].kept;
    const bool better = best == SIZE_MAX || kept > (*now.paths)[best].kept ||
                        (kept == (*now.paths)[best].kept && now.of(i) < now.of(best));
    best = better ? i : best;
  }
  return best == SIZE_MAX ? cheapest : best;
}

class Player {
 public:
  Player(const DynamicInferenceSpec& spec, const std::vector<PathCost>& paths,
         const std::vector<double>& budgets)
      : resource_(spec.budget.resource), paths_(paths), full_(cost(paths.front(), resource_)) {
    for (const double fraction : budgets) {
      budgets_.push_back(fraction * full_);
    }
  }

  PolicyResult always(const std::string& policy, std::size_t path) const {
    return run(policy, path, false, [path](const Situation&) { return path; });
  }
  PolicyResult adapting(const std::string& policy, bool free_switches) const {
    return run(policy, 0, free_switches, choose);
  }
  std::size_t always_fits() const {
    const double tightest = *std::min_element(budgets_.begin(), budgets_.end());
    return choose({&paths_, resource_, 0, tightest, true});
  }

 private:
  template <class Choose>
  PolicyResult run(const std::string& policy, std::size_t first, bool free_switches,
                   const Choose& chooser) const {
    PolicyResult result;
    result.policy = policy;
    result.frames_of_path.resize(paths_.size());
    std::size_t current = first;
    for (const double budget : budgets_) {
      const Situation now{&paths_, resource_, current, budget, free_switches};
      const std::size_t next = chooser(now);
      const PathCost& path = paths_[next];
      if (next != current) {
        ++result.switches;
        result.switch_time_s += free_switches ? 0 : path.switch_time_s;
        result.switch_energy_j += free_switches ? 0 : path.switch_energy_j;
      }
      ++result.frames;
      ++result.frames_of_path[next];
      result.late += now.of(next) > budget ? 1 : 0;
      result.kept += path.kept;
      result.time_s += path.time_s;
      result.energy_j += path.energy_j;
      current = next;
    }
    result.kept /= static_cast<double>(std::max<uint64_t>(1, result.frames));
    result.time_s += result.switch_time_s;
    result.energy_j += result.switch_energy_j;
    return result;
  }

  Resource resource_;
  const std::vector<PathCost>& paths_;
  double full_;
  std::vector<double> budgets_;
};

std::vector<PathCost> costs_of(const DynamicInferenceSpec& spec, const ExperimentRecord& record) {
  const arch::AcceleratorSpec& machine = spec.experiment.machines.front();
  const arch::EnergyTable energy = arch::load_energy_table_of(machine).value;
  const bool accuracies = std::all_of(record.runs.begin(), record.runs.end(),
                                      [](const RunRecord& run) { return run.accuracy.has_value(); });
  std::vector<PathCost> costs;
  for (const RunRecord& run : record.runs) {
    PathCost path;
    path.name = run.name;
    path.kept = accuracies ? *run.accuracy
                           : report::fraction(static_cast<double>(run.macs),
                                              static_cast<double>(record.runs.front().macs));
    path.time_s = run.time_s;
    path.energy_j = run.total_energy().nominal;
    const uint64_t program = run.layers.size() * spec.switching.program_bytes_per_layer.value;
    const uint64_t weights = spec.switching.weights_shared ? 0 : run.weight_bytes;
    path.switch_time_s =
        static_cast<double>(weights) / spec.switching.storage_bandwidth.value +
        (machine.has_dram ? static_cast<double>(program) / machine.dram.peak_bytes_per_second() : 0);
    Activity activity;  // weights are written to the DRAM, the program is read from it
    activity.add(Action::kDramWriteBytes, weights);
    activity.add(Action::kDramReadBytes, program);
    const auto cycles =
        static_cast<Cycle>(path.switch_time_s * static_cast<double>(machine.operating_point.clock.value));
    for (const auto& [component, of_component] : arch::energy_of(activity, cycles, machine, energy)) {
      path.switch_energy_j += of_component.nominal;
    }
    costs.push_back(std::move(path));
  }
  return costs;
}

std::string paths_text(const std::vector<PathCost>& paths, const std::vector<PolicyResult>& results) {
  using Align = report::Table::Align;
  report::Table table({{"path", "", Align::kLeft},
                       {"kept", "[%]"},
                       {"time", "[ms]"},
                       {"energy", "[mJ]"},
                       {"switch to it", "[us]"},
                       {"switch to it", "[uJ]"},
                       {"frames", "[1]"}});
  const PolicyResult& dynamic = results.at(2);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const PathCost& path = paths[i];
    if (dynamic.frames_of_path[i] > 0 || i == 0) {
      table.add_row({path.name, report::percent(path.kept), report::fixed(path.time_s * 1e3, 3),
                     report::fixed(path.energy_j * 1e3, 3), report::fixed(path.switch_time_s * 1e6, 2),
                     report::fixed(path.switch_energy_j * 1e6, 3),
                     report::with_separators(dynamic.frames_of_path[i])});
    }
  }
  return table.text(false);
}

std::string policies_text(const std::vector<PolicyResult>& results) {
  using Align = report::Table::Align;
  report::Table table({{"policy", "", Align::kLeft},
                       {"in time", "[%]"},
                       {"kept, mean", "[%]"},
                       {"time", "[ms a frame]"},
                       {"energy", "[mJ a frame]"},
                       {"switches", "[1]"},
                       {"switching", "[% of time]"},
                       {"switching", "[% of energy]"}});
  for (const PolicyResult& result : results) {
    const auto frames = static_cast<double>(result.frames);
    table.add_row({result.policy, report::percent(1 - static_cast<double>(result.late) / frames),
                   report::percent(result.kept), report::fixed(result.time_s / frames * 1e3, 3),
                   report::fixed(result.energy_j / frames * 1e3, 3), report::with_separators(result.switches),
                   report::fixed(report::fraction(result.switch_time_s, result.time_s) * 100, 3),
                   report::fixed(report::fraction(result.switch_energy_j, result.energy_j) * 100, 3)});
  }
  return table.text(false);
}

std::string text_of(const DynamicInferenceSpec& spec, const std::vector<PathCost>& paths,
                    const std::vector<PolicyResult>& results, const ExperimentRecord& record,
                    const std::string& hash) {
  const BudgetSpec& budget = spec.budget;
  const bool accuracies = record.runs.front().accuracy.has_value();
  uint64_t all_weights = 0;
  for (const RunRecord& run : record.runs) {
    all_weights += run.weight_bytes;
  }
  std::string text = fmt::format(
      "{}: {} frames on {}, fidelity {}, configuration {}\n"
      "  budget: {} of a frame, {:.0f} to {:.0f} % of path {}'s, at most {:.0f} % from frame to frame, seed "
      "{}\n"
      "  switching: weights {}, {} bytes of program a layer\n"
      "  weights: {:.1f} MB of path {}; kept side by side in DRAM, those of all paths would take {:.1f} "
      "MB\n\n",
      spec.name, spec.frames, record.runs.front().machine, record.fidelity, hash,
      budget.resource == Resource::kTime ? "time" : "energy with DRAM", budget.lowest * 100,
      budget.highest * 100, paths.front().name, budget.step * 100, budget.seed,
      spec.switching.weights_shared ? "shared by all paths" : "loaded anew from storage",
      spec.switching.program_bytes_per_layer.value,
      static_cast<double>(record.runs.front().weight_bytes) / 1e6, paths.front().name,
      static_cast<double>(all_weights) / 1e6);
  text += policies_text(results) + "\nPaths that the third policy takes (and the full one):\n" +
          paths_text(paths, results);
  text += "\n" + report::wrapped(
                     accuracies ? "Kept: accuracy as published, see the workload."
                                : "Kept: MACs relative to the full path. No accuracy is published for these "
                                  "paths; MACs kept are not accuracy.",
                     110);
  return text;
}

nlohmann::ordered_json json_of(const DynamicInferenceSpec& spec, const std::vector<PathCost>& paths,
                               const std::vector<PolicyResult>& results, const std::string& hash) {
  nlohmann::ordered_json json = {{"schema_version", 1},
                                 {"dynamic_inference", spec.name},
                                 {"configuration_hash", hash},
                                 {"seed", spec.budget.seed}};
  for (const PathCost& path : paths) {
    json["paths"].push_back({{"name", path.name},
                             {"kept", path.kept},
                             {"time_s", path.time_s},
                             {"energy_j", path.energy_j},
                             {"switch_time_s", path.switch_time_s},
                             {"switch_energy_j", path.switch_energy_j}});
  }
  for (const PolicyResult& result : results) {
    json["policies"].push_back({{"policy", result.policy},
                                {"frames", result.frames},
                                {"late", result.late},
                                {"switches", result.switches},
                                {"kept", result.kept},
                                {"time_s", result.time_s},
                                {"energy_j", result.energy_j},
                                {"switch_time_s", result.switch_time_s},
                                {"switch_energy_j", result.switch_energy_j},
                                {"frames_of_path", result.frames_of_path}});
  }
  return json;
}

}  // namespace

std::span<const config::EnumName<Resource>> enumeration_names(Resource) {
  static constexpr config::EnumName<Resource> kNames[] = {{Resource::kTime, "time"},
                                                          {Resource::kEnergy, "energy"}};
  return kNames;
}

void describe(config::Schema<BudgetSpec>& schema) {
  schema.name("budget", "what a frame may cost: a random walk");
  schema.field(&BudgetSpec::resource, "resource", "of a frame").required();
  schema.field(&BudgetSpec::lowest, "lowest", "fraction of the full path's cost").required().range(0, 10);
  schema.field(&BudgetSpec::highest, "highest", "likewise").required().range(0, 10);
  schema.field(&BudgetSpec::step, "step", "largest change from frame to frame, as a fraction")
      .required()
      .range(0, 10);
  schema.field(&BudgetSpec::seed, "seed", "of the random numbers");
  schema.check([](const BudgetSpec& budget, config::Checker& check) {
    if (budget.lowest >= budget.highest) {
      check.error("lowest", "must be less than 'highest'");
    }
  });
}

void describe(config::Schema<SwitchSpec>& schema) {
  schema.name("switching", "what it costs to go to another path");
  schema.field(&SwitchSpec::weights_shared, "weights_shared", "all paths use some of the same weights")
      .required();
  schema.field(&SwitchSpec::storage_bandwidth, "storage_bandwidth",
               "where they do not: from storage into DRAM");
  schema
      .field(&SwitchSpec::program_bytes_per_layer, "program_bytes_per_layer",
             "read from DRAM at every switch")
      .required();
  schema.field(&SwitchSpec::source, "source", "where these numbers come from").required().non_empty();
}

void describe(config::Schema<DynamicInferenceSpec>& schema) {
  using S = DynamicInferenceSpec;
  schema.kind("dynamic_inference", "a budget that changes from frame to frame, and the best path for each");
  schema.field(&S::name, "name", "shown in reports").required().non_empty();
  schema.field(&S::description, "description", "one sentence");
  schema
      .field(&S::experiment, "experiment",
             "a file of kind 'experiment', or its keys; its first machine is used")
      .required()
      .reference();
  schema.field(&S::frames, "frames", "how many").required().range(1, 1e7);
  schema.field(&S::budget, "budget", "what a frame may cost").required();
  schema.field(&S::switching, "switching", "what it costs to go to another path").required();
}

std::vector<double> draw_budgets(const BudgetSpec& spec, uint32_t frames) {
  std::mt19937_64 random(spec.seed);
  // Not std::uniform_real_distribution, whose numbers differ between libraries.
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  std::vector<double> budgets;
  double now = (spec.lowest + spec.highest) / 2;
  for (uint32_t frame = 0; frame < frames; ++frame) {
    now += spec.step * (2 * uniform() - 1);
    now = now > spec.highest ? 2 * spec.highest - now : now < spec.lowest ? 2 * spec.lowest - now : now;
    now = std::clamp(now, spec.lowest, spec.highest);  // a step wider than the range
    budgets.push_back(now);
  }
  return budgets;
}

std::vector<PolicyResult> play(const DynamicInferenceSpec& spec, const std::vector<PathCost>& paths,
                               const std::vector<double>& budgets) {
  const Player player(spec, paths, budgets);
  return {player.always("the full path", 0),
          player.always("the best path that always fits", player.always_fits()),
          player.adapting("the best path for each frame", false),
          player.adapting("the same, if switching were free", true)};
}

int run_dynamic_inference(const RunOptions& options) {
  if (options.format == Format::kCsv) {
    throw UserError("--format csv: text and json are written for dynamic inference");
  }
  const config::Resolved<DynamicInferenceSpec> resolved =
      config::load<DynamicInferenceSpec>(options.file, options.overrides);
  DynamicInferenceSpec spec = resolved.value;
  spec.experiment.machines.resize(1);
  const ExperimentRecord record =
      run_experiment(spec.experiment, options.fidelity.value_or(spec.experiment.fidelity), false);
  const std::vector<PathCost> paths = costs_of(spec, record);
  const std::vector<PolicyResult> results = play(spec, paths, draw_budgets(spec.budget, spec.frames));
  const std::string json = json_of(spec, paths, results, resolved.hash).dump(2) + "\n";
  const std::string text = text_of(spec, paths, results, record, resolved.hash);
  if (!options.output_directory.empty()) {
    report::write_file_atomically(options.output_directory / "dynamic_inference.json", json);
    report::write_file_atomically(options.output_directory / "dynamic_inference.txt", text);
  }
  fmt::print("{}", options.format == Format::kJson ? json : text);
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace tilewright::cli
