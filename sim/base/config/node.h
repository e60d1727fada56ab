// SPDX-License-Identifier: Apache-2.0
//
// A parsed configuration file: a tree that keeps the place of every key and value, whether a scalar was
// quoted, and the order of the keys. Built from yaml-cpp's events, because its node type forgets duplicate
// keys and positions.
//
// Refused with a diagnostic: binary or non-UTF-8 text, tabs, files above 4 MiB, empty files, several
// documents, duplicate keys, keys that are not scalars, anchors, aliases, merge keys and tags.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/config/diagnostics.h"
#include "sim/base/error.h"

namespace tilewright::config {

// Where a key or value was written. Line 0: not in a file (an override, whose text is then the file's name).
struct Place {
  std::shared_ptr<const std::string> file;
  int line = 0;
  int column = 0;
  SourceLocation location() const { return {file ? *file : std::string(), line, column}; }
  bool is_override() const { return line == 0; }
};

struct Entry;

struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;  // a quoted scalar is text, never a number
  bool broken = false;  // could not be read (a named file, the structure of a whole file), which was reported
  std::string text;     // scalars only
  Place place;
  std::vector<Entry> entries;  // maps only, in file order
  std::vector<Node> items;     // sequences only
  std::vector<Node>
      earlier_sources;  // maps only: the 'source:' texts of extended files, which a newer one replaced

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_map() const { return kind == Kind::kMap; }
  const Node* find(std::string_view key) const;  // null if absent or not a map
  Node* find(std::string_view key);
  void erase(std::string_view key);
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Node value;
};

// "a map", "a list", "nothing", "'text'", "the quoted text 'text'": what was found, for messages.
std::string describe_found(const Node& node);

// Parses one YAML document. `file_name` is what messages call it. Problems go to `diagnostics`; the tree
// holds what could still be read.
Node parse_text(std::string_view text, const std::string& file_name, Diagnostics& diagnostics);

// The same for a file; unreadable files, folders and so on are diagnostics too.
Node parse_file(const std::filesystem::path& path, Diagnostics& diagnostics);

// The right-hand side of `--set path=value`; every place in it is "--set path=value".
Node parse_override_value(std::string_view value, const std::string& label, Diagnostics& diagnostics);

}  // namespace tilewright::config
