// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "sim/base/config/codec.h"
#include "sim/base/config/load.h"
#include "sim/base/config/reader.h"
#include "sim/base/config/schema.h"
#include "sim/base/config/text.h"

namespace tilewright::config {

Field::Field(std::string_view key, std::string_view doc, std::ptrdiff_t offset, const Codec& codec)
    : key_(key), doc_(doc), offset_(offset), codec_(&codec) {}

Field& Field::unit(std::string_view unit) {
  constraints_.unit = unit;
  return *this;
}

StructSchema& StructSchema::name(std::string_view name, std::string_view doc) {
  name_ = name;
  doc_ = doc;
  return *this;
}

StructSchema& StructSchema::kind(std::string_view kind, std::string_view doc) {
  kind_ = kind;
  return name(kind, doc);
}

Field& StructSchema::add_field(std::string_view key, std::string_view doc, std::ptrdiff_t offset, const Codec& codec) {
  return fields_.emplace_back(key, doc, offset, codec);
}

const Field* StructSchema::find(std::string_view key) const {
  for (const Field& field : fields_) {
    if (field.key() == key) {
      return &field;
    }
  }
  return nullptr;
}

std::vector<std::string> StructSchema::keys() const {
  std::vector<std::string> keys;
  for (const Field& field : fields_) {
    keys.push_back(field.key());
  }
  return keys;
}

namespace {

// Follows a dotted key from a section; stops at the deepest value that was written.
const Node* deepest(const Node& section, std::string_view dotted, bool& complete) {
  const Node* node = &section;
  complete = false;
  while (!dotted.empty()) {
    const std::string_view key = dotted.substr(0, dotted.find('.'));
    const Node* next = node->find(key);
    if (node->is_sequence() && !key.empty() && key.size() < 6 &&
        key.find_first_not_of("0123456789") == std::string_view::npos) {
      const auto index = static_cast<std::size_t>(std::stoul(std::string(key)));
      next = index < node->items.size() ? &node->items[index] : nullptr;
    }
    if (next == nullptr) {
      return node;
    }
    node = next;
    dotted.remove_prefix(std::min(dotted.size(), key.size() + 1));
  }
  complete = true;
  const Node* value = node->find("value");  // {value: ..., source: ...}
  return value != nullptr && node->find("source") != nullptr ? value : node;
}

}  // namespace

void Checker::error(std::string_view key, const std::string& message, std::vector<std::string> notes,
                    const std::string& code) {
  bool complete = false;
  const Node* node = deepest(*section_, key, complete);
  const std::string full = path_.empty() ? std::string(key)
                           : key.empty() ? path_
                                         : path_ + "." + std::string(key);
  diagnostics_->error(node->place.location(), code, "'" + full + "' " + message, std::move(notes));
}

bool Checker::has(std::string_view key) const {
  bool complete = false;
  deepest(*section_, key, complete);
  return complete;
}

namespace {

bool is_text(const Node& node) {
  return node.is_scalar() && node.text.find_first_not_of(' ') != std::string::npos;
}

// {value: ..., source: "..."}: returns the value, or null after a complaint.
const Node* unwrap(const Node& node, std::string& source, Reader& reader) {
  const Node* value = nullptr;
  for (const Entry& entry : node.entries) {
    if (entry.key == "value") {
      value = &entry.value;
    } else if (entry.key == "source" && is_text(entry.value)) {
      source = entry.value.text;
    } else if (entry.key == "source") {
      reader.error(
          entry.value.place, "config.wrong-type",
          fmt::format("'{}.source' must be text, got {}", reader.path(), describe_found(entry.value)));
    } else {
      reader.error(entry.place, "config.unknown-key",
                   fmt::format("unknown key {} in {}{}", quoted_excerpt(entry.key), reader.quoted_path(),
                               did_you_mean(entry.key, {"value", "source"})),
                   {"keys here: value, source"});
    }
  }
  if (value == nullptr) {
    reader.error(node.place, "config.missing-key",
                 fmt::format("missing key 'value' in {}", reader.quoted_path()));
    return nullptr;
  }
  const Node* source_node = node.find("source");
  if (source_node != nullptr && !value->place.is_override() &&
      *value->place.file != *source_node->place.file) {
    source.clear();  // an extending file replaced the value, so the base's source no longer speaks for it
  }
  return value;
}

void check_source(const Node& value, std::string source, Reader& reader) {
  if (source.empty() && value.place.is_override()) {
    source = *value.place.file;
  }
  for (auto section = reader.section_sources().rbegin();
       source.empty() && section != reader.section_sources().rend(); ++section) {
    if (section->file == *value.place.file) {
      source = section->text;
    }
  }
  if (source.empty()) {
    reader.error(value.place, "config.missing-source",
                 fmt::format("{} does not say where it comes from", reader.quoted_path()),
                 {"write {value: ..., source: \"...\"}, or one 'source:' for the whole section"});
    return;
  }
  reader.note().source = source;
}

}  // namespace

void decode_field_value(const Codec& codec, const Node& node, void* value, const Constraints& constraints,
                        bool source_exempt, Reader& reader) {
  if (!reader.demands_sources || !codec.is_leaf()) {
    codec.decode(node, value, constraints, reader);
    return;
  }
  std::string source;
  const Node* inner = node.is_map() ? unwrap(node, source, reader) : &node;
  if (inner == nullptr) {
    return;
  }
  codec.decode(*inner, value, constraints, reader);
  if (codec.needs_source() && !source_exempt) {
    check_source(*inner, std::move(source), reader);
  }
}

namespace {

class StructCodec : public Codec {
 public:
  explicit StructCodec(const StructSchema& schema) : schema_(schema) {}

