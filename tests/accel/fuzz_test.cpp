// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "sim/accel/simulator.h"
#include "sim/base/error.h"
#include "tests/accel/random_program.h"

using tilewright::accel::AcceleratorSimulator;
using tilewright::accel::Fidelity;
using tilewright::accel::LayerResult;
using tilewright::accel::testing::Case;
using tilewright::accel::testing::Pressure;
using tilewright::accel::testing::random_case;

namespace {

// More than CI's share for a long run: TILEWRIGHT_FUZZ_CASES=100000 build/release/tests/accel/accel_fuzz_test
uint64_t number_of_cases() {
  const char* const wanted = std::getenv("TILEWRIGHT_FUZZ_CASES");
  return wanted != nullptr ? std::stoull(wanted) : 1200;
}

}  // namespace

TEST_CASE("tick and event agree in cycles, activity and stalls on random machines and programs") {
  const uint64_t cases = number_of_cases();
  uint64_t compared = 0;
  for (uint64_t seed = 1; seed <= cases; ++seed) {
    const Case random = random_case(seed, static_cast<Pressure>(seed % 3));
    CAPTURE(seed);
    LayerResult event;
    try {
      event = AcceleratorSimulator(random.spec, Fidelity::kEvent).run(random.program);
    } catch (const tilewright::InternalError&) {
      continue;  // a program that waits for itself; see below
    }
    const LayerResult tick = AcceleratorSimulator(random.spec, Fidelity::kTick).run(random.program);
    REQUIRE(tick.cycles == event.cycles);
    REQUIRE(tick.activity == event.activity);
    REQUIRE(tick.stalls == event.stalls);
    REQUIRE(tick == event);
    ++compared;
  }
  CHECK(compared * 100 >= cases * 95);
}

TEST_CASE("a step whose weights never come is reported by both, naming who waits") {
  Case random = random_case(3, Pressure::kAny);
  std::size_t sender = random.spec.noc.rows;  // the first of those that carry weights
  while (random.program.senders[sender].empty()) {
    ++sender;
  }
  random.program.senders[sender].pop_back();
  for (const Fidelity fidelity : {Fidelity::kEvent, Fidelity::kTick}) {
    std::string message;
    try {
      AcceleratorSimulator(random.spec, fidelity).run(random.program);
    } catch (const tilewright::InternalError& error) {
      message = error.what();
    }
    CHECK(message.find("pe") != std::string::npos);
  }
}
