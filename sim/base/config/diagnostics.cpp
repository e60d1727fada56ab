// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/diagnostics.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <tuple>
#include <utility>

namespace tilewright::config {

void Diagnostics::error(SourceLocation location, std::string code, std::string message,
                        std::vector<std::string> notes) {
  ++count_;
  for (const Diagnostic& shown : shown_) {  // a file that is named twice is complained about once
    if (shown.location.file == location.file && shown.location.line == location.line &&
        shown.location.column == location.column && shown.code == code && shown.message == message) {
      return;
    }
  }
  ++distinct_;
  if (shown_.size() < kShown) {
    shown_.push_back({std::move(location), std::move(code), std::move(message), std::move(notes)});
  }
}

void Diagnostics::throw_if_any() const {
  if (empty()) {
    return;
  }
  std::map<std::string, std::size_t> file_order;
  for (const Diagnostic& diagnostic : shown_) {
    file_order.emplace(diagnostic.location.file, file_order.size());
  }
  const auto position = [&](const Diagnostic& diagnostic) {
    return std::tuple(file_order.at(diagnostic.location.file), diagnostic.location.line,
                      diagnostic.location.column);
  };
  std::vector<Diagnostic> sorted = shown_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return position(a) < position(b); });
  if (distinct_ > kShown) {
    sorted.back().notes.push_back("the first " + std::to_string(kShown) + " of " + std::to_string(distinct_) +
                                  " problems are shown");
  }
  throw UserError(std::move(sorted));
}

const std::vector<CodeInfo>& diagnostic_codes() {
  static const std::vector<CodeInfo> codes = {
      {"config.anchor", "anchors, aliases and merge keys are not accepted"},
      {"config.bad-key", "a key is not a plain word"},
      {"config.duplicate-key", "the same key twice in one section"},
      {"config.empty", "the file holds nothing"},
      {"config.extends-cycle", "a file extends or names itself, directly or through others"},
      {"config.inconsistent", "two values do not fit together"},
      {"config.missing-file", "a file that was named cannot be opened"},
      {"config.missing-key", "a required key is absent"},
      {"config.missing-kind", "the file does not say what it describes"},
      {"config.missing-source", "a constant does not say where it comes from"},
      {"config.missing-unit", "a quantity is a bare number"},
      {"config.not-text", "the file is not UTF-8 text"},
      {"config.octal", "a number with a leading zero, which some readers take as octal"},
      {"config.out-of-range", "a value outside of what is allowed"},
      {"config.override", "a --set that cannot be applied"},
      {"config.several-documents", "more than one YAML document in a file"},
      {"config.syntax", "the file is not valid YAML"},
      {"config.tab", "a tab; YAML indents with spaces"},
      {"config.tag", "YAML tags are not accepted"},
      {"config.too-large", "the file is larger than 4 MiB"},
      {"config.unknown-key", "a key that this section does not have"},
      {"config.unknown-unit", "a unit that this quantity does not have"},
      {"config.unknown-value", "a word that is not one of the allowed ones"},
      {"config.wrong-kind", "the file describes something else than what is needed here"},
      {"config.wrong-type", "a value of another type: text for a number, a list for a map"},
      {"onnx.shape", "a size of an ONNX model is not fixed"},
      {"onnx.unreadable", "not an ONNX model, or a broken one"},
      {"onnx.unsupported", "a node or property of an ONNX model that has no equivalent"},
      {"results.not-found", "results that were named cannot be opened, or there are none"},
      {"results.not-json", "a file of results is not JSON, or not all of it"},
      {"results.unexpected", "a file of results holds what this version would not have written"},
      {"usage.bad-value", "an option has a value that it cannot have, or none"},
      {"usage.missing-argument", "a command lacks something that it needs"},
      {"usage.unexpected-argument", "a command got more than it takes"},
      {"usage.unknown-command", "there is no such command"},
      {"usage.unknown-option", "the command has no such option"},
      {"usage.unknown-value", "a word that is not one of the allowed ones"},
  };
  return codes;
}

namespace {

// Twice the edit distance; a change of case alone costs 1 and everything else 2.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = 2 * (i + j);
        continue;
      }
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 2;
      table[i][j] = std::min({table[i - 1][j] + 2, table[i][j - 1] + 2, table[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 2);
      }
    }
  }
  return table[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongest = 64;  // nothing that long is a slip of the finger
  if (word.size() > kLongest) {
    return {};
  }
  std::string best;
  std::size_t best_distance = 2 * std::max<std::size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = candidate.size() > kLongest ? best_distance : edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? std::string() : "; did you mean '" + near + "'?";
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? std::string() : std::string(separator)) + word;
  }
  return text;
}

}  // namespace tilewright::config
