// SPDX-License-Identifier: Apache-2.0
//
// Claims on records made by hand, and budgets and policies on paths made by hand: every number follows from a
// few others. The shipped files load, and the order of their numbers is what the explanations in them say.
#include <doctest/doctest.h>

#include <algorithm>

#include "sim/base/error.h"
#include "sim/cli/claims.h"
#include "sim/cli/dynamic_inference.h"

namespace tilewright::cli {
namespace {

RunRecord run(const std::string& name, const std::string& group, const std::string& machine, uint64_t macs,
              double energy, Cycle cycles) {
  RunRecord record;
  record.name = name;
  record.group = group;
  record.machine = machine;
  record.macs = macs;
  record.cycles = cycles;
  record.time_s = static_cast<double>(cycles);
  record.energy["datapath"] = {energy, energy, energy};
  record.energy["dram"] = {energy, energy, energy};
  LayerRecord conv, other;
  conv.kind = "conv2d";
  conv.macs = macs;
  conv.cycles = cycles / 2;
  conv.energy["datapath"] = {energy / 4, 0, 0};
  other.kind = "softmax";
  other.cycles = cycles - cycles / 2;
  record.layers = {conv, other};
  return record;
}

std::vector<ExperimentRecord> records() {
  ExperimentRecord record;
  record.experiment = "e";
  for (const char* machine : {"a", "b"}) {
    const double scale = machine[0] == 'a' ? 1 : 2;
    record.machines.push_back({});
    record.machines.back().name = machine;
    record.runs.push_back(run("full", "full", machine, 1000, 8 * scale, 100));
    record.runs.push_back(run("half", "depth", machine, 500, 3 * scale, 60));
    record.runs.push_back(run("most", "width", machine, 800, 7 * scale, 90));
  }
  return {record};
}

Verdict judged(Claim claim) {
  static ClaimsSpec spec;
  spec = {};
  spec.experiments.resize(1);
  claim.experiment = "e";
  claim.machine = claim.machine.empty() ? "a" : claim.machine;
  spec.claims = {claim};
  return judge(spec, records()).front();
}

Claim claim(Measure measure, QuantityName quantity, const std::string& path, double low, double high) {
  Claim made;
  made.measure = measure;
  made.quantity = quantity;
  made.path = path;
  made.at_least = low;
  made.at_most = high;
  return made;
}

const std::vector<PathCost> kPaths = {
    {"full", 1.0, 10, 10, 1, 1}, {"good", 0.8, 6, 6, 1, 1}, {"small", 0.5, 3, 3, 1, 1}};

}  // namespace

TEST_CASE("each measure is what its name says") {
  Claim share = claim(Measure::kKindShare, QuantityName::kTime, "full", 0, 1);
  share.layer_kinds = {"conv2d"};
  CHECK(*judged(share).here == doctest::Approx(0.5));
  share.measure = Measure::kKindShareRatio;
  share.quantity = QuantityName::kEnergyOnChip;
  CHECK(*judged(share).here == doctest::Approx(0.25));
  CHECK(*judged(claim(Measure::kSaving, QuantityName::kTime, "half", 0, 1)).here == doctest::Approx(0.4));
  const Verdict nearest = judged(claim(Measure::kNearestSaving, QuantityName::kEnergy, "", 0.1, 0.2));
  CHECK(nearest.path == "most");
  CHECK(*nearest.here == doctest::Approx(0.125));
  CHECK(nearest.consistent());
  Claim knob = claim(Measure::kKnobSaving, QuantityName::kEnergyOnChip, "", 0, 9);
  knob.knob = "depth";  // 5/8 of the energy for half of the MACs
  CHECK(*judged(knob).here == doctest::Approx(1.25));
  knob.measure = Measure::kKnobAdvantage;  // against 1/8 for a fifth
  CHECK(*judged(knob).here == doctest::Approx(1.25 / 0.625));
  Claim ratio = claim(Measure::kMachineRatio, QuantityName::kEnergy, "half", 0, 1);
  ratio.other_machine = "b";
  CHECK(*judged(ratio).here == doctest::Approx(0.5));
  ratio.measure = Measure::kSavingGain;
  CHECK(*judged(ratio).here == doctest::Approx(0));
}

TEST_CASE("a claim is consistent within its bounds, else off by what is missing") {
  CHECK(judged(claim(Measure::kSaving, QuantityName::kTime, "half", 0.4, 0.5)).consistent());
  CHECK(judged(claim(Measure::kSaving, QuantityName::kTime, "half", 0.5, 0.6)).distance ==
        doctest::Approx(-0.1));
  CHECK(judged(claim(Measure::kSaving, QuantityName::kTime, "half", 0.1, 0.3)).distance ==
        doctest::Approx(0.1));
  const Verdict none = judged(claim(Measure::kNotSimulated, QuantityName::kTime, "", 0, 1));
  CHECK_FALSE(none.here.has_value());
  CHECK_FALSE(none.consistent());
}

TEST_CASE("budgets stay between their ends, move in steps, and follow from their seed") {
  BudgetSpec spec;
  spec.lowest = 0.3;
  spec.highest = 1.2;
  spec.step = 0.1;
  const std::vector<double> budgets = draw_budgets(spec, 5000);
  CHECK(*std::min_element(budgets.begin(), budgets.end()) >= 0.3);
  CHECK(*std::max_element(budgets.begin(), budgets.end()) <= 1.2);
  CHECK(*std::min_element(budgets.begin(), budgets.end()) < 0.4);  // both ends are reached
  CHECK(*std::max_element(budgets.begin(), budgets.end()) > 1.1);
  for (std::size_t i = 1; i < budgets.size(); ++i) {
    CHECK(std::abs(budgets[i] - budgets[i - 1]) <= 0.1 + 1e-12);
  }
  CHECK(draw_budgets(spec, 5000) == budgets);
  spec.seed = 2;
  CHECK(draw_budgets(spec, 5000) != budgets);
}

TEST_CASE("the path taken is the best that fits with its switch") {
  DynamicInferenceSpec spec;
  spec.budget.resource = Resource::kTime;
  // Full fits; good fits; nothing fits but small; good fits free of a switch only; nothing fits.
  const std::vector<PolicyResult> results = play(spec, kPaths, {1.0, 0.7, 0.45, 0.65, 0.2});
  const PolicyResult& full = results[0];
  CHECK(full.late == 4);
  CHECK(full.kept == doctest::Approx(1));
  const PolicyResult& safe = results[1];
  CHECK(safe.frames_of_path == std::vector<uint64_t>{0, 0, 5});
  CHECK(safe.late == 1);
  const PolicyResult& each = results[2];
  CHECK(each.frames_of_path == std::vector<uint64_t>{1, 1, 3});
  CHECK(each.switches == 2);
  CHECK(each.late == 1);
  CHECK(each.kept == doctest::Approx((1 + 0.8 + 3 * 0.5) / 5));
  CHECK(each.time_s == doctest::Approx(10 + 6 + 3 * 3 + 2));
  CHECK(each.switch_time_s == doctest::Approx(2));
  const PolicyResult& free = results[3];
  CHECK(free.frames_of_path == std::vector<uint64_t>{1, 2, 2});
  CHECK(free.switch_time_s == 0);
}

TEST_CASE("the shipped files load") {
  const std::string folder = TILEWRIGHT_SOURCE_DIR "/configs/experiments/";
  const ClaimsSpec claims = config::load<ClaimsSpec>(folder + "vit_resilience_claims.yaml").value;
  CHECK(claims.claims.size() >= 15);
  CHECK(claims.experiments.size() == 3);
  CHECK(config::load<DynamicInferenceSpec>(folder + "segformer_b2_dynamic.yaml")
            .value.switching.weights_shared);
  CHECK_FALSE(config::load<DynamicInferenceSpec>(folder + "ofa_resnet50_dynamic.yaml")
                  .value.switching.weights_shared);
}

}  // namespace tilewright::cli
