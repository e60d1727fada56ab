// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/base/config/compose.h"
#include "sim/base/config/emit.h"
#include "sim/base/config/reader.h"
#include "sim/base/config/text.h"

namespace tilewright::config {
ResolvedText load_into(void* value, const StructSchema& schema, const std::filesystem::path& path,
                       const Overrides& overrides) {
  Diagnostics diagnostics;
  const std::optional<Node> root = compose(path, schema, overrides, diagnostics);
  if (!root) {
    diagnostics.throw_if_any();
    throw InternalError("a file could not be composed and nobody said why: " + path.string());
  }
  const std::unique_ptr<Codec> codec = make_struct_codec(schema);
  Reader reader(schema.name(), path, diagnostics);
  codec->decode(*root, value, {}, reader);
  diagnostics.throw_if_any();
  const Node encoded = codec->encode(value, {});
  return {emit_resolved(encoded, schema.kind(), reader.notes()),
          hash_text(emit_canonical(encoded, schema.kind(), reader.notes()))};
}

struct ErasedTemplate::Tree {
  Node root;
};

ErasedTemplate::ErasedTemplate(std::filesystem::path path, const StructSchema& schema)
    : path_(std::move(path)), schema_(schema) {
  Diagnostics diagnostics;
  std::optional<Node> root = compose(path_, schema, {}, diagnostics);
  diagnostics.throw_if_any();
  TILEWRIGHT_CHECK(root.has_value(), "a file could not be composed and nobody said why: " + path_.string());
  tree_ = std::make_unique<const Tree>(Tree{std::move(*root)});
}

ErasedTemplate::~ErasedTemplate() = default;

ResolvedText ErasedTemplate::decode(void* value, const Overrides& overrides) const {
  Diagnostics diagnostics;
  Node root = tree_->root;
  apply_overrides(root, path_, schema_, overrides, diagnostics);
  const std::unique_ptr<Codec> codec = make_struct_codec(schema_);
  Reader reader(schema_.name(), path_, diagnostics);
  codec->decode(root, value, {}, reader);
  diagnostics.throw_if_any();
  std::string text = emit_canonical(codec->encode(value, {}), schema_.kind(), reader.notes());
  std::string hash = hash_text(text);
  return {std::move(text), std::move(hash)};
}

std::string canonical_text_of(const void* value, const StructSchema& schema) {
  return emit_canonical(make_struct_codec(schema)->encode(value, {}), schema.kind(), {});
}

std::string kind_of(const std::filesystem::path& path, const std::vector<std::string>& known) {
  Diagnostics diagnostics;
  const Node root = parse_file(path, diagnostics);
  const Node* kind = root.find("kind");
  if (kind == nullptr || !kind->is_scalar()) {
    diagnostics.throw_if_any();
    diagnostics.error({path.string(), 1, 1}, "config.missing-kind",
                      "the file does not say what it describes; write 'kind: ...'",
                      {"kinds: " + join(known)});
  } else if (std::find(known.begin(), known.end(), kind->text) == known.end()) {
    diagnostics.error(kind->place.location(), "config.wrong-kind",
                      "there is no kind " + quoted_excerpt(kind->text) + did_you_mean(kind->text, known),
                      {"kinds: " + join(known)});
  } else {
    return kind->text;
  }
  diagnostics.throw_if_any();
  return {};
}

std::string hash_text(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return fmt::format("{:016x}", hash);
}

std::string json_schema(const StructSchema& schema) {
  const std::unique_ptr<Codec> codec = make_struct_codec(schema);
  nlohmann::ordered_json full = nlohmann::ordered_json::object();
  nlohmann::ordered_json partial = nlohmann::ordered_json::object();
  codec->json_schema(full, {}, false);
  codec->json_schema(partial, {}, true);
  const nlohmann::ordered_json base = {{"type", "string"},
                                       {"description", "the file that this one builds on"}};
  partial["properties"]["extends"] = base;
  for (nlohmann::ordered_json* one : {&full, &partial}) {
    (*one)["required"].push_back("kind");
  }
  nlohmann::ordered_json out;
  out["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  out["title"] = "Tilewright " + schema.kind();
  out["description"] = schema.doc();
  out["if"] = {{"required", {"extends"}}};
  out["then"] = std::move(partial);
  out["else"] = std::move(full);
  return out.dump(2) + "\n";
}

}  // namespace tilewright::config
