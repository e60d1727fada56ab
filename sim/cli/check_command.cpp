// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <set>

#include "sim/base/config/load.h"
#include "sim/cli/commands.h"
#include "sim/cli/kinds.h"
#include "sim/cli/table.h"
#include "workloads/network.h"
#include "workloads/onnx/import.h"

namespace tilewright::cli {

namespace {

// Files that name the same broken file would all repeat its problems.
void add_new(std::vector<Diagnostic>& problems, const std::vector<Diagnostic>& found) {
  std::set<std::string> known;
  for (const Diagnostic& problem : problems) {
    known.insert(format_diagnostic(problem));
  }
  for (const Diagnostic& problem : found) {
    if (!known.contains(format_diagnostic(problem))) {
      problems.push_back(problem);
    }
  }
}

}  // namespace

void check_command(const CheckOptions& options) {
  std::vector<Diagnostic> problems;
  for (const std::filesystem::path& file : options.files) {
    try {
      const std::filesystem::path path = config::find_file(file);
      if (path.extension() == ".onnx") {
        const workloads::Network network = workloads::import_onnx(path);
        std::cout << fmt::format("{}: ok (ONNX model: {} layers, {:.4g} GMAC)\n", file.string(), network.layers.size(),
                                 static_cast<double>(network.macs()) / 1e9);
        continue;
      }
      const std::string kind = config::kind_of(path, kind_names());
      find_kind(kind)->check(path, options.overrides);
      std::cout << fmt::format("{}: ok ({})\n", file.string(), kind);
    } catch (const UserError& error) {
      add_new(problems, error.diagnostics());
    }
  }
  if (!problems.empty()) {
    throw UserError(std::move(problems));
  }
}

void schema_command(const std::string& kind, Format format) {
  const config::StructSchema& schema = *find_kind(kind)->schema;
  if (format == Format::kJson) {
    std::cout << config::json_schema(schema);
    return;
  }
  Table table{{"key", "value", "default", "description"}, {}};
  for (const config::KeyInfo& key : config::list_keys(schema)) {
    table.rows.push_back({key.key, key.value, key.default_value, key.doc});
  }
  print(table, format);
}

}  // namespace tilewright::cli
