// SPDX-License-Identifier: Apache-2.0
//
// `tilewright map`: the best mapping of every distinct layer of a workload, or of one, by the analytic model; then the
// candidates simulated, and the difference between the two.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mappers/network_mapper.h"
#include "sim/accel/simulator.h"
#include "sim/cli/options.h"

namespace tilewright::cli {

struct MapOptions {
  std::filesystem::path machine;      // opens as it is
  std::string workload;               // FILE or network, and :LAYER
  std::string path;                   // of the workload; empty: its first
  std::filesystem::path constraints;  // empty: none
  config::Overrides overrides;        // of the machine
  mappers::SearchOptions search;
  bool simulate = true;
  mappers::ResidencyRule residency = mappers::ResidencyRule::kSearch;  // which tensors stay between layers, as in `run`
  Format format = Format::kText;
};

int map_command(const MapOptions& options);

// What was found for one layer, for printing.
struct MappedLayer {
  workloads::Layer layer;
  mappers::Residency residency;
  std::size_t alike = 1;  // layers of the network that are the same
  mappers::MappingResult result;
  struct Simulated {
    mappers::Mapping mapping;            // the candidate that took least
    mappers::Evaluation modelled;
    accel::LayerResult measured;
    double energy_j = 0;
  };
  std::optional<Simulated> simulated;
};
struct MapReport {
  std::string machine, workload, path, constraints;
  mappers::Objective objective = mappers::Objective::kCycles;
  mappers::ResidencyRule residency = mappers::ResidencyRule::kSearch;
  mappers::NetworkMapping network;
  std::vector<std::string> kept;  // layers whose output stays, in the order of the network
  std::vector<MappedLayer> layers;
};

std::string map_text(const MapReport& report, const arch::AcceleratorSpec& spec);
std::string map_json(const MapReport& report, const arch::AcceleratorSpec& spec);
std::string map_csv(const MapReport& report);

}  // namespace tilewright::cli
