// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>

#include "arch/energy.h"
#include "sim/base/config/load.h"
#include "sim/cli/attention_experiment.h"
#include "sim/cli/kinds.h"
#include "sim/cli/network_runner.h"
#include "sim/cli/trace_layer.h"
#include "sim/report/csv.h"
#include "sim/report/files.h"
#include "sim/report/json.h"
#include "sim/report/progress.h"
#include "sim/report/text.h"

namespace tilewright::cli {
namespace {

using Resolved = config::Resolved<ExperimentSpec>;

ExperimentRecord::Machine machine_record(const arch::AcceleratorSpec& spec, const arch::EnergyTable& energy) {
  ExperimentRecord::Machine machine;
  machine.name = spec.name;
  machine.summary = spec.description;
  machine.clock_hz = static_cast<double>(spec.operating_point.clock.value);
  machine.macs_per_cycle = static_cast<double>(spec.macs_per_cycle());
  machine.dram_bytes_per_second = spec.has_dram ? spec.dram.peak_bytes_per_second() : 0;
  machine.area_m2 = arch::total_area(spec, energy.area);
  machine.energy_table = energy.name;
  machine.toggle_rate = energy.toggle_rate.nominal;
  machine.energy_sources = arch::sources(energy);
  return machine;
}

void describe_path(const workloads::ExecutionPath& path, RunRecord& run) {
  run.name = path.name;
  run.group = path.group;
  run.accuracy = path.accuracy;
  run.accuracy_source = path.accuracy_source;
  run.published = path.published;
}

void run_machine(const ExperimentSpec& experiment, const arch::AcceleratorSpec& spec, accel::Fidelity fidelity,
                 bool functional, report::Progress& progress, ExperimentRecord& record) {
  const arch::EnergyTable energy = arch::load_energy_table_of(spec).value;
  record.machines.push_back(machine_record(spec, energy));
  NetworkRunner runner(spec, energy, fidelity, functional);
  for (const workloads::ExecutionPath* path : selected_paths(experiment)) {
    RunRecord run = runner.run(experiment.workload.build(*path),
                               [&](const std::string& layer) { progress.show(path->name + " " + layer); });
    describe_path(*path, run);
    record.runs.push_back(std::move(run));
    progress.advance(spec.name + " " + path->name);
  }
}

ExperimentRecord run_experiment(const Resolved& resolved, const RunOptions& options) {
  const ExperimentSpec& experiment = resolved.value;
  const accel::Fidelity fidelity = options.fidelity.value_or(experiment.fidelity);
  ExperimentRecord record;
  record.experiment = experiment.name;
  record.description = experiment.description;
  record.fidelity = fidelity == accel::Fidelity::kTick ? "tick" : "event";
  record.configuration_hash = resolved.hash;
  record.command = options.command;
  report::Progress progress(experiment.machines.size() * selected_paths(experiment).size(), "paths");
  for (const arch::AcceleratorSpec& spec : experiment.machines) {
    run_machine(experiment, spec, fidelity, options.functional || experiment.functional, progress, record);
  }
  return record;
}

report::TextOptions text_options(const ExperimentSpec& experiment) {
  report::TextOptions options;
  options.reference_path = experiment.report.reference_path;
  options.near_energy_saving = experiment.report.near_energy_saving;
  options.colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return options;
}

std::string render(const ExperimentRecord& record, Format format, const report::TextOptions& options) {
  switch (format) {
    case Format::kJson:
      return report::json_report(record).dump(2) + "\n";
    case Format::kCsv:
      return report::runs_csv(record);
    case Format::kText:
      return report::text_report(record, options);
  }
  throw InternalError("unknown output format");
}

// What cannot be read is left to the loader of ordinary experiments to complain about.
bool is_attention_experiment(const std::filesystem::path& file) {
  try {
    return config::kind_of(file, kind_names()) == config::schema_of<AttentionExperiment>().kind();
  } catch (const UserError&) {
    return false;
  }
}

}  // namespace

int run_command(const RunOptions& options) {
  if (is_attention_experiment(options.file)) {
    return run_attention_experiment(options);
  }
  const Resolved resolved = config::load<ExperimentSpec>(options.file, options.overrides);
  if (!options.vcd.empty()) {
    fmt::print("{}", trace_layer(resolved.value, options.fidelity.value_or(resolved.value.fidelity), options.vcd_layer,
                                 options.vcd));
    return static_cast<int>(ExitCode::kOk);
  }
  const ExperimentRecord record = run_experiment(resolved, options);
  const report::TextOptions text = text_options(resolved.value);
  if (!options.output_directory.empty()) {
    report::FolderOptions folder;
    folder.text = text;
    folder.text.colour = false;
    folder.html = resolved.value.report.html;
    report::write_run_folder(options.output_directory, record, resolved.yaml, folder);
  }
  const std::string output = render(record, options.format, text);
  std::fwrite(output.data(), 1, output.size(), stdout);
  if (!options.output_directory.empty()) {
    fmt::print(stderr, "written to {}: run.json, runs.csv, layers.csv, resolved.yaml{}\n",
               options.output_directory.string(), resolved.value.report.html ? ", report.html" : "");
  }
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace tilewright::cli
