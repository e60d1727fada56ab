// SPDX-License-Identifier: Apache-2.0
//
// What the command line asked for, one plain struct per command.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/config/load.h"
#include "sim/cli/experiment.h"

namespace tilewright::cli {

enum class Format : uint8_t { kText, kJson, kCsv };

struct RunOptions {
  std::filesystem::path file;               // opens as it is
  config::Overrides overrides;              // of the experiment, in order
  std::optional<accel::Fidelity> fidelity;  // absent: as the experiment says
  bool functional = false;                  // or as the experiment says
  Format format = Format::kText;            // of stdout
  std::filesystem::path output_directory;   // empty: only stdout
  std::string vcd, vcd_layer;              // trace this layer into that file instead; both or neither
  std::string command;                      // as typed, for the record
};

struct CheckOptions {
  std::vector<std::filesystem::path> files;
  config::Overrides overrides;
};

struct ListOptions {
  std::string what;
  std::string file;  // of `list modules` and `list layers`
  Format format = Format::kText;
};

}  // namespace tilewright::cli
