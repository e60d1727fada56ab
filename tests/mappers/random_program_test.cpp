// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "mappers/lower/lower.h"
#include "tests/mappers/random_case.h"
#include "tests/mappers/walk.h"

namespace tilewright::mappers::testing {
namespace {

TEST_CASE(
    "random layers under random legal mappings become programs that obey every law and compute every "
    "product") {
  uint64_t on_array = 0;
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    CAPTURE(seed);
    const RandomCase drawn = random_case(seed);
    CAPTURE(describe(drawn.mapping));
    const bool walkable = drawn.layer.on_pe_array && drawn.layer.macs() <= 200'000;
    on_array += walkable;
    std::string failure;
    try {
      const TileProgram program = lower(drawn.layer, drawn.mapping, drawn.spec, drawn.residency, walkable);
      check_program(program, drawn.spec);
      if (walkable) {
        walk(drawn.layer, program);
      }
    } catch (const std::exception& error) {
      failure = error.what();
    }
    REQUIRE(failure == "");
  }
  CHECK(on_array > 1000);
}

}  // namespace
}  // namespace tilewright::mappers::testing
