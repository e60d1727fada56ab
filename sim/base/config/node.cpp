// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/node.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

#include "sim/base/config/text.h"

namespace tilewright::config {

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) {
      return &entry.value;
    }
  }
  return nullptr;
}

Node* Node::find(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).find(key));
}

void Node::erase(std::string_view key) {
  std::erase_if(entries, [&](const Entry& entry) { return entry.key == key; });
}

std::string describe_found(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
    case Node::Kind::kScalar:
      break;
  }
  return (node.quoted ? "the quoted text " : "") + quoted_excerpt(node.text);
}

namespace {

// Builds the tree from events, bottom up: a finished value is handed to the section it stands in.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, std::shared_ptr<const std::string> file, bool is_override,
          Diagnostics& diagnostics)
      : text_(text), file_(std::move(file)), is_override_(is_override), diagnostics_(diagnostics) {}

  Node take_root() { return std::move(root_); }
  // Something was left out of the tree that its author meant, so what is missing in it means nothing.
  bool is_incomplete() const { return is_incomplete_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    attach(start(Node::Kind::kNull, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    attach(start(Node::Kind::kNull, mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node = start(Node::Kind::kScalar, mark);
    node.text = value;
    node.quoted = tag == "!";
    if (node.quoted && !is_closed(mark)) {
      refuse(node.place, "config.syntax", "not valid YAML: a quote is opened here and never closed", {});
    }
    attach(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::kSequence, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    bool has_key = false;
    bool key_is_bad = false;
    std::string key;
    Place key_place;
    std::map<std::string, Place> keys;  // with the place of each one's first appearance
  };

  Place place(const YAML::Mark& mark) const {
    return is_override_ ? Place{file_, 0, 0} : Place{file_, mark.line + 1, mark.column + 1};
  }
  Node start(Node::Kind kind, const YAML::Mark& mark) const {
    Node node;
    node.kind = kind;
    node.place = place(mark);
    return node;
  }
  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    frames_.push_back({start(kind, mark), false, false, {}, {}, {}});
  }
  void close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    attach(std::move(node));
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      refuse(place(mark), "config.anchor", "anchors (&name) and aliases (*name) are not accepted",
             {"write the value again, or share it through 'extends:'"});
    }
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(place(mark), "config.tag", "YAML tags are not accepted, got " + quoted_excerpt(tag),
             {"the schema decides the type of every value"});
    }
  }

  void attach(Node node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.is_sequence()) {
      frame.node.items.push_back(std::move(node));
    } else if (frame.has_key) {
      attach_value(frame, std::move(node));
    } else {
      attach_key(frame, node);
    }
  }
  void attach_key(Frame& frame, const Node& node) {
    frame.has_key = true;
    frame.key = node.text;
    frame.key_place = node.place;
    frame.key_is_bad = true;
    if (!node.is_scalar() || node.text.empty()) {
      refuse(node.place, "config.bad-key", "a key must be a plain word, got " + describe_found(node), {});
    } else if (node.text == "<<") {
      refuse(node.place, "config.anchor", "merge keys (<<) are not accepted",
             {"use 'extends:' to build on another file"});
    } else if (const auto [first, is_new] = frame.keys.emplace(node.text, node.place); !is_new) {
      const Place& before = first->second;
      const std::string where = is_override_ ? std::string()
                                             : " (first at " + std::to_string(before.line) + ":" +
                                                   std::to_string(before.column) + ")";
      diagnostics_.error(node.place.location(), "config.duplicate-key",
                         "duplicate key " + quoted_excerpt(node.text) + where, {"keep one of them"});
    } else {
      frame.key_is_bad = false;
    }
  }
  void attach_value(Frame& frame, Node node) {
    frame.has_key = false;
    if (frame.key_is_bad) {
      return;
    }
    if (!node.is_scalar() && node.place.line > frame.key_place.line) {
      node.place = frame.key_place;  // a problem with a whole section is shown at its key
    }
    frame.node.entries.push_back({std::move(frame.key), frame.key_place, std::move(node)});
  }
  void refuse(const Place& where, const char* code, const std::string& message,
              std::vector<std::string> notes) {
    is_incomplete_ = true;
    diagnostics_.error(where.location(), code, message, std::move(notes));
  }
  // yaml-cpp takes a quoted text that the file ends in for a whole one.
  bool is_closed(const YAML::Mark& mark) const {
    std::size_t at = 0;
    for (int line = 0; line < mark.line && at != std::string_view::npos; ++line) {
      at = text_.find('\n', at);
      at += at == std::string_view::npos ? 0 : 1;
    }
    if (at == std::string_view::npos || at + static_cast<std::size_t>(mark.column) >= text_.size()) {
      return true;  // not where we believe it is: leave the matter to the parser
    }
    at += static_cast<std::size_t>(mark.column);
    const char quote = text_[at];
    for (++at; at < text_.size() && (quote == '"' || quote == '\''); ++at) {
      if (quote == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote && quote == '\'' && at + 1 < text_.size() && text_[at + 1] == quote) {
        ++at;
      } else if (text_[at] == quote) {
        return true;
      }
    }
    return quote != '"' && quote != '\'';
  }

  std::string_view text_;
  std::shared_ptr<const std::string> file_;
  bool is_override_;
  Diagnostics& diagnostics_;
  std::vector<Frame> frames_;
  Node root_;
  bool is_incomplete_ = false;
};

