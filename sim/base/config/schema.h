// SPDX-License-Identifier: Apache-2.0
//
// One description per struct gives strict loading, units, defaults, ranges, cross-field checks, the resolved
// dump, the configuration hash and the JSON Schema for editors. Write, in the struct's namespace:
//
//   void describe(config::Schema<PeSpec>& schema) {
//     schema.name("pe", "one processing element");
//     schema.field(&PeSpec::lanes, "lanes", "output channels side by side").required().range(1,
//     64).power_of_two(); schema.field(&PeSpec::weight_buffer, "weight_buffer", "all lanes
//     together").required();   // "64 KiB" schema.check([](const PeSpec& pe, config::Checker& check) {
//       if (pe.weight_buffer.value % pe.lanes != 0) {
//         check.error("weight_buffer", "must hold a whole bank per lane");
//       }
//     });
//   }
//
// Field types: bool, integers, double, std::string, std::filesystem::path, the quantities of
// sim/base/units.h, enumerations (needs `std::span<const config::EnumName<E>> enumeration_names(E)` in E's
// namespace), structs with a describe(), std::optional, std::vector, std::array, and std::map<std::string, X>
// of any of these. Keys that are absent and not required() keep the default member initialiser. Top-level
// schemas call kind("...").
#pragma once

#include <array>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/base/config/codec.h"
#include "sim/base/units.h"

namespace tilewright::config {

template <class E>
struct EnumName {
  E value;
  std::string_view name;
};

class Field {
 public:
  Field(std::string_view key, std::string_view doc, std::ptrdiff_t offset, const Codec& codec);

  Field& required() {
    required_ = true;
    return *this;
  }
  // Both ends are allowed. Quantities: in their base unit (bytes, hertz, volts, ...).
  Field& range(double minimum, double maximum) {
    constraints_.minimum = minimum;
    constraints_.maximum = maximum;
    return *this;
  }
  Field& at_least(double minimum) {
    constraints_.minimum = minimum;
    return *this;
  }
  Field& power_of_two() {
    constraints_.power_of_two = true;
    return *this;
  }
  Field& unit(std::string_view unit);  // of a plain number
  Field& non_empty() {
    constraints_.non_empty = true;
    return *this;
  }
  Field& at_least_items(std::size_t count) {
    constraints_.minimum_items = count;
    return *this;
  }
  // Text that names a file: it must exist, is found relative to the file that names it, then to the
  // repository, and the value becomes a path that opens as it is.
  Field& file() {
    constraints_.file = true;
    return *this;
  }
  // The struct (or each struct of a list) may be written in place or as the name of a file of its kind.
  Field& reference() {
    reference_ = true;
    return *this;
  }
  Field& no_source() {
    source_exempt_ = true;
    return *this;
  }  // where the schema demands sources

  const std::string& key() const { return key_; }
  const std::string& doc() const { return doc_; }
  const Codec& codec() const { return *codec_; }
  const Constraints& constraints() const { return constraints_; }
  bool is_required() const { return required_; }
  bool is_reference() const { return reference_; }
  bool source_exempt() const { return source_exempt_; }
  void* in(void* object) const { return static_cast<char*>(object) + offset_; }
  const void* in(const void* object) const { return static_cast<const char*>(object) + offset_; }

 private:
  std::string key_;
  std::string doc_;
  std::ptrdiff_t offset_;
  const Codec* codec_;
  Constraints constraints_;
  bool required_ = false;
  bool reference_ = false;
  bool source_exempt_ = false;
};

// What a cross-field check reports to. Keys are relative to the struct being checked and may be dotted
// ("pe.lanes", "operating_points.0.clock"); the message appears at that value, or at its section if it was
// left to its default.
class Checker {
 public:
  Checker(const Node& section, std::string path, Diagnostics& diagnostics)
      : section_(&section), path_(std::move(path)), diagnostics_(&diagnostics) {}
  // The message continues "'path.to.key' ": for example "must divide 'dram.channel_interleave' (256 B), is
  // 100 B".
  void error(std::string_view key, const std::string& message, std::vector<std::string> notes = {},
             const std::string& code = "config.inconsistent");
  bool has(std::string_view key) const;  // was it written (in the file, its base or an override)?

