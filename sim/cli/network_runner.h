// SPDX-License-Identifier: Apache-2.0
//
// Runs networks layer by layer on one machine: maps (mappers/network_mapper.h), lowers, simulates, and adds energy. A layer whose shape, mapping and residency were simulated before is not simulated again (a layer's result depends on
// nothing else), so the paths of an experiment share most of their work.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "arch/energy.h"
#include "mappers/network_mapper.h"
#include "sim/accel/simulator.h"
#include "sim/base/record.h"
#include "workloads/layer.h"

namespace tilewright::cli {

class NetworkRunner {
 public:
  NetworkRunner(const arch::AcceleratorSpec& spec, const arch::EnergyTable& energy, accel::Fidelity fidelity,
                bool functional, const mappers::MapperOptions& options = {});

  // `each_layer` is told the name of every layer before it is worked on. Names and groups of the path are the caller's.
  RunRecord run(const workloads::Network& network, const std::function<void(const std::string&)>& each_layer = {});

 private:
  struct Simulated {
    accel::LayerResult result;
    std::string output_hash;
    uint64_t saturations = 0;
    bool computed = false;
  };
  using Mapped = mappers::NetworkMapping::Layer;
  Simulated simulate(const workloads::Layer& layer, const Mapped& mapped);
  void compute(const workloads::Layer& layer, const Mapped& mapped, Simulated& simulated);
  LayerRecord record_of(const workloads::Layer& layer, const Mapped& mapped, const Simulated& simulated) const;
  std::string limiter_of(const accel::LayerResult& result) const;

  const arch::AcceleratorSpec& spec_;
  const arch::EnergyTable& energy_;
  bool functional_;
  mappers::NetworkMapper mapper_;
  accel::AcceleratorSimulator simulator_;
  std::map<std::string, Simulated> results_;
};

}  // namespace tilewright::cli
