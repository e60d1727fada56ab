// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/base/config/codec.h"
#include "sim/base/config/compose.h"
#include "sim/base/config/load.h"
#include "sim/base/config/reader.h"
#include "sim/base/config/text.h"

namespace tilewright::config {
namespace {

Node scalar(std::string text, bool quoted = false) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.text = std::move(text);
  node.quoted = quoted;
  return node;
}

void wrong_type(const Codec& codec, const Node& node, const Constraints& constraints, Reader& reader,
                std::vector<std::string> notes = {}) {
  reader.error(node.place, "config.wrong-type",
               fmt::format("{} must be {}, got {}", reader.quoted_path(), codec.expected(constraints),
                           describe_found(node)),
               std::move(notes));
}

void leading_zero(const Node& node, Reader& reader) {
  reader.error(node.place, "config.octal",
               fmt::format("{}: a number must not begin with 0, got {}", reader.quoted_path(),
                           quoted_excerpt(node.text)),
               {"some YAML readers take it as octal; write it without the zero"});
}

std::string range_text(const Constraints& constraints, double type_minimum, double type_maximum) {
  const double minimum = std::max(constraints.minimum, type_minimum);
  const double maximum = std::min(constraints.maximum, type_maximum);
  const std::string unit = constraints.unit.empty() ? "" : " " + constraints.unit;
  if (std::isfinite(minimum) && std::isfinite(maximum)) {
    return fmt::format("{:.17g} .. {:.17g}{}", minimum, maximum, unit);
  }
  return std::isfinite(minimum) ? fmt::format("at least {:.17g}{}", minimum, unit)
                                : fmt::format("at most {:.17g}{}", maximum, unit);
}

class BoolCodec : public Codec {
 public:
  std::string expected(const Constraints&) const override { return "true or false"; }
  Node encode(const void* value, const Constraints&) const override {
    return scalar(*static_cast<const bool*>(value) ? "true" : "false");
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints&, bool) const override {
    out["type"] = "boolean";
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    if (!node.is_scalar() || node.quoted || (node.text != "true" && node.text != "false")) {
      wrong_type(*this, node, constraints, reader);
      return;
    }
    *static_cast<bool*>(value) = node.text == "true";
  }
};

class IntegerCodec : public Codec {
 public:
  IntegerCodec(std::size_t size, bool is_signed) : size_(size), signed_(is_signed) {}

  std::string expected(const Constraints& constraints) const override {
    return constraints.unit.empty() ? "an integer" : fmt::format("an integer ({})", constraints.unit);
  }
  Node encode(const void* value, const Constraints&) const override {
    return scalar(signed_ ? fmt::format("{}", load_signed(value)) : fmt::format("{}", load_unsigned(value)));
  }
  std::string limits(const Constraints& constraints) const override {
    const bool bounded = std::isfinite(constraints.minimum) || std::isfinite(constraints.maximum);
    Constraints plain = constraints;
    plain.unit.clear();
    const std::string range = bounded ? range_text(plain, minimum(), maximum()) : "";
    return range + (range.empty() || !constraints.power_of_two ? "" : ", ") +
           (constraints.power_of_two ? "a power of two" : "");
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints& constraints, bool) const override {
    out["type"] = "integer";
    out["minimum"] = static_cast<int64_t>(std::max(constraints.minimum, minimum()));
    if (constraints.maximum < maximum()) {
      out["maximum"] = static_cast<int64_t>(constraints.maximum);
    }
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    const std::optional<Decimal> decimal =
        node.is_scalar() && !node.quoted ? parse_decimal(node.text) : std::nullopt;
    const bool all_digits =
        node.text.find_first_not_of("0123456789", node.text.starts_with('-') ? 1 : 0) == std::string::npos;
    if (!decimal || !all_digits) {
      report(node, constraints, reader);
      return;
    }
    bool overflow = false;
    const std::optional<uint64_t> magnitude = to_integer(*decimal, 1, overflow);
    const double real = to_double(*decimal);
    const bool fits = magnitude && (!decimal->negative || *magnitude <= uint64_t{1} << 63) &&
                      real >= minimum() &&
                      (signed_ ? real <= maximum() && *magnitude <= largest() + (decimal->negative ? 1 : 0)
                               : *magnitude <= largest());
    if (!fits || real < constraints.minimum || real > constraints.maximum) {
      reader.error(node.place, "config.out-of-range",
                   fmt::format("{} must be {}, got {}", reader.quoted_path(),
                               range_text(constraints, minimum(), maximum()), node.text));
      return;
    }
    if (constraints.power_of_two && (*magnitude == 0 || (*magnitude & (*magnitude - 1)) != 0)) {
      reader.error(node.place, "config.out-of-range",
                   fmt::format("{} must be a power of two, got {}", reader.quoted_path(), node.text));
      return;
    }
    store(value, decimal->negative ? ~*magnitude + 1 : *magnitude);
  }

