// SPDX-License-Identifier: Apache-2.0
#include "sim/report/page.h"

#include <fmt/format.h>

#include "sim/report/page/document.h"
#include "sim/report/page/figures.h"
#include "sim/report/page/markup.h"
#include "sim/report/summary.h"
#include "sim/report/table.h"

namespace tilewright::report {
namespace {

std::string energy_words(const std::string& what, const EnergyEstimate& energy) {
  return fmt::format("{}, {:.3g} to {:.3g} mJ", what, energy.low * 1e3, energy.high * 1e3);
}

// The headline numbers of one machine.
std::string cards(const MachineRuns& runs, const PageOptions& options) {
  const RunRecord& run = *runs.reference;
  const EnergyEstimate on_chip_energy = run.on_chip_energy();
  const EnergyEstimate all = run.total_energy();
  std::string markup = card(fmt::format("{:.4g}", run.time_s * 1e3), "ms",
                            fmt::format("{}: {:.4g} GMAC in {} cycles", run.name,
                                        static_cast<double>(run.macs) / 1e9, with_separators(run.cycles)));
  markup += card(fmt::format("{:.3g}", on_chip_energy.nominal * 1e3), "mJ",
                 energy_words("on chip", on_chip_energy));
  markup += card(fmt::format("{:.3g}", all.nominal * 1e3), "mJ", energy_words("with DRAM", all));
  markup += card(percent(run.utilisation), "%", "of all MAC slots used");
  const double wanted = options.near_energy_saving.value_or(0);
  const std::vector<NearPath> near =
      options.near_energy_saving ? near_saving(runs, wanted, 0, EnergyScope::kWithDram) : std::vector<NearPath>();
  for (const NearPath& path : near) {
    if (path.nearest_above) {
      markup += card(
          fmt::format("\u2212{}", percent(energy_saving(*path.run, run, EnergyScope::kWithDram).nominal)),
          "% energy",
          fmt::format(
              "with DRAM, path {}: the smallest saving of at least {:.0f} %, with {} % fewer MACs",
              path.run->name, wanted * 100,
              percent(1 - fraction(static_cast<double>(path.run->macs), static_cast<double>(run.macs)))));
    }
  }
  return cards_of(markup);
}

std::string ratio(const KnobSaving::Ratio& value) {
  return fmt::format("{:.2f} {}", value.value, range(value.lowest, value.highest, 2));
}

std::string knobs_section(const MachineRuns& runs) {
  const std::vector<KnobSaving> savings = knob_savings(runs);
  if (savings.empty()) {
    return "";
  }
  HtmlTable table({"<knob", "paths", "MACs removed [%]", "on-chip energy saved [pJ/MAC]",
                   "relative to average", "with DRAM saved [pJ/MAC]", "relative to average",
                   "time saved, relative to average"});
  for (const KnobSaving& saving : savings) {
    table.add_row(
        {saving.knob.empty() ? "(no group)" : saving.knob, std::to_string(saving.paths),
         fmt::format("{} to {}", percent(saving.fewest_macs_removed), percent(saving.most_macs_removed)),
         fixed(saving.joules_per_mac_on_chip * 1e12, 3), ratio(saving.energy_on_chip),
         fixed(saving.joules_per_mac_with_dram * 1e12, 3), ratio(saving.energy_with_dram),
         ratio(saving.time)});
  }
  return "<h3>Saved per MAC removed</h3>\n" +
         paragraph("1 means that a removed MAC saves the average of a MAC of " + runs.reference->name +
                       "; over all paths of a knob, and in brackets the lowest and highest single path.",
                   "soft") +
         table.markup();
}

std::string near_section(const MachineRuns& runs, const PageOptions& options) {
  if (!options.near_energy_saving) {
    return options.remark.empty() ? "" : paragraph(options.remark, "soft");
  }
  const double wanted = *options.near_energy_saving;
  std::string markup = fmt::format("<h3>Paths around {:.0f} % less energy</h3>\n", wanted * 100);
  if (!options.remark.empty()) {
    markup += paragraph(options.remark, "soft");
  }
  for (const auto& [scope, words] :
       {std::pair{EnergyScope::kOnChip, "On chip"}, std::pair{EnergyScope::kWithDram, "With DRAM"}}) {
    HtmlTable table({"<path", "<knob", "energy saved [%]", "all constants low [%]", "all constants high [%]",
                     "MACs removed [%]", "time saved [%]", "<"});
    for (const NearPath& path : near_saving(runs, wanted, options.near_margin, scope)) {
      const EnergyEstimate saving = energy_saving(*path.run, *runs.reference, scope);
      table.add_row({path.run->name, path.run->group, percent(saving.nominal), percent(saving.low),
                     percent(saving.high),
                     percent(1 - fraction(static_cast<double>(path.run->macs),
                                          static_cast<double>(runs.reference->macs))),
                     percent(1 - fraction(path.run->time_s, runs.reference->time_s)),
                     path.nearest_below   ? "nearest below"
                     : path.nearest_above ? "nearest above"
                                          : ""});
    }
    markup += folding(fmt::format("{}: within {:.0f} points, and the nearest on either side", words,
                                  options.near_margin * 100),
                      table);
  }
  return markup;
}

std::string kinds_section(const RunRecord& run) {
  const int on_chip_decimals = decimals_for(run.on_chip_energy().nominal * 1e3);
  const int decimals = decimals_for(run.total_energy().nominal * 1e3);
  HtmlTable table({"<kind of layer", "layers", "MACs [%]", "time [ms]", "time [%]", "on-chip energy [mJ]",
                   "on-chip energy [%]", "with DRAM [mJ]", "with DRAM [%]", "DRAM traffic [MB]"});
  for (const LayerSum& sum : by_kind(run)) {
    const double of_kind = on_chip(sum.energy).nominal;
    const double all = total(sum.energy).nominal;
    table.add_row({sum.name, std::to_string(sum.layers),
                   percent(fraction(static_cast<double>(sum.macs), static_cast<double>(run.macs))),
                   fixed(seconds(run, sum.cycles) * 1e3, decimals_for(run.time_s * 1e3)),
                   percent(fraction(static_cast<double>(sum.cycles), static_cast<double>(run.cycles))),
                   fixed(of_kind * 1e3, on_chip_decimals),
                   percent(fraction(of_kind, run.on_chip_energy().nominal)), fixed(all * 1e3, decimals),
                   percent(fraction(all, run.total_energy().nominal)),
                   fmt::format("{:.1f}", static_cast<double>(sum.dram_bytes) / 1e6)});
  }
  return "<h3>" + escaped(run.name) + " by kind of layer</h3>\n" + table.markup();
}

std::string machine_section(const MachineRuns& runs, const PageOptions& options, const std::string& prefix) {
  std::string markup = fmt::format("<h2 id=\"{}{}\">{}</h2>\n", prefix, escaped(runs.name), escaped(runs.name));
  if (runs.machine != nullptr) {
    const ExperimentRecord::Machine& machine = *runs.machine;
    markup += paragraph(
        fmt::format("{}. {:.4g} MACs per cycle at {:.4g} MHz, {:.4g} GB/s of DRAM, {:.3g} mm\u00b2.",
                    machine.summary, machine.macs_per_cycle, machine.clock_hz / 1e6,
                    machine.dram_bytes_per_second / 1e9, machine.area_m2 * 1e6),
        "lead");
  }
  if (runs.reference == nullptr) {
    return markup + paragraph("Path '" + options.reference_path + "' was not run: nothing to compare with.") +
           paths_figure(runs, options);
  }
  markup += cards(runs, options) + "<h3>Execution paths</h3>\n" + paths_figure(runs, options);
  markup += knobs_section(runs) + (runs.runs.size() > 1 ? near_section(runs, options) : "");
  markup +=
      kinds_section(*runs.reference) + "<h3>Where the energy goes</h3>\n" + energy_figure(*runs.reference);
  markup += "<h3>Where the cycles go</h3>\n" + stall_figure(*runs.reference);
  const std::string roofline = roofline_figure(*runs.reference, runs.machine);
  return markup + (roofline.empty() ? "" : "<h3>Roofline</h3>\n" + roofline);
}

// A unit in which the value has few zeros: joules of one action in picojoules or nanojoules, areas in square
// millimetres or micrometres.
std::pair<double, std::string> readable_unit(const SourcedValue& value) {
  if (value.unit == "J") {
    return value.nominal < 1e-9 ? std::pair{1e12, std::string("pJ")} : std::pair{1e9, std::string("nJ")};
  }
  if (value.unit == "m2") {
    return value.nominal < 1e-9 ? std::pair{1e12, std::string("\u00b5m\u00b2")} : std::pair{1e6, std::string("mm\u00b2")};
  }
  return value.unit == "W" ? std::pair{1e3, std::string("mW")} : std::pair{1.0, value.unit};
}

std::string sources_section(const std::vector<MachineRuns>& machines, const std::string& prefix) {
  std::string markup = "<h2 id=\"" + prefix + "sources\">Sources and limits</h2>\n" + paragraph(range_text());
  markup += paragraph(
      "Cycles are simulated, not estimated; energy is the simulated activity times the constants below, area "
      "and leakage "
      "follow from the same tables. Accuracy is not simulated. Layers run one after another.");
  for (const MachineRuns& runs : machines) {
    HtmlTable published({"<path", "<published", "value", "<unit", "<source"});
    bool any = false;
    for (const RunRecord* run : runs.runs) {
      for (const PublishedValue& value : run->published) {
        published.add_row({run->name, value.what, fmt::format("{}", value.value), value.unit, value.source});
        any = true;
      }
    }
    markup += any ? folding(runs.name + ": published values", published) : "";
    if (runs.machine == nullptr || runs.machine->energy_sources.empty()) {
      continue;
    }
    HtmlTable table({"<component", "<action", "nominal", "low", "high", "<unit", "<source"});
    for (const SourcedValue& value : runs.machine->energy_sources) {
      const auto [factor, unit] = readable_unit(value);
      table.add_row({value.component, value.action, fmt::format("{:.4g}", value.nominal * factor),
                     fmt::format("{:.4g}", value.low * factor), fmt::format("{:.4g}", value.high * factor),
                     unit, value.source});
    }
    markup += folding(fmt::format("{}: energy table {}, operand toggle rate {:.3g}", runs.name,
                                  runs.machine->energy_table, runs.machine->toggle_rate),
                      table);
  }
  return markup;
}

std::string provenance(const ExperimentRecord& record, const std::string& prefix) {
  return provenance_section({{"experiment", record.experiment},
                             {"fidelity", record.fidelity},
                             {"tilewright", version(record)},
                             {"configuration hash", record.configuration_hash},
                             {"command", record.command}},
                            prefix);
}

}  // namespace

PageOptions page_options(const TextOptions& options) {
  return {options.reference_path, options.near_energy_saving, options.near_margin, options.remark};
}

PagePart run_part(const ExperimentRecord& record, const PageOptions& options, const std::string& prefix) {
  const std::vector<MachineRuns> machines = by_machine(record, options.reference_path);
  PagePart part{record.experiment, record.description, {}, ""};
  for (const MachineRuns& runs : machines) {
    part.links.emplace_back(prefix + runs.name, runs.name);
    part.markup += machine_section(runs, options, prefix);
  }
  part.links.emplace_back(prefix + "sources", "Sources and limits");
  part.links.emplace_back(prefix + "provenance", "Provenance");
  part.markup += sources_section(machines, prefix) + provenance(record, prefix);
  return part;
}

std::string html_page(const ExperimentRecord& record, const PageOptions& options) {
  return html_page({run_part(record, options)});
}

}  // namespace tilewright::report
