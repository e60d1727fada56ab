// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/overrides.h"

#include <charconv>

#include "sim/base/config/text.h"

namespace tilewright::config {
namespace {

class Override {
 public:
  Override(const std::string& text, Diagnostics& diagnostics)
      : label_("--set " + text), diagnostics_(diagnostics) {}

  void apply(Node& root, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      fail("an override has the form path.to.key=value");
      return;
    }
    for (std::size_t start = 0; start <= equals;) {
      const std::size_t end = std::min(text.find('.', start), equals);
      segments_.push_back(text.substr(start, end - start));
      if (segments_.back().empty()) {
        fail("the path has an empty name in it");
        return;
      }
      start = end + 1;
    }
    const std::size_t before = diagnostics_.count();
    value_ = parse_override_value(text.substr(equals + 1), label_, diagnostics_);
    if (diagnostics_.count() == before) {
      place_ = value_.place;
      set(root, 0);
    }
  }

 private:
  void fail(const std::string& message) { diagnostics_.error({label_, 0, 0}, "config.override", message); }

  std::string path_until(std::size_t count) const {
    return join({segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count)}, ".");
  }

  void set(Node& node, std::size_t depth) {
    if (depth == segments_.size()) {
      node = value_;
      return;
    }
    const std::string& segment = segments_[depth];
    if (node.is_sequence()) {
      set_in_list(node, depth);
    } else if (node.is_map() && segment == "*") {
      for (Entry& entry : node.entries) {
        set(entry.value, depth + 1);
      }
    } else if (node.is_map()) {
      if (node.find(segment) == nullptr) {
        Node section;
        section.kind = Node::Kind::kMap;
        section.place = place_;
        node.entries.push_back({segment, place_, std::move(section)});
      }
      set(*node.find(segment), depth + 1);
    } else {
      fail("'" + path_until(depth) + "' is a value without keys: " + describe_found(node));
    }
  }

  void set_in_list(Node& node, std::size_t depth) {
    const std::string& segment = segments_[depth];
    if (segment == "*") {
      for (Node& item : node.items) {
        set(item, depth + 1);
      }
      return;
    }
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(segment.data(), segment.data() + segment.size(), index);
    if (error != std::errc() || end != segment.data() + segment.size() || index >= node.items.size()) {
      fail("'" + path_until(depth) + "' has no element " + quoted_excerpt(segment) + ": it is a list of " +
           std::to_string(node.items.size()) + ", counted from 0; * means all of them");
      return;
    }
    set(node.items[index], depth + 1);
  }

  std::string label_;
  Diagnostics& diagnostics_;
  std::vector<std::string> segments_;
  Node value_;
  Place place_;
};

}  // namespace

void apply_override(Node& root, const std::string& text, Diagnostics& diagnostics) {
  Override(text, diagnostics).apply(root, text);
}

}  // namespace tilewright::config
