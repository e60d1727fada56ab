// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "arch/energy.h"
#include "arch/load.h"
#include "sim/base/config/load.h"
#include "sim/cli/gpu_twins.h"
#include "sim/cli/network_runner.h"
#include "sim/cli/results_commands.h"
#include "sim/report/progress.h"
#include "sim/report/validation.h"
#include "sim/validate/accelerator_suite.h"
#include "sim/validate/gpu_records.h"
#include "sim/validate/validate.h"

namespace tilewright::cli {
namespace {

namespace fs = std::filesystem;

validate::Observation observe(const fs::path& file, const std::vector<std::string>& overrides,
                              const workloads::Network& network) {
  const arch::AcceleratorSpec spec = arch::load_accelerator(file, overrides).value;
  const arch::EnergyTable energy = arch::load_energy_table_of(spec).value;
  validate::Observation seen;
  seen.area_m2 = arch::total_area(spec, energy.area);
  if (!network.layers.empty()) {
    mappers::MapperOptions mapper;
    mapper.objective = mappers::Objective::kCycles;  // what is published was measured at its fastest
    seen.run = NetworkRunner(spec, energy, accel::Fidelity::kEvent, false, mapper).run(network);
  }
  return seen;
}

std::vector<fs::path> points_files() {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(config::repository_root() / "configs/validation", failed)) {
    const bool is_yaml = entry.path().extension() == ".yaml";
    if (is_yaml && config::kind_of(entry.path(), {"validation_points", "known_gaps", "error_ceilings"}) ==
                       "validation_points") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string render(const ValidationRecord& record, Format format) {
  switch (format) {
    case Format::kJson:
      return report::validation_json(record).dump(2) + "\n";
    case Format::kCsv:
      return report::points_csv(record);
    case Format::kText:
      return report::validation_text(record,
                                     isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr);
  }
  throw InternalError("unknown output format");
}

// The bar appears with the first point and goes before results are printed.
ValidationRecord simulate(const ValidateOptions& options) {
  const validate::Suites suites = validation_suites();
  const std::vector<validate::Suite*> chosen = validate::select(suites, options.suites);
  const std::vector<validate::GapSpec> gaps =
      config::load<validate::GapFile>(config::repository_root() / "configs/validation/known_gaps.yaml")
          .value.gaps;
  std::optional<report::Progress> progress;
  validate::ProgressSteps steps;
  steps.start = [&](std::size_t points) { progress.emplace(points, "points"); };
  steps.begin = [&](const std::string& label) { progress->show(label); };
  steps.done = [&](const std::string& label) { progress->advance(label); };
  ValidationRecord record = validate::validate(chosen, gaps, steps);
  record.version = TILEWRIGHT_VERSION;
  record.command = options.command;
  return record;
}

}  // namespace

validate::Suites validation_suites() {
  validate::Suites suites;
  suites.push_back(validate::accelerator_suite(points_files(), observe));
  for (auto& suite : validate::gpu_suites(config::repository_root() / "gpu_ref/measurements", gpu_twins())) {
    suites.push_back(std::move(suite));
  }
  return suites;
}

int validate_command(const ValidateOptions& options) {
  const ValidationRecord record = simulate(options);
  if (!options.output_directory.empty()) {
    report::write_validation_folder(options.output_directory, record);
  }
  const std::string output = render(record, options.format);
  std::fwrite(output.data(), 1, output.size(), stdout);
  if (!options.output_directory.empty()) {
    fmt::print(stderr, "written to {}: validate.json, points.csv, summary.csv, report.html\n",
               options.output_directory.string());
  }
  if (!options.max_error_percent) {
    return static_cast<int>(ExitCode::kOk);
  }
  const std::vector<std::string> bad = validate::above(record, *options.max_error_percent / 100);
  for (const std::string& line : bad) {
    std::cerr << line << '\n';
  }
  if (!bad.empty()) {
    std::cerr << fmt::format("{} above --max-error {:g} %\n", bad.size(), *options.max_error_percent);
  }
  return static_cast<int>(bad.empty() ? ExitCode::kOk : ExitCode::kThresholdExceeded);
}

}  // namespace tilewright::cli
