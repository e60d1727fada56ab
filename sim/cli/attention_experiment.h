// SPDX-License-Identifier: Apache-2.0
//
// One attention experiment (configs/experiments/*.yaml, kind: attention_experiment): GPUs x kernels x densities of one problem.
// Dense kernels run once, sparse ones once for each density of the problem's mask.
#pragma once

#include <string>
#include <vector>

#include "arch/load_gpu.h"
#include "sim/cli/options.h"
#include "workloads/attention.h"

namespace tilewright::cli {

struct AttentionExperiment {
  std::string name;
  std::string description;
  std::vector<arch::GpuSpec> machines;
  std::vector<std::string> kernels;  // files of kind `kernel`
  workloads::AttentionProblem workload;
  uint32_t heads = 0;                // the first so many; 0: all
  accel::Fidelity fidelity = accel::Fidelity::kEvent;
  bool sampled = true;               // false: every tile of every item
  bool use_gather_engine = true;     // where a machine has one
};

void describe(config::Schema<AttentionExperiment>& schema);

// Prints the result and, where a folder is given, writes run.json, runs.csv and resolved.yaml there. Returns an exit code.
int run_attention_experiment(const RunOptions& options);

}  // namespace tilewright::cli
