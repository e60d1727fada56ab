// SPDX-License-Identifier: Apache-2.0
//
// `tilewright explore`: a design space searched by the analytic model, its front simulated, and what came of it printed.
#pragma once

#include <filesystem>

#include "sim/cli/options.h"
#include "sim/explore/exploration.h"

namespace tilewright::cli {

struct ExploreOptions {
  std::filesystem::path file;
  config::Overrides overrides;
  unsigned workers = 0;  // 0: as many as there are cores
  bool resume = false;
  std::vector<std::filesystem::path> reuse;  // folders of earlier explorations: what they simulated is not simulated again
  Format format = Format::kText;
  std::filesystem::path output_directory;  // empty: results are kept in memory
};

int explore_command(const ExploreOptions& options);

std::string explore_text(const explore::ExplorationSpec& spec, const explore::ExplorationResult& result, bool colour);
std::string explore_json(const explore::ExplorationSpec& spec, const explore::ExplorationResult& result);
std::string explore_csv(const explore::ExplorationSpec& spec, const explore::ExplorationResult& result);

}  // namespace tilewright::cli