// YAML forbids tabs in indentation only; none is accepted outside of comments, since they look like spaces.
std::string replace_tabs(std::string_view text, const Place& file, Diagnostics& diagnostics) {
  std::string cleaned(text);
  int line = 1;
  std::size_t line_start = 0;
  bool line_reported = false;
  bool in_comment = false;
  for (std::size_t i = 0; i < cleaned.size(); ++i) {
    const char c = cleaned[i];
    if (c == '\n') {
      ++line;
      line_start = i + 1;
      line_reported = in_comment = false;
    } else if (c == '#' && (i == line_start || cleaned[i - 1] == ' ')) {
      in_comment = true;
    } else if (c == '\t') {
      cleaned[i] = ' ';
      if (!line_reported && !in_comment) {
        line_reported = true;
        diagnostics.error({*file.file, line, static_cast<int>(i - line_start) + 1}, "config.tab",
                          "a tab; use spaces");
      }
    }
  }
  return cleaned;
}

Node parse(std::string_view text, const Place& file, bool is_override, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.count();
  const std::string cleaned = is_override ? std::string(text) : replace_tabs(text, file, diagnostics);
  const bool has_tabs = diagnostics.count() > before;
  std::istringstream stream(cleaned);
  Builder builder(cleaned, file.file, is_override, diagnostics);
  const auto syntax_error = [&](int line, int column, const std::string& message) {
    diagnostics.error({*file.file, is_override ? 0 : line, column}, "config.syntax",
                      "not valid YAML: " + message);
    return Node{};
  };
  try {
    YAML::Parser parser(stream);
    const bool any = parser.HandleNextDocument(builder);
    Node root = builder.take_root();
    if (!any || root.is_null()) {
      diagnostics.error(file.location(), "config.empty",
                        is_override ? "the value is empty" : "the file is empty");
      return {};
    }
    if (parser.HandleNextDocument(builder)) {
      const Place second = builder.take_root().place;
      diagnostics.error(second.location(), "config.several-documents", "a second document; a file holds one",
                        {"remove the '---' line or move what follows to a file of its own"});
    }
    root.broken = has_tabs || builder.is_incomplete();
    return root;
  } catch (const YAML::Exception& problem) {
    return syntax_error(problem.mark.line + 1, problem.mark.column + 1,
                        problem.msg == "bad file" ? "nested too deeply" : problem.msg);
  } catch (const std::exception& problem) {
    return syntax_error(1, 1, problem.what());
  }
}

}  // namespace

Node parse_text(std::string_view text, const std::string& file_name, Diagnostics& diagnostics) {
  constexpr std::size_t kLargest = std::size_t{4} << 20;
  const Place file{std::make_shared<const std::string>(file_name), 0, 0};
  if (text.size() > kLargest) {
    diagnostics.error(
        file.location(), "config.too-large",
        "the file has " + std::to_string(text.size()) + " bytes; a configuration has at most 4 MiB");
    return {};
  }
  if (const std::size_t offset = first_non_text(text); offset != std::string_view::npos) {
    diagnostics.error(file.location(), "config.not-text",
                      "not a text file: byte " + std::to_string(offset) + " is not UTF-8 text");
    return {};
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  return parse(text.starts_with(kByteOrderMark) ? text.substr(3) : text, file, false, diagnostics);
}

Node parse_override_value(std::string_view value, const std::string& label, Diagnostics& diagnostics) {
  const Place file{std::make_shared<const std::string>(label), 0, 0};
  if (first_non_text(value) != std::string_view::npos) {
    diagnostics.error(file.location(), "config.not-text", "the value is not UTF-8 text");
    return {};
  }
  return parse(value, file, true, diagnostics);
}

}  // namespace tilewright::config
