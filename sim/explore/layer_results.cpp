// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/layer_results.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "arch/load.h"
#include "mappers/residency.h"
#include "sim/base/error.h"
#include "sim/explore/database.h"

namespace tilewright::explore {
namespace {

constexpr std::size_t kMostOwn = 100'000;  // some 50 MB

// Of the program that runs: a rebuild may have changed what a cycle is.
const std::string& program_hash() {
  static const std::string hash = [] {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    if (!file) {
      throw UserError("the program cannot read itself (/proc/self/exe), so it cannot tell whose results it may reuse",
                      ExitCode::kRunFailed);
    }
    return config::hash_text(std::string(std::istreambuf_iterator<char>(file), {}));
  }();
  return hash;
}

std::string hash_of(const arch::AcceleratorSpec& machine) {
  return config::hash_text(program_hash() + config::canonical_text(machine));
}

std::string both(const std::string& machine, const std::string& layer) { return machine + " " + layer; }

}  // namespace

MachineKeys machine_keys(const arch::AcceleratorSpec& machine) {
  arch::AcceleratorSpec timed = machine;
  timed.name.clear();
  timed.description.clear();
  timed.dram.name.clear();
  timed.energy_table.clear();
  timed.operating_points.clear();
  timed.operating_point.voltage = {};
  MachineKeys keys;
  keys.whole = hash_of(timed);
  timed.pe_count = 0;
  timed.pe = {};
  timed.dataflows.clear();
  keys.without_pes = hash_of(timed);
  return keys;
}

std::string layer_key(const workloads::Layer& layer, const mappers::Residency& residency, const mappers::Mapping& mapping) {
  mappers::Residency seen = residency;
  seen.reserved_bytes = layer.on_pe_array ? 0 : residency.reserved_bytes;
  return mappers::reuse_key(layer, seen, mapping);
}

const SimulatedLayer* LayerResults::find(const std::string& machine, const std::string& layer) const {
  const std::string key = both(machine, layer);
  for (const auto* results : {&own_, &known_}) {
    const auto found = results->find(key);
    if (found != results->end()) {
      return &found->second;
    }
  }
  return nullptr;
}

void LayerResults::know(const LayerResult& result) { known_.emplace(both(result.machine, result.layer), result.simulated); }

const SimulatedLayer& LayerResults::add(LayerResult result) {
  if (own_.size() >= kMostOwn) {
    own_.clear();
  }
  const SimulatedLayer& kept = own_[both(result.machine, result.layer)] = result.simulated;
  fresh_.push_back(std::move(result));
  return kept;
}

std::vector<LayerResult> LayerResults::take_fresh() { return std::exchange(fresh_, {}); }

void for_each_layer_result(const Database& database, const std::function<void(const LayerResult&)>& take) {
  Database::Statement rows(database, "SELECT machine, layer, cycles, activity FROM layer_result");
  while (rows.step()) {
    take({rows.text(0), rows.text(1), {static_cast<Cycle>(rows.integer(2)), activity_of(rows.text(3))}});
  }
}

void read_layer_results(const std::filesystem::path& name, LayerResults& results) {
  std::error_code error;
  const std::filesystem::path file = std::filesystem::is_directory(name, error) ? name / "explore.sqlite" : name;
  if (!std::filesystem::exists(file, error)) {
    throw UserError({Diagnostic{{name.string()}, "results.not-found", "holds no exploration",
                                {"`tilewright explore -o DIR` writes explore.sqlite"}}});
  }
  for_each_layer_result(Database::read(file), [&](const LayerResult& known) { results.know(known); });
}

std::string counts_text(const Activity& activity) {
  std::string text;
  for (std::size_t i = 0; i < kActionCount; ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : " ", activity[static_cast<Action>(i)]);
  }
  return text;
}

Activity activity_of(const std::string& counts) {
  std::istringstream words(counts);
  Activity activity;
  uint64_t count = 0;
  for (std::size_t i = 0; i < kActionCount; ++i) {
    if (!(words >> count)) {
      throw UserError("a layer's activity in the database is cut off: '" + counts + "'");
    }
    activity.add(static_cast<Action>(i), count);
  }
  return activity;
}

}  // namespace tilewright::explore
