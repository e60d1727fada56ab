// SPDX-License-Identifier: Apache-2.0
//
// The estimate against what the lowered program really asks for, and against the simulator.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>

#include "mappers/lower/lower.h"
#include "mappers/search/estimate.h"
#include "sim/accel/simulator.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/machines.h"
#include "tests/mappers/random_case.h"

namespace tilewright::mappers {
namespace {

using testing::random_case;
using testing::RandomCase;

struct Asked {
  double busiest = 0, first = 0;  // cycles of steps: of the busiest endpoint, of PE 0
  uint64_t read = 0, written = 0, injected = 0, delivered = 0, steps = 0;
};

Asked asked_by(const TileProgram& program) {
  Asked asked;
  for (std::size_t e = 0; e < program.steps.size(); ++e) {
    double cycles = 0;
    for (const Step& step : program.steps[e]) {
      cycles += step.cycles;
    }
    asked.busiest = std::max(asked.busiest, cycles);
    asked.first = e == 0 ? cycles : asked.first;
    asked.steps += program.steps[e].size();
  }
  for (const auto& sender : program.senders) {
    for (const Send& send : sender) {
      asked.injected += send.bytes;
      asked.delivered += uint64_t{send.bytes} * static_cast<uint64_t>(std::popcount(send.destinations));
    }
  }
  for (const uint32_t tile : program.loads) {
    asked.read += program.tiles[tile].bytes;
  }
  for (const uint32_t tile : program.stores) {
    asked.written += program.tiles[tile].bytes;
  }
  return asked;
}

TEST_CASE("of random mappings, what the estimate counts exactly is what the program asks for") {
  uint64_t cases = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    const RandomCase drawn = random_case(seed);
    const workloads::MacShape& mac = drawn.layer.mac;
    // Tiles and chunks that lie wholly in the padding are not sent; the estimate does not look for them.
    if (!drawn.layer.on_pe_array || mac.padding >= mac.kernel_height || mac.stride > mac.kernel_height) {
      continue;
    }
    CAPTURE(seed);
    CAPTURE(describe(drawn.mapping));
    const CostEstimate cost = estimate(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    const Asked asked = asked_by(lower(drawn.layer, drawn.mapping, drawn.spec, drawn.residency));
    REQUIRE(cost.compute == asked.first);
    REQUIRE(cost.compute <= asked.busiest);
    REQUIRE(cost.steps == asked.steps);
    REQUIRE(cost.dram_read_bytes == asked.read);
    REQUIRE(cost.dram_write_bytes == asked.written);
    ++cases;
  }
  CHECK(cases > 1500);
}

TEST_CASE("a matmul's network bytes are exact") {
  const auto spec = testing::sixteen_pes();
  for (const LoopOrder order : {LoopOrder::kWeightsOuter, LoopOrder::kPixelsOuter}) {
    for (const uint32_t channels : {1U, 2U, 4U, 16U}) {
      Mapping m;
      m.pe_channels = channels;
      m.pe_pixels = 16 / channels;
      m.pe_order = m.tile_order = order;
      m.chunk_channels = 512;
      m.tile_columns = 256;
      m.tile_channels = 256;
      const auto layer = testing::linear(1024, 1024, 512);
      const CostEstimate cost = estimate(layer, m, spec, {});
      const Asked asked = asked_by(lower(layer, m, spec, {}));
      CAPTURE(describe(m));
      CHECK(cost.injected_bytes == asked.injected);
      CHECK(cost.delivered_bytes == asked.delivered);
    }
  }
}

TEST_CASE("no DRAM traffic is below what must be moved once") {
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    const RandomCase drawn = random_case(seed);
    if (!drawn.layer.on_pe_array || !drawn.spec.has_dram) {
      continue;
    }
    CAPTURE(seed);
    const Asked asked = asked_by(lower(drawn.layer, drawn.mapping, drawn.spec, drawn.residency));
    const workloads::MacShape& mac = drawn.layer.mac;
    const uint64_t outputs =
        uint64_t{mac.groups} * mac.output_channels * mac.output_height * mac.output_width;
    REQUIRE(asked.read >= (drawn.residency.weights ? 0 : mac.weights()));
    REQUIRE(asked.written == (drawn.residency.output ? 0 : outputs));
  }
}

TEST_CASE("the bound is never above what the simulator takes") {
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    RandomCase drawn = random_case(seed);
    CAPTURE(seed);
    CAPTURE(describe(drawn.mapping));
    const CostEstimate cost = estimate(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    const TileProgram program = lower(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    accel::AcceleratorSimulator simulator(drawn.spec, accel::Fidelity::kEvent);
    const double simulated = double(simulator.run(program).cycles);
    CAPTURE(cost.compute);
    CAPTURE(cost.row_links);
    CAPTURE(cost.collect_links);
    CAPTURE(cost.output_ports);
    CAPTURE(cost.banks);
    CAPTURE(cost.dma);
    CAPTURE(cost.dram);
    CAPTURE(cost.fill);
    CAPTURE(cost.drain);
    CHECK(cost.bound() <= simulated);
  }
}

}  // namespace
}  // namespace tilewright::mappers
