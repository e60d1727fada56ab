// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/claims.h"

#include <algorithm>
#include <cmath>

#include "sim/base/config/diagnostics.h"
#include "sim/base/error.h"
#include "sim/report/summary.h"

namespace tilewright::cli {
namespace {

using report::MachineRuns;

template <class Items, class Name>
std::vector<std::string> names_of(const Items& items, const Name& name) {
  std::vector<std::string> names;
  for (const auto& item : items) {
    if (const std::string next = name(item); std::find(names.begin(), names.end(), next) == names.end()) {
      names.push_back(next);
    }
  }
  return names;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void require_name(const std::string& key, const std::string& written, const std::vector<std::string>& known,
                  const std::string& what, config::Checker& check) {
  if (!contains(known, written)) {
    check.error(key,
                written.empty() ? "is needed by this measure"
                                : "cannot be '" + written + "'" + config::did_you_mean(written, known),
                {what + ": " + config::join(known)}, "config.unknown-value");
  }
}

bool needs_path(Measure measure) {
  return measure == Measure::kKindShare || measure == Measure::kKindShareRatio ||
         measure == Measure::kSaving || measure == Measure::kMachineRatio || measure == Measure::kSavingGain;
}
bool needs_knob(Measure measure) {
  return measure == Measure::kKnobSaving || measure == Measure::kKnobAdvantage;
}
bool needs_other_machine(Measure measure) {
  return measure == Measure::kMachineRatio || measure == Measure::kSavingGain;
}

void check_names(const ExperimentSpec& experiment, const Claim& claim, const std::string& place,
                 config::Checker& check) {
  const auto machines = names_of(experiment.machines, [](const auto& machine) { return machine.name; });
  const auto paths = names_of(selected_paths(experiment), [](const auto* path) { return path->name; });
  const auto knobs = names_of(selected_paths(experiment), [](const auto* path) { return path->group; });
  require_name(place + "machine", claim.machine, machines, "machines", check);
  if (needs_other_machine(claim.measure)) {
    require_name(place + "other_machine", claim.other_machine, machines, "machines", check);
  }
  if (needs_path(claim.measure)) {
    require_name(place + "path", claim.path, paths, "paths", check);
  }
  if (needs_knob(claim.measure)) {
    require_name(place + "knob", claim.knob, knobs, "knobs", check);
  }
}

void check_claims(const ClaimsSpec& spec, config::Checker& check) {
  const auto experiments = names_of(spec.experiments, [](const auto& experiment) { return experiment.name; });
  for (std::size_t i = 0; i < spec.claims.size(); ++i) {
    const Claim& claim = spec.claims[i];
    const std::string place = "claims." + std::to_string(i) + ".";
    if (claim.measure == Measure::kNotSimulated) {
      continue;
    }
    require_name(place + "experiment", claim.experiment, experiments, "experiments", check);
    for (const ExperimentSpec& experiment : spec.experiments) {
      if (experiment.name == claim.experiment) {
        check_names(experiment, claim, place, check);
      }
    }
    if (!claim.at_least && !claim.at_most) {
      check.error(place + "at_least", "or 'at_most' is needed: what the claim says of this number");
    } else if (claim.at_least && claim.at_most && *claim.at_least > *claim.at_most) {
      check.error(place + "at_least", "must not be more than 'at_most'");
    }
  }
}

class Judge {
 public:
  explicit Judge(const std::vector<ExperimentRecord>& records, const ClaimsSpec& spec) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      for (MachineRuns& runs : report::by_machine(records[i], spec.experiments[i].report.reference_path)) {
        runs_.push_back({records[i].experiment, std::move(runs)});
      }
    }
  }

  Verdict verdict(const Claim& claim) const {
    Verdict result;
    result.claim = &claim;
    result.path = claim.path;
    if (claim.measure == Measure::kNotSimulated) {
      return result;
    }
    result.here = value(claim, result.path);
    if (claim.at_least && *result.here < *claim.at_least) {
      result.distance = *result.here - *claim.at_least;
    } else if (claim.at_most && *result.here > *claim.at_most) {
      result.distance = *result.here - *claim.at_most;
    }
    return result;
  }

