// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/base/config/codec.h"
#include "sim/base/config/reader.h"
#include "sim/base/config/schema.h"
#include "sim/base/config/text.h"

namespace tilewright::config {
namespace {

void wrong_type(const Node& node, std::string_view expected, Reader& reader) {
  reader.error(node.place, "config.wrong-type",
               fmt::format("{} must be {}, got {}", reader.quoted_path(), expected, describe_found(node)));
}

class ListCodec : public Codec {
 public:
  ListCodec(ListAccess access, const Codec& element) : access_(access), element_(element) {}
  bool is_leaf() const override { return element_.is_leaf(); }
  std::string element_mark() const override { return "[]"; }
  std::string limits(const Constraints& constraints) const override {
    const std::string each = element_.limits(constraints);
    const std::string none = constraints.non_empty || constraints.minimum_items > 0 ? "at least one" : "";
    return none + (none.empty() || each.empty() ? "" : ", ") + each;
  }
  bool needs_source() const override { return element_.needs_source(); }
  const StructSchema* schema() const override { return element_.schema(); }
  std::string expected(const Constraints& constraints) const override {
    const std::string count = access_.fixed_size == 0 ? "" : fmt::format("{} values, ", access_.fixed_size);
    return fmt::format("a list ({}each {})", count, element_.expected(constraints));
  }
  Node encode(const void* value, const Constraints& constraints) const override {
    Node node;
    node.kind = Node::Kind::kSequence;
    for (std::size_t i = 0; i < access_.size(value); ++i) {
      node.items.push_back(element_.encode(access_.at(const_cast<void*>(value), i), constraints));
    }
    return node;
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints& constraints, bool partial) const override {
    out["type"] = "array";
    element_.json_schema(out["items"], constraints, partial);
    if (const std::size_t minimum = minimum_items(constraints); minimum > 0) {
      out["minItems"] = minimum;
    }
    if (access_.fixed_size > 0) {
      out["maxItems"] = access_.fixed_size;
    }
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    if (!node.is_sequence()) {
      wrong_type(node, expected(constraints), reader);
      return;
    }
    if (access_.fixed_size > 0 && node.items.size() != access_.fixed_size) {
      reader.error(node.place, "config.out-of-range",
                   fmt::format("{} must have {} values, got {}", reader.quoted_path(), access_.fixed_size,
                               node.items.size()));
      return;
    }
    if (node.items.size() < minimum_items(constraints)) {
      reader.error(node.place, "config.out-of-range",
                   node.items.empty()
                       ? fmt::format("{} must not be empty", reader.quoted_path())
                       : fmt::format("{} must have at least {} values, got {}", reader.quoted_path(),
                                     constraints.minimum_items, node.items.size()));
      return;
    }
    if (access_.resize != nullptr) {
      access_.resize(value, node.items.size());
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Reader::Step step(reader, std::to_string(i));
      element_.decode(node.items[i], access_.at(value, i), constraints, reader);
    }
  }

 private:
  std::size_t minimum_items(const Constraints& constraints) const {
    return std::max(
        {constraints.minimum_items, access_.fixed_size, std::size_t{constraints.non_empty ? 1U : 0U}});
  }
  ListAccess access_;
  const Codec& element_;
};

class MapCodec : public Codec {
 public:
  MapCodec(MapAccess access, const Codec& element) : access_(access), element_(element) {}
  bool is_leaf() const override { return false; }
  std::string element_mark() const override { return "{}"; }
  bool needs_source() const override { return element_.needs_source(); }
  const StructSchema* schema() const override { return element_.schema(); }
  std::string expected(const Constraints& constraints) const override {
    return fmt::format("a map (each value {})", element_.expected(constraints));
  }
  Node encode(const void* value, const Constraints& constraints) const override {
    Node node;
    node.kind = Node::Kind::kMap;
    for (const auto& [key, element] : access_.items(value)) {
      node.entries.push_back({key, {}, element_.encode(element, constraints)});
    }
    return node;
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints& constraints, bool partial) const override {
    out["type"] = "object";
    element_.json_schema(out["additionalProperties"], constraints, partial);
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    if (!node.is_map()) {
      wrong_type(node, expected(constraints), reader);
      return;
    }
    if (constraints.non_empty && node.entries.empty()) {
      reader.error(node.place, "config.out-of-range",
                   fmt::format("{} must not be empty", reader.quoted_path()));
    }
    access_.clear(value);
    for (const Entry& entry : node.entries) {
      const Reader::Step step(reader, entry.key);
      decode_field_value(element_, entry.value, access_.insert(value, entry.key), constraints, false, reader);
    }
  }

 private:
  MapAccess access_;
  const Codec& element_;
};

class OptionalCodec : public Codec {
 public:
  OptionalCodec(OptionalAccess access, const Codec& element) : access_(access), element_(element) {}
  bool is_leaf() const override { return element_.is_leaf(); }
  std::string element_mark() const override { return element_.element_mark(); }
  std::string limits(const Constraints& constraints) const override { return element_.limits(constraints); }
  bool needs_source() const override { return element_.needs_source(); }
  const StructSchema* schema() const override { return element_.schema(); }
  std::string expected(const Constraints& constraints) const override {
    return element_.expected(constraints);
  }
  Node encode(const void* value, const Constraints& constraints) const override {
    const void* inner = access_.get(value);
    return inner == nullptr ? Node{} : element_.encode(inner, constraints);
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints& constraints, bool partial) const override {
    element_.json_schema(out, constraints, partial);
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    access_.reset(value);
    element_.decode(node, access_.emplace(value), constraints, reader);
  }

 private:
  OptionalAccess access_;
  const Codec& element_;
};

}  // namespace

std::unique_ptr<Codec> make_list_codec(ListAccess access, const Codec& element) {
  return std::make_unique<ListCodec>(access, element);
}
std::unique_ptr<Codec> make_map_codec(MapAccess access, const Codec& element) {
  return std::make_unique<MapCodec>(access, element);
}
std::unique_ptr<Codec> make_optional_codec(OptionalAccess access, const Codec& element) {
  return std::make_unique<OptionalCodec>(access, element);
}

}  // namespace tilewright::config
