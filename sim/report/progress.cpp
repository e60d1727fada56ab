// SPDX-License-Identifier: Apache-2.0
#include "sim/report/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tilewright::report {
namespace {

constexpr uint64_t kBarWidth = 24;
constexpr auto kInterval = std::chrono::milliseconds(100);

// A "dumb" terminal cannot return to the start of a line and wipe it.
bool stderr_is_terminal() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::strcmp(terminal, "dumb") != 0;
}

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(uint64_t done, uint64_t total, std::string_view label, std::string_view text,
                          int columns) {
  const uint64_t filled = total == 0 ? kBarWidth : std::min(done, total) * kBarWidth / total;
  std::string line(label);
  line += " [" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] ";
  line += std::to_string(done) + "/" + std::to_string(total) + "  ";
  line += text;
  // One column less than there are: a full line would wrap.
  line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(columns - 1, 0))));
  return line;
}

Progress::Progress(uint64_t total, std::string label)
    : total_(total), label_(std::move(label)), on_terminal_(stderr_is_terminal()) {
  draw("");
}

Progress::~Progress() {
  if (on_terminal_) {
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
  }
}

void Progress::advance(std::string_view text) {
  ++done_;
  show(text);
}

void Progress::show(std::string_view text) {
  if (!on_terminal_) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_drawn_ >= kInterval || done_ == total_) {
    last_drawn_ = now;
    draw(text);
  }
}

void Progress::draw(std::string_view text) const {
  if (on_terminal_) {
    std::fprintf(stderr, "\r%s\x1b[K",
                 progress_line(done_, total_, label_, text, terminal_columns()).c_str());
    std::fflush(stderr);
  }
}

}  // namespace tilewright::report