 private:
  const MachineRuns& runs(const std::string& experiment, const std::string& machine) const {
    for (const auto& [name, runs] : runs_) {
      if (name == experiment && runs.name == machine) {
        return runs;
      }
    }
    throw InternalError("no runs of " + experiment + " on " + machine);
  }
  static const RunRecord& run(const MachineRuns& runs, const std::string& path) {
    for (const RunRecord* each : runs.runs) {
      if (each->name == path) {
        return *each;
      }
    }
    throw InternalError("no run of " + path);
  }

  static double quantity(const RunRecord& run, QuantityName name) {
    switch (name) {
      case QuantityName::kMacs:
        return static_cast<double>(run.macs);
      case QuantityName::kTime:
        return run.time_s;
      case QuantityName::kEnergyOnChip:
        return run.on_chip_energy().nominal;
      case QuantityName::kEnergy:
        return run.total_energy().nominal;
    }
    throw InternalError("a quantity without a value");
  }

  static double share(const RunRecord& run, const std::vector<std::string>& kinds, QuantityName name) {
    double part = 0;
    for (const report::LayerSum& sum : report::by_kind(run)) {
      if (contains(kinds, sum.name)) {
        part += name == QuantityName::kMacs           ? static_cast<double>(sum.macs)
                : name == QuantityName::kTime         ? report::seconds(run, sum.cycles)
                : name == QuantityName::kEnergyOnChip ? report::on_chip(sum.energy).nominal
                                                      : report::total(sum.energy).nominal;
      }
    }
    return report::fraction(part, quantity(run, name));
  }

  static double saving(const MachineRuns& runs, const std::string& path, QuantityName name) {
    return 1 - report::fraction(quantity(run(runs, path), name), quantity(*runs.reference, name));
  }

  static double knob(const report::KnobSaving& saving, QuantityName name) {
    return name == QuantityName::kTime           ? saving.time.value
           : name == QuantityName::kEnergyOnChip ? saving.energy_on_chip.value
                                                 : saving.energy_with_dram.value;
  }

  static double knob_value(const MachineRuns& runs, const Claim& claim) {
    double own = 0, best_other = 0;
    for (const report::KnobSaving& each : report::knob_savings(runs)) {
      if (each.knob == claim.knob) {
        own = knob(each, claim.quantity);
      } else {
        best_other = std::max(best_other, knob(each, claim.quantity));
      }
    }
    return claim.measure == Measure::kKnobSaving ? own : report::fraction(own, best_other);
  }

  static double nearest_saving(const MachineRuns& runs, const Claim& claim, std::string& path) {
    const double low = claim.at_least.value_or(-1e9), high = claim.at_most.value_or(1e9);
    const double wanted = claim.at_least && claim.at_most ? (low + high) / 2 : claim.at_least ? low : high;
    double nearest = 0, distance = 1e9;
    for (const RunRecord* each : runs.runs) {
      const double saved = saving(runs, each->name, claim.quantity);
      if (each != runs.reference && std::abs(saved - wanted) < distance) {
        distance = std::abs(saved - wanted);
        nearest = saved;
        path = each->name;
      }
    }
    return nearest;
  }

