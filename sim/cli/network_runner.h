// SPDX-License-Identifier: Apache-2.0
//
// Runs networks layer by layer on one machine: plans what stays in the global buffer, maps, lowers, simulates, and adds energy.
// A layer whose shape, mapping and residency were simulated before is not simulated again (a layer's result depends on
// nothing else), so the paths of an experiment share most of their work.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "arch/energy.h"
#include "mappers/program/mapping.h"
#include "sim/accel/simulator.h"
#include "sim/base/record.h"
#include "workloads/layer.h"

namespace tilewright::cli {

class NetworkRunner {
 public:
  NetworkRunner(const arch::AcceleratorSpec& spec, const arch::EnergyTable& energy, accel::Fidelity fidelity,
                bool functional);

  // `each_layer` is told the name of every layer before it is worked on. Names and groups of the path are the caller's.
  RunRecord run(const workloads::Network& network, const std::function<void(const std::string&)>& each_layer = {});

 private:
  struct Simulated {
    mappers::Mapping mapping;
    accel::LayerResult result;
    std::string output_hash;
    uint64_t saturations = 0;
    bool computed = false;
  };
  Simulated simulate(const workloads::Layer& layer, const mappers::Residency& residency);
  void compute(const workloads::Layer& layer, const mappers::Residency& residency, Simulated& simulated);
  LayerRecord record_of(const workloads::Layer& layer, const Simulated& simulated) const;
  std::string limiter_of(const accel::LayerResult& result) const;

  const arch::AcceleratorSpec& spec_;
  const arch::EnergyTable& energy_;
  bool functional_;
  accel::AcceleratorSimulator simulator_;
  std::map<std::string, Simulated> results_;
};

}  // namespace tilewright::cli
