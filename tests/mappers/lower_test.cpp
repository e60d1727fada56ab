// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "mappers/lower/lower.h"
#include "mappers/search/search.h"
#include "tests/mappers/machines.h"

namespace tilewright::mappers {
namespace {

workloads::Layer linear(uint32_t tokens, uint32_t inputs, uint32_t outputs) {
  workloads::Layer layer;
  layer.name = "linear";
  layer.kind = workloads::LayerKind::kLinear;
  layer.mac.input_channels = inputs;
  layer.mac.output_channels = outputs;
  layer.mac.input_width = layer.mac.output_width = tokens;
  return layer;
}

uint64_t step_count(const TileProgram& program) {
  uint64_t count = 0;
  for (const auto& stream : program.steps) {
    count += stream.size();
  }
  return count;
}

TEST_CASE("Conv2DFuse becomes a legal program of moderate size") {
  const auto spec = testing::sixteen_pes();
  const auto layer = linear(16384, 3072, 768);
  const Mapping mapping = choose_mapping(layer, spec, {});
  const TileProgram program = lower(layer, mapping, spec, {});
  check_program(program, spec);
  MESSAGE(describe(mapping), " steps ", step_count(program));
  CHECK(step_count(program) <= 400'000);
}

TEST_CASE("linear layers of all edge sizes are legal") {
  const auto spec = testing::sixteen_pes();
  for (const uint32_t tokens : {1U, 7U, 256U, 300U, 1024U}) {
    for (const uint32_t inputs : {1U, 33U, 64U, 512U}) {
      for (const uint32_t outputs : {1U, 16U, 150U, 640U}) {
        const auto layer = linear(tokens, inputs, outputs);
        const TileProgram program = lower(layer, choose_mapping(layer, spec, {}), spec, {});
        CHECK_NOTHROW(check_program(program, spec));
      }
    }
  }
}

}  // namespace
}  // namespace tilewright::mappers
