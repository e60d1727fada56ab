// SPDX-License-Identifier: Apache-2.0
#include "sim/report/csv.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "sim/report/summary.h"

namespace tilewright::report {
namespace {

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string field = "\"";
  for (const char c : text) {
    field += c == '"' ? "\"\"" : std::string(1, c);
  }
  return field + "\"";
}

// Doubles with as many digits as bring the same value back.
std::string number(double value) {
  return fmt::format("{}", value);
}

void add_energy(std::vector<std::string>& fields, const EnergyEstimate& energy) {
  fields.insert(fields.end(), {number(energy.nominal), number(energy.low), number(energy.high)});
}

std::vector<std::string> all_components(const ExperimentRecord& record) {
  std::vector<const RunRecord*> runs;
  for (const RunRecord& run : record.runs) {
    runs.push_back(&run);
  }
  return components(runs);
}

}  // namespace

void append_csv_row(std::string& csv, const std::vector<std::string>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    csv += (i == 0 ? "" : ",") + csv_field(fields[i]);
  }
  csv += '\n';
}

std::string runs_csv(const ExperimentRecord& record) {
  const std::vector<std::string> component_names = all_components(record);
  std::vector<std::string> headings = {"machine",
                                       "workload",
                                       "path",
                                       "group",
                                       "macs",
                                       "weight_bytes",
                                       "cycles",
                                       "time_s",
                                       "utilisation_fraction",
                                       "energy_on_chip_j",
                                       "energy_on_chip_low_j",
                                       "energy_on_chip_high_j",
                                       "energy_j",
                                       "energy_low_j",
                                       "energy_high_j"};
  for (const std::string& component : component_names) {
    headings.push_back("energy_" + component + "_j");
  }
  std::string csv;
  append_csv_row(csv, headings);
  for (const RunRecord& run : record.runs) {
    std::vector<std::string> fields = {run.machine,
                                       run.workload,
                                       run.name,
                                       run.group,
                                       fmt::format("{}", run.macs),
                                       fmt::format("{}", run.weight_bytes),
                                       fmt::format("{}", run.cycles),
                                       number(run.time_s),
                                       number(run.utilisation)};
    add_energy(fields, run.on_chip_energy());
    add_energy(fields, run.total_energy());
    for (const std::string& component : component_names) {
      const auto energy = run.energy.find(component);
      fields.push_back(energy == run.energy.end() ? "" : number(energy->second.nominal));
    }
    append_csv_row(csv, fields);
  }
  return csv;
}

std::string layers_csv(const ExperimentRecord& record) {
  std::string csv;
  append_csv_row(csv,
             {"machine", "path", "layer", "group", "kind", "macs", "cycles", "time_s", "utilisation_fraction",
              "energy_on_chip_j", "energy_on_chip_low_j", "energy_on_chip_high_j", "energy_j", "energy_low_j",
              "energy_high_j", "dram_bytes", "limiter", "reused", "mapping"});
  for (const RunRecord& run : record.runs) {
    for (const LayerRecord& layer : run.layers) {
      std::vector<std::string> fields = {run.machine,
                                         run.name,
                                         layer.name,
                                         layer_group(layer),
                                         layer.kind,
                                         fmt::format("{}", layer.macs),
                                         fmt::format("{}", layer.cycles),
                                         number(seconds(run, layer.cycles)),
                                         number(layer.utilisation)};
      add_energy(fields, on_chip(layer.energy));
      add_energy(fields, total(layer.energy));
      fields.insert(fields.end(), {fmt::format("{}", layer.dram_bytes), layer.limiter,
                                   layer.reused ? "1" : "0", layer.mapping});
      append_csv_row(csv, fields);
    }
  }
  return csv;
}

}  // namespace tilewright::report
