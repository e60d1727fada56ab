// SPDX-License-Identifier: Apache-2.0
#include "sim/report/summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>

namespace tilewright::report {
namespace {

constexpr std::array<std::string_view, 11> kComponentOrder = {
    "datapath",      "weight_buffer", "input_buffer", "accumulator", "control", "ppu_and_output_buffer",
    "global_buffer", "noc",           "vector_unit",  "leakage",     "dram"};

void add(EnergyByComponent& sum, const EnergyByComponent& energy) {
  for (const auto& [component, estimate] : energy) {
    sum[component] += estimate;
  }
}

void add(LayerSum& sum, const LayerRecord& layer) {
  ++sum.layers;
  sum.macs += layer.macs;
  sum.cycles += layer.cycles;
  sum.dram_bytes += layer.dram_bytes;
  sum.limiters[layer.limiter] += layer.cycles;
  add(sum.energy, layer.energy);
  for (const auto& [unit, stalls] : layer.stalls) {
    sum.stalls[unit] += stalls;
  }
}

std::vector<LayerSum> sum_layers(const RunRecord& run,
                                 const std::function<const std::string&(const LayerRecord&)>& key) {
  std::vector<LayerSum> sums;
  std::map<std::string, std::size_t> index;
  for (const LayerRecord& layer : run.layers) {
    const auto [found, is_new] = index.try_emplace(key(layer), sums.size());
    if (is_new) {
      sums.push_back({});
      sums.back().name = key(layer);
      sums.back().kind = layer.kind;
    }
    add(sums[found->second], layer);
  }
  return sums;
}

// Collects the ratio of shares over the paths of a knob.
class RatioSum {
 public:
  void add(double saved, double removed) {
    const double ratio = fraction(saved, removed);
    lowest_ = count_ == 0 ? ratio : std::min(lowest_, ratio);
    highest_ = count_ == 0 ? ratio : std::max(highest_, ratio);
    saved_ += saved;
    removed_ += removed;
    ++count_;
  }
  KnobSaving::Ratio ratio() const { return {fraction(saved_, removed_), lowest_, highest_}; }

 private:
  double saved_ = 0, removed_ = 0, lowest_ = 0, highest_ = 0;
  std::size_t count_ = 0;
};

KnobSaving knob_saving(const std::string& knob, const std::vector<const RunRecord*>& runs,
                       const RunRecord& full) {
  KnobSaving saving;
  saving.knob = knob;
  saving.paths = runs.size();
  RatioSum on_chip_ratio, total_ratio, time_ratio;
  for (const RunRecord* run : runs) {
    const double removed = 1 - fraction(static_cast<double>(run->macs), static_cast<double>(full.macs));
    saving.fewest_macs_removed =
        run == runs.front() ? removed : std::min(saving.fewest_macs_removed, removed);
    saving.most_macs_removed = std::max(saving.most_macs_removed, removed);
    on_chip_ratio.add(energy_saving(*run, full, EnergyScope::kOnChip).nominal, removed);
    total_ratio.add(energy_saving(*run, full, EnergyScope::kWithDram).nominal, removed);
    time_ratio.add(1 - fraction(run->time_s, full.time_s), removed);
  }
  saving.energy_on_chip = on_chip_ratio.ratio();
  saving.energy_with_dram = total_ratio.ratio();
  saving.time = time_ratio.ratio();
  const double macs = static_cast<double>(full.macs);
  saving.joules_per_mac_on_chip = saving.energy_on_chip.value * fraction(full.on_chip_energy().nominal, macs);
  saving.joules_per_mac_with_dram =
      saving.energy_with_dram.value * fraction(full.total_energy().nominal, macs);
  return saving;
}

}  // namespace

std::string LayerSum::main_limiter() const {
  const auto most = std::max_element(limiters.begin(), limiters.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == limiters.end() ? "" : most->first;
}

std::vector<MachineRuns> by_machine(const ExperimentRecord& record, std::string_view reference_path) {
  std::vector<MachineRuns> groups;
  for (const ExperimentRecord::Machine& machine : record.machines) {
    groups.push_back({machine.name, &machine, {}, nullptr});
  }
  for (const RunRecord& run : record.runs) {
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const MachineRuns& candidate) { return candidate.name == run.machine; });
    if (group == groups.end()) {
      groups.push_back({run.machine, nullptr, {}, nullptr});
      group = groups.end() - 1;
    }
    group->runs.push_back(&run);
    if (group->reference == nullptr && run.name == reference_path) {
      group->reference = &run;
    }
  }
  std::erase_if(groups, [](const MachineRuns& group) { return group.runs.empty(); });
  return groups;
}

const std::string& layer_group(const LayerRecord& layer) {
  return layer.group.empty() ? layer.name : layer.group;
}

