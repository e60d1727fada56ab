// SPDX-License-Identifier: Apache-2.0
//
// Results as one HTML page: no file or address outside it is read, it can be read without scripts, printed, and
// opened in ten years. Figures are SVG in the page. Values come from sim/report/summary.h, as the text report's
// do; nothing is computed by the script.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/exploration_record.h"
#include "sim/base/validation_record.h"
#include "sim/report/text.h"

namespace tilewright::report {

struct PageOptions {
  std::string reference_path = "full";
  std::optional<double> near_energy_saving;  // drawn as a line; fraction of the reference path's energy
  double near_margin = 0.04;
  std::string remark;  // what the paths near that saving do and do not show
};

PageOptions page_options(const TextOptions& options);

// What one command left behind, as a part of a page. Its ids start with `prefix`, so that parts do not clash.
struct PagePart {
  std::string title, lead;
  std::vector<std::pair<std::string, std::string>> links;  // id and words
  std::string markup;
};
PagePart run_part(const ExperimentRecord& record, const PageOptions& options, const std::string& prefix = "");
PagePart validation_part(const ValidationRecord& record, const std::string& prefix = "");
PagePart exploration_part(const ExplorationRecord& record, const std::string& prefix = "");

// The parts under one another; the title of a page of several is given.
std::string html_page(const std::vector<PagePart>& parts, const std::string& title = "");
std::string html_page(const ExperimentRecord& record, const PageOptions& options = {});

}  // namespace tilewright::report
