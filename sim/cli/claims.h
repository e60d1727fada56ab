// SPDX-License-Identifier: Apache-2.0
//
// Published claims held against the simulator (configs/experiments/*claims.yaml, kind: claims): experiments,
// and for each claim one number taken from their results, what it should be, and why it is what it is. The
// number is measured on every run; the explanation is a person's and is shown as such.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/cli/experiment.h"
#include "sim/cli/options.h"

namespace tilewright::cli {

enum class Measure : uint8_t {
  kNotSimulated,    // stated so that nobody looks for it
  kKindShare,       // share of layer kinds in a path's quantity
  kKindShareRatio,  // that share, over the same kinds' share of MACs
  kSaving,          // of a path against the reference path
  kNearestSaving,   // of whichever path comes nearest to what is expected
  kKnobSaving,      // per MAC removed, relative to the reference's average MAC
  kKnobAdvantage,   // that, over the best of the other knobs
  kMachineRatio,    // a path's quantity on this machine over that on the other
  kSavingGain,      // a path's saving on this machine minus that on the other
};
enum class QuantityName : uint8_t { kMacs, kTime, kEnergyOnChip, kEnergy };
std::span<const config::EnumName<Measure>> enumeration_names(Measure);
std::span<const config::EnumName<QuantityName>> enumeration_names(QuantityName);

struct Claim {
  std::string claim;
  std::string source;
  Measure measure = Measure::kNotSimulated;
  QuantityName quantity = QuantityName::kEnergyOnChip;
  std::string experiment, machine, other_machine, path, knob;
  std::vector<std::string> layer_kinds;
  std::optional<double> at_least, at_most;
  std::string why;
};

struct ClaimsSpec {
  std::string name;
  std::string description;
  std::vector<ExperimentSpec> experiments;
  std::vector<Claim> claims;
};
void describe(config::Schema<Claim>& schema);
void describe(config::Schema<ClaimsSpec>& schema);

struct Verdict {
  const Claim* claim = nullptr;
  std::optional<double> here;  // absent where it is not simulated
  double distance = 0;         // from what is expected, signed; 0 where consistent
  std::string path;            // that was measured
  bool consistent() const { return here && distance == 0; }
};
std::vector<Verdict> judge(const ClaimsSpec& spec, const std::vector<ExperimentRecord>& records);

int run_claims(const RunOptions& options);

}  // namespace tilewright::cli
