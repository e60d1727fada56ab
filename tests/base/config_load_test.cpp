// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "sim/base/config/load.h"
#include "sim/base/config/quantity.h"
#include "tests/base/config_fixture.h"

namespace tilewright::test {
namespace {

using config::load;

TEST_CASE("a file is read with units, lists, maps, nested sections and sources") {
  Folder folder;
  folder.write("table.yaml", "x: 1\n");
  const auto path = folder.write("plant.yaml", R"(kind: plant
name: north
source: "made up for this test"
size: 66 KB
clock: 1.2 GHz
bandwidth: 51.2 GB/s
energy: {value: 21.7 fJ, source: "table 3"}
colour: dark_green
shape: [1, 2, 3]
pumps:
  - {rate: 3, on: true}
  - rate: 4
by_name:
  left: {rate: 5}
table: table.yaml
)");
  const auto plant = load<Plant>(path);
  CHECK(plant.value.name == "north");
  CHECK(plant.value.size.value == 66000);  // SI: KB is 1000 bytes
  CHECK(plant.value.clock.value == 1'200'000'000);
  CHECK(plant.value.bandwidth.value == 51.2e9);
  CHECK(plant.value.energy->value == 21.7e-15);
  CHECK(plant.value.colour == Colour::kDarkGreen);
  CHECK(plant.value.shape == std::array<uint32_t, 3>{1, 2, 3});
  REQUIRE(plant.value.pumps.size() == 2);
  CHECK(plant.value.pumps[0].on);
  CHECK(plant.value.pumps[1].rate == 4);
  CHECK(plant.value.by_name.at("left").rate == 5);
  CHECK(std::filesystem::exists(plant.value.table));
  CHECK(plant.value.limit == 8);  // the default member initialiser
}

TEST_CASE("the resolved dump loads again to the same values and the same hash") {
  Folder folder;
  const auto first = load<Plant>(folder.write("plant.yaml", minimal_plant()));
  const auto second = load<Plant>(folder.write("again.yaml", first.yaml));
  CHECK(first.hash == second.hash);
  CHECK(first.yaml.find("limit: {value: 8, source: \"default\"}  # default") != std::string::npos);
  CHECK(first.yaml.find("size: {value: 1 KiB, source: \"made up\"}") != std::string::npos);
}

TEST_CASE("the hash depends on values only") {
  Folder folder;
  const auto first = load<Plant>(folder.write("a.yaml", minimal_plant()));
  const auto respelled = load<Plant>(folder.write(
      "b.yaml", "# a comment\nsize: 1024 B\nkind: plant\nname: small\nsource: \"other\"\nclock: 1000 kHz\n"));
  const auto other = load<Plant>(folder.write("a.yaml", minimal_plant()), {"size=1025 B"});
  CHECK(first.hash == respelled.hash);
  CHECK(first.hash != other.hash);
}

TEST_CASE("extends merges maps deeply, replaces lists, and a base's source does not speak for new values") {
  Folder folder;
  folder.write("base.yaml",
               minimal_plant() + "pumps: [{rate: 1}, {rate: 2}]\nby_name: {a: {rate: 1, on: true}}\n");
  const auto path = folder.write("child.yaml",
                                 "kind: plant\nextends: base.yaml\nsource: measured\nsize: 2 KiB\n"
                                 "pumps: [{rate: 9}]\nby_name: {a: {rate: 8}, b: {rate: 7}}\n");
  const auto plant = load<Plant>(path).value;
  CHECK(plant.name == "small");
  CHECK(plant.size.value == 2048);
  REQUIRE(plant.pumps.size() == 1);
  CHECK(plant.pumps[0].rate == 9);
  CHECK(plant.by_name.at("a").rate == 8);
  CHECK(plant.by_name.at("a").on);
  CHECK(plant.by_name.at("b").rate == 7);

  const auto unsourced = folder.write("unsourced.yaml", "kind: plant\nextends: base.yaml\nsize: 2 KiB\n");
  CHECK(problems<Plant>(unsourced) ==
        "unsourced.yaml:3:7: error: 'size' does not say where it comes from [config.missing-source]\n"
        "  note: write {value: ..., source: \"...\"}, or one 'source:' for the whole section\n");
}

TEST_CASE("a section may be the name of a file of its kind, and overrides reach into it") {
  Folder folder;
  folder.write("pump.yaml", "kind: pump\nrate: 3\nsource: made up\n");
  const auto path =
      folder.write("plant.yaml", minimal_plant() + "main_pump: pump.yaml\npumps: [{rate: 1}, {rate: 2}]\n");
  const auto plant = load<Plant>(path, {"main_pump.on=true", "pumps.*.rate=5", "pumps.1.on=true"}).value;
  CHECK(plant.main_pump.rate == 3);
  CHECK(plant.main_pump.on);
  CHECK(plant.pumps[0].rate == 5);
  CHECK(plant.pumps[1].rate == 5);
  CHECK_FALSE(plant.pumps[0].on);
  CHECK(plant.pumps[1].on);
}

TEST_CASE("all problems of a file are reported at once, in file order, and at most twenty") {
  Folder folder;
  const auto path = folder.write("plant.yaml", minimal_plant() + "colour: red\nlimti: 3\nshape: [1, 2]\n");
  CHECK(problems<Plant>(path) ==
        "plant.yaml:6:9: error: 'colour' cannot be 'red' [config.unknown-value]\n"
        "  note: allowed: dark_green, light_blue\n"
        "plant.yaml:7:1: error: unknown key 'limti' in 'plant'; did you mean 'limit'? [config.unknown-key]\n"
        "  note: keys here: name, size, clock, bandwidth, energy, colour, shape, pumps, by_name, main_pump, "
        "table, "
        "limit\n"
        "plant.yaml:8:8: error: 'shape' must have 3 values, got 2 [config.out-of-range]\n");
  std::string many = minimal_plant() + "pumps:\n";
  for (int i = 0; i < 30; ++i) {
    many += "  - {rate: -1}\n";
  }
  try {
    load<Plant>(folder.write("many.yaml", many));
    FAIL("accepted");
  } catch (const UserError& error) {
    REQUIRE(error.diagnostics().size() == 20);
    CHECK(error.diagnostics().back().notes.back() == "the first 20 of 30 problems are shown");
  }
}

struct Quantities {
  std::vector<Bytes> bytes;
  std::vector<Hertz> hertz;
  std::vector<Joules> joules;
  std::vector<BytesPerSecond> bandwidths;
  std::vector<SquareMetres> areas;
};
void describe(config::Schema<Quantities>& schema) {
  schema.kind("quantities");
  schema.field(&Quantities::bytes, "bytes", "");
  schema.field(&Quantities::hertz, "hertz", "");
  schema.field(&Quantities::joules, "joules", "");
  schema.field(&Quantities::bandwidths, "bandwidths", "");
  schema.field(&Quantities::areas, "areas", "");
}

TEST_CASE("every number survives being written and read, to the last bit") {
  std::mt19937_64 random(7);
  Quantities written;
  std::string text = "kind: quantities\n";
  const auto list = [&](const char* key, config::QuantityKind kind, auto& values, auto next) {
    text += std::string(key) + ": [";
    for (int i = 0; i < 500; ++i) {
      values.push_back({next()});
      text += (i == 0 ? "" : ", ") + config::format_quantity(kind, values.back().value);
    }
    text += "]\n";
  };
  const auto integer = [&] { return random() >> (random() % 64); };
  // Any magnitude a machine could have; half of them as people write them, with three digits.
  const auto real = [&](double smallest) {
    const double mantissa = random() % 2 == 0 ? double(random() % 1000) : double(random()) / 1e17;
    return mantissa * smallest * std::pow(10.0, double(random() % 15));
  };
  using config::QuantityKind;
  list("bytes", QuantityKind::kBytes, written.bytes, integer);
  list("hertz", QuantityKind::kHertz, written.hertz, integer);
  list("joules", QuantityKind::kJoules, written.joules, [&] { return real(1e-18); });
  list("bandwidths", QuantityKind::kBytesPerSecond, written.bandwidths, [&] { return real(1.0); });
  list("areas", QuantityKind::kSquareMetres, written.areas, [&] { return real(1e-14); });
  Folder folder;
  const auto read = load<Quantities>(folder.write("q.yaml", text)).value;
  CHECK(read.bytes == written.bytes);
  CHECK(read.hertz == written.hertz);
  CHECK(read.joules == written.joules);
  CHECK(read.bandwidths == written.bandwidths);
  CHECK(read.areas == written.areas);
}

TEST_CASE("a cross-field check points at the value it is about") {
  Folder folder;
  const auto path = folder.write("plant.yaml", minimal_plant() + "pumps: [{rate: 1}, {rate: 13}]\n");
  CHECK(problems<Plant>(path) == "plant.yaml:6:27: error: 'pumps.1.rate' is unlucky [config.inconsistent]\n");
}

}  // namespace
}  // namespace tilewright::test
