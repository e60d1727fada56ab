// SPDX-License-Identifier: Apache-2.0
//
// Exact decimal numbers, units, UTF-8 and near names: expectations worked out by hand.
#include <doctest/doctest.h>

#include <cmath>

#include "sim/base/config/diagnostics.h"
#include "sim/base/config/node.h"
#include "sim/base/config/quantity.h"
#include "sim/base/config/text.h"

namespace tilewright::test {
namespace {

using config::QuantityKind;

std::optional<uint64_t> integer(const char* text, uint64_t factor = 1) {
  bool overflow = false;
  const auto decimal = config::parse_decimal(text);
  return decimal ? config::to_integer(*decimal, factor, overflow) : std::nullopt;
}

TEST_CASE("decimals become exact integers or nothing") {
  CHECK(integer("0") == 0);
  CHECK(integer("18446744073709551615") == UINT64_MAX);
  CHECK_FALSE(integer("18446744073709551616"));
  CHECK(integer("1.5", 1024) == 1536);
  CHECK(integer("0.0009765625", 1024) == 1);
  CHECK_FALSE(integer("0.3", 1024));  // 307.2
  CHECK(integer("1.2e9") == 1'200'000'000);
  CHECK(integer("1200e-2") == 12);
  CHECK_FALSE(integer("1e400"));
  for (const char* not_a_number :
       {"", "-", "010", "1.", ".5", "1e", "1e5000", "0x10", "1 ", "+1", "1_0", "nan"}) {
    CAPTURE(not_a_number);
    CHECK_FALSE(config::parse_decimal(not_a_number));
  }
}

TEST_CASE("decimals become the nearest double, once rounded") {
  CHECK(config::to_double(*config::parse_decimal("51.2"), 9) == 51.2e9);
  CHECK(config::to_double(*config::parse_decimal("21.7"), -15) == 21.7e-15);
  CHECK(config::to_double(*config::parse_decimal("-0.1")) == -0.1);
  CHECK(config::to_double(*config::parse_decimal("1e-400")) == 0.0);
  CHECK(std::isinf(config::to_double(*config::parse_decimal("1e400"))));
}

TEST_CASE("quantities are written as people write them") {
  CHECK(config::format_quantity(QuantityKind::kBytes, uint64_t{65536}) == "64 KiB");
  CHECK(config::format_quantity(QuantityKind::kBytes, uint64_t{66000}) == "66000 B");
  CHECK(config::format_quantity(QuantityKind::kBytes, uint64_t{0}) == "0 B");
  CHECK(config::format_quantity(QuantityKind::kHertz, uint64_t{975'000'000}) == "975 MHz");
  CHECK(config::format_quantity(QuantityKind::kVolts, 0.67) == "0.67 V");
  CHECK(config::format_quantity(QuantityKind::kJoules, 21.7e-15) == "21.7 fJ");
  CHECK(config::format_quantity(QuantityKind::kBytesPerSecond, 51.2e9) == "51.2 GB/s");
  CHECK(config::format_quantity(QuantityKind::kSquareMetres, 0.153e-6) == "0.153 mm2");
}

TEST_CASE("text is UTF-8 without control characters") {
  CHECK(config::first_non_text("a\tb\r\n\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80") == std::string_view::npos);
  CHECK(config::first_non_text("ab\x07") == 2);
  CHECK(config::first_non_text("a\xFC") == 1);             // Latin-1
  CHECK(config::first_non_text("\xC0\xAF") == 0);          // overlong
  CHECK(config::first_non_text("\xED\xA0\x80") == 0);      // a surrogate
  CHECK(config::first_non_text("\xF4\x90\x80\x80") == 0);  // beyond U+10FFFF
  CHECK(config::first_non_text("x\xE2\x82") == 1);         // cut off
  CHECK(config::first_non_text(std::string_view("a\0b", 3)) == 1);
}

TEST_CASE("the nearest name is found, and far ones are not offered") {
  const std::vector<std::string> names = {"lanes", "vector_size", "weight_buffer", "banks"};
  CHECK(config::nearest("lanse", names) == "lanes");  // neighbours swapped
  CHECK(config::nearest("Lanes", names) == "lanes");
  CHECK(config::nearest("weigth_bufer", names) == "weight_buffer");
  CHECK(config::nearest("flux", names).empty());
  CHECK(config::nearest(std::string(10'000, 'x'), names).empty());
  CHECK(config::nearest("", names).empty());
}

TEST_CASE("a parsed tree keeps order, quotes and places; columns count from 1") {
  config::Diagnostics diagnostics;
  const config::Node root = config::parse_text("a: 1\nb:\n  - \"2\"\n  - {c: 3}\n", "f.yaml", diagnostics);
  CHECK(diagnostics.empty());
  REQUIRE(root.entries.size() == 2);
  CHECK(root.entries[0].value.place.location().column == 4);
  const config::Node& list = root.entries[1].value;
  REQUIRE(list.items.size() == 2);
  CHECK(list.place.line == 2);  // a block section is shown at its key
  CHECK(list.items[0].quoted);
  CHECK(list.items[1].find("c")->place.line == 4);
  CHECK(list.items[1].find("c")->place.column == 9);
}

}  // namespace
}  // namespace tilewright::test
