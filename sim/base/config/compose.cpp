// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/compose.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "sim/base/config/load.h"
#include "sim/base/config/overrides.h"
#include "sim/base/config/schema.h"
#include "sim/base/config/text.h"

namespace tilewright::config {
namespace fs = std::filesystem;

fs::path repository_root() {
  return TILEWRIGHT_REPOSITORY_ROOT;
}

std::string portable_name(const fs::path& path) {
  std::error_code failed;
  const fs::path inside =
      fs::weakly_canonical(path, failed).lexically_relative(fs::weakly_canonical(repository_root(), failed));
  return inside.empty() || *inside.begin() == ".." ? path.string() : inside.string();
}

namespace {

std::vector<std::string> files_beside(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator entry(path.has_parent_path() ? path.parent_path() : fs::path("."), failed), end;
       !failed && entry != end && names.size() < 500; entry.increment(failed)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// As seen from the current folder where that is shorter: messages name files as people would.
fs::path shortest_name(const fs::path& path) {
  std::error_code failed;
  const fs::path near = path.lexically_relative(fs::current_path(failed));
  return near.empty() || *near.begin() == ".." ? path : near;
}

bool is_readable_file(const fs::path& path) {
  std::error_code failed;
  return fs::is_regular_file(path, failed);
}

}  // namespace

fs::path find_file(const fs::path& name) {
  std::error_code ignored;
  if (name.is_relative() && !fs::exists(name, ignored) && fs::exists(repository_root() / name, ignored)) {
    return shortest_name((repository_root() / name).lexically_normal());
  }
  return name;
}

Node parse_file(const fs::path& path, Diagnostics& diagnostics) {
  std::error_code failed;
  if (fs::is_directory(path, failed)) {
    diagnostics.error({path.string(), 0, 0}, "config.missing-file", "is a folder, not a file");
    return {};
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream || !is_readable_file(path)) {
    const std::string reason = errno == 0 ? "not a regular file" : std::strerror(errno);
    diagnostics.error(
        {path.string(), 0, 0}, "config.missing-file",
        "cannot open the file: " + reason + did_you_mean(path.filename().string(), files_beside(path)));
    return {};
  }
  return parse_text(std::string(std::istreambuf_iterator<char>(stream), {}), path.string(), diagnostics);
}

std::optional<fs::path> resolve_file(const std::string& name, const Place& place, const fs::path& root_file,
                                     Diagnostics& diagnostics) {
  std::vector<fs::path> folders;
  if (place.is_override()) {
    folders = {fs::path(), root_file.parent_path()};
  } else {
    folders = {fs::path(*place.file).parent_path()};
  }
  folders.push_back(repository_root());
  if (name.size() > 1000) {
    diagnostics.error(place.location(), "config.missing-file", "the file name is too long");
    return std::nullopt;
  }
  for (const fs::path& folder : folders) {
    const fs::path candidate = (folder / name).lexically_normal();
    if (is_readable_file(candidate)) {
      return folder == repository_root() ? shortest_name(candidate) : candidate;
    }
  }
  std::vector<std::string> near;
  for (const fs::path& folder : folders) {
    const std::vector<std::string> beside = files_beside((folder / name).lexically_normal());
    near.insert(near.end(), beside.begin(), beside.end());
  }
  diagnostics.error(
      place.location(), "config.missing-file",
      "cannot open the file " + quoted_excerpt(name) + did_you_mean(fs::path(name).filename().string(), near),
      {place.is_override()
           ? "looked in the current folder, beside the file being loaded and in the repository"
           : "looked beside the file that names it and in the repository"});
  return std::nullopt;
}

namespace {

class Composer {
 public:
  Composer(fs::path root_file, Diagnostics& diagnostics)
      : root_file_(std::move(root_file)), diagnostics_(diagnostics) {}

  // `named_at`: where the file's name was written, or null for the file the user gave.
  std::optional<Node> file(const fs::path& path, const StructSchema& schema, const Place* named_at) {
    std::error_code failed;
    const fs::path canonical = fs::weakly_canonical(path, failed);
    if (std::find(chain_.begin(), chain_.end(), canonical) != chain_.end()) {
      diagnostics_.error(
          named_at->location(), "config.extends-cycle",
          "'" + path.string() + "' is already being read: the files name each other in a circle",
          {"chain: " + chain_text(path)});
      return std::nullopt;
    }
    chain_.push_back(canonical);
    chain_names_.push_back(path.filename().string());
    std::optional<Node> node = parse_file(path, diagnostics_);
    if (node->is_null() || node->broken) {
      node.reset();
    } else if (!node->is_map()) {
      diagnostics_.error(node->place.location(), "config.wrong-type",
                         "the file must be a map of keys, got " + describe_found(*node));
      node.reset();
    } else if (!section(*node, schema, named_at)) {
      node.reset();
    }
    chain_.pop_back();
    chain_names_.pop_back();
    return node;
  }

