// SPDX-License-Identifier: Apache-2.0
//
// Random machine x layer x mapping: both fidelities take the same cycles and do the same, and what comes out of the
// modelled buffers are the layer's values.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "mappers/lower/lower.h"
#include "sim/accel/functional/functional_run.h"
#include "sim/accel/functional/reference.h"
#include "sim/accel/simulator.h"
#include "tests/accel/random_program.h"
#include "tests/mappers/random_case.h"

using tilewright::accel::AcceleratorSimulator;
using tilewright::accel::Fidelity;
using tilewright::accel::FunctionalRun;
using tilewright::accel::LayerResult;
using tilewright::accel::Operands;
using tilewright::accel::reference_sums;
using tilewright::mappers::testing::RandomCase;

namespace {

uint64_t number_of_cases() {
  const char* const wanted = std::getenv("TILEWRIGHT_FUZZ_CASES");
  return wanted != nullptr ? std::stoull(wanted) : 1000;
}

struct Outcome {
  LayerResult result;
  std::vector<int32_t> sums;
  uint64_t saturations = 0;
};

Outcome run(const RandomCase& random, Fidelity fidelity, bool functional) {
  const auto program =
      tilewright::mappers::lower(random.layer, random.mapping, random.spec, random.residency, functional);
  tilewright::mappers::check_program(program, random.spec);
  AcceleratorSimulator simulator(random.spec, fidelity);
  if (!functional) {
    return {simulator.run(program), {}, 0};
  }
  Operands operands(random.layer.mac);
  operands.fill(42);
  FunctionalRun values(program, random.spec, operands);
  Outcome outcome;
  outcome.result = simulator.run(program, &values);
  outcome.sums = values.sums();
  outcome.saturations = values.saturations();
  return outcome;
}

RandomCase random_layer(uint64_t seed) {
  RandomCase random = tilewright::mappers::testing::random_case(seed);
  if (random.spec.has_dram) {
    const uint32_t channels = random.spec.dram.channels;
    tilewright::accel::testing::randomise_dram(random.spec.dram, seed);
    random.spec.dram.channels = channels;
  }
  return random;
}

}  // namespace

TEST_CASE("random machines, layers and mappings: tick equals event, values equal Eigen's") {
  const uint64_t cases = number_of_cases();
  uint64_t computed = 0;
  for (uint64_t seed = 1; seed <= cases; ++seed) {
    const RandomCase random = random_layer(seed);
    CAPTURE(seed);
    const bool functional = random.layer.on_pe_array && seed % 4 == 0;
    const Outcome tick = run(random, Fidelity::kTick, functional);
    const Outcome event = run(random, Fidelity::kEvent, functional);
    REQUIRE(tick.result.cycles == event.result.cycles);
    REQUIRE(tick.result.activity == event.result.activity);
    REQUIRE(tick.result == event.result);
    REQUIRE(tick.sums == event.sums);
    if (functional && tick.saturations == 0) {
      Operands operands(random.layer.mac);
      operands.fill(42);
      REQUIRE(tick.sums == reference_sums(operands));
      ++computed;
    }
  }
  CHECK(computed * 8 >= cases);
}

TEST_CASE("computing values does not change a single cycle") {
  for (uint64_t seed = 4; seed <= 200; seed += 4) {
    const RandomCase random = random_layer(seed);
    if (random.layer.on_pe_array) {
      CHECK(run(random, Fidelity::kEvent, true).result == run(random, Fidelity::kEvent, false).result);
    }
  }
}
