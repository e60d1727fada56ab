// SPDX-License-Identifier: Apache-2.0
//
// Makes one tree out of a file, the file it extends, the files it names and the overrides of the command
// line. Every leaf keeps the place where it was written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/base/config/diagnostics.h"
#include "sim/base/config/node.h"

namespace tilewright::config {

class StructSchema;

// The composed tree without its `kind:` and `extends:` keys, or nothing if it could not even be read (the
// reason is in `diagnostics`).
std::optional<Node> compose(const std::filesystem::path& path, const StructSchema& schema,
                            const std::vector<std::string>& overrides, Diagnostics& diagnostics);

// The overrides of the command line on a composed tree, in order; files that they name are read.
void apply_overrides(Node& root, const std::filesystem::path& path, const StructSchema& schema,
                     const std::vector<std::string>& overrides, Diagnostics& diagnostics);

// A file named inside a configuration: relative to the file that names it (to the current folder and then to
// `root_file`, if an override names it), then to the repository root.
std::optional<std::filesystem::path> resolve_file(const std::string& name, const Place& place,
                                                  const std::filesystem::path& root_file,
                                                  Diagnostics& diagnostics);

// The path as seen from the repository root if it lies in it, so that dumps and hashes do not name a
// machine's folders.
std::string portable_name(const std::filesystem::path& path);

}  // namespace tilewright::config
