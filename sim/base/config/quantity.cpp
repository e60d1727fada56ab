// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/quantity.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/base/config/reader.h"
#include "sim/base/config/text.h"
#include "sim/base/units.h"

namespace tilewright::config {
namespace {

constexpr uint64_t kKi = 1024;

std::vector<UnitInfo> byte_units(const std::string_view suffix) {
  // Names live as long as the program: string literals only.
  if (suffix.empty()) {
    return {{"B", 0, 1},   {"kB", 3, 1},
            {"KB", 3, 1},  {"KiB", 0, kKi},
            {"MB", 6, 1},  {"MiB", 0, kKi * kKi},
            {"GB", 9, 1},  {"GiB", 0, kKi * kKi * kKi},
            {"TB", 12, 1}, {"TiB", 0, kKi * kKi * kKi * kKi}};
  }
  return {{"B/s", 0, 1},   {"kB/s", 3, 1},
          {"KB/s", 3, 1},  {"KiB/s", 0, kKi},
          {"MB/s", 6, 1},  {"MiB/s", 0, kKi * kKi},
          {"GB/s", 9, 1},  {"GiB/s", 0, kKi * kKi * kKi},
          {"TB/s", 12, 1}, {"TiB/s", 0, kKi * kKi * kKi * kKi}};
}

const std::array<QuantityInfo, 8>& quantities() {
  static const std::array<QuantityInfo, 8> infos = {{
      {"a size", "64 KiB", byte_units(""), true},
      {"a frequency", "975 MHz", {{"Hz", 0, 1}, {"kHz", 3, 1}, {"MHz", 6, 1}, {"GHz", 9, 1}}, true},
      {"a bandwidth", "51.2 GB/s", byte_units("/s"), false},
      {"a time",
       "3.9 us",
       {{"fs", -15, 1}, {"ps", -12, 1}, {"ns", -9, 1}, {"us", -6, 1}, {"ms", -3, 1}, {"s", 0, 1}},
       false},
      {"a voltage", "0.67 V", {{"uV", -6, 1}, {"mV", -3, 1}, {"V", 0, 1}}, false},
      {"a power", "1.5 W", {{"pW", -12, 1}, {"nW", -9, 1}, {"uW", -6, 1}, {"mW", -3, 1}, {"W", 0, 1}}, false},
      {"an energy",
       "21.7 fJ",
       {{"aJ", -18, 1},
        {"fJ", -15, 1},
        {"pJ", -12, 1},
        {"nJ", -9, 1},
        {"uJ", -6, 1},
        {"mJ", -3, 1},
        {"J", 0, 1}},
       false},
      {"an area", "0.153 mm2", {{"um2", -12, 1}, {"mm2", -6, 1}, {"m2", 0, 1}}, false},
  }};
  return infos;
}

std::vector<std::string> unit_names(const QuantityInfo& quantity) {
  std::vector<std::string> names;
  for (const UnitInfo& unit : quantity.units) {
    names.emplace_back(unit.name);
  }
  return names;
}

// One codec per quantity; uint64_t or double underneath, as sim/base/units.h says.
class QuantityCodec : public Codec {
 public:
  explicit QuantityCodec(QuantityKind kind) : kind_(kind), info_(config::info(kind)) {}

