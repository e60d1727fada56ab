// SPDX-License-Identifier: Apache-2.0
//
// The mapper on the machines that ship, judged by the simulator: on every large layer of SegFormer-B2
// that no bandwidth holds back, within 15 % of the utilisation that padding allows.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "arch/energy.h"
#include "arch/load.h"
#include "mappers/lower/lower.h"
#include "mappers/network_mapper.h"
#include "mappers/residency.h"
#include "sim/accel/simulator.h"
#include "workloads/segformer.h"

namespace tilewright::mappers {
namespace {

double share(double used, double granule) {
  return used / (std::ceil(used / granule) * granule);
}

// Cycles that the layer's traffic takes at least, whatever the mapping: what must be read and written once,
// and every output over the rows' links back. Neighbouring DMA requests that share a bank of the global
// buffer are moved one after the other, however many ports there are.
double bandwidth_cycles(const Evaluation& cost, const arch::AcceleratorSpec& spec) {
  const auto term = [&](Term which) { return cost.terms[static_cast<std::size_t>(which)]; };
  const bool banks_shared = spec.noc.packet_bytes > spec.dma.request_bytes;
  const double dma = std::max(term(Term::kLoadDma), term(Term::kStoreDma)) * (banks_shared ? spec.dma.ports : 1);
  return std::max({term(Term::kDram), dma, term(Term::kCollectLinks)});
}

void judge(const std::string& machine, uint64_t at_least) {
  const std::filesystem::path file = std::filesystem::path(TILEWRIGHT_SOURCE_DIR) / "configs/arch" / machine;
  const arch::AcceleratorSpec spec = arch::load_accelerator(file).value;
  const workloads::Network network = workloads::segformer(
      workloads::segformer_spec(workloads::SegformerSize::kB2, workloads::SegformerData::kAde20k));
  const EnergyRates rates = energy_rates(spec, arch::load_energy_table_of(spec).value);
  MapperOptions options;
  options.objective = Objective::kCycles;  // others may leave PEs idle to save energy
  NetworkMapper mapper(spec, rates, options);
  const NetworkMapping mapped = mapper.map(network);
  accel::AcceleratorSimulator simulator(spec, accel::Fidelity::kEvent);
  std::set<std::string> seen;
  uint64_t judged = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const workloads::Layer& layer = network.layers[i];
    const auto& [residency, mapping] = mapped.layers[i];
    const double ideal = double(layer.macs()) / double(spec.macs_per_cycle());
    if (ideal < 20'000 || layer.mac.depthwise() || !seen.insert(reuse_key(layer, residency)).second) {
      continue;
    }
    const double allowed = share(layer.mac.input_channels, spec.pe.vector_size) *
                           share(layer.mac.output_channels, spec.pe.lanes);
    LayerModel model(layer, spec, residency, rates);
    Evaluation cost;
    REQUIRE(model.evaluate(mapping, cost));
    if (bandwidth_cycles(cost, spec) > 0.85 * ideal / allowed) {
      continue;
    }
    const TileProgram program = lower(layer, mapping, spec, residency);
    const double cycles = double(simulator.run(program).cycles);
    CAPTURE(layer.name);
    CAPTURE(describe(mapping));
    CHECK(ideal / cycles >= 0.85 * allowed);
    CHECK(cost.cycles <= cycles);
    ++judged;
  }
  CHECK(judged >= at_least);
}

TEST_CASE("large layers of SegFormer-B2 keep the array busy with LPDDR5") {
  judge("magnet_16pe_5nm_lpddr5.yaml", 8);
}
TEST_CASE("large layers of SegFormer-B2 keep the array busy with HBM2") {
  judge("magnet_16pe_5nm_hbm2.yaml", 8);
}

}  // namespace
}  // namespace tilewright::mappers
