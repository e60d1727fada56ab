// SPDX-License-Identifier: Apache-2.0
//
// What reports derive, against the arithmetic written out at the head of example_record.cpp.
#include "sim/report/summary.h"

#include <doctest/doctest.h>

#include "tests/report/example_record.h"

namespace tilewright::report {
namespace {

using doctest::Approx;

MachineRuns runs_of(const ExperimentRecord& record) {
  return by_machine(record, "full").front();
}

TEST_CASE("what a removed MAC saves, per knob") {
  const ExperimentRecord record = example_record();
  const auto knobs = knob_savings(runs_of(record));
  REQUIRE(knobs.size() == 2);
  CHECK(knobs[0].energy_on_chip.value == Approx(0.75));
  CHECK(knobs[0].energy_with_dram.value == Approx(4.0 / 15 / 0.4));
  CHECK(knobs[0].time.value == Approx(0.75));
  CHECK(knobs[1].energy_on_chip.value == Approx(2.0));
  CHECK(knobs[1].energy_with_dram.value == Approx(2.5 / 15 / 0.1));
  CHECK(knobs[1].time.value == Approx(0.5));
}

TEST_CASE("energy with and without the memory") {
  const ExperimentRecord record = example_record();
  const MachineRuns runs = runs_of(record);
  REQUIRE(runs.reference != nullptr);
  CHECK(energy_of(*runs.reference, EnergyScope::kOnChip).nominal == Approx(10e-6));
  CHECK(energy_of(*runs.reference, EnergyScope::kWithDram).nominal == Approx(15e-6));
  CHECK(energy_of(*runs.reference, EnergyScope::kWithDram).high == Approx(30e-6));
  CHECK(energy_saving(*runs.runs[1], *runs.reference, EnergyScope::kOnChip).nominal == Approx(0.3));
}

TEST_CASE("paths on either side of a saving, and the Pareto front") {
  const ExperimentRecord record = example_record();
  const MachineRuns runs = runs_of(record);
  const auto near = near_saving(runs, 0.25, 0.0, EnergyScope::kOnChip);  // between 20 % and 30 %
  REQUIRE(near.size() == 2);
  CHECK(near[0].nearest_below);
  CHECK(near[0].run->name == "shallow");
  CHECK(near[1].nearest_above);
  CHECK(near[1].run->name == "narrow");
}

TEST_CASE("a path is on the Pareto front unless another takes less energy and time and keeps as many MACs") {
  ExperimentRecord record = example_record();
  RunRecord worse = record.runs[1];  // narrow
  worse.name = "worse";
  worse.time_s *= 1.01;
  record.runs.push_back(worse);
  const auto front = pareto_set(runs_of(record).runs);
  REQUIRE(front.size() == 3);  // full keeps the most MACs, narrow takes least, shallow is between in all three
  CHECK(front[0]->name == "full");
  CHECK(front[1]->name == "narrow");
  CHECK(front[2]->name == "shallow");
}

TEST_CASE("kinds and groups add up to the run") {
  const ExperimentRecord record = example_record();
  const RunRecord& run = *runs_of(record).reference;
  for (const auto& sums : {by_kind(run), by_layer_group(run)}) {
    Cycle cycles = 0;
    uint64_t macs = 0;
    double joules = 0;
    for (const LayerSum& sum : sums) {
      cycles += sum.cycles;
      macs += sum.macs;
      joules += total(sum.energy).nominal;
    }
    CHECK(cycles == 20000);
    CHECK(macs == 1000000);
    CHECK(joules == Approx(15e-6));
  }
}

}  // namespace
}  // namespace tilewright::report
