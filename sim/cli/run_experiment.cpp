// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/run_experiment.h"

#include "arch/energy.h"
#include "sim/cli/network_runner.h"
#include "sim/report/progress.h"

namespace tilewright::cli {
namespace {

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

void run_machine(const ExperimentSpec& experiment, const arch::AcceleratorSpec& spec,
                 accel::Fidelity fidelity, bool functional, report::Progress& progress,
                 ExperimentRecord& record) {
  const arch::EnergyTable energy = arch::load_energy_table_of(spec).value;
  record.machines.push_back(machine_record(spec, energy));
  NetworkRunner runner(spec, energy, fidelity, functional, experiment.mapper);
  for (const workloads::ExecutionPath* path : selected_paths(experiment)) {
    RunRecord run = runner.run(experiment.workload.build(*path),
                               [&](const std::string& layer) { progress.show(path->name + " " + layer); });
    describe_path(*path, run);
    record.runs.push_back(std::move(run));
    progress.advance(spec.name + " " + path->name);
  }
}

}  // namespace

ExperimentRecord run_experiment(const ExperimentSpec& experiment, accel::Fidelity fidelity, bool functional) {
  ExperimentRecord record;
  record.experiment = experiment.name;
  record.description = experiment.description;
  record.fidelity = fidelity == accel::Fidelity::kTick ? "tick" : "event";
  report::Progress progress(experiment.machines.size() * selected_paths(experiment).size(), "paths");
  for (const arch::AcceleratorSpec& spec : experiment.machines) {
    run_machine(experiment, spec, fidelity, functional, progress, record);
  }
  return record;
}

}  // namespace tilewright::cli
