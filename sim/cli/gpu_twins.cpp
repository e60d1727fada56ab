// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/gpu_twins.h"

#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "arch/load_gpu.h"
#include "sim/cli/attention_twin.h"
#include "sim/gpu/programs/simulate_point.h"

namespace tilewright::cli {
namespace {

// Records hold counts as integers, which a twin may insist on.
nlohmann::ordered_json parameters_json(const Parameters& parameters) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [key, value] : parameters) {
    if (const double* number = std::get_if<double>(&value)) {
      const bool is_count = *number == std::floor(*number) && std::abs(*number) < 1e15;
      json[key] = is_count ? nlohmann::ordered_json(static_cast<int64_t>(*number)) : nlohmann::ordered_json(*number);
    } else {
      json[key] = std::get<std::string>(value);
    }
  }
  return json;
}

}  // namespace

validate::TwinSimulator gpu_twins() {
  const auto machines = std::make_shared<std::map<std::string, arch::GpuSpec>>();
  return [machines](const validate::TwinRequest& request) -> std::optional<validate::TwinResult> {
    auto machine = machines->find(request.card);
    if (machine == machines->end()) {
      const auto file = config::repository_root() / "configs/arch" / (request.card + ".yaml");
      if (!std::filesystem::exists(file)) {
        return std::nullopt;
      }
      machine = machines->emplace(request.card, arch::load_gpu(file).value).first;
    }
    if (is_attention(request)) {
      return simulate_attention(machine->second, request);
    }
    const gpu::Metrics metrics = gpu::simulate_metrics(
        machine->second, {request.suite, request.family, parameters_json(request.parameters), request.clocks.sm_hz});
    if (metrics.empty()) {
      return std::nullopt;
    }
    validate::TwinResult result;
    for (const auto& [name, value] : metrics) {
      result.metrics[name] = {value, {}};
    }
    return result;
  };
}

}  // namespace tilewright::cli
