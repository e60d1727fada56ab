// SPDX-License-Identifier: Apache-2.0
//
// The shipped experiment, what overrides do to it, and that its resolved dump is the same experiment.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "sim/cli/experiment.h"
#include "sim/cli/print_diagnostics.h"
#include "tests/base/config_fixture.h"

namespace tilewright::test {
namespace {

const std::filesystem::path kExperiment =
    std::filesystem::path(TILEWRIGHT_SOURCE_DIR) / "configs/experiments/segformer_b2_paths.yaml";

using cli::ExperimentSpec;

TEST_CASE("the main experiment names both memories and runs every path of the workload") {
  const ExperimentSpec experiment = config::load<ExperimentSpec>(kExperiment).value;
  REQUIRE(experiment.machines.size() == 2);
  // LPDDR5 6400, 64 bits wide; HBM2 2000, 1024 bits wide.
  CHECK(experiment.machines[0].dram.peak_bytes_per_second() == 6400e6 * 64 / 8);
  CHECK(experiment.machines[1].dram.peak_bytes_per_second() == 2000e6 * 1024 / 8);
  CHECK(cli::selected_paths(experiment).size() == experiment.workload.paths.size());
  CHECK(experiment.workload.paths.size() >= 16);  // the full network and at least 15 pruned paths
  for (const arch::AcceleratorSpec& machine : experiment.machines) {
    CHECK(machine.macs_per_cycle() == 8192);
    CHECK(machine.operating_point.clock.value == 975'000'000);
  }
}

TEST_CASE("overrides reach into machines and workload, and choose paths") {
  const ExperimentSpec experiment =
      config::load<ExperimentSpec>(
          kExperiment,
          {"machines.*.noc.link_bytes_per_cycle=32", "paths=[fuse_2048, full]",
           "machines.1.dram=configs/arch/dram/lpddr5_6400_x64.yaml", "machines.1.dram.read_queue=16"})
          .value;
  CHECK(experiment.machines[0].noc.link_bytes_per_cycle == 32);
  CHECK(experiment.machines[1].noc.link_bytes_per_cycle == 32);
  CHECK(experiment.machines[1].dram.name == experiment.machines[0].dram.name);
  CHECK(experiment.machines[1].dram.read_queue == 16);
  const auto selected = cli::selected_paths(experiment);
  REQUIRE(selected.size() == 2);
  CHECK(selected[0]->name == "full");  // in the workload's order
  CHECK(selected[1]->name == "fuse_2048");
}

TEST_CASE("the resolved dump of the experiment is the experiment") {
  Folder folder;
  const auto first = config::load<ExperimentSpec>(kExperiment, {"machines.0.pe.lanes=8"});
  const auto again = config::load<ExperimentSpec>(folder.write("resolved.yaml", first.yaml));
  CHECK(again.hash == first.hash);
  CHECK(again.yaml.find("source: \"--set machines.0.pe.lanes=8\"") != std::string::npos);
  CHECK(config::load<ExperimentSpec>(kExperiment).hash != first.hash);
  CHECK(first.yaml.find(TILEWRIGHT_SOURCE_DIR) == std::string::npos);  // no folder of this machine
}

TEST_CASE("a failure shows the line it is about") {
  Folder folder;
  const auto path = folder.write("e.yaml", "kind: experiment\nname: \"toy\" # a name\n");
  const UserError quoted({Diagnostic{{path.string(), 2, 7}, "config.x", "wrong", {"right"}}});
  CHECK(cli::failure_text(quoted) == path.string() +
                                         ":2:7: error: wrong [config.x]\n"
                                         "    2 | name: \"toy\" # a name\n"
                                         "      |       ^~~~~\n"
                                         "  note: right\n");
  const UserError nowhere({Diagnostic{{path.string(), 9, 1}, "", "one", {}}, Diagnostic{{}, "", "two", {}}});
  CHECK(cli::failure_text(nowhere) == path.string() + ":9:1: error: one\nerror: two\nerror: 2 problems\n");
}

}  // namespace
}  // namespace tilewright::test