  std::string expected(const Constraints&) const override {
    return fmt::format("{} such as '{}'", info_.what, info_.example);
  }
  Node encode(const void* value, const Constraints&) const override {
    Node node;
    node.kind = Node::Kind::kScalar;
    node.text = info_.integral ? format_quantity(kind_, *static_cast<const uint64_t*>(value))
                               : format_quantity(kind_, *static_cast<const double*>(value));
    return node;
  }
  std::string limits(const Constraints& constraints) const override {
    const bool bounded = std::isfinite(constraints.minimum) || std::isfinite(constraints.maximum);
    return (bounded ? range(constraints) : "") + (bounded && constraints.power_of_two ? ", " : "") +
           (constraints.power_of_two ? "a power of two" : "");
  }
  void json_schema(nlohmann::ordered_json& out, const Constraints&, bool) const override {
    out["type"] = "string";
    std::string pattern = fmt::format("{}", fmt::join(unit_names(info_), "|"));
    out["pattern"] = "^(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)? ?(" + pattern + ")$";
    out["examples"] = {info_.example};
  }
  void decode(const Node& node, void* value, const Constraints& constraints, Reader& reader) const override {
    if (!node.is_scalar()) {
      reader.error(node.place, "config.wrong-type",
                   fmt::format("{} must be {}, got {}", reader.quoted_path(), expected(constraints),
                               describe_found(node)));
      return;
    }
    const std::size_t number_end = node.text.find_first_not_of("0123456789.-");
    std::size_t end = number_end;
    if (end != std::string::npos && (node.text[end] == 'e' || node.text[end] == 'E')) {
      const std::size_t after = node.text.find_first_not_of("0123456789+-", end + 1);
      end = after > end + 1 ? after : end;
    }
    const std::string number = node.text.substr(0, end);
    std::string unit = end == std::string::npos ? std::string() : node.text.substr(end);
    if (!unit.empty() && unit[0] == ' ') {
      unit.erase(0, 1);
    }
    const std::optional<Decimal> decimal = parse_decimal(number);
    if (!decimal) {
      report_number(node, number, constraints, reader);
    } else if (unit.empty()) {
      report_bare(node, *decimal, reader);
    } else if (const UnitInfo* found = find(unit); found == nullptr) {
      reader.error(node.place, "config.unknown-unit",
                   fmt::format("{}: unknown unit {} in {}{}", reader.quoted_path(), quoted_excerpt(unit),
                               quoted_excerpt(node.text), did_you_mean(unit, unit_names(info_))),
                   {"units: " + join(unit_names(info_))});
    } else {
      store(node, *decimal, *found, value, constraints, reader);
    }
  }

 private:
  const UnitInfo* find(std::string_view name) const {
    for (const UnitInfo& unit : info_.units) {
      if (unit.name == name) {
        return &unit;
      }
    }
    return nullptr;
  }
  void report_number(const Node& node, const std::string& number, const Constraints& constraints,
                     Reader& reader) const {
    if (has_leading_zero(number)) {
      reader.error(node.place, "config.octal",
                   fmt::format("{}: a number must not begin with 0, got {}", reader.quoted_path(),
                               quoted_excerpt(node.text)));
      return;
    }
    reader.error(node.place, "config.wrong-type",
                 fmt::format("{} must be {}, got {}", reader.quoted_path(), expected(constraints),
                             describe_found(node)));
  }
  void report_bare(const Node& node, const Decimal& decimal, Reader& reader) const {
    bool overflow = false;
    const std::optional<uint64_t> bytes = to_integer(decimal, 1, overflow);
    std::string advice = fmt::format("write a unit after it, as in '{}'", info_.example);
    if (kind_ == QuantityKind::kBytes && bytes && *bytes > 0) {
      const std::string spelled = format_quantity(kind_, *bytes);
      advice = fmt::format("write '{} B'{}", *bytes,
                           spelled == fmt::format("{} B", *bytes) ? "" : fmt::format(" or '{}'", spelled));
    } else if (kind_ == QuantityKind::kHertz && bytes && *bytes > 0 && *bytes < 100'000) {
      advice = fmt::format("write '{} MHz' if megahertz are meant", *bytes);
    }
    reader.error(node.place, "config.missing-unit",
                 fmt::format("{} is {} and needs a unit, got {}", reader.quoted_path(), info_.what,
                             quoted_excerpt(node.text)),
                 {advice, "units: " + join(unit_names(info_))});
  }
  void store(const Node& node, const Decimal& decimal, const UnitInfo& unit, void* value,
             const Constraints& constraints, Reader& reader) const {
    double real = to_double(decimal, unit.exponent) * static_cast<double>(unit.factor);
    if (decimal.negative) {
      report_range(node, constraints, reader);
      return;
    }
    if (info_.integral) {
      Decimal scaled = decimal;
      scaled.exponent += unit.exponent;
      bool overflow = false;
      const std::optional<uint64_t> exact = to_integer(scaled, unit.factor, overflow);
      if (!exact && !overflow) {
        reader.error(
            node.place, "config.wrong-type",
            fmt::format("{} must be a whole number of {}, got {}", reader.quoted_path(),
                        kind_ == QuantityKind::kBytes ? "bytes" : "hertz", quoted_excerpt(node.text)));
        return;
      }
      if (!exact || !within(static_cast<double>(*exact), constraints)) {
        report_range(node, constraints, reader);
        return;
      }
      if (constraints.power_of_two && (*exact == 0 || (*exact & (*exact - 1)) != 0)) {
        reader.error(node.place, "config.out-of-range",
                     fmt::format("{} must be a power of two, got {}", reader.quoted_path(),
                                 quoted_excerpt(node.text)));
        return;
      }
      *static_cast<uint64_t*>(value) = *exact;
      return;
    }
    if (!std::isfinite(real) || !within(real, constraints)) {
      report_range(node, constraints, reader);
      return;
    }
    *static_cast<double*>(value) = real;
  }
  static bool within(double value, const Constraints& constraints) {
    return value >= constraints.minimum && value <= constraints.maximum;
  }
  std::string bound(double value) const {
    return info_.integral ? format_quantity(kind_, static_cast<uint64_t>(value))
                          : format_quantity(kind_, value);
  }
  std::string range(const Constraints& constraints) const {
    const bool low = std::isfinite(constraints.minimum);
    const bool high = std::isfinite(constraints.maximum);
    return low && high ? bound(constraints.minimum) + " .. " + bound(constraints.maximum)
           : high      ? "at most " + bound(constraints.maximum)
           : low       ? "at least " + bound(constraints.minimum)
                       : std::string("neither negative nor beyond 64 bits");
  }
  void report_range(const Node& node, const Constraints& constraints, Reader& reader) const {
    reader.error(node.place, "config.out-of-range",
                 fmt::format("{} must be {}, got {}", reader.quoted_path(), range(constraints),
                             quoted_excerpt(node.text)));
  }

