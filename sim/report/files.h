// SPDX-License-Identifier: Apache-2.0
//
// Writing results to disk so that a file is either whole or not there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "sim/base/record.h"
#include "sim/report/text.h"

namespace tilewright::report {

// Makes the folders, writes under a temporary name in the same folder and renames. An older file is replaced.
// Throws UserError with exit code 1 and the system's reason; no temporary file is left.
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

struct FolderOptions {
  TextOptions text;  // reference path and saving, also of the page
  bool html = true;  // write report.html
};

// run.json, runs.csv, layers.csv, resolved.yaml (the text given) and report.html under `folder`. Throws
// UserError.
void write_run_folder(const std::filesystem::path& folder, const ExperimentRecord& record,
                      std::string_view resolved_yaml, const FolderOptions& options = {});

}  // namespace tilewright::report
