// SPDX-License-Identifier: Apache-2.0
#include "mappers/network_mapper.h"

#include <fmt/format.h>

#include "mappers/lower/lower.h"
#include "mappers/residency.h"
#include "mappers/search/fit.h"
#include "sim/base/interrupt.h"

namespace tilewright::mappers {

std::span<const config::EnumName<ResidencyRule>> enumeration_names(ResidencyRule) {
  static constexpr config::EnumName<ResidencyRule> kNames[] = {
      {ResidencyRule::kNothing, "none"}, {ResidencyRule::kGreedy, "greedy"}, {ResidencyRule::kSearch, "search"}};
  return kNames;
}

void describe(config::Schema<MapperOptions>& schema) {
  using M = MapperOptions;
  schema.name("mapper", "how layers are mapped onto the machine");
  schema.field(&M::objective, "objective", "what is minimised, of each layer and of the network");
  schema.field(&M::strategy, "strategy", "how to search, as of `tilewright map`");
  schema.field(&M::factors, "factors", "sizes to try, where the constraints say nothing");
  schema.field(&M::budget, "budget", "evaluations a layer").range(1, 1e9);
  schema.field(&M::residency, "residency", "which activations stay in the global buffer: none, by rules of thumb, or searched");
  schema.field(&M::constraints, "constraints", "a file of kind 'mapping_constraints', or its keys").reference();
}

NetworkMapper::NetworkMapper(const arch::AcceleratorSpec& spec, const EnergyRates& rates, const MapperOptions& options)
    : spec_(spec), rates_(rates), options_(options) {}
NetworkMapper::~NetworkMapper() = default;

SearchOptions NetworkMapper::search_options() const {
  SearchOptions options;
  options.objective = options_.objective;
  options.strategy = options_.strategy;
  options.factors = options_.factors;
  options.budget = options_.budget;
  options.keep = 1;
  options.bound = false;
  options.progress = [](uint64_t) { throw_if_interrupted(); };
  if (options_.constraints) {
    options.constraints = *options_.constraints;
  }
  return options;
}

std::unique_ptr<LayerChoice> NetworkMapper::search(const workloads::Layer& layer, const Residency& residency) {
  if (!fits_at_all(layer, spec_, residency)) {
    return nullptr;
  }
  ++searches_;
  auto choice = std::make_unique<LayerChoice>();
  Evaluation evaluation;
  if (layer.on_pe_array) {
    try {
      const MappingResult result = find_mapping(layer, spec_, residency, rates_, search_options());
      choice->mapping = result.practical_mapping;
      evaluation = result.practical_evaluation;
    } catch (const UserError&) {
      return nullptr;  // constraints forbid all that fits
    }
  } else {
    evaluation = vector_evaluation(layer, spec_, residency, rates_);
  }
  choice->cost = {evaluation.expected_cycles(), evaluation.expected_energy_j(rates_)};
  choice->occupied_bytes = occupied_bytes(layer, choice->mapping, spec_, residency);
  return choice;
}

// What was found with nothing reserved is the best for every reservation that leaves it its room.
const LayerChoice* NetworkMapper::look_up(const workloads::Layer& layer, const std::string& shape, const Residency& residency) {
  const auto known = [&](uint64_t reserved) {
    const Residency asked{residency.input, residency.weights, residency.output, reserved};
    const std::string key =
        fmt::format("{} | {:d}{:d}{:d} {}", shape, asked.input, asked.weights, asked.output, asked.reserved_bytes);
    const auto found = known_.find(key);
    return (found != known_.end() ? found : known_.emplace(key, search(layer, asked)).first)->second.get();
  };
  const LayerChoice* free = known(0);
  const bool stays = free == nullptr || free->occupied_bytes + residency.reserved_bytes <= spec_.global_buffer.capacity.value;
  return stays ? free : known(residency.reserved_bytes);
}

const LayerChoice* NetworkMapper::choose(const workloads::Layer& layer, const Residency& residency) {
  return look_up(layer, reuse_key(layer, {}), residency);
}

std::vector<bool> NetworkMapper::decide(const NetworkTensors& tensors, const std::vector<std::string>& shapes,
                                        NetworkMapping& result) {
  const workloads::Network& network = tensors.network();
  if (options_.residency == ResidencyRule::kNothing) {
    return std::vector<bool>(network.layers.size(), false);
  }
  const std::vector<bool> greedy = plan_stays(tensors, spec_, [&](std::size_t layer, const Residency& residency) {
    return fits_at_all(network.layers[layer], spec_, residency);
  });
  if (options_.residency == ResidencyRule::kGreedy) {
    return greedy;
  }
  const CostFunction cost = [&](std::size_t layer, const Residency& residency) -> std::optional<LayerCost> {
    const LayerChoice* choice = look_up(network.layers[layer], shapes[layer], residency);
    return choice == nullptr ? std::nullopt : std::optional(choice->cost);
  };
  const std::vector<Residency> by_greed = residencies(tensors, greedy);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!tensors.moves_nothing(i)) {
      result.greedy += cost(i, by_greed[i]).value_or(LayerCost{});
    }
  }
  const Fusion fusion = search_fusion(tensors, spec_.global_buffer.capacity.value, options_.objective, cost, greedy);
  result.exact = fusion.exact;
  return fusion.stays;
}

NetworkMapping NetworkMapper::map(const workloads::Network& network) {
  const NetworkTensors tensors(network);
  std::vector<std::string> shapes;
  for (const workloads::Layer& layer : network.layers) {
    shapes.push_back(reuse_key(layer, {}));
  }
  NetworkMapping result;
  std::vector<Residency> residency(network.layers.size(), Residency{true, true, true, 0});
  if (spec_.has_dram) {
    const std::vector<bool> stays = decide(tensors, shapes, result);
    residency = residencies(tensors, stays);
    for (std::size_t t = 0; t < stays.size(); ++t) {
      result.tensors += tensors.tensors()[t].may_stay ? 1 : 0;
      result.kept += stays[t] ? 1 : 0;
      result.kept_bytes += stays[t] ? tensors.tensors()[t].bytes : 0;
    }
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const workloads::Layer& layer = network.layers[i];
    NetworkMapping::Layer& mapped = result.layers.emplace_back();
    mapped.residency = residency[i];
    if (tensors.moves_nothing(i)) {
      continue;
    }
    const LayerChoice* choice = look_up(layer, shapes[i], residency[i]);
    if (choice == nullptr) {
      require_fit(layer, spec_, residency[i]);
      find_mapping(layer, spec_, residency[i], rates_, search_options());  // says which constraints are to blame
      throw InternalError("layer '" + layer.name + "' fits and has no mapping");
    }
    mapped.mapping = choice->mapping;
    result.cost += choice->cost;
  }
  return result;
}

}  // namespace tilewright::mappers