  QuantityKind kind_;
  const QuantityInfo& info_;
};

}  // namespace

const QuantityInfo& info(QuantityKind kind) {
  return quantities()[static_cast<std::size_t>(kind)];
}

std::string format_quantity(QuantityKind kind, uint64_t value) {
  const QuantityInfo& quantity = info(kind);
  for (auto unit = quantity.units.rbegin(); unit != quantity.units.rend(); ++unit) {
    uint64_t size = unit->factor;
    for (int i = 0; i < unit->exponent; ++i) {
      size *= 10;
    }
    const bool decimal_bytes = kind == QuantityKind::kBytes && unit->factor == 1 && unit->exponent > 0;
    if (value != 0 && value % size == 0 && !decimal_bytes) {
      return fmt::format("{} {}", value / size, unit->name);
    }
  }
  return fmt::format("{} {}", value, quantity.units.front().name);
}

std::string format_quantity(QuantityKind kind, double value) {
  const QuantityInfo& quantity = info(kind);
  // People write 0.67 V and 0.153 mm2, but 21.7 fJ.
  const double least = kind == QuantityKind::kVolts || kind == QuantityKind::kSquareMetres ? 0.1 : 1.0;
  for (auto unit = quantity.units.rbegin(); unit != quantity.units.rend(); ++unit) {
    const double size = std::pow(10.0, unit->exponent);
    if (unit->factor != 1 || value < size * least) {
      continue;
    }
    // Fifteen digits read as people wrote them; kept only if they give back the same value.
    const std::string number = fmt::format("{:.15g}", value / size);
    const std::optional<Decimal> decimal = parse_decimal(number);
    if (decimal && to_double(*decimal, unit->exponent) == value) {
      return fmt::format("{} {}", number, unit->name);
    }
  }
  for (const UnitInfo& unit : quantity.units) {
    if (unit.exponent == 0 && unit.factor == 1) {
      return fmt::format("{} {}", format_double(value), unit.name);
    }
  }
  return format_double(value);
}

const Codec& quantity_codec(QuantityKind kind) {
  static const std::array<QuantityCodec, 8> codecs = {
      QuantityCodec(QuantityKind::kBytes),          QuantityCodec(QuantityKind::kHertz),
      QuantityCodec(QuantityKind::kBytesPerSecond), QuantityCodec(QuantityKind::kSeconds),
      QuantityCodec(QuantityKind::kVolts),          QuantityCodec(QuantityKind::kWatts),
      QuantityCodec(QuantityKind::kJoules),         QuantityCodec(QuantityKind::kSquareMetres)};
  return codecs[static_cast<std::size_t>(kind)];
}

}  // namespace tilewright::config
