// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/point_evaluator.h"

#include <doctest/doctest.h>

#include "arch/load.h"
#include "mappers/lower/lower.h"
#include "mappers/residency.h"
#include "sim/accel/simulator.h"
#include "sim/explore/point_worker.h"
#include "tests/explore/small_spec.h"

namespace tilewright::explore {
namespace {

const std::string kRoot = TILEWRIGHT_SOURCE_DIR;

// 12 lanes make no machine.
ExplorationSpec lanes_spec() {
  Parameter lanes;
  lanes.name = "lanes";
  lanes.keys = {"pe.lanes"};
  lanes.values = {"8", "16", "12"};
  return small_spec(128, 100, {lanes});
}

// One layer after the other, nothing reused.
PathCosts by_hand(const ExplorationSpec& spec, const arch::AcceleratorSpec& machine) {
  const auto rates = mappers::energy_rates(machine, arch::load_energy_table_of(machine).value);
  mappers::SearchOptions options;
  options.objective = spec.mapper.objective;
  options.strategy = spec.mapper.strategy;
  options.budget = spec.mapper.budget;
  PathCosts costs;
  for (const auto& path : spec.workload.paths) {
    const workloads::Network network = spec.workload.build(path);
    const auto residency = mappers::plan_residency(network, machine);
    double cycles = 0, energy = 0;
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      const workloads::Layer& layer = network.layers[i];
      if (!layer.on_pe_array && layer.vector.output_elements == 0) {
        continue;
      }
      const mappers::Evaluation e = layer.on_pe_array
                                        ? mappers::find_mapping(layer, machine, residency[i], rates, options).evaluation
                                        : mappers::vector_evaluation(layer, machine, residency[i], rates);
      cycles += e.expected_cycles();
      energy += rates.of(e.counts, e.expected_cycles());
    }
    costs.latency_s.push_back(cycles / double(machine.operating_point.clock.value));
    costs.energy_j.push_back(energy);
  }
  return costs;
}

TEST_CASE("reuse changes nothing: machines in turn give what each layer gives alone") {
  const ExplorationSpec spec = lanes_spec();
  PointEvaluator evaluator(spec);
  for (const config::Overrides& overrides : {config::Overrides{}, config::Overrides{"pe.lanes=8"},
                                             config::Overrides{"pe_count=8", "pe.lanes=8", "global_buffer.capacity=1 MiB"},
                                             config::Overrides{"dram.channels=8", "dma.ports=2"}, config::Overrides{"pe_count=4"}}) {
    const arch::AcceleratorSpec machine = arch::load_accelerator(spec.machine, overrides).value;
    const PathCosts costs = evaluator.evaluate(machine);
    const PathCosts expected = by_hand(spec, machine);
    for (std::size_t p = 0; p < 2; ++p) {
      CHECK(costs.latency_s[p] == doctest::Approx(expected.latency_s[p]).epsilon(1e-12));
      CHECK(costs.energy_j[p] == doctest::Approx(expected.energy_j[p]).epsilon(1e-12));
    }
    CHECK(costs.layers_computed < costs.layers / 2);
  }
}

TEST_CASE("the second stage is the simulator's sum, and no faster than the model's bound allows") {
  const ExplorationSpec spec = lanes_spec();
  PointEvaluator evaluator(spec);
  const arch::AcceleratorSpec machine = arch::load_accelerator(spec.machine).value;
  const PathCosts model = evaluator.evaluate(machine);
  const PathCosts simulated = evaluator.simulate(machine);
  for (std::size_t p = 0; p < 2; ++p) {
    CHECK(simulated.latency_s[p] > 0.9 * model.latency_s[p]);
    CHECK(simulated.latency_s[p] < 2 * model.latency_s[p]);
    CHECK(simulated.energy_j[p] > model.energy_j[p] * 0.98);  // the model leaves out activates and refreshes
  }
  CHECK(simulated.latency_s[1] < simulated.latency_s[0]);
}

TEST_CASE("a machine composed from the template is the one that the loader gives") {
  const config::Template<arch::AcceleratorSpec> machine(kRoot + "/configs/arch/magnet_16pe_5nm_hbm2.yaml");
  for (const config::Overrides& overrides :
       {config::Overrides{}, config::Overrides{"pe.lanes=8", "dram.channels=2"},
        config::Overrides{"dram=" + kRoot + "/configs/arch/dram/lpddr5_6400_x64.yaml", "dma.ports=1"}}) {
    const auto loaded = arch::load_accelerator(kRoot + "/configs/arch/magnet_16pe_5nm_hbm2.yaml", overrides);
    CHECK(machine.with(overrides).hash == loaded.hash);
  }
}

TEST_CASE("a worker names the parameter that makes no machine, and the layer that does not fit") {
  ExplorationSpec spec = lanes_spec();
  {
    const Space space(spec);
    PointWorker worker(spec, space);
    CHECK(worker.work({Stage::kModel, 0}).status == Status::kOk);
    const Outcome bad = worker.work({Stage::kModel, 2});
    CHECK(bad.status == Status::kFailed);
    CHECK(bad.reason == "lanes = 12: 'pe.lanes' must be a power of two, got 12");
  }
  spec.parameters[0].keys = {"vector_unit.input_buffer"};
  spec.parameters[0].values = {"256 B"};
  const Space space(spec);
  PointWorker worker(spec, space);
  const Outcome bad = worker.work({Stage::kModel, 0});
  CHECK(bad.status == Status::kFailed);
  CHECK(bad.reason.starts_with("layer \""));
  CHECK(bad.reason.find("vector_unit.input_buffer is too small") != std::string::npos);
}

TEST_CASE("over the area budget, nothing is evaluated") {
  ExplorationSpec spec = lanes_spec();
  spec.budgets.area = SquareMetres{1e-7};
  const Space space(spec);
  PointWorker worker(spec, space);
  const Outcome outcome = worker.work({Stage::kModel, 0});
  CHECK(outcome.status == Status::kOverBudget);
  CHECK(outcome.costs.latency_s.empty());
  CHECK(outcome.area_m2 > 1e-7);
}

}  // namespace
}  // namespace tilewright::explore