std::vector<LayerSum> by_kind(const RunRecord& run) {
  std::vector<LayerSum> sums =
      sum_layers(run, [](const LayerRecord& layer) -> const std::string& { return layer.kind; });
  std::stable_sort(sums.begin(), sums.end(),
                   [](const LayerSum& a, const LayerSum& b) { return a.cycles > b.cycles; });
  return sums;
}

std::vector<LayerSum> by_layer_group(const RunRecord& run) {
  return sum_layers(run, layer_group);
}

EnergyEstimate total(const EnergyByComponent& energy) {
  EnergyEstimate sum;
  for (const auto& [component, estimate] : energy) {
    sum += estimate;
  }
  return sum;
}

EnergyEstimate on_chip(const EnergyByComponent& energy) {
  EnergyEstimate sum;
  for (const auto& [component, estimate] : energy) {
    if (component != "dram") {
      sum += estimate;
    }
  }
  return sum;
}

std::vector<std::string> components(const std::vector<const RunRecord*>& runs) {
  EnergyByComponent seen;
  for (const RunRecord* run : runs) {
    add(seen, run->energy);
  }
  std::vector<std::string> names;
  for (const std::string_view known : kComponentOrder) {
    if (seen.erase(std::string(known)) != 0) {
      names.emplace_back(known);
    }
  }
  for (const auto& [component, estimate] : seen) {
    names.push_back(component);
  }
  return names;
}

double seconds(const RunRecord& run, Cycle cycles) {
  return fraction(run.time_s * static_cast<double>(cycles), static_cast<double>(run.cycles));
}

double fraction(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

EnergyEstimate energy_of(const RunRecord& run, EnergyScope scope) {
  return scope == EnergyScope::kOnChip ? run.on_chip_energy() : run.total_energy();
}

EnergyEstimate energy_saving(const RunRecord& run, const RunRecord& reference, EnergyScope scope) {
  const EnergyEstimate energy = energy_of(run, scope);
  const EnergyEstimate whole = energy_of(reference, scope);
  const auto saved = [](double part, double all) { return all == 0 ? 0 : 1 - part / all; };
  return {saved(energy.nominal, whole.nominal), saved(energy.low, whole.low), saved(energy.high, whole.high)};
}

std::vector<KnobSaving> knob_savings(const MachineRuns& runs) {
  if (runs.reference == nullptr) {
    return {};
  }
  std::vector<std::string> knobs;
  std::map<std::string, std::vector<const RunRecord*>> members;
  for (const RunRecord* run : runs.runs) {
    if (run == runs.reference || run->macs >= runs.reference->macs) {
      continue;
    }
    std::vector<const RunRecord*>& of_knob = members[run->group];
    if (of_knob.empty()) {
      knobs.push_back(run->group);
    }
    of_knob.push_back(run);
  }
  std::vector<KnobSaving> savings;
  savings.reserve(knobs.size());
  for (const std::string& knob : knobs) {
    savings.push_back(knob_saving(knob, members[knob], *runs.reference));
  }
  return savings;
}

std::vector<NearPath> near_saving(const MachineRuns& runs, double saving, double margin, EnergyScope scope) {
  if (runs.reference == nullptr) {
    return {};
  }
  const auto saved = [&](const RunRecord* run) {
    return energy_saving(*run, *runs.reference, scope).nominal;
  };
  std::vector<const RunRecord*> sorted;
  std::copy_if(runs.runs.begin(), runs.runs.end(), std::back_inserter(sorted),
               [&](const RunRecord* run) { return run != runs.reference; });
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const RunRecord* a, const RunRecord* b) { return saved(a) < saved(b); });
  const auto above =
      std::find_if(sorted.begin(), sorted.end(), [&](const RunRecord* run) { return saved(run) >= saving; });
  std::vector<NearPath> found;
  for (auto run = sorted.begin(); run != sorted.end(); ++run) {
    const NearPath path{*run, run + 1 == above, run == above};
    // A hair more than the margin, so that a saving printed as exactly 4 points away is in.
    if (path.nearest_below || path.nearest_above || std::abs(saved(*run) - saving) <= margin + 1e-9) {
      found.push_back(path);
    }
  }
  return found;
}

std::vector<const RunRecord*> pareto_set(const std::vector<const RunRecord*>& runs) {
  const auto dominates = [](const RunRecord* a, const RunRecord* b) {
    const double energy_a = a->total_energy().nominal;
    const double energy_b = b->total_energy().nominal;
    return energy_a <= energy_b && a->time_s <= b->time_s && a->macs >= b->macs &&
           (energy_a < energy_b || a->time_s < b->time_s || a->macs > b->macs);
  };
  std::vector<const RunRecord*> kept;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(kept), [&](const RunRecord* run) {
    return std::none_of(runs.begin(), runs.end(),
                        [&](const RunRecord* other) { return dominates(other, run); });
  });
  return kept;
}

}  // namespace tilewright::report
