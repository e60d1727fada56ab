// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/print_diagnostics.h"

#include <fmt/format.h>

#include <fstream>

#include "sim/base/config/text.h"

namespace tilewright::cli {
namespace {

bool read_line(const SourceLocation& location, std::string& line) {
  constexpr std::size_t kLongest = 160;
  std::ifstream stream(location.file);
  for (int i = 0; i < location.line; ++i) {
    if (!std::getline(stream, line)) {
      return false;
    }
  }
  if (!line.empty() && line.back() == '\r') {
    line.pop_back();
  }
  for (char& c : line) {
    c = c == '\t' ? ' ' : c;
  }
  return line.size() <= kLongest && config::first_non_text(line) == std::string_view::npos;
}

// The place in its line: a word is underlined whole, anything else gets one mark.
std::string excerpt(const SourceLocation& location) {
  std::string line;
  if (location.line <= 0 || location.column <= 0 || !read_line(location, line)) {
    return {};
  }
  const auto start = static_cast<std::size_t>(location.column) - 1;
  if (start > line.size()) {
    return {};
  }
  const bool is_quoted = start < line.size() && (line[start] == '"' || line[start] == '\'');
  std::size_t end = is_quoted ? line.find(line[start], start + 1) : line.find_first_of(":,[]{}#", start);
  end = end == std::string::npos ? line.size() : end + (is_quoted ? 1 : 0);
  while (end > start + 1 && line[end - 1] == ' ') {
    --end;
  }
  end = std::max(start + 1, end);
  return fmt::format("\n{:5} | {}\n      | {}^{}", location.line, line, std::string(start, ' '),
                     std::string(end - start - 1, '~'));
}

}  // namespace

std::string failure_text(const UserError& error) {
  std::string text;
  for (const Diagnostic& diagnostic : error.diagnostics()) {
    Diagnostic without_notes = diagnostic;
    without_notes.notes.clear();
    text += format_diagnostic(without_notes) + excerpt(diagnostic.location) + "\n";
    for (const std::string& note : diagnostic.notes) {
      text += "  note: " + note + "\n";
    }
  }
  if (error.diagnostics().size() > 1) {
    text += fmt::format("error: {} problems\n", error.diagnostics().size());
  }
  return text;
}

}  // namespace tilewright::cli