  double value(const Claim& claim, std::string& path) const {
    const MachineRuns& here = runs(claim.experiment, claim.machine);
    switch (claim.measure) {
      case Measure::kKindShare:
        return share(run(here, claim.path), claim.layer_kinds, claim.quantity);
      case Measure::kKindShareRatio:
        return report::fraction(share(run(here, claim.path), claim.layer_kinds, claim.quantity),
                                share(run(here, claim.path), claim.layer_kinds, QuantityName::kMacs));
      case Measure::kSaving:
        return saving(here, claim.path, claim.quantity);
      case Measure::kNearestSaving:
        return nearest_saving(here, claim, path);
      case Measure::kKnobSaving:
      case Measure::kKnobAdvantage:
        path = claim.knob;
        return knob_value(here, claim);
      case Measure::kMachineRatio:
        return report::fraction(
            quantity(run(here, claim.path), claim.quantity),
            quantity(run(runs(claim.experiment, claim.other_machine), claim.path), claim.quantity));
      case Measure::kSavingGain:
        return saving(here, claim.path, claim.quantity) -
               saving(runs(claim.experiment, claim.other_machine), claim.path, claim.quantity);
      case Measure::kNotSimulated:
        break;
    }
    throw InternalError("a claim that is not measured");
  }

  std::vector<std::pair<std::string, MachineRuns>> runs_;
};

}  // namespace

std::span<const config::EnumName<Measure>> enumeration_names(Measure) {
  using enum Measure;
  static constexpr config::EnumName<Measure> kNames[] = {
      {kNotSimulated, "not_simulated"},      {kKindShare, "kind_share"},
      {kKindShareRatio, "kind_share_ratio"}, {kSaving, "saving"},
      {kNearestSaving, "nearest_saving"},    {kKnobSaving, "knob_saving"},
      {kKnobAdvantage, "knob_advantage"},    {kMachineRatio, "machine_ratio"},
      {kSavingGain, "saving_gain"},
  };
  return kNames;
}

std::span<const config::EnumName<QuantityName>> enumeration_names(QuantityName) {
  using enum QuantityName;
  static constexpr config::EnumName<QuantityName> kNames[] = {
      {kMacs, "macs"}, {kTime, "time"}, {kEnergyOnChip, "energy_on_chip"}, {kEnergy, "energy"}};
  return kNames;
}

void describe(config::Schema<Claim>& schema) {
  schema.name("claim", "a published statement and the number here that it is held against");
  schema.field(&Claim::claim, "claim", "in a sentence").required().non_empty();
  schema.field(&Claim::source, "source", "who says so").required().non_empty();
  schema.field(&Claim::measure, "measure", "how the number is found").required();
  schema.field(&Claim::quantity, "quantity", "of what");
  schema.field(&Claim::experiment, "experiment", "the name of one of the experiments");
  schema.field(&Claim::machine, "machine", "one of that experiment's");
  schema.field(&Claim::other_machine, "other_machine",
               "machine_ratio and saving_gain: compared with this one");
  schema.field(&Claim::path, "path", "one of that experiment's");
  schema.field(&Claim::knob, "knob", "knob_saving and knob_advantage: the group of its paths");
  schema.field(&Claim::layer_kinds, "layer_kinds", "kind_share: conv2d, depthwise, linear, ...");
  schema.field(&Claim::at_least, "at_least", "what the claim says of the number");
  schema.field(&Claim::at_most, "at_most", "likewise");
  schema.field(&Claim::why, "why", "a person's explanation").required().non_empty();
}

void describe(config::Schema<ClaimsSpec>& schema) {
  using S = ClaimsSpec;
  schema.kind("claims", "published claims held against experiments");
  schema.field(&S::name, "name", "shown in reports").required().non_empty();
  schema.field(&S::description, "description", "one sentence");
  schema.field(&S::experiments, "experiments", "files of kind 'experiment', or their keys")
      .required()
      .non_empty()
      .reference();
  schema.field(&S::claims, "claims", "in the order of the table").required().non_empty();
  schema.check(check_claims);
}

std::vector<Verdict> judge(const ClaimsSpec& spec, const std::vector<ExperimentRecord>& records) {
  const Judge judge(records, spec);
  std::vector<Verdict> verdicts;
  for (const Claim& claim : spec.claims) {
    verdicts.push_back(judge.verdict(claim));
  }
  return verdicts;
}

}  // namespace tilewright::cli