  bool is_leaf() const override { return false; }
  const StructSchema* schema() const override { return &schema_; }
  std::string expected(const Constraints&) const override {
    const std::string& name = schema_.name();
    return name.empty() ? "a map" : fmt::format("a map ({})", name);
  }
  Node encode(const void* value, const Constraints&) const override {
    Node node;
    node.kind = Node::Kind::kMap;
    for (const Field& field : schema_.fields()) {
      Node encoded = field.codec().encode(field.in(value), field.constraints());
      if (!encoded.is_null()) {
        node.entries.push_back({field.key(), {}, std::move(encoded)});
      }
    }
    return node;
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints&, bool partial) const override;
  void decode(const Node& node, void* value, const Constraints&, Reader& reader) const override {
    if (node.broken) {
      ++reader.broken_sections;
      return;
    }
    if (!node.is_map()) {
      reader.error(
          node.place, "config.wrong-type",
          fmt::format("{} must be a map of keys, got {}", reader.quoted_path(), describe_found(node)),
          {"keys: " + join(schema_.keys())});
      return;
    }
    const std::size_t errors_before = reader.diagnostics().count() + reader.broken_sections;
    const bool demanded_before = reader.demands_sources;
    reader.demands_sources = demanded_before || schema_.demands_sources();
    const std::size_t sources_before = reader.section_sources().size();
    note_section_sources(node, reader);
    const std::set<std::string> suspects = report_unknown(node, reader);
    report_missing(node, suspects, reader);
    for (const Field& field : schema_.fields()) {
      decode_field(field, node, value, reader);
    }
    reader.section_sources().resize(sources_before);
    reader.demands_sources = demanded_before;
    if (reader.diagnostics().count() + reader.broken_sections == errors_before) {
      Checker checker(node, reader.path(), reader.diagnostics());
      for (const auto& check : schema_.checks()) {
        check(value, checker);
      }
    }
  }

