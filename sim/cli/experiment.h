// SPDX-License-Identifier: Apache-2.0
//
// One experiment (configs/experiments/*.yaml, kind: experiment): machines x the execution paths of a
// workload. Machines and workload are files of their own; overrides reach into them: `--set
// machines.*.noc.link_bytes_per_cycle=32`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "arch/load.h"
#include "mappers/network_mapper.h"
#include "sim/accel/simulator.h"
#include "sim/base/config/load.h"
#include "workloads/paths.h"

namespace tilewright::accel {
std::span<const config::EnumName<Fidelity>> enumeration_names(Fidelity);
}  // namespace tilewright::accel

namespace tilewright::cli {

struct ReportOptions {
  std::string reference_path = "full";  // the path that the others are compared with
  std::optional<double> near_energy_saving;  // paths around this saving are picked out
  std::string remark;                        // the report's last words: what the result does and does not show
  bool html = true;                     // write the page when there is an output folder
};

struct ExperimentSpec {
  std::string name;
  std::string description;
  std::vector<arch::AcceleratorSpec> machines;
  workloads::PathSet workload;
  std::vector<std::string> paths;  // names of the workload's paths to run; empty: all
  accel::Fidelity fidelity = accel::Fidelity::kEvent;
  bool functional = false;
  mappers::MapperOptions mapper;
  ReportOptions report;
};

void describe(config::Schema<ReportOptions>& schema);
void describe(config::Schema<ExperimentSpec>& schema);

// The paths to run, in the workload's order.
std::vector<const workloads::ExecutionPath*> selected_paths(const ExperimentSpec& experiment);

}  // namespace tilewright::cli
