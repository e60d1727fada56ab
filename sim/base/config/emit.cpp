// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/emit.h"

#include <fmt/format.h>

namespace tilewright::config {
namespace {

bool is_plain(const std::string& text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text == "null" || text == "Null" ||
      text == "NULL") {
    return false;
  }
  for (const char c : text) {
    if (!is_letter(c) && !(c >= '0' && c <= '9') &&
        std::string_view("_-+./ ()").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return is_letter(text.front()) || (text.front() >= '0' && text.front() <= '9') ||
         (text.front() == '-' && text.size() > 1 && text[1] >= '0' && text[1] <= '9');
}

std::string quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\r') {
      quoted += "\\r";
    } else if (c == '\t') {
      quoted += "\\t";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string spelled(const std::string& text) {
  return is_plain(text) ? text : quote(text);
}

class Emitter {
 public:
  Emitter(const ValueNotes& notes, bool canonical) : notes_(notes), canonical_(canonical) {}

  void map(const Node& node, const std::string& path, int indent, bool first_on_line) {
    for (const Entry& entry : node.entries) {
      out_ +=
          std::string(first_on_line ? 0 : static_cast<std::size_t>(indent), ' ') + spelled(entry.key) + ":";
      first_on_line = false;
      value(entry.value, path.empty() ? entry.key : path + "." + entry.key, indent);
    }
  }
  std::string flow(const Node& node, const std::string& path) const {
    if (node.is_map()) {
      return "{}";
    }
    if (node.is_sequence()) {
      std::string text = "[";
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        text += (i == 0 ? "" : ", ") + flow(node.items[i], path + "." + std::to_string(i));
      }
      return text + "]";
    }
    const std::string hash = canonical_ ? note(path).file_hash : std::string();
    return spelled(node.text) + (hash.empty() ? "" : "#" + hash);
  }
  std::string take() { return std::move(out_); }
  void line(const std::string& text) { out_ += text + "\n"; }

 private:
  ValueNote note(const std::string& path) const {
    const auto found = notes_.find(path);
    return found == notes_.end() ? ValueNote{} : found->second;
  }
  static bool is_flow(const Node& node) {
    if (node.is_scalar()) {
      return true;
    }
    if (node.is_map()) {
      return node.entries.empty();
    }
    for (const Node& item : node.items) {
      if (!is_flow(item)) {
        return false;
      }
    }
    return true;
  }
  void value(const Node& node, const std::string& path, int indent) {
    const ValueNote known = note(path);
    const std::string mark = known.is_default && !canonical_ ? "  # default" : "";
    if (is_flow(node)) {
      const bool sourced = !known.source.empty() && !canonical_;
      const std::string text = flow(node, path);
      out_ += (sourced ? fmt::format(" {{value: {}, source: {}}}", text, quote(known.source)) : " " + text) +
              mark + "\n";
      return;
    }
    out_ += mark + "\n";
    if (node.is_map()) {
      const std::size_t start = out_.size();
      map(node, path, indent + 2, false);
      if (!mark.empty()) {
        comment_out(start);
      }
      return;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      item(node.items[i], path + "." + std::to_string(i), indent + 2);
    }
  }
  // A section that no file has: shown for information, but not a claim that somebody chose its values.
  void comment_out(std::size_t start) {
    start = out_.rfind('\n', start - 2) + 1;  // with the line of its key; npos + 1 is the beginning
    for (std::size_t at = start; at < out_.size(); at = out_.find('\n', at) + 1) {
      out_.insert(at, "# ");
    }
  }
  void item(const Node& node, const std::string& path, int indent) {
    out_ += std::string(static_cast<std::size_t>(indent), ' ') + "-";
    if (node.is_map() && !node.entries.empty()) {
      out_ += " ";
      map(node, path, indent + 2, true);
    } else {
      value(node, path, indent);
    }
  }

  const ValueNotes& notes_;
  bool canonical_;
  std::string out_;
};

}  // namespace

std::string emit_resolved(const Node& root, const std::string& kind, const ValueNotes& notes) {
  Emitter emitter(notes, false);
  emitter.line(
      "# The configuration as it was used: 'extends', file names and overrides applied; '# default' marks "
      "what no");
  emitter.line("# file said.");
  if (!kind.empty()) {
    emitter.line("kind: " + kind);
  }
  emitter.map(root, "", 0, false);
  return emitter.take();
}

std::string emit_value(const Node& value) {
  const ValueNotes no_notes;
  return value.is_null() ? std::string() : Emitter(no_notes, false).flow(value, "");
}

std::string emit_canonical(const Node& root, const std::string& kind, const ValueNotes& notes) {
  Emitter emitter(notes, true);
  emitter.line("kind: " + kind);
  emitter.map(root, "", 0, false);
  return emitter.take();
}

}  // namespace tilewright::config
