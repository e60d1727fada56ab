// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>
#include <tuple>

#include "dram_fuzz.h"

namespace tilewright::memory {
namespace {

TEST_CASE("the map is a bijection on small memories, address by address") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    DramFuzz fuzz(seed);
    arch::DramSpec spec = fuzz.spec();
    spec.rows = 8;
    const AddressMap map(spec);
    const uint64_t burst = spec.burst_bytes.value;
    CAPTURE(seed);
    REQUIRE(map.capacity() == uint64_t{spec.channels} * spec.bank_groups * spec.banks_per_group * spec.rows *
                                  spec.row_bytes.value);
    if (map.capacity() / burst > 1 << 17) {
      continue;
    }
    std::set<std::tuple<uint32_t, uint32_t, uint32_t, uint64_t, uint32_t>> seen;
    for (uint64_t address = 0; address < map.capacity(); address += burst) {
      const DramLocation place = map.locate(address + address / burst % burst);
      REQUIRE(place.channel < spec.channels);
      REQUIRE(place.bank_group < spec.bank_groups);
      REQUIRE(place.bank < spec.banks_per_group);
      REQUIRE(place.row < spec.rows);
      REQUIRE(place.column < spec.row_bytes.value / burst);
      REQUIRE(map.address_of(place) == address + address / burst % burst);
      seen.emplace(place.channel, place.bank_group, place.bank, place.row, place.column);
    }
    CHECK(seen.size() == map.capacity() / burst);
  }
}

TEST_CASE("the order of the fields, by hand") {
  arch::DramSpec spec;
  spec.channels = 2;
  spec.bank_groups = 4;
  spec.banks_per_group = 2;
  spec.rows = 16;
  spec.row_bytes = {512};
  spec.burst_bytes = {32};
  spec.channel_interleave = {128};
  spec.bank_group_interleave = 2;
  spec.bank_hash = false;
  // address: row 4 | bank 1 | high column 3 | bank group 2 | low column 1 | burst 5, and the channel at bit 7
  const AddressMap map(spec);
  CHECK(map.locate(0) == DramLocation{0, 0, 0, 0, 0, 0});
  CHECK(map.locate(31).offset == 31);
  CHECK(map.locate(32) == DramLocation{0, 0, 0, 0, 1, 0});
  CHECK(map.locate(64) == DramLocation{0, 1, 0, 0, 0, 0});
  CHECK(map.locate(128) == DramLocation{1, 0, 0, 0, 0, 0});
  CHECK(map.locate(256) == DramLocation{0, 2, 0, 0, 0, 0});
  CHECK(map.locate(512) == DramLocation{0, 0, 0, 0, 2, 0});
  CHECK(map.locate(4096) == DramLocation{0, 0, 1, 0, 0, 0});
  CHECK(map.locate(8192) == DramLocation{0, 0, 0, 1, 0, 0});
  spec.bank_hash = true;  // row 5 = 0b101: bank ^= 1, bank group ^= 0b10
  CHECK(AddressMap(spec).locate(5 * 8192) == DramLocation{0, 2, 1, 5, 0, 0});
}

}  // namespace
}  // namespace tilewright::memory
