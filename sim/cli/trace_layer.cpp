// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/trace_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "arch/energy.h"
#include "mappers/lower/lower.h"
#include "mappers/network_mapper.h"
#include "sim/accel/simulator.h"
#include "sim/base/config/diagnostics.h"

namespace tilewright::cli {
namespace {

std::size_t find_layer(const workloads::Network& network, const std::string& wanted) {
  std::vector<std::string> names;
  for (const workloads::Layer& layer : network.layers) {
    names.push_back(layer.name);
  }
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found == names.end()) {
    throw UserError("--vcd-layer: " + network.name + " has no layer '" + wanted + "'" +
                    config::did_you_mean(wanted, names));
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

std::string trace_layer(const ExperimentSpec& experiment, accel::Fidelity fidelity, const std::string& layer,
                        const std::string& vcd) {
  const arch::AcceleratorSpec& spec = experiment.machines.front();
  const workloads::ExecutionPath& path = *selected_paths(experiment).front();
  const workloads::Network network = experiment.workload.build(path);
  const std::size_t index = find_layer(network, layer);
  const workloads::Layer& traced = network.layers[index];
  mappers::NetworkMapper mapper(spec, mappers::energy_rates(spec, arch::load_energy_table_of(spec).value), experiment.mapper);
  const mappers::NetworkMapping::Layer mapped = mapper.map(network).layers[index];
  const mappers::TileProgram program = mappers::lower(traced, mapped.mapping, spec, mapped.residency);
  if (program.tiles.empty()) {
    throw UserError("--vcd-layer: '" + layer + "' moves and computes nothing (it is written in place)");
  }
  accel::AcceleratorSimulator simulator(spec, fidelity, vcd);
  return fmt::format("{}: {} of {} on {}, {} cycles\n", vcd, layer, path.name, spec.name,
                     simulator.run(program).cycles);
}

}  // namespace tilewright::cli
