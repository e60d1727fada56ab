// SPDX-License-Identifier: Apache-2.0
//
// Illegal settings of networks and paths, to be placed by whoever knows where they were written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tilewright::workloads {

struct SettingProblem {
  std::string setting;  // "fuse_input_channels"; of one stage "blocks.2"
  std::string message;  // "must be 1 to 6, got 7"
  std::string note;     // why
};

inline constexpr uint32_t kLargestImage = 65536;  // a side, in pixels
inline constexpr uint32_t kMostChannels = 65536;

void check_range(std::vector<SettingProblem>& problems, const std::string& setting, uint64_t found,
                 uint64_t low, uint64_t high, const std::string& note);

// "image_height", "image_width" and "classes" of a network that takes any image.
void check_image(std::vector<SettingProblem>& problems, uint32_t height, uint32_t width, uint32_t smallest,
                 const std::string& why);

// Throws UserError with every problem, for generators that are called with settings nobody has checked.
void refuse(const std::vector<SettingProblem>& problems, const std::string& code);

}  // namespace tilewright::workloads
