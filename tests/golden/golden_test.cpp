// SPDX-License-Identifier: Apache-2.0
//
// The main experiment's numbers, held to what they were when somebody last looked at them: cycles, activity and DRAM traffic
// exactly, energy to nine digits. tests/golden/segformer_b2.json says how to make them anew.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "arch/energy.h"
#include "arch/load.h"
#include "sim/cli/network_runner.h"
#include "workloads/paths.h"

using nlohmann::ordered_json;
using tilewright::Action;
using tilewright::RunRecord;
using tilewright::accel::Fidelity;
using tilewright::cli::NetworkRunner;

namespace {

const std::string kRoot = TILEWRIGHT_SOURCE_DIR;
const std::string kGolden = kRoot + "/tests/golden/segformer_b2.json";

tilewright::workloads::Network network_of(const std::string& path) {
  const auto set = tilewright::config::load<tilewright::workloads::PathSet>(
                       kRoot + "/configs/workloads/segformer_b2_ade_paths.yaml")
                       .value;
  for (const auto& each : set.paths) {
    if (each.name == path) {
      return set.build(each);
    }
  }
  throw tilewright::InternalError("no such path: " + path);
}

RunRecord run(const std::string& machine, const std::string& path, Fidelity fidelity) {
  const auto spec = tilewright::arch::load_accelerator(kRoot + "/configs/arch/" + machine + ".yaml").value;
  const auto energy = tilewright::arch::load_energy_table_of(spec).value;
  return NetworkRunner(spec, energy, fidelity, false).run(network_of(path));
}

ordered_json summary_of(const RunRecord& record) {
  ordered_json activity;
  for (std::size_t i = 0; i < tilewright::kActionCount; ++i) {
    const auto action = static_cast<Action>(i);
    activity[std::string(tilewright::info(action).name)] = record.activity[action];
  }
  return {{"cycles", record.cycles},
          {"energy_j", record.total_energy().nominal},
          {"energy_on_chip_j", record.on_chip_energy().nominal},
          {"activity", activity}};
}

void compare(const ordered_json& now, const ordered_json& golden) {
  CHECK(now["cycles"] == golden["cycles"]);
  CHECK(now["activity"] == golden["activity"]);
  for (const char* energy : {"energy_j", "energy_on_chip_j"}) {
    CHECK(now[energy].get<double>() == doctest::Approx(golden[energy].get<double>()).epsilon(1e-9));
  }
}

}  // namespace

TEST_CASE("SegFormer-B2 and three of its paths cost on both memories what they did") {
  const bool update = std::getenv("TILEWRIGHT_UPDATE_GOLDEN") != nullptr;
  ordered_json golden;
  if (!update) {
    std::ifstream(kGolden) >> golden;
  }
  ordered_json fresh = {{"_meta",
                         {{"what", "cycles, activity and energy of configs/experiments/segformer_b2_paths.yaml, event fidelity"},
                          {"update", "TILEWRIGHT_UPDATE_GOLDEN=1 build/ci/tests/golden/golden_test"}}}};
  for (const char* machine : {"magnet_16pe_5nm_lpddr5", "magnet_16pe_5nm_hbm2"}) {
    for (const char* path : {"full", "fuse_1536", "depth_2352", "depth_2352_fuse_1792"}) {
      const ordered_json now = summary_of(run(machine, path, Fidelity::kEvent));
      fresh[machine][path] = now;
      if (!update) {
        INFO(machine << " " << path << "; if the change is meant: TILEWRIGHT_UPDATE_GOLDEN=1 build/ci/tests/golden/golden_test");
        compare(now, golden.at(machine).at(path));
      }
    }
  }
  if (update) {
    std::ofstream(kGolden) << fresh.dump(1) << "\n";
  }
}

TEST_CASE("the whole network takes the same cycles and does the same when every cycle is stepped") {
  const RunRecord event = run("magnet_16pe_5nm_lpddr5", "full", Fidelity::kEvent);
  const RunRecord tick = run("magnet_16pe_5nm_lpddr5", "full", Fidelity::kTick);
  CHECK(event.cycles == tick.cycles);
  CHECK(event.activity == tick.activity);
  CHECK(event.stalls == tick.stalls);
}
