// SPDX-License-Identifier: Apache-2.0
//
// One line on stderr that says how far a command is, on terminals only: logs and pipes see nothing of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tilewright::report {

class Progress {
 public:
  // `total` steps of what `label` names ("runs").
  Progress(uint64_t total, std::string label);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // wipes the line

  // One more step is done; `text` says which. Redraws at most ten times a second.
  void advance(std::string_view text);
  // What is being worked on; no step is done.
  void show(std::string_view text);

 private:
  void draw(std::string_view text) const;

  uint64_t total_;
  uint64_t done_ = 0;
  std::string label_;
  bool on_terminal_;
  std::chrono::steady_clock::time_point last_drawn_;
};

// "runs [#####.....] 12/24  fuse_2048", cut to `columns`; what the bar shows, apart for testing.
std::string progress_line(uint64_t done, uint64_t total, std::string_view label, std::string_view text,
                          int columns);

}  // namespace tilewright::report