  // Replaces the file names in reference fields by the files' contents, everywhere below `node`.
  void expand(Node& node, const StructSchema& schema) {
    for (const Field& field : schema.fields()) {
      Node* child = node.find(field.key());
      const StructSchema* inner = field.codec().schema();
      if (child != nullptr && inner != nullptr) {
        expand_value(*child, *inner, field.is_reference());
      }
    }
  }

 private:
  std::string chain_text(const fs::path& last) const {
    std::string text;
    for (const std::string& name : chain_names_) {
      text += name + " -> ";
    }
    return text + last.filename().string();
  }

  void expand_value(Node& node, const StructSchema& schema, bool is_reference) {
    if (node.is_sequence()) {
      for (Node& item : node.items) {
        expand_value(item, schema, is_reference);
      }
    } else if (node.is_map()) {
      if (!is_reference || section(node, schema, nullptr, false)) {
        expand(node, schema);
      }
      for (Entry& entry : node.entries) {  // a map of structs
        if (schema.find(entry.key) == nullptr && entry.value.is_map()) {
          expand_value(entry.value, schema, is_reference);
        }
      }
    } else if (node.is_scalar() && is_reference) {
      const std::optional<fs::path> path = resolve_file(node.text, node.place, root_file_, diagnostics_);
      std::optional<Node> content = path ? file(*path, schema, &node.place) : std::nullopt;
      if (content) {
        node = std::move(*content);
      } else {
        node.broken = true;
      }
    }
  }

  // Takes `kind:` and `extends:` off a section that is or could be a file, and fills in the base.
  bool section(Node& node, const StructSchema& schema, const Place* named_at, bool is_file = true) {
    if (!check_kind(node, schema, named_at, is_file)) {
      return false;
    }
    if (const Node* extends = node.find("extends")) {
      if (!extends->is_scalar()) {
        diagnostics_.error(extends->place.location(), "config.wrong-type",
                           "'extends' must be the name of a file, got " + describe_found(*extends));
        return false;
      }
      const Place place = extends->place;
      const std::optional<fs::path> path = resolve_file(extends->text, place, root_file_, diagnostics_);
      std::optional<Node> base = path ? file(*path, schema, &place) : std::nullopt;
      if (!base) {
        return false;
      }
      node.erase("extends");
      merge(*base, std::move(node));
      node = std::move(*base);
    }
    expand(node, schema);
    return true;
  }

  bool check_kind(Node& node, const StructSchema& schema, const Place* named_at, bool is_file) {
    const Node* kind = node.find("kind");
    if (schema.kind().empty() || (kind == nullptr && !is_file) || schema.find("kind") != nullptr) {
      return true;
    }
    std::vector<std::string> notes;
    if (named_at != nullptr) {
      const SourceLocation where = named_at->location();
      notes.push_back("the file is named " + (where.line > 0
                                                  ? "at " + where.file + ":" + std::to_string(where.line) +
                                                        ":" + std::to_string(where.column)
                                                  : "by " + where.file));
    }
    if (kind == nullptr) {
      diagnostics_.error({*node.place.file, 1, 1}, "config.missing-kind",
                         "the file does not say what it describes; write 'kind: " + schema.kind() + "'",
                         std::move(notes));
      return false;
    }
    if (!kind->is_scalar() || kind->text != schema.kind()) {
      diagnostics_.error(
          kind->place.location(), "config.wrong-kind",
          "a file of kind '" + schema.kind() + "' is needed here, got " + describe_found(*kind),
          std::move(notes));
      return false;
    }
    node.erase("kind");
    return true;
  }

  static void merge(Node& base, Node overlay) {
    if (!base.is_map() || !overlay.is_map()) {
      base = std::move(overlay);
      return;
    }
    base.place = overlay.place;
    for (Entry& entry : overlay.entries) {
      if (Node* below = base.find(entry.key)) {
        if (entry.key == "source") {
          base.earlier_sources.push_back(*below);  // it goes on speaking for the values of its own file
        }
        merge(*below, std::move(entry.value));
      } else {
        base.entries.push_back(std::move(entry));
      }
    }
  }

  fs::path root_file_;
  Diagnostics& diagnostics_;
  std::vector<fs::path> chain_;
  std::vector<std::string> chain_names_;
};

}  // namespace

std::optional<Node> compose(const fs::path& path, const StructSchema& schema,
                            const std::vector<std::string>& overrides, Diagnostics& diagnostics) {
  Composer composer(path, diagnostics);
  std::optional<Node> root = composer.file(path, schema, nullptr);
  if (root) {
    apply_overrides(*root, path, schema, overrides, diagnostics);
  }
  return root;
}

void apply_overrides(Node& root, const fs::path& path, const StructSchema& schema,
                     const std::vector<std::string>& overrides, Diagnostics& diagnostics) {
  Composer composer(path, diagnostics);
  for (const std::string& override_text : overrides) {
    apply_override(root, override_text, diagnostics);
    composer.expand(root, schema);
  }
}

}  // namespace tilewright::config
