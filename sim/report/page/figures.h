// SPDX-License-Identifier: Apache-2.0
//
// The figures of the page, each with its caption and the table of its values.
#pragma once

#include <string>

#include "sim/report/page.h"
#include "sim/report/summary.h"

namespace tilewright::report {

std::string paths_figure(const MachineRuns& runs, const PageOptions& options);
std::string energy_figure(const RunRecord& run);
std::string stall_figure(const RunRecord& run);
// Empty where the machine's peaks are not known.
std::string roofline_figure(const RunRecord& run, const ExperimentRecord::Machine* machine);

// "<figure>" around drawing and caption.
std::string figure(const std::string& drawing, const std::string& caption);

// The page's style sheet and script (style.cpp).
std::string style_sheet();
std::string script();

}  // namespace tilewright::report
