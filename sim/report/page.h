// SPDX-License-Identifier: Apache-2.0
//
// The results of one `tilewright run` as one HTML page: no file or address outside it is read, it can be read
// without scripts, printed, and opened in ten years. Figures are SVG in the page. Values come from
// sim/report/summary.h, as the text report's do; nothing is computed by the script.
#pragma once

#include <optional>
#include <string>

#include "sim/report/text.h"

namespace tilewright::report {

struct PageOptions {
  std::string reference_path = "full";
  std::optional<double> near_energy_saving;  // drawn as a line; fraction of the reference path's energy
  double near_margin = 0.04;
  std::string remark;  // what the paths near that saving do and do not show
};

std::string html_page(const ExperimentRecord& record, const PageOptions& options = {});

}  // namespace tilewright::report
