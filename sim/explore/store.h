// SPDX-License-Identifier: Apache-2.0
//
// The database of an exploration (SQLite): every outcome is there as soon as it is known, so that a run that is killed at
// any moment goes on where it was. One transaction an outcome; the journal is written ahead and not synchronised each time,
// which loses nothing when the process dies, and the last outcomes, never consistency, when the machine does.
//
//   exploration(key, value)                what the outcomes belong to: format, hash and text of the resolved file
//   point(number, parameters, configuration, configuration_hash)
//   outcome(stage, number, status, reason, area_m2, cpu_s, layers, layers_computed, session)
//   path_result(stage, number, path, latency_s, energy_j, energy_low_j, energy_high_j)   low = high = energy by the model
//   layer_result(machine, layer, cycles, activity)   what was simulated, for --resume and --reuse: sim/explore/layer_results.h
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/explore/database.h"
#include "sim/explore/outcome.h"

namespace tilewright::explore {

class Store {
 public:
  struct Identity {
    std::string hash, yaml;           // of the exploration file, resolved
    std::vector<std::string> paths;   // names, in order
  };
  // An empty path keeps everything in memory. Throws UserError where the file holds results and `resume` is not set, where
  // they are those of another exploration, where another process works on it, and where the disk refuses. `known`: layers of
  // other explorations, which are not simulated again.
  Store(const std::filesystem::path& file, const Identity& identity, bool resume, LayerResults known = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Once for each task: a second time is an InternalError. `parameters`: JSON.
  void add(Outcome outcome, const std::string& parameters);
  // Null where it is not known yet. Configurations stay in the file.
  const Outcome* find(const Task& task) const;
  std::size_t resumed() const { return resumed_; }  // outcomes that were there already

  // What was simulated before: what was known at the start and all that a resumed file holds.
  LayerResults& layer_results() { return layer_results_; }

 private:
  void identify(const Identity& identity, bool resume);
  void load();
  void prepare();

  Database database_;
  std::vector<std::string> paths_;
  std::unique_ptr<Database::Statement> add_point_, add_outcome_, add_path_, add_layer_;
  std::map<Task, Outcome> outcomes_;
  LayerResults layer_results_;
  std::size_t resumed_ = 0;
  int64_t session_ = 1;
};

}  // namespace tilewright::explore
