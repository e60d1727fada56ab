// SPDX-License-Identifier: Apache-2.0
#include "sim/report/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/report/summary.h"
#include "sim/report/table.h"

namespace tilewright::report {
namespace {

constexpr std::size_t kTextColumns = 116;

using Align = Table::Align;

std::string heading(const std::string& words, bool colour) {
  return "\n" + (colour ? "\x1b[1m" + words + "\x1b[0m" : words) + "\n";
}

double largest(const std::vector<const RunRecord*>& runs, double (*value)(const RunRecord&)) {
  double most = 0;
  for (const RunRecord* run : runs) {
    most = std::max(most, value(*run));
  }
  return most;
}

double gmac(const RunRecord& run) {
  return static_cast<double>(run.macs) / 1e9;
}
double milliseconds(const RunRecord& run) {
  return run.time_s * 1e3;
}
double millijoules_on_chip(const RunRecord& run) {
  return run.on_chip_energy().nominal * 1e3;
}
double millijoules(const RunRecord& run) {
  return run.total_energy().nominal * 1e3;
}

std::string relative(double value, double reference) {
  return reference > 0 ? percent(value / reference) : "-";
}

void add_energy(std::vector<std::string>& cells, const EnergyEstimate& energy, int decimals) {
  cells.push_back(fixed(energy.nominal * 1e3, decimals));
  cells.push_back(range(energy.low * 1e3, energy.high * 1e3, std::max(0, decimals - 1)));
}

std::string paths_table(const MachineRuns& runs, bool colour) {
  std::vector<Table::Column> columns = {{"path", "", Align::kLeft},
                                        {"MACs", "[GMAC]"},
                                        {"cycles", "[1]"},
                                        {"time", "[ms]"},
                                        {"on-chip\nenergy", "[mJ]"},
                                        {"low..high", "[mJ]", Align::kLeft},
                                        {"with\nDRAM", "[mJ]"},
                                        {"low..high", "[mJ]", Align::kLeft},
                                        {"util.", "[%]"}};
  const RunRecord* reference = runs.reference;
  if (reference != nullptr) {
    columns.push_back({"time", "rel.%"});
    columns.push_back({"chip", "rel.%"});
    columns.push_back({"DRAM", "rel.%"});
  }
  Table table(std::move(columns));
  const int gmac_decimals = decimals_for(largest(runs.runs, gmac));
  const int time_decimals = decimals_for(largest(runs.runs, milliseconds));
  const int on_chip_decimals = decimals_for(largest(runs.runs, millijoules_on_chip));
  const int total_decimals = decimals_for(largest(runs.runs, millijoules));
  for (const RunRecord* run : runs.runs) {
    std::vector<std::string> cells = {run->name, fixed(gmac(*run), gmac_decimals),
                                      with_separators(run->cycles), fixed(milliseconds(*run), time_decimals)};
    add_energy(cells, run->on_chip_energy(), on_chip_decimals);
    add_energy(cells, run->total_energy(), total_decimals);
    cells.push_back(percent(run->utilisation));
    if (reference != nullptr) {
      cells.push_back(relative(run->time_s, reference->time_s));
      cells.push_back(relative(run->on_chip_energy().nominal, reference->on_chip_energy().nominal));
      cells.push_back(relative(run->total_energy().nominal, reference->total_energy().nominal));
    }
    table.add_row(std::move(cells));
  }
  return table.text(colour);
}

std::string kinds_table(const RunRecord& run, bool colour) {
  Table table({{"kind of layer", "", Align::kLeft},
               {"layers", "[1]"},
               {"MACs", "[GMAC]"},
               {"MACs", "[%]"},
               {"time", "[ms]"},
               {"time", "[%]"},
               {"on-chip energy", "[mJ]"},
               {"on-chip energy", "[%]"},
               {"with DRAM", "[mJ]"},
               {"with DRAM", "[%]"},
               {"DRAM traffic", "[MB]"}});
  const double all_on_chip = run.on_chip_energy().nominal;
  const double all = run.total_energy().nominal;
  for (const LayerSum& sum : by_kind(run)) {
    const double macs = static_cast<double>(sum.macs);
    const double sum_on_chip = on_chip(sum.energy).nominal;
    const double sum_total = total(sum.energy).nominal;
    table.add_row({sum.name, std::to_string(sum.layers), fixed(macs / 1e9, decimals_for(gmac(run))),
                   percent(fraction(macs, static_cast<double>(run.macs))),
                   fixed(seconds(run, sum.cycles) * 1e3, decimals_for(milliseconds(run))),
                   percent(fraction(static_cast<double>(sum.cycles), static_cast<double>(run.cycles))),
                   fixed(sum_on_chip * 1e3, decimals_for(all_on_chip * 1e3)),
                   percent(fraction(sum_on_chip, all_on_chip)),
                   fixed(sum_total * 1e3, decimals_for(all * 1e3)), percent(fraction(sum_total, all)),
                   fixed(static_cast<double>(sum.dram_bytes) / 1e6, 1)});
  }
  return table.text(colour);
}

std::string components_table(const RunRecord& run, bool colour) {
  Table table({{"component", "", Align::kLeft},
               {"energy", "[mJ]"},
               {"low..high", "[mJ]", Align::kLeft},
               {"of on-chip", "[%]"},
               {"of all", "[%]"}});
  const double all_on_chip = run.on_chip_energy().nominal;
  const double all = run.total_energy().nominal;
  const int decimals = decimals_for(all * 1e3);
  for (const std::string& component : components({&run})) {
    const EnergyEstimate& energy = run.energy.at(component);
    std::vector<std::string> cells = {component};
    add_energy(cells, energy, decimals);
    cells.push_back(component == "dram" ? "-" : percent(fraction(energy.nominal, all_on_chip)));
    cells.push_back(percent(fraction(energy.nominal, all)));
    table.add_row(std::move(cells));
  }
  return table.text(colour);
}

std::string ratio_range(const KnobSaving::Ratio& ratio) {
  return range(ratio.lowest, ratio.highest, 2);
}

std::string knobs_table(const std::vector<KnobSaving>& savings, bool colour) {
  Table table({{"knob", "", Align::kLeft},
               {"paths", "[1]"},
               {"MACs\nremoved", "[%]", Align::kLeft},
               {"on-chip\nper MAC", "[pJ/MAC]"},
               {"rel.", "[1]"},
               {"paths", "[1]", Align::kLeft},
               {"with DRAM\nper MAC", "[pJ/MAC]"},
               {"rel.", "[1]"},
               {"paths", "[1]", Align::kLeft},
               {"time,\nrel.", "[1]"},
               {"paths", "[1]", Align::kLeft}});
  for (const KnobSaving& saving : savings) {
    table.add_row({saving.knob.empty() ? "(no group)" : saving.knob, std::to_string(saving.paths),
                   range(saving.fewest_macs_removed * 100, saving.most_macs_removed * 100, 1),
                   fixed(saving.joules_per_mac_on_chip * 1e12, 3), fixed(saving.energy_on_chip.value, 2),
                   ratio_range(saving.energy_on_chip), fixed(saving.joules_per_mac_with_dram * 1e12, 3),
                   fixed(saving.energy_with_dram.value, 2), ratio_range(saving.energy_with_dram),
                   fixed(saving.time.value, 2), ratio_range(saving.time)});
  }
  return table.text(colour);
}

std::string near_table(const MachineRuns& runs, const std::vector<NearPath>& near, EnergyScope scope,
                       bool colour) {
  Table table({{"path", "", Align::kLeft},
               {"knob", "", Align::kLeft},
               {"energy\nsaved", "[%]"},
               {"all constants\nlow / high", "[%]"},
               {"MACs\nremoved", "[%]"},
               {"time\nsaved", "[%]"},
               {"", "", Align::kLeft}});
  const RunRecord& reference = *runs.reference;
  for (const NearPath& path : near) {
    const EnergyEstimate saving = energy_saving(*path.run, reference, scope);
    table.add_row(
        {path.run->name, path.run->group, percent(saving.nominal),
         percent(saving.low) + " / " + percent(saving.high),
         percent(1 - fraction(static_cast<double>(path.run->macs), static_cast<double>(reference.macs))),
         percent(1 - fraction(path.run->time_s, reference.time_s)),
         path.nearest_below   ? "nearest below"
         : path.nearest_above ? "nearest above"
                              : ""});
  }
  return table.text(colour);
}

std::string near_tables(const MachineRuns& runs, const TextOptions& options) {
  std::string text;
  if (!options.near_energy_saving) {
    return text;
  }
  for (const auto& [scope, words] : {std::pair{EnergyScope::kOnChip, "on-chip energy"},
                                     std::pair{EnergyScope::kWithDram, "energy with DRAM"}}) {
    const std::vector<NearPath> near =
        near_saving(runs, *options.near_energy_saving, options.near_margin, scope);
    text += heading(
        fmt::format("{}: paths around {:.0f} % less {} than {} (within {:.0f} points, and the nearest on "
                    "either side)",
                    runs.name, *options.near_energy_saving * 100, words, runs.reference->name,
                    options.near_margin * 100),
        options.colour);
    text += near.empty() ? "  none\n" : near_table(runs, near, scope, options.colour);
  }
  return text;
}

std::string published_table(const MachineRuns& runs, bool colour) {
  Table table({{"path", "", Align::kLeft},
               {"published", "", Align::kLeft},
               {"value", ""},
               {"here", ""},
               {"unit", "", Align::kLeft},
               {"source", "", Align::kLeft}});
  bool any = false;
  for (const RunRecord* run : runs.runs) {
    for (const PublishedValue& published : run->published) {
      const bool counts_macs = published.unit == "GMAC";
      table.add_row({run->name, published.what, fmt::format("{}", published.value),
                     counts_macs ? fixed(gmac(*run), decimals_for(gmac(*run))) : "-", published.unit,
                     published.source});
      any = true;
    }
    if (run->accuracy) {
      table.add_row(
          {run->name, "accuracy", fmt::format("{}", *run->accuracy), "-", "", run->accuracy_source});
      any = true;
    }
  }
  return any ? heading(runs.name + ": published values", colour) + table.text(colour) : "";
}

// Of functional runs: how much was computed, and whether sums left their 24 bits.
std::string functional_line(const MachineRuns& runs) {
  uint64_t layers = 0, saturations = 0;
  for (const RunRecord* run : runs.runs) {
    layers += run->functional_layers;
    saturations += run->saturations;
  }
  return layers == 0
             ? ""
             : fmt::format("  function: {} layers computed and equal to the reference, {} saturated sums\n",
                           with_separators(layers), with_separators(saturations));
}

std::string reference_tables(const MachineRuns& runs, const TextOptions& options) {
  const bool colour = options.colour;
  const RunRecord& reference = *runs.reference;
  std::string text = heading(runs.name + ": " + reference.name + " by kind of layer", colour);
  text += kinds_table(reference, colour);
  text += heading(runs.name + ": " + reference.name + " by component", colour) +
          components_table(reference, colour);
  if (const std::vector<KnobSaving> savings = knob_savings(runs); !savings.empty()) {
    text += heading(
        runs.name + ": saved per MAC removed, by knob (relative to average: 1 = the average of a MAC of " +
            reference.name + ")",
        colour);
    text += knobs_table(savings, colour) + near_tables(runs, options);
  }
  return text;
}

}  // namespace

std::string version(const ExperimentRecord& record) {
  return record.version.empty() ? TILEWRIGHT_VERSION : record.version;
}

std::string range_text() {
  return "Ranges: every constant at the low, and every constant at the high end of what its sources span. "
         "All paths "
         "share the constants, so that savings move less than energies do; the two ends are not bounds of a "
         "saving.";
}

std::string text_report(const ExperimentRecord& record, const TextOptions& options) {
  std::string text =
      fmt::format("{}: {} runs, fidelity {}, configuration {}, tilewright {}\n", record.experiment,
                  record.runs.size(), record.fidelity, record.configuration_hash, version(record));
  bool compared = false;
  for (const MachineRuns& runs : by_machine(record, options.reference_path)) {
    const std::string summary = runs.machine == nullptr ? "" : runs.machine->summary;
    text += heading(summary.empty() ? runs.name : runs.name + ": " + summary, options.colour);
    text += paths_table(runs, options.colour);
    if (runs.reference != nullptr) {
      text += fmt::format("  rel.%: of path {} = 100 %; chip: on-chip energy, DRAM: energy with DRAM\n",
                          runs.reference->name);
      text += reference_tables(runs, options);
      compared = compared || runs.runs.size() > 1;
    } else {
      text += fmt::format("  path '{}' was not run: nothing to compare with\n", options.reference_path);
    }
    text += functional_line(runs) + published_table(runs, options.colour);
  }
  text += "\n" + wrapped(range_text(), kTextColumns) + (compared && !options.remark.empty() ? wrapped(options.remark, kTextColumns) : "");
  return text;
}

}  // namespace tilewright::report
