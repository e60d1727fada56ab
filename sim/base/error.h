// SPDX-License-Identifier: Apache-2.0
//
// Two kinds of failure and nothing between them. A UserError is the user's to mend: it carries diagnostics with
// file, line and column and ends in exit code 2 (configuration, usage) or 1 (the run failed). An InternalError is
// our bug: exit code 70 and a request to report it. No assert is reachable from input, and only main() exits.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tilewright {

// A place in a file; line and column count from 1, 0 means unknown (then only the file is printed).
struct SourceLocation {
  std::string file;
  int line = 0;
  int column = 0;
};

// One problem: where, a stable code ("config.unknown-key"), what was found, and notes on what is allowed.
struct Diagnostic {
  SourceLocation location;
  std::string code;
  std::string message;
  std::vector<std::string> notes;
};

enum class ExitCode : int {
  kOk = 0,
  kRunFailed = 1,
  kUsage = 2,
  kThresholdExceeded = 3,
  kInternal = 70,
  kInterrupted = 130,
};

class UserError : public std::runtime_error {
 public:
  explicit UserError(std::vector<Diagnostic> diagnostics, ExitCode exit_code = ExitCode::kUsage);
  // For failures that have no place in a file.
  explicit UserError(const std::string& message, ExitCode exit_code = ExitCode::kUsage);

  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  ExitCode exit_code() const { return exit_code_; }

 private:
  std::vector<Diagnostic> diagnostics_;
  ExitCode exit_code_;
};

class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Raised when SIGINT arrives; main() ends with 130 and nothing half-written.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

// "file:line:column: error: message [code]" and its notes, one line each.
std::string format_diagnostic(const Diagnostic& diagnostic);

// Our own invariants. Throws InternalError with the text; cheap enough to stay on in release builds.
#define TILEWRIGHT_CHECK(condition, text)                                                      \
  do {                                                                                         \
    if (!(condition)) {                                                                        \
      throw ::tilewright::InternalError(std::string(__FILE__) + ":" + std::to_string(__LINE__) + \
                                        ": " + (text));                                        \
    }                                                                                          \
  } while (false)

}  // namespace tilewright
