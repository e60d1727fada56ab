// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/cli/results_commands.h"
#include "sim/report/compare.h"
#include "sim/report/files.h"
#include "sim/report/page.h"
#include "sim/report/read.h"

namespace tilewright::cli {
namespace {

report::PagePart part_of(const report::StoredResult& result, const std::string& prefix) {
  if (std::holds_alternative<report::StoredRun>(result)) {
    const report::StoredRun& run = std::get<report::StoredRun>(result);
    return report::run_part(run.record, report::page_options(run.options), prefix);
  }
  if (std::holds_alternative<ExplorationRecord>(result)) {
    return report::exploration_part(std::get<ExplorationRecord>(result), prefix);
  }
  return report::validation_part(std::get<ValidationRecord>(result), prefix);
}

report::StoredResult one_result(const std::filesystem::path& name) {
  const std::vector<std::filesystem::path> files = report::result_files(name);
  if (files.size() > 1) {
    throw UserError({Diagnostic{{name.string()},
                                "results.unexpected",
                                "holds results of more than one command",
                                {"name the file: " + files[0].string() + " or " + files[1].string()}}});
  }
  return report::read_result(files.front());
}

}  // namespace

int report_command(const ReportCommandOptions& options) {
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path& folder : options.folders) {
    const std::vector<std::filesystem::path> found = report::result_files(folder);
    files.insert(files.end(), found.begin(), found.end());
  }
  std::vector<report::PagePart> parts;
  for (const std::filesystem::path& file : files) {
    const std::string prefix = files.size() == 1 ? "" : fmt::format("part{}-", parts.size() + 1);
    parts.push_back(part_of(report::read_result(file), prefix));
  }
  report::write_file_atomically(options.output,
                                report::html_page(parts, fmt::format("{} results", parts.size())));
  fmt::print("{}\n", options.output.string());
  return static_cast<int>(ExitCode::kOk);
}

int compare_command(const CompareOptions& options) {
  const report::Comparison comparison =
      report::compare(one_result(options.before), one_result(options.after));
  const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  const std::string output = options.format == Format::kJson
                                 ? report::comparison_json(comparison).dump(2) + "\n"
                             : options.format == Format::kCsv ? report::comparison_csv(comparison)
                                                              : report::comparison_text(comparison, colour);
  std::fwrite(output.data(), 1, output.size(), stdout);
  if (!options.fail_above_percent) {
    return static_cast<int>(ExitCode::kOk);
  }
  const bool changed = comparison.largest() * 100 > *options.fail_above_percent;
  if (changed) {
    std::cerr << fmt::format("the largest change, {:.3f} %, is above --fail-above {:g} %\n",
                             comparison.largest() * 100, *options.fail_above_percent);
  }
  if (!comparison.only_before.empty()) {
    std::cerr << fmt::format("{} of the values before are missing after\n", comparison.only_before.size());
  }
  return static_cast<int>(changed || !comparison.only_before.empty() ? ExitCode::kThresholdExceeded
                                                                     : ExitCode::kOk);
}

}  // namespace tilewright::cli