 private:
  uint64_t largest() const {
    const uint64_t all = size_ == 8 ? UINT64_MAX : (uint64_t{1} << (8 * size_)) - 1;
    return signed_ ? all / 2 : all;
  }
  double maximum() const { return static_cast<double>(largest()); }
  double minimum() const { return signed_ ? -maximum() - 1 : 0; }
  void report(const Node& node, const Constraints& constraints, Reader& reader) const {
    if (node.is_scalar() && !node.quoted && has_leading_zero(node.text)) {
      leading_zero(node, reader);
      return;
    }
    std::vector<std::string> notes;
    if (node.quoted && parse_decimal(node.text)) {
      notes.emplace_back("remove the quotes");
    } else if (node.text.starts_with("0x") || node.text.starts_with("0o") || node.text.starts_with("0b")) {
      notes.emplace_back("write it as a decimal number");
    } else if (!node.text.empty() && node.text.find_first_not_of("0123456789_,'") == std::string::npos) {
      notes.emplace_back("write the digits without separators");
    }
    wrong_type(*this, node, constraints, reader, std::move(notes));
  }
  void store(void* value, uint64_t bits) const {
    switch (size_) {
      case 1:
        *static_cast<uint8_t*>(value) = static_cast<uint8_t>(bits);
        break;
      case 2:
        *static_cast<uint16_t*>(value) = static_cast<uint16_t>(bits);
        break;
      case 4:
        *static_cast<uint32_t*>(value) = static_cast<uint32_t>(bits);
        break;
      default:
        *static_cast<uint64_t*>(value) = bits;
        break;
    }
  }
  uint64_t load_unsigned(const void* value) const {
    switch (size_) {
      case 1:
        return *static_cast<const uint8_t*>(value);
      case 2:
        return *static_cast<const uint16_t*>(value);
      case 4:
        return *static_cast<const uint32_t*>(value);
      default:
        return *static_cast<const uint64_t*>(value);
    }
  }
  int64_t load_signed(const void* value) const {
    switch (size_) {
      case 1:
        return *static_cast<const int8_t*>(value);
      case 2:
        return *static_cast<const int16_t*>(value);
      case 4:
        return *static_cast<const int32_t*>(value);
      default:
        return *static_cast<const int64_t*>(value);
    }
  }
  std::size_t size_;
  bool signed_;
};

class RealCodec : public Codec {
 public:
  std::string expected(const Constraints& constraints) const override {
    return constraints.unit.empty() ? "a number" : fmt::format("a number ({})", constraints.unit);
  }
  Node encode(const void* value, const Constraints&) const override {
    return scalar(format_double(*static_cast<const double*>(value)));
  }
  std::string limits(const Constraints& constraints) const override {
    const bool bounded = std::isfinite(constraints.minimum) || std::isfinite(constraints.maximum);
    Constraints plain = constraints;
    plain.unit.clear();
    return bounded ? range_text(plain, -INFINITY, INFINITY) : "";
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints& constraints, bool) const override {
    out["type"] = "number";
    if (std::isfinite(constraints.minimum)) {
      out["minimum"] = constraints.minimum;
    }
    if (std::isfinite(constraints.maximum)) {
      out["maximum"] = constraints.maximum;
    }
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    const std::optional<Decimal> decimal =
        node.is_scalar() && !node.quoted ? parse_decimal(node.text) : std::nullopt;
    if (!decimal && node.is_scalar() && !node.quoted && has_leading_zero(node.text)) {
      leading_zero(node, reader);
      return;
    }
    if (!decimal) {
      wrong_type(*this, node, constraints, reader,
                 node.quoted && parse_decimal(node.text) ? std::vector<std::string>{"remove the quotes"}
                                                         : std::vector<std::string>{});
      return;
    }
    const double real = to_double(*decimal);
    if (!std::isfinite(real) || real < constraints.minimum || real > constraints.maximum) {
      constexpr double kLargest = std::numeric_limits<double>::max();
      reader.error(node.place, "config.out-of-range",
                   fmt::format("{} must be {}, got {}", reader.quoted_path(),
                               std::isfinite(real) ? range_text(constraints, -INFINITY, INFINITY)
                                                   : range_text(constraints, -kLargest, kLargest),
                               node.text));
      return;
    }
    *static_cast<double*>(value) = real;
  }
};

// Names, descriptions and file names; `Text` is std::string or std::filesystem::path.
template <class Text>
class TextCodec : public Codec {
 public:
  std::string expected(const Constraints& constraints) const override {
    return constraints.file ? "the name of a file" : "text";
  }
  bool needs_source() const override { return false; }
  Node encode(const void* value, const Constraints& constraints) const override {
    const Text& text = *static_cast<const Text*>(value);
    if (constraints.file && text.empty()) {
      return {};
    }
    return scalar(constraints.file ? portable_name(text) : std::filesystem::path(text).string(), false);
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints& constraints, bool) const override {
    out["type"] = constraints.file ? nlohmann::ordered_json("string")
                                   : nlohmann::ordered_json::array({"string", "number", "boolean"});
    if (constraints.non_empty) {
      out["minLength"] = 1;
    }
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    if (!node.is_scalar()) {
      wrong_type(*this, node, constraints, reader);
      return;
    }
    if ((constraints.non_empty || constraints.file) &&
        node.text.find_first_not_of(' ') == std::string::npos) {
      reader.error(node.place, "config.out-of-range",
                   fmt::format("{} must not be empty", reader.quoted_path()));
      return;
    }
    if (!constraints.file) {
      *static_cast<Text*>(value) = node.text;
      return;
    }
    const std::optional<std::filesystem::path> found =
        resolve_file(node.text, node.place, reader.root_file(), reader.diagnostics());
    if (found) {
      *static_cast<Text*>(value) = found->string();
      std::ifstream stream(*found, std::ios::binary);
      reader.note().file_hash = hash_text(std::string(std::istreambuf_iterator<char>(stream), {}));
    }
  }
};

class EnumerationCodec : public Codec {
 public:
  explicit EnumerationCodec(EnumerationAccess access) : access_(std::move(access)) {}
  std::string expected(const Constraints&) const override { return "one of " + join(access_.names); }
  bool needs_source() const override { return false; }
  Node encode(const void* value, const Constraints&) const override {
    const std::size_t index = access_.get(value);
    return scalar(index < access_.names.size() ? access_.names[index] : "");
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints&, bool) const override {
    out["enum"] = access_.names;
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    if (!node.is_scalar()) {
      wrong_type(*this, node, constraints, reader);
      return;
    }
    for (std::size_t i = 0; i < access_.names.size(); ++i) {
      if (access_.names[i] == node.text) {
        access_.set(value, i);
        return;
      }
    }
    reader.error(node.place, "config.unknown-value",
                 fmt::format("{} cannot be {}{}", reader.quoted_path(), quoted_excerpt(node.text),
                             did_you_mean(node.text, access_.names)),
                 {"allowed: " + join(access_.names)});
  }

 private:
  EnumerationAccess access_;
};

}  // namespace

const Codec& bool_codec() {
  static const BoolCodec codec;
  return codec;
}
const Codec& integer_codec(std::size_t size, bool is_signed) {
  static const IntegerCodec codecs[2][4] = {{{1, false}, {2, false}, {4, false}, {8, false}},
                                            {{1, true}, {2, true}, {4, true}, {8, true}}};
  return codecs[is_signed ? 1 : 0][size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
}
const Codec& real_codec() {
  static const RealCodec codec;
  return codec;
}
const Codec& text_codec() {
  static const TextCodec<std::string> codec;
  return codec;
}
const Codec& path_codec() {
  static const TextCodec<std::filesystem::path> codec;
  return codec;
}
std::unique_ptr<Codec> make_enumeration_codec(EnumerationAccess access) {
  return std::make_unique<EnumerationCodec>(std::move(access));
}

}  // namespace tilewright::config
