// SPDX-License-Identifier: Apache-2.0
//
// Results of earlier commands read back from their folders: run.json, validate.json and explore.json. Strict: what this
// version would not have written is refused with file and place (results.*, exit code 2).
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "sim/base/exploration_record.h"
#include "sim/base/record.h"
#include "sim/base/validation_record.h"
#include "sim/report/text.h"

namespace tilewright::report {

struct StoredRun {
  ExperimentRecord record;  // layers have energies and stalls on the reference path only
  TextOptions options;      // the reference path and what else the experiment wanted compared
};
using StoredResult = std::variant<StoredRun, ValidationRecord, ExplorationRecord>;

StoredRun read_run(const std::filesystem::path& file);
ValidationRecord read_validation(const std::filesystem::path& file);
ExplorationRecord read_exploration(const std::filesystem::path& file);

// The files with results in a folder (run.json, validate.json, explore.json), or the one file that is named. At least one;
// results.not-found otherwise.
std::vector<std::filesystem::path> result_files(const std::filesystem::path& name);
// By the name of the file, or where that says nothing by what is in it.
StoredResult read_result(const std::filesystem::path& file);

}  // namespace tilewright::report
