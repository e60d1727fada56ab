// SPDX-License-Identifier: Apache-2.0
#include "sim/report/read.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/config/diagnostics.h"
#include "sim/base/error.h"
#include "sim/base/json/json_file.h"

namespace tilewright::report {
namespace {

namespace fs = std::filesystem;

// The file that each command leaves in the folder of its -o.
struct ResultKind {
  std::string file;
  std::string key;  // only its JSON has this
  StoredResult (*read)(const fs::path&);
};
const std::vector<ResultKind>& result_kinds() {
  static const std::vector<ResultKind> kinds = {
      {"run.json", "runs", [](const fs::path& file) -> StoredResult { return read_run(file); }},
      {"explore.json", "pareto", [](const fs::path& file) -> StoredResult { return read_exploration(file); }},
      {"validate.json", "points", [](const fs::path& file) -> StoredResult { return read_validation(file); }},
  };
  return kinds;
}

std::vector<std::string> result_names() {
  std::vector<std::string> names;
  for (const ResultKind& kind : result_kinds()) {
    names.push_back(kind.file);
  }
  return names;
}

[[noreturn]] void not_found(const fs::path& name, const std::string& message,
                            std::vector<std::string> notes = {}) {
  throw UserError({Diagnostic{{name.string()}, "results.not-found", message, std::move(notes)}});
}

}  // namespace

std::vector<fs::path> result_files(const fs::path& name) {
  std::error_code error;
  if (!fs::exists(name, error)) {
    not_found(name, "there is no such folder or file");
  }
  if (!fs::is_directory(name, error)) {
    return {name};
  }
  std::vector<fs::path> files;
  for (const std::string& file : result_names()) {
    if (fs::exists(name / file, error)) {
      files.push_back(name / file);
    }
  }
  if (files.empty()) {
    not_found(name, "holds no results",
              {"looked for: " + config::join(result_names()),
               "`tilewright run`, `validate` and `explore` write them with -o DIR"});
  }
  return files;
}

StoredResult read_result(const fs::path& path) {
  for (const ResultKind& kind : result_kinds()) {
    if (path.filename() == kind.file) {
      return kind.read(path);
    }
  }
  const JsonFile file(path);
  for (const ResultKind& kind : result_kinds()) {
    if (file.root().has(kind.key)) {
      return kind.read(path);
    }
  }
  not_found(path, "is not a file of results", {"known: " + config::join(result_names())});
}

}  // namespace tilewright::report
