// SPDX-License-Identifier: Apache-2.0
//
// Collects the problems of one load, so that a user mends a file once and not twenty times, and finds near
// names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/error.h"

namespace tilewright::config {

class Diagnostics {
 public:
  static constexpr std::size_t kShown = 20;  // more are only counted

  void error(SourceLocation location, std::string code, std::string message,
             std::vector<std::string> notes = {});
  // Grows with every error, also with one that repeats an earlier one and is not shown again.
  std::size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  // Throws UserError (exit code 2) with the problems in file order, if there are any.
  void throw_if_any() const;

 private:
  std::vector<Diagnostic> shown_;
  std::size_t count_ = 0;
  std::size_t distinct_ = 0;
};

// One code and what it means; the list behind `tilewright list diagnostics` and docs/configuration.md.
struct CodeInfo {
  std::string_view code;
  std::string_view meaning;
};
const std::vector<CodeInfo>& diagnostic_codes();

// The candidate nearest to `word` by edit distance (insert, delete, change, swap neighbours; case counts
// half), or nothing if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// "; did you mean 'x'?" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);
// "a, b, c"
std::string join(const std::vector<std::string>& words, std::string_view separator = ", ");

}  // namespace tilewright::config