 private:
  const Node* section_;
  std::string path_;
  Diagnostics* diagnostics_;
};

class StructSchema {
 public:
  StructSchema& name(std::string_view name, std::string_view doc = {});
  // The value of the file's `kind:` key; only top-level schemas have one.
  StructSchema& kind(std::string_view kind, std::string_view doc = {});
  // Every number needs a `source:`, its own ({value: 4, source: "..."}) or its section's, from the same file.
  StructSchema& demand_sources() {
    demands_sources_ = true;
    return *this;
  }

  const std::string& name() const { return name_; }
  const std::string& kind() const { return kind_; }
  const std::string& doc() const { return doc_; }
  bool demands_sources() const { return demands_sources_; }
  const std::deque<Field>& fields() const { return fields_; }
  const Field* find(std::string_view key) const;
  std::vector<std::string> keys() const;
  const std::vector<std::function<void(const void*, Checker&)>>& checks() const { return checks_; }
  const void* default_of(const Field& field) const { return field.in(prototype_); }

 protected:
  explicit StructSchema(const void* prototype) : prototype_(prototype) {}
  // Out of line: descriptions are long lists of fields, and what each expands to is compiled again and again.
  Field& add_field(std::string_view key, std::string_view doc, std::ptrdiff_t offset, const Codec& codec);

  std::deque<Field> fields_;  // a deque: references stay valid while fields are added
  std::vector<std::function<void(const void*, Checker&)>> checks_;

 private:
  const void* prototype_;  // a default-made struct, alive as long as the program
  std::string name_;
  std::string kind_;
  std::string doc_;
  bool demands_sources_ = false;
};

template <class T>
const Codec& codec_of();

template <class T>
class Schema : public StructSchema {
 public:
  Schema() : StructSchema(&prototype()) {}
  template <class M>
  Field& field(M T::*member, std::string_view key, std::string_view doc) {
    const auto offset =
        reinterpret_cast<const char*>(&(prototype().*member)) - reinterpret_cast<const char*>(&prototype());
    return add_field(key, doc, offset, codec_of<M>());
  }
  // Runs after the struct and everything in it was read without a problem.
  void check(std::function<void(const T&, Checker&)> rule) {
    checks_.push_back([rule = std::move(rule)](const void* value, Checker& checker) {
      rule(*static_cast<const T*>(value), checker);
    });
  }

