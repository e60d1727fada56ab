// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/outcome.h"

#include <nlohmann/json.hpp>

namespace tilewright::explore {

using Json = nlohmann::json;

std::string_view name(Status status) {
  return status == Status::kOk ? "ok" : status == Status::kOverBudget ? "over_budget" : "failed";
}

namespace {

Json layers_json(const Outcome& outcome) {
  Json layers = Json::array();
  for (const LayerResult& found : outcome.layer_results) {
    layers.push_back({found.machine, found.layer, found.simulated.cycles, counts_text(found.simulated.activity)});
  }
  return layers;
}

std::vector<LayerResult> layers_of(const Json& json) {
  std::vector<LayerResult> layers;
  for (const Json& layer : json) {
    layers.push_back({layer.at(0).get<std::string>(),
                      layer.at(1).get<std::string>(),
                      {layer.at(2).get<Cycle>(), activity_of(layer.at(3).get<std::string>())}});
  }
  return layers;
}

}  // namespace

std::string parameters_json(const Space& space, PointNumber point) {
  const Places places = space.places(point);
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < space.parameters(); ++i) {
    json[space.name(i)] = space.value(i, places);
  }
  return json.dump();
}

std::string encode(const Outcome& outcome) {
  const Json json = {static_cast<int>(outcome.task.stage),
                     outcome.task.point,
                     static_cast<int>(outcome.status),
                     outcome.reason,
                     outcome.configuration,
                     outcome.configuration_hash,
                     outcome.area_m2,
                     outcome.costs.latency_s,
                     outcome.costs.energy_j,
                     outcome.costs.layers,
                     outcome.costs.layers_computed,
                     outcome.cpu_s,
                     outcome.costs.energy_low_j,
                     outcome.costs.energy_high_j,
                     layers_json(outcome)};
  const std::vector<uint8_t> bytes = Json::to_cbor(json);  // doubles stay what they are
  return {bytes.begin(), bytes.end()};
}

Outcome decode_outcome(std::string_view message) {
  const Json json = Json::from_cbor(message.begin(), message.end());
  Outcome outcome;
  outcome.task = {static_cast<Stage>(json.at(0).get<int>()), json.at(1).get<PointNumber>()};
  outcome.status = static_cast<Status>(json.at(2).get<int>());
  outcome.reason = json.at(3).get<std::string>();
  outcome.configuration = json.at(4).get<std::string>();
  outcome.configuration_hash = json.at(5).get<std::string>();
  outcome.area_m2 = json.at(6).get<double>();
  outcome.costs.latency_s = json.at(7).get<std::vector<double>>();
  outcome.costs.energy_j = json.at(8).get<std::vector<double>>();
  outcome.costs.layers = json.at(9).get<uint64_t>();
  outcome.costs.layers_computed = json.at(10).get<uint64_t>();
  outcome.cpu_s = json.at(11).get<double>();
  outcome.costs.energy_low_j = json.at(12).get<std::vector<double>>();
  outcome.costs.energy_high_j = json.at(13).get<std::vector<double>>();
  outcome.layer_results = layers_of(json.at(14));
  return outcome;
}

}  // namespace tilewright::explore
