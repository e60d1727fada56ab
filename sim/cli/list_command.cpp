// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iostream>

#include "arch/load_gpu.h"
#include "arch/load.h"
#include "sim/accel/simulator.h"
#include "sim/base/activity.h"
#include "sim/base/config/diagnostics.h"
#include "sim/cli/claims.h"
#include "sim/cli/commands.h"
#include "sim/cli/dynamic_inference.h"
#include "sim/cli/kinds.h"
#include "sim/cli/results_commands.h"
#include "sim/cli/table.h"
#include "sim/explore/exploration_spec.h"
#include "sim/gpu/simulator.h"
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
      const std::string found = config::kind_of(file, kind_names());
      if (kind == "experiment" && found == "claims") {
        const ClaimsSpec claims = config::load<ClaimsSpec>(file).value;
        table.rows.push_back({claims.name, name, claims.description});
      } else if (kind == "experiment" && found == "dynamic_inference") {
        const DynamicInferenceSpec dynamic = config::load<DynamicInferenceSpec>(file).value;
        table.rows.push_back({dynamic.name, name, dynamic.description});
      }
      if (found != kind) {
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
    const workloads::Network network = whole.build({});
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
  for (std::size_t i = 0; i < workloads::kLayerKinds; ++i) {
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

Table suites(const ListOptions&) {
  Table table{{"name", "description"}, {}};
  for (const auto& suite : validation_suites()) {
    table.rows.push_back({suite->name(), suite->description()});
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

void require_file(const ListOptions& options, const std::string& what, const std::string& example) {
  if (options.file.empty()) {
    throw UserError({{{},
                      "usage.missing-argument",
                      fmt::format("'list {}' needs {}", options.what, what),
                      {fmt::format("for example: tilewright list {} {}", options.what, example)}}});
  }
}

Table modules(const ListOptions& options) {
  require_file(options, "a machine file", "configs/arch/magnet_16pe_5nm_lpddr5.yaml");
  Table table{{"path", "kind"}, {}};
  const std::filesystem::path file = config::find_file(options.file);
  if (config::kind_of(file, kind_names()) == config::schema_of<arch::GpuSpec>().kind()) {
    const gpu::GpuSimulator simulator(arch::load_gpu(file).value, gpu::Fidelity::kEvent);
    for (const engine::ModuleInfo& module : simulator.modules()) {
      table.rows.push_back({module.path, module.kind});
    }
    return table;
  }
  const arch::AcceleratorSpec machine = arch::load_accelerator(file).value;
  const accel::AcceleratorSimulator simulator(machine, accel::Fidelity::kEvent);
  for (const engine::ModuleInfo& module : simulator.modules()) {
    table.rows.push_back({module.path, module.kind});
  }
  return table;
}

std::vector<std::string> layer_row(const std::string& path, const workloads::Layer& layer) {
  const workloads::MacShape& mac = layer.mac;
  const bool depthwise = layer.on_pe_array && mac.depthwise();
  std::vector<std::string> row = {path, layer.name, layer.group,
                                  depthwise ? "depthwise" : std::string(workloads::name(layer.kind))};
  for (const uint32_t number :
       {mac.groups, mac.input_channels, mac.output_channels, mac.kernel_height, mac.kernel_width, mac.stride, mac.padding,
        mac.input_height, mac.input_width, mac.output_height, mac.output_width}) {
    row.push_back(layer.on_pe_array ? std::to_string(number) : "0");
  }
  row.push_back(layer.relu ? "1" : "0");
  for (const uint32_t number : {layer.output.groups, layer.output.height, layer.output.width, layer.output.channels}) {
    row.push_back(std::to_string(number));
  }
  std::string inputs;
  for (const std::size_t input : layer.inputs) {
    inputs += (inputs.empty() ? "" : " ") + (input == workloads::kNetworkInput ? "-1" : std::to_string(input));
  }
  row.push_back(inputs);
  row.push_back(std::to_string(layer.macs()));
  return row;
}

// Every layer of every path of a workload, for programs that run the same layers elsewhere. `inputs` are positions within the
// path, -1 for the image; the shape of what is not computed on the PE array is 0.
Table layers(const ListOptions& options) {
  require_file(options, "a workload file", "configs/workloads/segformer_b2_ade_paths.yaml");
  Table table{{"path", "name", "group", "kind", "groups", "input_channels", "output_channels", "kernel_height",
               "kernel_width", "stride", "padding", "input_height", "input_width", "output_height", "output_width", "relu",
               "tensor_groups", "tensor_height", "tensor_width", "tensor_channels", "inputs", "macs"},
              {}};
  const workloads::PathSet set = config::load<workloads::PathSet>(config::find_file(options.file)).value;
  for (const workloads::ExecutionPath& path : set.paths) {
    for (const workloads::Layer& layer : set.build(path).layers) {
      table.rows.push_back(layer_row(path.name, layer));
    }
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
      {"suites", suites},
      {"layers", layers},
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