 private:
  static const T& prototype() {
    static const T value{};
    return value;
  }
};

// The description of T, built once from describe(Schema<T>&), found by argument-dependent look-up.
template <class T>
const StructSchema& schema_of() {
  static const std::unique_ptr<const Schema<T>> schema = [] {
    auto built = std::make_unique<Schema<T>>();
    describe(*built);
    return built;
  }();
  return *schema;
}

namespace detail {

template <class T>
inline constexpr bool always_false = false;
template <class T>
inline constexpr int quantity_kind = -1;
template <>
inline constexpr int quantity_kind<Bytes> = int(QuantityKind::kBytes);
template <>
inline constexpr int quantity_kind<Hertz> = int(QuantityKind::kHertz);
template <>
inline constexpr int quantity_kind<BytesPerSecond> = int(QuantityKind::kBytesPerSecond);
template <>
inline constexpr int quantity_kind<Seconds> = int(QuantityKind::kSeconds);
template <>
inline constexpr int quantity_kind<Volts> = int(QuantityKind::kVolts);
template <>
inline constexpr int quantity_kind<Watts> = int(QuantityKind::kWatts);
template <>
inline constexpr int quantity_kind<Joules> = int(QuantityKind::kJoules);
template <>
inline constexpr int quantity_kind<SquareMetres> = int(QuantityKind::kSquareMetres);

template <class E>
std::unique_ptr<Codec> enumeration_codec() {
  EnumerationAccess access{{}, nullptr, nullptr};
  for (const EnumName<E>& entry : enumeration_names(E{})) {
    access.names.emplace_back(entry.name);
  }
  access.get = [](const void* value) {
    std::size_t index = 0;
    for (const EnumName<E>& entry : enumeration_names(E{})) {
      if (entry.value == *static_cast<const E*>(value)) {
        break;
      }
      ++index;
    }
    return index;
  };
  access.set = [](void* value, std::size_t index) {
    *static_cast<E*>(value) = enumeration_names(E{})[index].value;
  };
  return make_enumeration_codec(std::move(access));
}

// Overloads choose the codec of a type; the last ones are for containers.
template <class T>
struct CodecFor {
  static std::unique_ptr<Codec> make() {
    if constexpr (std::is_enum_v<T>) {
      return enumeration_codec<T>();
    } else if constexpr (std::is_class_v<T>) {
      return make_struct_codec(schema_of<T>());
    } else {
      static_assert(always_false<T>, "this type cannot be a configuration field");
    }
  }
};
template <class E>
struct CodecFor<std::vector<E>> {
  using List = std::vector<E>;
  static std::unique_ptr<Codec> make() {
    return make_list_codec(
        {[](const void* list) { return static_cast<const List*>(list)->size(); },
         [](void* list, std::size_t size) { static_cast<List*>(list)->resize(size); },
         [](void* list, std::size_t i) -> void* { return &(*static_cast<List*>(list))[i]; }, 0},
        codec_of<E>());
  }
};
template <class E, std::size_t N>
struct CodecFor<std::array<E, N>> {
  using List = std::array<E, N>;
  static std::unique_ptr<Codec> make() {
    return make_list_codec(
        {[](const void*) { return N; }, nullptr,
         [](void* list, std::size_t i) -> void* { return &(*static_cast<List*>(list))[i]; }, N},
        codec_of<E>());
  }
};
template <class E>
struct CodecFor<std::map<std::string, E>> {
  using Map = std::map<std::string, E>;
  static std::unique_ptr<Codec> make() {
    return make_map_codec(
        {[](void* map) { static_cast<Map*>(map)->clear(); },
         [](void* map, const std::string& key) -> void* { return &(*static_cast<Map*>(map))[key]; },
         [](const void* map) {
           std::vector<std::pair<std::string, const void*>> items;
           for (const auto& [key, value] : *static_cast<const Map*>(map)) {
             items.emplace_back(key, &value);
           }
           return items;
         }},
        codec_of<E>());
  }
};
template <class E>
struct CodecFor<std::optional<E>> {
  using Optional = std::optional<E>;
  static std::unique_ptr<Codec> make() {
    return make_optional_codec(
        {[](void* value) { static_cast<Optional*>(value)->reset(); },
         [](void* value) -> void* { return &static_cast<Optional*>(value)->emplace(); },
         [](const void* value) -> const void* {
           const auto& optional = *static_cast<const Optional*>(value);
           return optional ? &*optional : nullptr;
         }},
        codec_of<E>());
  }
};

}  // namespace detail

template <class T>
const Codec& codec_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return bool_codec();
  } else if constexpr (std::is_integral_v<T>) {
    return integer_codec(sizeof(T), std::is_signed_v<T>);
  } else if constexpr (std::is_same_v<T, double>) {
    return real_codec();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return text_codec();
  } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
    return path_codec();
  } else if constexpr (detail::quantity_kind<T> >= 0) {
    return quantity_codec(static_cast<QuantityKind>(detail::quantity_kind<T>));
  } else {
    static const std::unique_ptr<Codec> codec = detail::CodecFor<T>::make();
    return *codec;
  }
}

}  // namespace tilewright::config
