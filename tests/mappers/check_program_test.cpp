// SPDX-License-Identifier: Apache-2.0
//
// Each law of the tile program is broken once in a legal program; the checker must name it.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "mappers/lower/lower.h"
#include "mappers/program/flow.h"
#include "sim/base/error.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/machines.h"

namespace tilewright::mappers {
namespace {

// 64 tokens, 64 -> 64 features in four chunks: two pixel parts and two channel parts, several tiles of every
// role.
TileProgram legal_program(const arch::AcceleratorSpec& spec) {
  Mapping m;
  m.pe_channels = 2;
  m.pe_pixels = 2;
  m.chunk_channels = 32;
  m.block_columns = 8;
  m.tile_columns = 16;
  m.tile_channels = 32;
  return lower(testing::linear(64, 64, 64), m, spec, {});
}

Send& send_of(TileProgram& program, Buffet buffet, std::size_t index = 0) {
  for (auto& stream : program.senders) {
    if (!stream.empty() && stream[0].buffet == buffet) {
      return stream.at(index);
    }
  }
  throw std::logic_error("no such send");
}

Step& draining_step(TileProgram& program) {
  for (Step& step : program.steps[0]) {
    if (step.drains) {
      return step;
    }
  }
  throw std::logic_error("nothing drains");
}

Tile& tile_of(TileProgram& program, TileRole role) {
  for (Tile& tile : program.tiles) {
    if (tile.role == role) {
      return tile;
    }
  }
  throw std::logic_error("no such tile");
}

struct Mutant {
  const char* expected;  // part of the message
  std::function<void(TileProgram&)> mutate;
};

TEST_CASE("a legal program passes, and each broken law is named") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  CHECK_NOTHROW(check_program(legal_program(spec), spec));

  const std::vector<Mutant> mutants = {
      {"endpoints", [](TileProgram& p) { p.endpoints = 16; }},
      {"senders", [](TileProgram& p) { p.senders.pop_back(); }},
      {"step streams", [](TileProgram& p) { p.steps.pop_back(); }},
      {"ends at byte", [](TileProgram& p) { p.classes[2].base = (4 << 20) - 1; }},
      {"overlap", [](TileProgram& p) { p.classes[1].base = p.classes[0].base; }},
      {"has index", [](TileProgram& p) { tile_of(p, TileRole::kOutput).index = 7; }},
      {"in slots of", [](TileProgram& p) { tile_of(p, TileRole::kInput).bytes = 1 << 20; }},
      {"to or from DRAM", [](TileProgram& p) { --tile_of(p, TileRole::kWeight).dram.piece_bytes; }},
      {"out of order", [](TileProgram& p) { std::reverse(p.loads.begin(), p.loads.end()); }},
      {"tiles are moved", [](TileProgram& p) { p.stores.pop_back(); }},
      {"a store of", [](TileProgram& p) { p.stores[0] = p.loads[0]; }},
      {"uses", [](TileProgram& p) { ++tile_of(p, TileRole::kInput).uses; }},
      {"destinations", [](TileProgram& p) { send_of(p, Buffet::kInput).destinations = 0; }},
      {"destinations",
       [](TileProgram& p) { send_of(p, Buffet::kInput).destinations = EndpointMask{1} << 17; }},
      {"a chunk of", [](TileProgram& p) { send_of(p, Buffet::kWeight).bytes = 65537; }},
      {"offset", [](TileProgram& p) { send_of(p, Buffet::kInput).offset = 1 << 20; }},
      {"sends from tiles and fetches", [](TileProgram& p) { send_of(p, Buffet::kWeight, 1).tile = kNone; }},
      {"no way past the global buffer",
       [](TileProgram& p) {
         for (auto& stream : p.senders) {
           for (Send& send : stream) {
             send.tile = kNone;
           }
         }
       }},
      {"is fed by senders",
       [](TileProgram& p) {
         p.senders[3].push_back(send_of(p, Buffet::kInput));
         ++p.tiles[p.senders[3].back().tile].uses;
       }},
      {"reads weight chunk", [](TileProgram& p) { p.steps[0][0].weight_chunk = 1000; }},
      {"reads input chunk", [](TileProgram& p) { p.steps[0].back().input_chunk = 0; }},
      {"receives", [](TileProgram& p) { p.steps[0].back().free_input = 0; }},
      {"frees input chunk", [](TileProgram& p) { ++p.steps[0].back().free_input; }},
      {"starts a block", [](TileProgram& p) { p.steps[0][1].starts = true; }},
      {"belongs to no block", [](TileProgram& p) { p.steps[0][0].starts = false; }},
      {"inside an output block", [](TileProgram& p) { p.steps[0].back().drains = false; }},
      {"cycles for", [](TileProgram& p) { ++p.steps[0][0].cycles; }},
      {"accumulators",
       [](TileProgram& p) {
         p.steps[0][0].pixels = 17;
         p.steps[0][0].cycles = 17 * p.steps[0][0].vectors;
       }},
      {"MACs in", [](TileProgram& p) { p.steps[0][0].macs = 1 << 20; }},
      {"the layer has", [](TileProgram& p) { --p.steps[0][0].macs; }},
      {"no output tile", [](TileProgram& p) { draining_step(p).output_tile = p.loads[0]; }},
      {"packets hold", [](TileProgram& p) { draining_step(p).output_bytes = 1025; }},
      {"entries", [](TileProgram& p) { draining_step(p).drain_entries = 17; }},
      {"is given", [](TileProgram& p) { --draining_step(p).output_bytes; }},
      {"goes back from output tile",
       [](TileProgram& p) {
         for (Step& step : p.steps[0]) {
           if (step.drains) {
             step.output_tile = p.steps[1].back().output_tile;
             break;
           }
         }
       }},
  };
  for (const Mutant& mutant : mutants) {
    CAPTURE(mutant.expected);
    TileProgram program = legal_program(spec);
    mutant.mutate(program);
    CHECK_THROWS_WITH_AS(check_program(program, spec), doctest::Contains(mutant.expected), InternalError);
  }
}

TEST_CASE("a program that waits for itself is a deadlock, and the message says who waits for what") {
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  TileProgram program = legal_program(spec);
  SUBCASE("loads that come too late") {
    std::reverse(program.loads.begin(), program.loads.end());
  }
  SUBCASE("a buffer that holds less than what must stay") {
    spec.pe.weight_buffer = Bytes{512};
  }
  std::string message;
  try {
    check_flow(program, spec);
  } catch (const InternalError& error) {
    message = error.what();
  }
  CHECK(message.find("deadlock") != std::string::npos);
  CHECK(message.find("waits for") != std::string::npos);
}

}  // namespace
}  // namespace tilewright::mappers
