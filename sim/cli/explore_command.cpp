// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/explore_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "sim/report/files.h"
#include "sim/report/progress.h"

namespace tilewright::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string duration(double seconds) {
  const auto whole = static_cast<uint64_t>(seconds);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

// One bar a stage, with the rate and what is left at that rate.
class StageBar {
 public:
  void show(const explore::ExploreProgress& state) {
    if (!bar_ || state.label != label_) {
      bar_.reset();  // its line is wiped before the next begins
      label_ = state.label;
      start_ = Clock::now();
      drawn_ = 0;
      bar_.emplace(state.total, state.label);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const auto fresh = static_cast<double>(state.done - state.resumed);
    const double rate = seconds > 0 ? fresh / seconds : 0;
    std::string text = rate > 0 ? fmt::format("{:.1f}/s  {} left", rate, duration(double(state.total - state.done) / rate))
                                : std::string();
    if (state.failed > 0) {
      text += fmt::format("  {} failed", state.failed);
    }
    for (; drawn_ < state.done; ++drawn_) {
      bar_->advance(text);
    }
  }

 private:
  std::optional<report::Progress> bar_;
  std::string label_;
  Clock::time_point start_;
  uint64_t drawn_ = 0;
};

void write_folder(const ExploreOptions& options, const config::Resolved<explore::ExplorationSpec>& resolved,
                  const explore::ExplorationResult& result) {
  const std::filesystem::path& folder = options.output_directory;
  const explore::ExplorationSpec& spec = resolved.value;
  report::write_file_atomically(folder / "explore.json", explore_json(spec, result));
  report::write_file_atomically(folder / "points.csv", explore_csv(spec, result));
  report::write_file_atomically(folder / "summary.txt", explore_text(spec, result, false));
  report::write_file_atomically(folder / "resolved.yaml", resolved.yaml);
  // Each machine of the front as a file of its own, ready for `tilewright run`.
  for (const std::size_t i : result.front) {
    const explore::ExploredPoint& point = result.points[i];
    config::Overrides overrides = point.overrides;
    overrides.push_back(fmt::format("name={}_{}", spec.name, point.number));
    report::write_file_atomically(folder / "front" / fmt::format("{}.yaml", point.number),
                                  config::load<arch::AcceleratorSpec>(spec.machine, overrides).yaml);
  }
}

}  // namespace

int explore_command(const ExploreOptions& options) {
  if (options.resume && options.output_directory.empty()) {
    throw UserError({Diagnostic{{}, "usage.missing-argument", "--resume needs the folder to go on in: -o DIR", {}}});
  }
  const auto resolved = config::load<explore::ExplorationSpec>(options.file, options.overrides);
  const explore::ExplorationSpec& spec = resolved.value;
  const std::filesystem::path database =
      options.output_directory.empty() ? std::filesystem::path() : options.output_directory / "explore.sqlite";
  explore::LayerResults known;  // read before anything is made: a wrong folder leaves nothing behind
  for (const std::filesystem::path& folder : options.reuse) {
    explore::read_layer_results(folder, known);
  }
  explore::Store store(database, explore::identity_of(resolved), options.resume, std::move(known));
  const unsigned workers = options.workers > 0 ? options.workers : std::max(1U, std::thread::hardware_concurrency());
  explore::ExplorationResult result;
  {
    StageBar bar;
    result = explore::explore(spec, store, workers, [&](const explore::ExploreProgress& state) { bar.show(state); });
  }
  if (!options.output_directory.empty()) {
    write_folder(options, resolved, result);
  }
  const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  const std::string output = options.format == Format::kJson  ? explore_json(spec, result)
                             : options.format == Format::kCsv ? explore_csv(spec, result)
                                                              : explore_text(spec, result, colour);
  std::fwrite(output.data(), 1, output.size(), stdout);
  if (!options.output_directory.empty()) {
    fmt::print(stderr, "written to {}: explore.sqlite, explore.json, points.csv, summary.txt, resolved.yaml, front/*.yaml\n",
               options.output_directory.string());
  }
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace tilewright::cli
