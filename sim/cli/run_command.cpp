// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>

#include "sim/base/config/load.h"
#include "sim/cli/attention_experiment.h"
#include "sim/cli/claims.h"
#include "sim/cli/dynamic_inference.h"
#include "sim/cli/kinds.h"
#include "sim/cli/run_experiment.h"
#include "sim/cli/trace_layer.h"
#include "sim/report/csv.h"
#include "sim/report/files.h"
#include "sim/report/json.h"
#include "sim/report/text.h"

namespace tilewright::cli {
namespace {

using Resolved = config::Resolved<ExperimentSpec>;

ExperimentRecord record_of(const Resolved& resolved, const RunOptions& options) {
  const ExperimentSpec& experiment = resolved.value;
  ExperimentRecord record = run_experiment(experiment, options.fidelity.value_or(experiment.fidelity),
                                           options.functional || experiment.functional);
  record.configuration_hash = resolved.hash;
  record.command = options.command;
  return record;
}

report::TextOptions text_options(const ExperimentSpec& experiment) {
  report::TextOptions options;
  options.reference_path = experiment.report.reference_path;
  options.near_energy_saving = experiment.report.near_energy_saving;
  options.remark = experiment.report.remark;
  options.colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return options;
}

std::string render(const ExperimentRecord& record, Format format, const report::TextOptions& options) {
  switch (format) {
    case Format::kJson:
      return report::json_report(record, options).dump(2) + "\n";
    case Format::kCsv:
      return report::runs_csv(record);
    case Format::kText:
      return report::text_report(record, options);
  }
  throw InternalError("unknown output format");
}

}  // namespace

int run_command(const RunOptions& options) {
  const std::string kind = config::kind_of(options.file, kind_names());
  if (kind == config::schema_of<AttentionExperiment>().kind()) {
    return run_attention_experiment(options);
  }
  if (kind == config::schema_of<ClaimsSpec>().kind()) {
    return run_claims(options);
  }
  if (kind == config::schema_of<DynamicInferenceSpec>().kind()) {
    return run_dynamic_inference(options);
  }
  const Resolved resolved = config::load<ExperimentSpec>(options.file, options.overrides);
  if (!options.vcd.empty()) {
    fmt::print("{}", trace_layer(resolved.value, options.fidelity.value_or(resolved.value.fidelity), options.vcd_layer,
                                 options.vcd));
    return static_cast<int>(ExitCode::kOk);
  }
  const ExperimentRecord record = record_of(resolved, options);
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
