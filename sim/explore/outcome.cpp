// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/outcome.h"

#include <nlohmann/json.hpp>

namespace tilewright::explore {

using Json = nlohmann::json;

std::string_view name(Status status) {
  return status == Status::kOk ? "ok" : status == Status::kOverBudget ? "over_budget" : "failed";
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
                     outcome.cpu_s};
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
  return outcome;
}

}  // namespace tilewright::explore
