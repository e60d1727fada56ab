// SPDX-License-Identifier: Apache-2.0
//
// The results of one `tilewright validate` as tables, JSON (validate.schema.json), CSV and files in a folder;
// the page is sim/report/page.h.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sim/base/validation_record.h"

namespace tilewright::report {

// Summary first, then known gaps and what was not simulated, then every point.
std::string validation_text(const ValidationRecord& record, bool colour = false);

nlohmann::ordered_json validation_json(const ValidationRecord& record);

std::string points_csv(const ValidationRecord& record);   // one row a point
std::string summary_csv(const ValidationRecord& record);  // one row a group

// validate.json, points.csv, summary.csv and report.html under `folder`. Throws UserError.
void write_validation_folder(const std::filesystem::path& folder, const ValidationRecord& record);

// A number with five significant digits, as tables show measured values.
std::string value_text(double value);
// "tokens=128, format=int8"
std::string parameters_text(const Parameters& parameters);
// Is the model's mean error at most half of the baseline's? True where there is no baseline.
bool halves_baseline(const ValidationSummary& row);
// What the columns mean; text and page print the same words.
std::string validation_legend();

}  // namespace tilewright::report
