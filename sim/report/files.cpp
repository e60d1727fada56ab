// SPDX-License-Identifier: Apache-2.0
#include "sim/report/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/report/csv.h"
#include "sim/report/json.h"
#include "sim/report/page.h"
#include "sim/report/validation.h"

namespace tilewright::report {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& reason) {
  throw UserError("cannot write '" + path.string() + "': " + reason, ExitCode::kRunFailed);
}

// Removes the temporary file unless it was renamed away.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  std::error_code error;
  if (path.has_parent_path()) {
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) {
      fail(path, error.message());
    }
  }
  std::filesystem::path temporary_path = path;
  temporary_path += ".part-" + std::to_string(::getpid());
  const TemporaryFile temporary(std::move(temporary_path));
  // Not std::ofstream: it does not say why it failed.
  std::FILE* file = std::fopen(temporary.path().c_str(), "wb");
  if (file == nullptr) {
    fail(path, std::strerror(errno));
  }
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
  const int write_error = errno;
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed) {
    fail(path, std::strerror(written ? errno : write_error));
  }
  std::filesystem::rename(temporary.path(), path, error);
  if (error) {
    fail(path, error.message());
  }
}

void write_run_folder(const std::filesystem::path& folder, const ExperimentRecord& record,
                      std::string_view resolved_yaml, const FolderOptions& options) {
  write_file_atomically(folder / "run.json", json_report(record, options.text).dump(1) + "\n");
  write_file_atomically(folder / "runs.csv", runs_csv(record));
  write_file_atomically(folder / "layers.csv", layers_csv(record));
  write_file_atomically(folder / "resolved.yaml", resolved_yaml);
  if (options.html) {
    write_file_atomically(folder / "report.html", html_page(record, page_options(options.text)));
  }
}

void write_validation_folder(const std::filesystem::path& folder, const ValidationRecord& record) {
  write_file_atomically(folder / "validate.json", validation_json(record).dump(1) + "\n");
  write_file_atomically(folder / "points.csv", points_csv(record));
  write_file_atomically(folder / "summary.csv", summary_csv(record));
  write_file_atomically(folder / "report.html", html_page({validation_part(record)}));
}

}  // namespace tilewright::report
