// SPDX-License-Identifier: Apache-2.0
//
// From a file to a checked struct, or a UserError that lists every problem (up to 20) with file, line and
// column:
//
//   const auto machine = config::load<arch::AcceleratorSpec>("configs/arch/keller_core_5nm.yaml",
//   {"pe.lanes=8"}); machine.value, machine.yaml (resolved, defaults marked, loads again), machine.hash (16
//   hex digits)
//
// Steps: parse, `extends:` (maps merged deeply, lists replaced), files named by reference fields, overrides
// in order, decode with units, ranges, sources, cross-field checks.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/base/config/schema.h"

namespace tilewright::config {

// "path.to.key=value" each, applied in order. A list is indexed by number ("machines.0.pe.lanes=8") or, for
// all of its elements, by "*".
using Overrides = std::vector<std::string>;

template <class T>
struct Resolved {
  T value;
  std::string yaml;
  std::string hash;
  std::filesystem::path path;
};

struct ResolvedText {
  std::string yaml;
  std::string hash;
};

// Type-erased: fills `value`, an object of the schema's struct. Throws UserError.
ResolvedText load_into(void* value, const StructSchema& schema, const std::filesystem::path& path,
                       const Overrides& overrides);

template <class T>
Resolved<T> load(const std::filesystem::path& path, const Overrides& overrides = {}) {
  Resolved<T> resolved{};
  ResolvedText text = load_into(&resolved.value, schema_of<T>(), path, overrides);
  resolved.yaml = std::move(text.yaml);
  resolved.hash = std::move(text.hash);
  resolved.path = path;
  return resolved;
}

// Every value in its one canonical spelling, as YAML: equal values give equal text. What a hash of a value is taken of.
std::string canonical_text_of(const void* value, const StructSchema& schema);
template <class T>
std::string canonical_text(const T& value) {
  return canonical_text_of(&value, schema_of<T>());
}

// A file that is read once and decoded many times, each time with other overrides: what load() does, without touching the
// file system again (unless an override names a file).
//
//   const config::Template<arch::AcceleratorSpec> machine("configs/arch/keller_core_5nm.yaml");
//   const auto smaller = machine.with({"pe.lanes=8"});   // value, yaml: every value without its notes, hash
//
// The constructor throws where the file cannot be read at all; whether it is right is with()'s to say.
class ErasedTemplate {
 public:
  ErasedTemplate(std::filesystem::path path, const StructSchema& schema);
  ~ErasedTemplate();
  ResolvedText decode(void* value, const Overrides& overrides) const;

 private:
  struct Tree;
  std::filesystem::path path_;
  const StructSchema& schema_;
  std::unique_ptr<const Tree> tree_;
};

template <class T>
class Template {
 public:
  explicit Template(const std::filesystem::path& path) : path_(path), erased_(path, schema_of<T>()) {}
  Resolved<T> with(const Overrides& overrides) const {
    Resolved<T> resolved{};
    ResolvedText text = erased_.decode(&resolved.value, overrides);
    resolved.yaml = std::move(text.yaml);
    resolved.hash = std::move(text.hash);
    resolved.path = path_;
    return resolved;
  }

 private:
  std::filesystem::path path_;
  ErasedTemplate erased_;
};

// The text of the file's `kind:` key; throws UserError if there is none (`known` is listed then).
std::string kind_of(const std::filesystem::path& path, const std::vector<std::string>& known);

// A name given on the command line: as it is, else relative to the repository root of the build.
std::filesystem::path find_file(const std::filesystem::path& name);
std::filesystem::path repository_root();

// JSON Schema (draft 2020-12) of files of this kind, indented.
std::string json_schema(const StructSchema& schema);

// Every key of such files, for people: "pe.lanes", "an integer, 1 .. 256", "required", what it means.
// Elements of lists and maps are written [] and {}; the keys of a named file are left to its own kind.
struct KeyInfo {
  std::string key;
  std::string value;
  std::string default_value;  // "required", or how the default is written
  std::string doc;
};
std::vector<KeyInfo> list_keys(const StructSchema& schema);

// FNV-1a, 64 bits, as 16 hex digits: stable across machines and releases.
std::string hash_text(std::string_view text);

}  // namespace tilewright::config
