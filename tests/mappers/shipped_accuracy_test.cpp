// SPDX-License-Identifier: Apache-2.0
//
// How near the bound is on the layers of the networks that ship, mapped for few cycles onto the machines of the MAGNet
// family: those where compute decides, as in model_accuracy_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "arch/energy.h"
#include "arch/load.h"
#include "mappers/lower/lower.h"
#include "mappers/network_mapper.h"
#include "mappers/residency.h"
#include "sim/accel/simulator.h"
#include "tests/mappers/compute_decides.h"
#include "workloads/paths.h"

namespace tilewright::mappers {
namespace {

const std::filesystem::path kConfigs = std::filesystem::path(TILEWRIGHT_SOURCE_DIR) / "configs";

struct Nearness {
  uint64_t near = 0, layers = 0;
  double worst = 1;
};

class Judge {
 public:
  explicit Judge(const std::string& machine)
      : spec_(arch::load_accelerator(kConfigs / "arch" / (machine + ".yaml")).value),
        rates_(energy_rates(spec_, arch::load_energy_table_of(spec_).value)),
        simulator_(spec_, accel::Fidelity::kEvent) {}

  void judge(const std::string& workload, Nearness& nearness) {
    const auto paths = config::load<workloads::PathSet>(kConfigs / "workloads" / (workload + ".yaml")).value;
    const workloads::Network network = paths.build(paths.paths.front());
    MapperOptions options;
    options.objective = Objective::kCycles;
    const NetworkMapping mapped = NetworkMapper(spec_, rates_, options).map(network);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      const workloads::Layer& layer = network.layers[i];
      const bool large = double(layer.macs()) >= 20'000.0 * double(spec_.macs_per_cycle());
      if (layer.on_pe_array && large && seen_.insert(reuse_key(layer, mapped.layers[i].residency)).second) {
        compare(layer, mapped.layers[i], nearness);
      }
    }
  }

 private:
  void compare(const workloads::Layer& layer, const NetworkMapping::Layer& chosen, Nearness& nearness) {
    LayerModel model(layer, spec_, chosen.residency, rates_);
    Evaluation modelled;
    REQUIRE(model.evaluate(chosen.mapping, modelled));
    if (!testing::compute_decides(modelled) || modelled.cycles > 1e6) {  // longer ones take long to simulate
      return;
    }
    const TileProgram program = lower(layer, chosen.mapping, spec_, chosen.residency);
    const double ratio = double(simulator_.run(program).cycles) / modelled.cycles;
    CAPTURE(spec_.name);
    CAPTURE(layer.name);
    CAPTURE(describe(chosen.mapping));
    CHECK(ratio >= 1);
    nearness.worst = std::max(nearness.worst, ratio);
    nearness.near += ratio <= 1.05 ? 1 : 0;
    ++nearness.layers;
  }

  arch::AcceleratorSpec spec_;
  EnergyRates rates_;
  accel::AcceleratorSimulator simulator_;
  std::set<std::string> seen_;
};

// Known gap: docs/mapper.md, "How near", says layer by layer what is not in the bound.
TEST_CASE("layers of the shipped networks where compute decides: most are within 5 % of the bound") {
  Nearness nearness;
  for (const char* machine : {"magnet_16pe_5nm_lpddr5", "magnet_16pe_5nm_hbm2", "magnet_8pe_vectors_of_64",
                              "magnet_32pe_vectors_of_16", "magnet_32pe_5nm_lpddr5"}) {
    Judge judge(machine);
    for (const char* workload : {"segformer_b2_ade_paths", "swin_tiny_ade_paths", "resnet50", "detr_r50_paths",
                                 "deformable_detr_r50_paths", "bert_base_layers"}) {
      judge.judge(workload, nearness);
    }
  }
  MESSAGE(nearness.near << " of " << nearness.layers << " layers within 5 %, the worst at " << nearness.worst);
  CHECK(nearness.layers >= 200);
  CHECK(nearness.worst <= 1.30);
  CHECK(double(nearness.near) >= 0.86 * double(nearness.layers));
  CHECK(nearness.near < nearness.layers);  // or the gap is closed: say so in the documentation
}

}  // namespace
}  // namespace tilewright::mappers
