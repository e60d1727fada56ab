// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/error.h"

namespace tilewright::explore {
namespace {

constexpr const char* kFormat = "2";

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS exploration(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS point(
  number INTEGER PRIMARY KEY, parameters TEXT NOT NULL, configuration TEXT NOT NULL, configuration_hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcome(
  stage INTEGER NOT NULL, number INTEGER NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL, area_m2 REAL NOT NULL,
  cpu_s REAL NOT NULL, layers INTEGER NOT NULL, layers_computed INTEGER NOT NULL, session INTEGER NOT NULL,
  PRIMARY KEY(stage, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS path_result(
  stage INTEGER NOT NULL, number INTEGER NOT NULL, path INTEGER NOT NULL, latency_s REAL NOT NULL, energy_j REAL NOT NULL,
  energy_low_j REAL NOT NULL, energy_high_j REAL NOT NULL, PRIMARY KEY(stage, number, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS layer_result(
  machine TEXT NOT NULL, layer TEXT NOT NULL, cycles INTEGER NOT NULL, activity TEXT NOT NULL,
  PRIMARY KEY(machine, layer)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS path(number INTEGER PRIMARY KEY, name TEXT NOT NULL);
)";

}  // namespace

Store::Store(const std::filesystem::path& file, const Identity& identity, bool resume, LayerResults known)
    : database_(Database::create(file)), paths_(identity.paths), layer_results_(std::move(known)) {
  database_.execute("PRAGMA locking_mode = EXCLUSIVE");
  database_.execute("PRAGMA journal_mode = WAL");
  database_.execute("PRAGMA synchronous = NORMAL");
  database_.execute("BEGIN IMMEDIATE");
  database_.execute(kTables);
  database_.execute("COMMIT");
  identify(identity, resume);
  load();
  prepare();
}

Store::~Store() = default;

void Store::identify(const Identity& identity, bool resume) {
  std::map<std::string, std::string> known;
  {
    Database::Statement rows(database_, "SELECT key, value FROM exploration");
    while (rows.step()) {
      known[rows.text(0)] = rows.text(1);
    }
  }
  if (!known.empty()) {
    if (!resume) {
      throw UserError("'" + database_.name() + "' holds an exploration already: go on with it (--resume), or choose another folder");
    }
    if (known["format"] != kFormat) {
      throw UserError("'" + database_.name() + "' was written by another version of the program: choose another folder");
    }
    if (known["hash"] != identity.hash) {
      throw UserError(fmt::format("'{}' holds another exploration (configuration {}, this one is {}): choose another folder",
                                  database_.name(), known["hash"], identity.hash));
    }
    session_ = std::stoll(known["sessions"]) + 1;
  }
  database_.execute("BEGIN");
  Database::Statement put(database_, "INSERT OR REPLACE INTO exploration(key, value) VALUES(?, ?)");
  const std::pair<std::string, std::string> entries[] = {
      {"format", kFormat}, {"hash", identity.hash}, {"yaml", identity.yaml}, {"sessions", std::to_string(session_)}};
  for (const auto& [key, value] : entries) {
    put.text(1, key).text(2, value).run();
  }
  Database::Statement path(database_, "INSERT OR REPLACE INTO path(number, name) VALUES(?, ?)");
  for (std::size_t i = 0; i < identity.paths.size(); ++i) {
    path.integer(1, static_cast<int64_t>(i)).text(2, identity.paths[i]).run();
  }
  database_.execute("COMMIT");
}

void Store::load() {
  Database::Statement rows(database_, "SELECT stage, number, status, reason, area_m2, cpu_s, layers, layers_computed FROM outcome");
  while (rows.step()) {
    Outcome outcome;
    outcome.task = {static_cast<Stage>(rows.integer(0)), static_cast<PointNumber>(rows.integer(1))};
    outcome.status = static_cast<Status>(rows.integer(2));
    outcome.reason = rows.text(3);
    outcome.area_m2 = rows.real(4);
    outcome.cpu_s = rows.real(5);
    outcome.costs.layers = static_cast<uint64_t>(rows.integer(6));
    outcome.costs.layers_computed = static_cast<uint64_t>(rows.integer(7));
    outcomes_.emplace(outcome.task, std::move(outcome));
  }
  Database::Statement paths(database_, "SELECT stage, number, latency_s, energy_j, energy_low_j, energy_high_j FROM path_result "
                                       "ORDER BY stage, number, path");
  while (paths.step()) {
    Outcome& outcome =
        outcomes_.at({static_cast<Stage>(paths.integer(0)), static_cast<PointNumber>(paths.integer(1))});
    outcome.costs.latency_s.push_back(paths.real(2));
    outcome.costs.energy_j.push_back(paths.real(3));
    outcome.costs.energy_low_j.push_back(paths.real(4));
    outcome.costs.energy_high_j.push_back(paths.real(5));
  }
  resumed_ = outcomes_.size();
  for_each_layer_result(database_, [this](const LayerResult& known) { layer_results_.know(known); });
}

void Store::prepare() {
  add_point_ = std::make_unique<Database::Statement>(database_, "INSERT OR IGNORE INTO point VALUES(?, ?, ?, ?)");
  add_outcome_ = std::make_unique<Database::Statement>(database_, "INSERT INTO outcome VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
  add_path_ = std::make_unique<Database::Statement>(database_, "INSERT INTO path_result VALUES(?, ?, ?, ?, ?, ?, ?)");
  add_layer_ = std::make_unique<Database::Statement>(database_, "INSERT OR IGNORE INTO layer_result VALUES(?, ?, ?, ?)");
}

void Store::add(Outcome outcome, const std::string& parameters) {
  TILEWRIGHT_CHECK(!outcomes_.contains(outcome.task), "a point was worked on twice");
  const auto stage = static_cast<int64_t>(outcome.task.stage);
  const auto number = static_cast<int64_t>(outcome.task.point);
  database_.execute("BEGIN");
  add_point_->integer(1, number).text(2, parameters).text(3, outcome.configuration).text(4, outcome.configuration_hash).run();
  add_outcome_->integer(1, stage)
      .integer(2, number)
      .integer(3, static_cast<int64_t>(outcome.status))
      .text(4, outcome.reason)
      .real(5, outcome.area_m2)
      .real(6, outcome.cpu_s)
      .integer(7, static_cast<int64_t>(outcome.costs.layers))
      .integer(8, static_cast<int64_t>(outcome.costs.layers_computed))
      .integer(9, session_)
      .run();
  for (std::size_t i = 0; i < outcome.costs.latency_s.size(); ++i) {
    add_path_->integer(1, stage)
        .integer(2, number)
        .integer(3, static_cast<int64_t>(i))
        .real(4, outcome.costs.latency_s[i])
        .real(5, outcome.costs.energy_j[i])
        .real(6, outcome.costs.energy_low_j[i])
        .real(7, outcome.costs.energy_high_j[i])
        .run();
  }
  for (const LayerResult& found : outcome.layer_results) {
    add_layer_->text(1, found.machine)
        .text(2, found.layer)
        .integer(3, static_cast<int64_t>(found.simulated.cycles))
        .text(4, counts_text(found.simulated.activity))
        .run();
  }
  database_.execute("COMMIT");
  outcome.layer_results.clear();
  outcome.layer_results.shrink_to_fit();
  outcome.configuration.clear();
  outcome.configuration.shrink_to_fit();
  outcomes_.emplace(outcome.task, std::move(outcome));
}

const Outcome* Store::find(const Task& task) const {
  const auto found = outcomes_.find(task);
  return found == outcomes_.end() ? nullptr : &found->second;
}

}  // namespace tilewright::explore
