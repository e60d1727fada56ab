// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/experiment.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/config/diagnostics.h"

namespace tilewright::accel {

std::span<const config::EnumName<Fidelity>> enumeration_names(Fidelity) {
  static constexpr config::EnumName<Fidelity> kNames[] = {{Fidelity::kEvent, "event"},
                                                          {Fidelity::kTick, "tick"}};
  return kNames;
}

}  // namespace tilewright::accel

namespace tilewright::cli {
namespace {

using config::Checker;

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string> path_names(const ExperimentSpec& experiment) {
  std::vector<std::string> names;
  for (const workloads::ExecutionPath& path : experiment.workload.paths) {
    names.push_back(path.name);
  }
  return names;
}

void check_machines(const ExperimentSpec& experiment, Checker& check) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < experiment.machines.size(); ++i) {
    const std::string& name = experiment.machines[i].name;
    if (contains(names, name)) {
      check.error(
          fmt::format("machines.{}", i),
          fmt::format("has the name '{}' of another machine, so reports could not tell them apart", name));
    }
    names.push_back(name);
  }
}

void check_paths(const ExperimentSpec& experiment, Checker& check) {
  const std::vector<std::string> known = path_names(experiment);
  const auto require = [&](const std::string& key, const std::string& name) {
    if (!contains(known, name)) {
      check.error(key,
                  fmt::format("cannot be '{}', which '{}' does not have{}", name, experiment.workload.name,
                              config::did_you_mean(name, known)),
                  {"paths: " + config::join(known)}, "config.unknown-value");
    }
  };
  for (std::size_t i = 0; i < experiment.paths.size(); ++i) {
    require(fmt::format("paths.{}", i), experiment.paths[i]);
  }
  require("report.reference_path", experiment.report.reference_path);
  if (!experiment.paths.empty() && !contains(experiment.paths, experiment.report.reference_path)) {
    check.error("paths",
                fmt::format("must hold 'report.reference_path' ('{}'), which the others are compared with",
                            experiment.report.reference_path));
  }
}

}  // namespace

void describe(config::Schema<ReportOptions>& schema) {
  schema.name("report", "what the report compares and writes");
  schema.field(&ReportOptions::reference_path, "reference_path", "the path that the others are compared with")
      .non_empty();
  schema
      .field(&ReportOptions::near_energy_saving, "near_energy_saving",
             "paths that save about this fraction of the reference's energy are picked out; none, if absent")
      .range(0, 1);
  schema.field(&ReportOptions::remark, "remark", "printed last: what the result does and does not show");
  schema.field(&ReportOptions::html, "html", "write the page when there is an output folder");
}

void describe(config::Schema<ExperimentSpec>& schema) {
  using E = ExperimentSpec;
  schema.kind("experiment", "machines x the execution paths of a workload");
  schema.field(&E::name, "name", "shown in reports").required().non_empty();
  schema.field(&E::description, "description", "one sentence");
  schema.field(&E::machines, "machines", "files of kind 'accelerator', or their keys")
      .required()
      .non_empty()
      .reference();
  schema.field(&E::workload, "workload", "a file of kind 'workload', or its keys").required().reference();
  schema.field(&E::paths, "paths", "names of the workload's paths to run; all, if absent");
  schema.field(&E::fidelity, "fidelity", "event computes completion times, tick steps every cycle");
  schema.field(&E::functional, "functional", "compute real values too");
  schema.field(&E::mapper, "mapper", "how layers are mapped onto the machines");
  schema.field(&E::report, "report", "what the report compares and writes");
  schema.check(check_machines);
  schema.check(check_paths);
}

std::vector<const workloads::ExecutionPath*> selected_paths(const ExperimentSpec& experiment) {
  std::vector<const workloads::ExecutionPath*> selected;
  for (const workloads::ExecutionPath& path : experiment.workload.paths) {
    if (experiment.paths.empty() || contains(experiment.paths, path.name)) {
      selected.push_back(&path);
    }
  }
  return selected;
}

}  // namespace tilewright::cli
