// SPDX-License-Identifier: Apache-2.0
//
// Maps whole networks onto a machine: decides which activations stay in the global buffer, and finds a mapping for every layer.
// What every command that simulates a network uses.
//
//   NetworkMapper mapper(spec, energy_rates(spec, table), options);
//   const NetworkMapping mapping = mapper.map(network);       // mapping.layers[i].residency, .mapping
//   const LayerChoice* alone = mapper.choose(layer, {});      // null where it does not fit
//
// Layers are remembered by shape and residency, so the paths of an experiment share most of the work. What a layer gets depends
// on the layer, the residency, the machine and the options alone, never on what was mapped before.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "mappers/fusion.h"
#include "mappers/search/find_mapping.h"

namespace tilewright::mappers {

// Which activations stay: none, by rules of thumb (residency.h), or by what the layers then cost (fusion.h).
enum class ResidencyRule : uint8_t { kNothing, kGreedy, kSearch };
std::span<const config::EnumName<ResidencyRule>> enumeration_names(ResidencyRule);

// The key `mapper` of an experiment.
struct MapperOptions {
  Objective objective = Objective::kEdp;
  StrategyName strategy = StrategyName::kTwoStage;  // the others find little more in many times its time (docs/mapper.md)
  Factors factors = Factors::kImperfect;
  uint64_t budget = 2000;
  ResidencyRule residency = ResidencyRule::kSearch;
  std::optional<MappingConstraints> constraints;
};
void describe(config::Schema<MapperOptions>& schema);

struct LayerChoice {
  Mapping mapping;
  LayerCost cost;               // expected, by the model
  uint64_t occupied_bytes = 0;  // of the global buffer, without what is reserved for others
};

struct NetworkMapping {
  struct Layer {
    Residency residency;
    Mapping mapping;
  };
  std::vector<Layer> layers;
  LayerCost cost;        // of the network, by the model
  LayerCost greedy;      // with the greedy rule's residency; only where the rule is kSearch
  std::size_t tensors = 0, kept = 0;  // that could stay in a buffer without end; that do
  uint64_t kept_bytes = 0;            // of the latter
  bool exact = false;                 // no set of tensors is better, by the layers' costs
};

class NetworkMapper {
 public:
  // Keeps a reference to the spec.
  NetworkMapper(const arch::AcceleratorSpec& spec, const EnergyRates& rates, const MapperOptions& options = {});
  ~NetworkMapper();

  // Throws UserError naming the layer that cannot be mapped, and why.
  NetworkMapping map(const workloads::Network& network);
  // Null where no mapping fits.
  const LayerChoice* choose(const workloads::Layer& layer, const Residency& residency);
  uint64_t searches() const { return searches_; }  // of layers, so far

 private:
  const LayerChoice* look_up(const workloads::Layer& layer, const std::string& shape, const Residency& residency);
  SearchOptions search_options() const;
  std::unique_ptr<LayerChoice> search(const workloads::Layer& layer, const Residency& residency);
  std::vector<bool> decide(const NetworkTensors& tensors, const std::vector<std::string>& shapes, NetworkMapping& result);

  const arch::AcceleratorSpec& spec_;
  EnergyRates rates_;
  MapperOptions options_;
  std::unordered_map<std::string, std::unique_ptr<LayerChoice>> known_;  // null: does not fit
  uint64_t searches_ = 0;
};

}  // namespace tilewright::mappers
