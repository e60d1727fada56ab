// SPDX-License-Identifier: Apache-2.0
//
// The commands that need no simulation. Each writes its result to stdout and throws UserError otherwise.
#pragma once

#include <string>

#include "sim/cli/options.h"

namespace CLI {
class App;
}

namespace tilewright::cli {

// Checks every file, also after one failed; throws once with everything that was found.
void check_command(const CheckOptions& options);

const std::vector<std::string>& catalogue_names();  // what `list` can list
void list_command(const ListOptions& options);

// JSON: the JSON Schema for editors; text and CSV: a table of the keys.
void schema_command(const std::string& kind, Format format);

const std::vector<std::string>& shell_names();
void completion_command(const CLI::App& application, const std::string& shell);

}  // namespace tilewright::cli
