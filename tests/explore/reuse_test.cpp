// SPDX-License-Identifier: Apache-2.0
//
// Layer results are reused exactly where they would be the same: what the keys leave out changes nothing, what they hold does.
#include <doctest/doctest.h>
#include <unistd.h>

#include "arch/load.h"
#include "mappers/lower/lower.h"
#include "mappers/residency.h"
#include "arch/energy.h"
#include "mappers/search/find_mapping.h"
#include "sim/accel/simulator.h"
#include "sim/explore/point_evaluator.h"
#include "sim/explore/store.h"
#include "tests/explore/small_spec.h"

namespace tilewright::explore {
namespace {

const std::string kMachine = std::string(TILEWRIGHT_SOURCE_DIR) + "/configs/arch/magnet_16pe_5nm_lpddr5.yaml";

arch::AcceleratorSpec machine_with(const config::Overrides& overrides) { return arch::load_accelerator(kMachine, overrides).value; }

ExplorationSpec reuse_spec() { return small_spec(64, 50); }

TEST_CASE("a machine's key is of what timing can depend on, and of nothing else") {
  const MachineKeys base = machine_keys(machine_with({}));
  arch::AcceleratorSpec renamed = machine_with({});
  renamed.name = renamed.description = renamed.dram.name = renamed.energy_table = "other";
  renamed.operating_point.voltage.value *= 2;
  renamed.operating_points.clear();
  CHECK(machine_keys(renamed).whole == base.whole);
  CHECK(machine_keys(renamed).without_pes == base.without_pes);
  for (const char* pe : {"pe_count=8", "pe.lanes=8", "pe.accumulator_entries=64", "pe.pipeline_depth=6", "pe.input_buffer=16 KiB"}) {
    CHECK_MESSAGE(machine_keys(machine_with({pe})).whole != base.whole, pe);
    CHECK_MESSAGE(machine_keys(machine_with({pe})).without_pes == base.without_pes, pe);
  }
  for (const char* other : {"noc.latency=5", "dram.t_rcd=20", "dram.read_queue=16", "dma.read_credits=16", "global_buffer.banks=8",
                            "vector_unit.lanes=64", "operating_point.clock=500 MHz"}) {
    CHECK_MESSAGE(machine_keys(machine_with({other})).whole != base.whole, other);
    CHECK_MESSAGE(machine_keys(machine_with({other})).without_pes != base.without_pes, other);
  }
}

// What the keys leave out, tried: PEs for layers of the vector unit; other layers' bytes in the global buffer for the rest.
TEST_CASE("layers with equal keys take the same cycles and do the same") {
  const ExplorationSpec spec = reuse_spec();
  const workloads::Network network = spec.workload.build(spec.workload.paths[0]);
  const arch::AcceleratorSpec one = machine_with({});
  const arch::AcceleratorSpec other = machine_with({"pe_count=4", "pe.lanes=8", "pe.vector_size=16", "pe.output_buffer=4 KiB"});
  accel::AcceleratorSimulator simulator(one, accel::Fidelity::kEvent), other_simulator(other, accel::Fidelity::kEvent);
  const mappers::EnergyRates rates = mappers::energy_rates(one, arch::load_energy_table_of(one).value);
  mappers::SearchOptions options;
  options.strategy = mappers::StrategyName::kTwoStage;
  std::size_t vector_layers = 0, array_layers = 0;
  for (const workloads::Layer& layer : network.layers) {
    const mappers::Residency free, crowded{false, false, false, 256 * 1024};
    if (!layer.on_pe_array && layer.vector.output_elements > 0) {
      const mappers::Residency residency{true, false, true, 4096};
      CHECK(layer_key(layer, residency, {}) != layer_key(layer, {true, false, true, 8192}, {}));
      const auto a = simulator.run(mappers::lower(layer, {}, one, residency));
      const auto b = other_simulator.run(mappers::lower(layer, {}, other, residency));
      CHECK_MESSAGE(a.cycles == b.cycles, layer.name);
      CHECK_MESSAGE(a.activity == b.activity, layer.name);
      ++vector_layers;
    } else if (layer.on_pe_array && array_layers < 12) {
      const mappers::Mapping mapping = mappers::find_mapping(layer, one, crowded, rates, options).mapping;
      CHECK(layer_key(layer, free, mapping) == layer_key(layer, crowded, mapping));
      CHECK(layer_key(layer, free, mapping) != layer_key(layer, {true, false, false, 0}, mapping));
      const auto a = simulator.run(mappers::lower(layer, mapping, one, free));
      const auto b = simulator.run(mappers::lower(layer, mapping, one, crowded));
      CHECK_MESSAGE(a == b, layer.name);
      ++array_layers;
    }
  }
  CHECK(vector_layers > 10);
  CHECK(array_layers == 12);
}

TEST_CASE("what was simulated once is not simulated again; a machine that differs is") {
  ExplorationSpec spec = reuse_spec();
  spec.mapper.objective = mappers::Objective::kCycles;  // the other voltage below must not change what is mapped how
  PointEvaluator first(spec);
  const PathCosts costs = first.simulate(machine_with({}));
  const std::vector<LayerResult> fresh = first.take_fresh_results();
  CHECK(costs.layers_computed > 20);
  CHECK(fresh.size() == costs.layers_computed);
  CHECK(first.take_fresh_results().empty());
  LayerResults known;
  for (const LayerResult& result : fresh) {
    known.know(result);
  }
  PointEvaluator second(spec, known);
  const PathCosts again = second.simulate(machine_with({}));
  CHECK(again.layers_computed == 0);
  CHECK(second.take_fresh_results().empty());
  CHECK(again.latency_s == costs.latency_s);
  CHECK(again.energy_j == costs.energy_j);
  CHECK(again.energy_low_j == costs.energy_low_j);
  CHECK(again.energy_low_j[0] < again.energy_j[0]);
  CHECK(again.energy_j[0] < again.energy_high_j[0]);

  // Another voltage costs other joules, and nothing is simulated for that.
  arch::AcceleratorSpec dearer = machine_with({});
  dearer.operating_point.voltage.value *= 1.1;
  const PathCosts at_other_voltage = second.simulate(dearer);
  CHECK(at_other_voltage.layers_computed == 0);
  CHECK(at_other_voltage.latency_s == costs.latency_s);
  CHECK(at_other_voltage.energy_j[0] > 1.01 * costs.energy_j[0]);

  // Other PEs: the vector unit's layers stand. Another network: none does.
  const PathCosts other_pes = second.simulate(machine_with({"pe.lanes=8", "pe.output_buffer=4 KiB"}));
  CHECK(other_pes.layers_computed > 0);
  CHECK(other_pes.layers_computed < costs.layers_computed);
  PointEvaluator third(spec, known);
  const arch::AcceleratorSpec slower = machine_with({"noc.latency=40"});
  const PathCosts slow = third.simulate(slower);
  CHECK(slow.layers_computed == costs.layers_computed);
  CHECK(slow.latency_s[0] > costs.latency_s[0]);
  CHECK(PointEvaluator(spec).simulate(slower).latency_s == slow.latency_s);
}

TEST_CASE("the database gives back what was put into it, to its own continuation and to others") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("tilewright reuse? #" + std::to_string(::getpid()));
  Outcome outcome;
  outcome.task = {Stage::kSimulation, 3};
  outcome.costs.latency_s = outcome.costs.energy_j = outcome.costs.energy_low_j = outcome.costs.energy_high_j = {1};
  LayerResult result{"machine", "layer", {123, {}}};
  result.simulated.activity.add(Action::kMac, 1'000'000'007);
  result.simulated.activity.add(Action::kDramRefresh, 5);
  outcome.layer_results = {result};
  CHECK(decode_outcome(encode(outcome)).layer_results.front().simulated.activity == result.simulated.activity);
  const Store::Identity identity{"hash", "yaml", {"full"}};
  {
    Store store(folder / "explore.sqlite", identity, false);
    store.add(outcome, "{}");
    LayerResults none;
    CHECK_THROWS_WITH_AS(read_layer_results(folder, none), doctest::Contains("in use by another process"), UserError);
  }
  LayerResults read;
  read_layer_results(folder, read);
  Store resumed(folder / "explore.sqlite", identity, true);
  for (const LayerResults* results : {&read, &resumed.layer_results()}) {
    const SimulatedLayer* found = results->find("machine", "layer");
    REQUIRE(found != nullptr);
    CHECK(found->cycles == 123);
    CHECK(found->activity == result.simulated.activity);
    CHECK(results->find("another machine", "layer") == nullptr);
  }
  std::filesystem::remove_all(folder);
  CHECK_THROWS_WITH_AS(read_layer_results(folder, read), doctest::Contains("holds no exploration"), UserError);
}

}  // namespace
}  // namespace tilewright::explore
