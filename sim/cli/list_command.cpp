// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iostream>

#include "arch/load.h"
#include "sim/accel/simulator.h"
#include "sim/base/activity.h"
#include "sim/base/config/diagnostics.h"
#include "sim/cli/commands.h"
#include "sim/cli/kinds.h"
#include "sim/cli/table.h"
#include "sim/explore/exploration_spec.h"
#include "workloads/paths.h"

namespace tilewright::cli {
namespace {

Table configuration_files(const std::string& folder, const std::string& kind) {
  Table table{{"name", "file", "description"}, {}};
  std::vector<std::filesystem::path> files;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(config::repository_root() / folder, failed)) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    const std::string name = (std::filesystem::path(folder) / file.filename()).string();
    try {
      if (config::kind_of(file, kind_names()) != kind) {
        continue;
      }
      if (kind == "accelerator") {
        const arch::AcceleratorSpec machine = arch::load_accelerator(file).value;
        table.rows.push_back({machine.name, name, machine.description});
      } else if (kind == "exploration") {
        const explore::ExplorationSpec exploration = config::load<explore::ExplorationSpec>(file).value;
        table.rows.push_back({exploration.name, name, exploration.description});
      } else {
        const ExperimentSpec experiment = config::load<ExperimentSpec>(file).value;
        table.rows.push_back({experiment.name, name, experiment.description});
      }
    } catch (const UserError& error) {
      std::cerr << fmt::format("{}: left out: {}\n", name, error.diagnostics().front().message);
    }
  }
  return table;
}

Table networks(const ListOptions&) {
  Table table{{"name", "gmac", "weights_m", "layers"}, {}};
  for (const auto& entry : enumeration_names(workloads::NetworkName{})) {
    workloads::PathSet whole;
    whole.network = entry.value;
    const workloads::Network network = workloads::segformer(whole.spec());
    uint64_t macs = 0;
    uint64_t weights = 0;
    for (const workloads::Layer& layer : network.layers) {
      macs += layer.macs();
      weights += layer.weights();
    }
    table.rows.push_back({std::string(entry.name), fmt::format("{:.2f}", double(macs) / 1e9),
                          fmt::format("{:.1f}", double(weights) / 1e6),
                          std::to_string(network.layers.size())});
  }
  return table;
}

Table dataflows(const ListOptions&) {
  return {{"name", "description"},
          {{"ws", "weight stationary"},
           {"os", "output stationary"},
           {"ws_los", "weight stationary, outputs stationary inside"},
           {"os_lws", "output stationary, weights stationary inside"}}};
}

Table layer_kinds(const ListOptions&) {
  Table table{{"name"}, {}};
  for (int i = 0; i <= static_cast<int>(workloads::LayerKind::kPool); ++i) {
    table.rows.push_back({std::string(workloads::name(static_cast<workloads::LayerKind>(i)))});
  }
  return table;
}

Table stalls(const ListOptions&) {
  Table table{{"name"}, {}};
  for (std::size_t i = 0; i < kStallCount; ++i) {
    table.rows.push_back({std::string(name(static_cast<Stall>(i)))});
  }
  return table;
}

Table actions(const ListOptions&) {
  Table table{{"name", "unit", "determined_by"}, {}};
  for (std::size_t i = 0; i < kActionCount; ++i) {
    const ActionInfo& action = info(static_cast<Action>(i));
    table.rows.push_back({std::string(action.name), std::string(action.unit),
                          action.timing_determined ? "timing" : "mapping"});
  }
  return table;
}

Table diagnostics(const ListOptions&) {
  Table table{{"code", "meaning"}, {}};
  for (const config::CodeInfo& code : config::diagnostic_codes()) {
    table.rows.push_back({std::string(code.code), std::string(code.meaning)});
  }
  return table;
}

Table kinds(const ListOptions&) {
  Table table{{"name", "description"}, {}};
  for (const ConfigurationKind& kind : configuration_kinds()) {
    table.rows.push_back({kind.name, kind.doc});
  }
  return table;
}

Table modules(const ListOptions& options) {
  if (options.machine.empty()) {
    throw UserError({{{},
                      "usage.missing-argument",
                      "'list modules' needs a machine file",
                      {"for example: tilewright list modules configs/arch/magnet_16pe_5nm_lpddr5.yaml"}}});
  }
  Table table{{"path", "kind"}, {}};
  const arch::AcceleratorSpec machine = arch::load_accelerator(config::find_file(options.machine)).value;
  const accel::AcceleratorSimulator simulator(machine, accel::Fidelity::kEvent);
  for (const accel::ModuleInfo& module : simulator.modules()) {
    table.rows.push_back({module.path, module.kind});
  }
  return table;
}

struct Catalogue {
  std::string name;
  std::function<Table(const ListOptions&)> make;
};

const std::vector<Catalogue>& catalogues() {
  static const std::vector<Catalogue> all = {
      {"machines", [](const ListOptions&) { return configuration_files("configs/arch", "accelerator"); }},
      {"experiments",
       [](const ListOptions&) { return configuration_files("configs/experiments", "experiment"); }},
      {"explorations", [](const ListOptions&) { return configuration_files("configs/explore", "exploration"); }},
      {"networks", networks},
      {"dataflows", dataflows},
      {"layer-kinds", layer_kinds},
      {"stalls", stalls},
      {"actions", actions},
      {"modules", modules},
      {"kinds", kinds},
      {"diagnostics", diagnostics},
  };
  return all;
}

}  // namespace

const std::vector<std::string>& catalogue_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Catalogue& catalogue : catalogues()) {
      all.push_back(catalogue.name);
    }
    return all;
  }();
  return names;
}

void list_command(const ListOptions& options) {
  for (const Catalogue& catalogue : catalogues()) {
    if (catalogue.name != options.what) {
      continue;
    }
    print(catalogue.make(options), options.format);
    return;
  }
  TILEWRIGHT_CHECK(false, "the command line let an unknown catalogue through");
}

}  // namespace tilewright::cli
