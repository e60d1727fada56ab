// SPDX-License-Identifier: Apache-2.0
#include "workloads/settings.h"

#include "sim/base/error.h"

namespace tilewright::workloads {

void check_range(std::vector<SettingProblem>& problems, const std::string& setting, uint64_t found,
                 uint64_t low, uint64_t high, const std::string& note) {
  if (found < low || found > high) {
    problems.push_back(
        {setting,
         "must be " + std::to_string(low) + " to " + std::to_string(high) + ", got " + std::to_string(found),
         note});
  }
}

void check_image(std::vector<SettingProblem>& problems, uint32_t height, uint32_t width, uint32_t smallest,
                 const std::string& why) {
  check_range(problems, "image_height", height, smallest, kLargestImage, why);
  check_range(problems, "image_width", width, smallest, kLargestImage, why);
}

void refuse(const std::vector<SettingProblem>& problems, const std::string& code) {
  std::vector<Diagnostic> diagnostics;
  for (const SettingProblem& problem : problems) {
    diagnostics.push_back({{}, code, "'" + problem.setting + "' " + problem.message, {problem.note}});
  }
  if (!diagnostics.empty()) {
    throw UserError(diagnostics);
  }
}

}  // namespace tilewright::workloads
