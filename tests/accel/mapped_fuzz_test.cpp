// SPDX-License-Identifier: Apache-2.0
//
// Random machine x layer x mapping: both fidelities take the same cycles and do the same, and what comes out of the
// modelled buffers are the layer's values.
#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cstdlib>
#include <string>

#include "mappers/lower/lower.h"
#include "sim/accel/functional/functional_run.h"
#include "sim/accel/simulator.h"
#include "tests/accel/random_program.h"
#include "tests/mappers/random_case.h"

using tilewright::accel::AcceleratorSimulator;
using tilewright::accel::Fidelity;
using tilewright::accel::FunctionalRun;
using tilewright::accel::LayerResult;
using tilewright::accel::Operands;
using tilewright::mappers::testing::RandomCase;
using tilewright::workloads::MacShape;

namespace {

uint64_t number_of_cases() {
  const char* const wanted = std::getenv("TILEWRIGHT_FUZZ_CASES");
  return wanted != nullptr ? std::stoull(wanted) : 1000;
}

using Matrix = Eigen::Matrix<int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// im2col and an int32 matrix product, one group at a time.
std::vector<int32_t> reference(const Operands& operands) {
  const MacShape& s = operands.shape;
  const Eigen::Index pixels = Eigen::Index{s.output_height} * s.output_width;
  const Eigen::Index depth = Eigen::Index{s.kernel_height} * s.kernel_width * s.input_channels;
  std::vector<int32_t> result(static_cast<std::size_t>(pixels) * s.groups * s.output_channels);
  for (uint32_t g = 0; g < s.groups; ++g) {
    Matrix columns = Matrix::Zero(pixels, depth);
    Matrix weights(s.output_channels, depth);
    for (Eigen::Index p = 0; p < pixels; ++p) {
      for (Eigen::Index d = 0; d < depth; ++d) {
        const auto channel = static_cast<uint32_t>(d % s.input_channels);
        const auto tap = static_cast<uint32_t>(d / s.input_channels);
        const int64_t row = int64_t{p} / s.output_width * s.stride + tap / s.kernel_width - s.padding;
        const int64_t column = int64_t{p} % s.output_width * s.stride + tap % s.kernel_width - s.padding;
        if (row >= 0 && column >= 0 && row < s.input_height && column < s.input_width) {
          columns(p, d) = operands.input(g, static_cast<uint32_t>(row), static_cast<uint32_t>(column), channel);
        }
      }
    }
    for (Eigen::Index k = 0; k < weights.rows(); ++k) {
      for (Eigen::Index d = 0; d < depth; ++d) {
        const auto tap = static_cast<uint32_t>(d / s.input_channels);
        weights(k, d) = operands.weight(g, static_cast<uint32_t>(k), tap / s.kernel_width, tap % s.kernel_width,
                                        static_cast<uint32_t>(d % s.input_channels));
      }
    }
    const Matrix product = columns * weights.transpose();
    std::copy(product.data(), product.data() + product.size(), result.begin() + g * product.size());
  }
  return result;
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
      REQUIRE(tick.sums == reference(operands));
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