 private:
  static void note_section_sources(const Node& node, Reader& reader) {
    if (!reader.demands_sources) {
      return;
    }
    for (const Node& earlier : node.earlier_sources) {
      reader.section_sources().push_back({*earlier.place.file, earlier.text});
    }
    const Node* source = node.find("source");
    if (source != nullptr && is_text(*source)) {
      reader.section_sources().push_back({*source->place.file, source->text});
    }
  }
  // Returns the keys that unknown ones were probably meant to be, which are then not reported as missing too.
  std::set<std::string> report_unknown(const Node& node, Reader& reader) const {
    std::set<std::string> suspects;
    std::vector<std::string> absent;
    for (const Field& field : schema_.fields()) {
      if (node.find(field.key()) == nullptr) {
        absent.push_back(field.key());
      }
    }
    for (const Entry& entry : node.entries) {
      if (schema_.find(entry.key) != nullptr || (entry.key == "source" && reader.demands_sources)) {
        continue;
      }
      std::string near = nearest(entry.key, absent);
      near = near.empty() ? nearest(entry.key, schema_.keys()) : near;
      suspects.insert(near);
      reader.error(entry.place, "config.unknown-key",
                   fmt::format("unknown key {} in {}{}", quoted_excerpt(entry.key), reader.quoted_path(),
                               near.empty() ? "" : "; did you mean '" + near + "'?"),
                   {"keys here: " + join(schema_.keys())});
    }
    return suspects;
  }
  static void decode_field(const Field& field, const Node& node, void* value, Reader& reader) {
    const Reader::Step step(reader, field.key());
    if (const Node* child = node.find(field.key())) {
      decode_field_value(field.codec(), *child, field.in(value), field.constraints(), field.source_exempt(),
                         reader);
      return;
    }
    reader.note().is_default = true;
    if (reader.demands_sources && field.codec().is_leaf() && field.codec().needs_source()) {
      reader.note().source = "default";
    }
  }
  void report_missing(const Node& node, const std::set<std::string>& suspects, Reader& reader) const {
    std::vector<std::string> keys;
    std::vector<std::string> notes;
    for (const Field& field : schema_.fields()) {
      if (field.is_required() && node.find(field.key()) == nullptr && !suspects.contains(field.key())) {
        keys.push_back("'" + field.key() + "'");
        notes.push_back(
            fmt::format("{}: {}; {}", keys.back(), field.doc(), field.codec().expected(field.constraints())));
      }
    }
    if (!keys.empty()) {
      reader.error(node.place, "config.missing-key",
                   fmt::format("missing key{} {} in {}", keys.size() == 1 ? "" : "s", join(keys),
                               reader.quoted_path()),
                   std::move(notes));
    }
  }

  const StructSchema& schema_;
};

// A field's schema: the value itself, or where the dialect allows it a sourced value or the name of a file.
nlohmann::ordered_json field_schema(const Field& field, bool sourced, bool partial) {
  nlohmann::ordered_json plain = nlohmann::ordered_json::object();
  field.codec().json_schema(plain, field.constraints(), partial);
  if (field.is_reference()) {
    nlohmann::ordered_json& target = plain.contains("items") ? plain["items"] : plain;
    const nlohmann::ordered_json name = {{"type", "string"}, {"description", "the name of a file"}};
    target = {{"anyOf", {name, target}}};
  }
  nlohmann::ordered_json out = {{"description", field.doc()}};
  if (sourced && field.codec().is_leaf()) {
    const nlohmann::ordered_json wrapped = {
        {"type", "object"},
        {"properties", {{"value", plain}, {"source", {{"type", "string"}}}}},
        {"required",
         partial ? nlohmann::ordered_json::array() : nlohmann::ordered_json::array({"value", "source"})},
        {"additionalProperties", false}};
    out["anyOf"] = {plain, wrapped};
  } else {
    out.update(plain);
  }
  return out;
}

void StructCodec::json_schema(nlohmann::ordered_json& out, const Constraints&, bool partial) const {
  static thread_local int sourced_depth = 0;
  sourced_depth += schema_.demands_sources() || sourced_depth > 0 ? 1 : 0;
  out["type"] = "object";
  if (!schema_.doc().empty()) {
    out["description"] = schema_.doc();
  }
  nlohmann::ordered_json& properties = out["properties"] = nlohmann::ordered_json::object();
  nlohmann::ordered_json required = nlohmann::ordered_json::array();
  if (!schema_.kind().empty()) {
    properties["kind"] = {{"const", schema_.kind()}};
  }
  if (sourced_depth > 0 && schema_.find("source") == nullptr) {
    properties["source"] = {{"type", "string"},
                            {"description", "where the values of this section come from"}};
  }
  for (const Field& field : schema_.fields()) {
    properties[field.key()] = field_schema(field, sourced_depth > 0, partial);
    if (field.is_required() && !partial) {
      required.push_back(field.key());
    }
  }
  if (!required.empty()) {
    out["required"] = required;
  }
  out["additionalProperties"] = false;
  sourced_depth -= sourced_depth > 0 ? 1 : 0;
}

}  // namespace

std::unique_ptr<Codec> make_struct_codec(const StructSchema& schema) {
  return std::make_unique<StructCodec>(schema);
}

}  // namespace tilewright::config
