// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/network_runner.h"

#include <algorithm>
#include <utility>

#include "mappers/lower/lower.h"
#include "mappers/residency.h"
#include "sim/accel/functional/functional_run.h"
#include "sim/accel/functional/reference.h"
#include "sim/base/interrupt.h"

namespace tilewright::cli {
namespace {

using accel::LayerResult;
using workloads::Layer;

// A layer that moves and computes nothing: a concatenation whose inputs were written in place.
bool costs_nothing(const Layer& layer) {
  return !layer.on_pe_array && layer.vector.output_elements == 0;
}

double share(uint64_t part, double whole) { return whole > 0 ? static_cast<double>(part) / whole : 0; }

// Programs are written out whole: what would fill the memory of the machine we run on is refused.
void refuse_too_large(const Layer& layer) {
  constexpr uint64_t kMostBytes = uint64_t{8} << 30;
  constexpr uint64_t kMostMacs = uint64_t{1} << 41;
  const mappers::TensorPlaces places = mappers::tensor_places(layer);
  for (const uint64_t bytes : {places.input_bytes, places.weight_bytes, places.output_bytes, layer.vector.input_elements}) {
    if (bytes > kMostBytes || layer.macs() > kMostMacs) {
      throw UserError("layer '" + layer.name + "' is too large to simulate: at most 8 GiB a tensor and 2^41 MACs a layer",
                      ExitCode::kRunFailed);
    }
  }
}

}  // namespace

NetworkRunner::NetworkRunner(const arch::AcceleratorSpec& spec, const arch::EnergyTable& energy,
                             accel::Fidelity fidelity, bool functional, const mappers::MapperOptions& options)
    : spec_(spec),
      energy_(energy),
      functional_(functional),
      mapper_(spec, mappers::energy_rates(spec, energy), options),
      simulator_(spec, fidelity) {}

NetworkRunner::Simulated NetworkRunner::simulate(const Layer& layer, const Mapped& mapped) {
  Simulated simulated;
  if (functional_ && layer.on_pe_array) {
    compute(layer, mapped, simulated);
  } else {
    simulated.result = simulator_.run(mappers::lower(layer, mapped.mapping, spec_, mapped.residency));
  }
  return simulated;
}

// Random operands (the seed is fixed, so hashes can be compared between machines and runs) through the modelled buffers.
void NetworkRunner::compute(const Layer& layer, const Mapped& mapped, Simulated& simulated) {
  constexpr uint64_t kSeed = 1;
  const mappers::TileProgram program = mappers::lower(layer, mapped.mapping, spec_, mapped.residency, true);
  accel::Operands operands(layer.mac);
  operands.fill(kSeed);
  accel::FunctionalRun values(program, spec_, operands);
  simulated.result = simulator_.run(program, &values);
  simulated.saturations = values.saturations();
  simulated.computed = true;
  if (values.saturations() == 0 && values.sums() != accel::reference_sums(operands)) {
    throw InternalError("layer '" + layer.name + "': the values that came out of the modelled buffers are not the reference's");
  }
  const uint64_t reduction = uint64_t{layer.mac.kernel_height} * layer.mac.kernel_width * layer.mac.input_channels;
  simulated.output_hash = accel::output_hash(values.sums(), accel::requantisation_shift(reduction), layer.relu);
}

// The resource that was busy for the largest part of the layer.
std::string NetworkRunner::limiter_of(const LayerResult& result) const {
  const auto cycles = static_cast<double>(result.cycles);
  const double rows = cycles * spec_.noc.rows;
  std::vector<std::pair<double, std::string>> busy;
  busy.emplace_back(share(result.stalls.at("pe")[Stall::kBusy], cycles * spec_.pe_count), "compute");
  busy.emplace_back(share(result.stalls.at("vector_unit")[Stall::kBusy], cycles), "vector_unit");
  busy.emplace_back(share(std::max(result.row_link_busy, result.collect_link_busy), rows), "noc");
  busy.emplace_back(share(result.bank_busy, cycles * spec_.global_buffer.banks), "global_buffer");
  if (spec_.has_dram) {
    const double dram_cycles = cycles * static_cast<double>(spec_.dram.command_clock.value) /
                               static_cast<double>(spec_.operating_point.clock.value);
    busy.emplace_back(share(result.dram_busy, dram_cycles * spec_.dram.channels), "dram");
  }
  return std::max_element(busy.begin(), busy.end())->second;
}

LayerRecord NetworkRunner::record_of(const Layer& layer, const Mapped& mapped, const Simulated& simulated) const {
  LayerRecord record;
  record.name = layer.name;
  record.group = layer.group;
  record.kind = layer.on_pe_array && layer.mac.depthwise() ? "depthwise" : std::string(workloads::name(layer.kind));
  record.macs = layer.macs();
  if (costs_nothing(layer)) {
    record.limiter = "none";
    record.mapping = "in place";
    return record;
  }
  const LayerResult& result = simulated.result;
  record.cycles = result.cycles;
  record.utilisation =
      share(record.macs, static_cast<double>(result.cycles) * static_cast<double>(spec_.macs_per_cycle()));
  record.limiter = limiter_of(result);
  record.mapping = layer.on_pe_array ? mappers::describe(mapped.mapping) : "vector unit";
  record.activity = result.activity;
  record.stalls = result.stalls;
  record.energy = arch::energy_of(result.activity, result.cycles, spec_, energy_);
  record.dram_bytes = result.activity[Action::kDramReadBytes] + result.activity[Action::kDramWriteBytes];
  record.output_hash = simulated.output_hash;
  return record;
}

RunRecord NetworkRunner::run(const workloads::Network& network,
                             const std::function<void(const std::string&)>& each_layer) {
  RunRecord run;
  run.machine = spec_.name;
  run.workload = network.name;
  run.macs = network.macs();
  run.weight_bytes = network.weights();
  for (const Layer& layer : network.layers) {
    refuse_too_large(layer);
  }
  const std::vector<Mapped> mapped = mapper_.map(network).layers;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    throw_if_interrupted();
    if (each_layer) {
      each_layer(layer.name);
    }
    bool reused = true;
    Simulated none;
    const Simulated* simulated = &none;
    if (!costs_nothing(layer)) {
      const std::string key = mappers::reuse_key(layer, mapped[i].residency, mapped[i].mapping);
      auto found = results_.find(key);
      if (found == results_.end()) {
        found = results_.emplace(key, simulate(layer, mapped[i])).first;
        reused = false;
      }
      simulated = &found->second;
    }
    LayerRecord record = record_of(layer, mapped[i], *simulated);
    record.reused = reused;
    run.cycles += record.cycles;
    run.activity += record.activity;
    for (const auto& [unit, stalls] : record.stalls) {
      run.stalls[unit] += stalls;
    }
    for (const auto& [component, energy] : record.energy) {
      run.energy[component] += energy;
    }
    run.functional_layers += simulated->computed ? 1 : 0;
    run.saturations += simulated->saturations;
    run.layers.push_back(std::move(record));
  }
  run.time_s = static_cast<double>(run.cycles) / static_cast<double>(spec_.operating_point.clock.value);
  run.utilisation = share(run.macs, static_cast<double>(run.cycles) * static_cast<double>(spec_.macs_per_cycle()));
  return run;
}

}  // namespace tilewright::cli
