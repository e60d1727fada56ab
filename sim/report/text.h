// SPDX-License-Identifier: Apache-2.0
//
// The results of one `tilewright run` as tables for a screen of about 130 columns, units in every heading.
// For each machine: the paths; the reference path by kind of layer and by component; what each knob saves;
// the paths around a wanted saving; published values. Where the reference path was not run, what is relative
// to it is left out.
#pragma once

#include <optional>
#include <string>

#include "sim/base/record.h"

namespace tilewright::report {

struct TextOptions {
  std::string reference_path = "full";
  std::optional<double> near_energy_saving;  // fraction of the reference path's energy; absent: no such table
  double near_margin = 0.04;         // paths within this of it are listed
  std::string remark;                // the experiment's own last words
  bool colour = false;               // headings in bold
};

std::string text_report(const ExperimentRecord& record, const TextOptions& options = {});

// The record's, or this build's where it has none.
std::string version(const ExperimentRecord& record);

// How to read the energy ranges.
std::string range_text();

}  // namespace tilewright::report
