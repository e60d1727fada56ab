// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "sim/base/error.h"

namespace tilewright::explore {
namespace {

constexpr const char* kFormat = "1";

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
  PRIMARY KEY(stage, number, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS path(number INTEGER PRIMARY KEY, name TEXT NOT NULL);
)";

}  // namespace

// A prepared statement; values are bound from 1, columns read from 0.
class Store::Statement {
 public:
  Statement(const Store& store, const char* sql) : store_(store) {
    if (sqlite3_prepare_v2(store.database_, sql, -1, &statement_, nullptr) != SQLITE_OK) {
      store.fail("cannot be read");
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& integer(int at, int64_t value) { return checked(sqlite3_bind_int64(statement_, at, value)); }
  Statement& real(int at, double value) { return checked(sqlite3_bind_double(statement_, at, value)); }
  Statement& text(int at, const std::string& value) {
    return checked(sqlite3_bind_text64(statement_, at, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  // True while there is a row.
  bool step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
      store_.fail("cannot be written");
    }
    return code == SQLITE_ROW;
  }
  void run() {
    step();
    sqlite3_reset(statement_);
  }
  int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
  double real(int column) { return sqlite3_column_double(statement_, column); }
  std::string text(int column) {
    const unsigned char* data = sqlite3_column_text(statement_, column);
    return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  Statement& checked(int code) {
    if (code != SQLITE_OK) {
      store_.fail("cannot be written");
    }
    return *this;
  }
  const Store& store_;
  sqlite3_stmt* statement_ = nullptr;
};

Store::Store(const std::filesystem::path& file, const Identity& identity, bool resume) : paths_(identity.paths) {
  try {
    open(file);
    identify(identity, resume);
    load();
    prepare();
  } catch (...) {
    sqlite3_close_v2(database_);
    throw;
  }
}

Store::~Store() {
  add_point_.reset();
  add_outcome_.reset();
  add_path_.reset();
  sqlite3_close_v2(database_);
}

void Store::fail(const std::string& what) const {
  const int code = sqlite3_errcode(database_);
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    throw UserError("'" + name_ + "' is in use by another process", ExitCode::kRunFailed);
  }
  throw UserError("'" + name_ + "' " + what + ": " + sqlite3_errmsg(database_), ExitCode::kRunFailed);
}

void Store::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail("cannot be used");
  }
}

void Store::open(const std::filesystem::path& file) {
  name_ = file.empty() ? "the results in memory" : file.string();
  if (!file.empty() && file.has_parent_path()) {
    std::error_code failed;
    std::filesystem::create_directories(file.parent_path(), failed);
    if (failed) {
      throw UserError("cannot make the folder '" + file.parent_path().string() + "': " + failed.message(),
                      ExitCode::kRunFailed);
    }
  }
  if (sqlite3_open(file.empty() ? ":memory:" : file.c_str(), &database_) != SQLITE_OK) {
    fail("cannot be opened");
  }
  execute("PRAGMA locking_mode = EXCLUSIVE");
  execute("PRAGMA journal_mode = WAL");
  execute("PRAGMA synchronous = NORMAL");
  execute("BEGIN IMMEDIATE");
  execute(kTables);
  execute("COMMIT");
}

void Store::identify(const Identity& identity, bool resume) {
  std::map<std::string, std::string> known;
  {
    Statement rows(*this, "SELECT key, value FROM exploration");
    while (rows.step()) {
      known[rows.text(0)] = rows.text(1);
    }
  }
  if (!known.empty()) {
    if (!resume) {
      throw UserError("'" + name_ + "' holds an exploration already: go on with it (--resume), or choose another folder");
    }
    if (known["format"] != kFormat || known["hash"] != identity.hash) {
      throw UserError(fmt::format("'{}' holds another exploration (configuration {}, this one is {}): choose another folder",
                                  name_, known["hash"], identity.hash));
    }
    session_ = std::stoll(known["sessions"]) + 1;
  }
  execute("BEGIN");
  Statement put(*this, "INSERT OR REPLACE INTO exploration(key, value) VALUES(?, ?)");
  const std::pair<std::string, std::string> entries[] = {
      {"format", kFormat}, {"hash", identity.hash}, {"yaml", identity.yaml}, {"sessions", std::to_string(session_)}};
  for (const auto& [key, value] : entries) {
    put.text(1, key).text(2, value).run();
  }
  Statement path(*this, "INSERT OR REPLACE INTO path(number, name) VALUES(?, ?)");
  for (std::size_t i = 0; i < identity.paths.size(); ++i) {
    path.integer(1, static_cast<int64_t>(i)).text(2, identity.paths[i]).run();
  }
  execute("COMMIT");
}

void Store::load() {
  Statement rows(*this, "SELECT stage, number, status, reason, area_m2, cpu_s, layers, layers_computed FROM outcome");
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
  Statement paths(*this, "SELECT stage, number, latency_s, energy_j FROM path_result ORDER BY stage, number, path");
  while (paths.step()) {
    Outcome& outcome =
        outcomes_.at({static_cast<Stage>(paths.integer(0)), static_cast<PointNumber>(paths.integer(1))});
    outcome.costs.latency_s.push_back(paths.real(2));
    outcome.costs.energy_j.push_back(paths.real(3));
  }
  resumed_ = outcomes_.size();
}

void Store::prepare() {
  add_point_ = std::make_unique<Statement>(*this, "INSERT OR IGNORE INTO point VALUES(?, ?, ?, ?)");
  add_outcome_ = std::make_unique<Statement>(*this, "INSERT INTO outcome VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
  add_path_ = std::make_unique<Statement>(*this, "INSERT INTO path_result VALUES(?, ?, ?, ?, ?)");
}

void Store::add(Outcome outcome, const std::string& parameters) {
  TILEWRIGHT_CHECK(!outcomes_.contains(outcome.task), "a point was worked on twice");
  const auto stage = static_cast<int64_t>(outcome.task.stage);
  const auto number = static_cast<int64_t>(outcome.task.point);
  execute("BEGIN");
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
        .run();
  }
  execute("COMMIT");
  outcome.configuration.clear();
  outcome.configuration.shrink_to_fit();
  outcomes_.emplace(outcome.task, std::move(outcome));
}

const Outcome* Store::find(const Task& task) const {
  const auto found = outcomes_.find(task);
  return found == outcomes_.end() ? nullptr : &found->second;
}

}  // namespace tilewright::explore
