// SPDX-License-Identifier: Apache-2.0
//
// Every kind of configuration file, by the word in its `kind:` key.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/base/config/load.h"

namespace tilewright::cli {

struct ConfigurationKind {
  std::string name;
  std::string doc;
  const config::StructSchema* schema = nullptr;
  // Loads the file with everything it names and throws UserError for each problem.
  void (*check)(const std::filesystem::path& path, const config::Overrides& overrides) = nullptr;
};

const std::vector<ConfigurationKind>& configuration_kinds();
std::vector<std::string> kind_names();
const ConfigurationKind* find_kind(const std::string& name);  // null if there is none

}  // namespace tilewright::cli
