// SPDX-License-Identifier: Apache-2.0
#include "sim/base/error.h"

#include "sim/base/units.h"

namespace tilewright {
namespace {

std::string join(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    text += (text.empty() ? "" : "\n") + format_diagnostic(diagnostic);
  }
  return text;
}

}  // namespace

UserError::UserError(std::vector<Diagnostic> diagnostics, ExitCode exit_code)
    : std::runtime_error(join(diagnostics)), diagnostics_(std::move(diagnostics)), exit_code_(exit_code) {}

UserError::UserError(const std::string& message, ExitCode exit_code)
    : UserError(std::vector<Diagnostic>{{{}, "", message, {}}}, exit_code) {}

std::string format_diagnostic(const Diagnostic& diagnostic) {
  std::string text = diagnostic.location.file;
  if (diagnostic.location.line > 0) {
    text += ":" + std::to_string(diagnostic.location.line) + ":" + std::to_string(diagnostic.location.column);
  }
  text += (text.empty() ? "error: " : ": error: ") + diagnostic.message;
  if (!diagnostic.code.empty()) {
    text += " [" + diagnostic.code + "]";
  }
  for (const std::string& note : diagnostic.notes) {
    text += "\n  note: " + note;
  }
  return text;
}

uint64_t checked_multiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    throw UserError("a size is too large: " + std::to_string(a) + " x " + std::to_string(b) +
                    " does not fit in 64 bits");
  }
  return product;
}

}  // namespace tilewright
