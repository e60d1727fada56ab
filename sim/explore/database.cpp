// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/database.h"

#include <sqlite3.h>

#include <utility>

#include "sim/base/error.h"

namespace tilewright::explore {

namespace {

// As a URI's path: what would end it is escaped.
std::string escaped(const std::string& path) {
  std::string uri;
  for (const char c : path) {
    uri += c == '%' ? "%25" : c == '?' ? "%3f" : c == '#' ? "%23" : std::string(1, c);
  }
  return uri;
}

}  // namespace

Database::Database(const std::filesystem::path& file, const std::string& uri, int flags)
    : name_(file.empty() ? "the results in memory" : file.string()) {
  if (sqlite3_open_v2(uri.c_str(), &connection_, flags | SQLITE_OPEN_URI, nullptr) != SQLITE_OK) {
    const UserError error("'" + name_ + "' cannot be opened: " + sqlite3_errmsg(connection_), ExitCode::kRunFailed);
    sqlite3_close_v2(connection_);
    throw error;
  }
}

Database Database::create(const std::filesystem::path& file) {
  if (!file.empty() && file.has_parent_path()) {
    std::error_code failed;
    std::filesystem::create_directories(file.parent_path(), failed);
    if (failed) {
      throw UserError("cannot make the folder '" + file.parent_path().string() + "': " + failed.message(),
                      ExitCode::kRunFailed);
    }
  }
  return {file, file.empty() ? ":memory:" : "file:" + escaped(file.string()), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE};
}

Database Database::read(const std::filesystem::path& file) {
  // Without a journal nobody is writing and nothing is left to be taken over, and SQLite need not make files to lock with.
  std::error_code error;
  const bool at_rest = !std::filesystem::exists(file.string() + "-wal", error);
  return {file, "file:" + escaped(file.string()) + (at_rest ? "?immutable=1" : ""), SQLITE_OPEN_READONLY};
}

Database::Database(Database&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), name_(std::move(other.name_)) {}

Database::~Database() { sqlite3_close_v2(connection_); }

void Database::fail(const std::string& what) const {
  const int code = sqlite3_errcode(connection_);
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    throw UserError("'" + name_ + "' is in use by another process", ExitCode::kRunFailed);
  }
  throw UserError("'" + name_ + "' " + what + ": " + sqlite3_errmsg(connection_), ExitCode::kRunFailed);
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail("cannot be used");
  }
}

Database::Statement::Statement(const Database& database, const char* sql) : database_(database) {
  if (sqlite3_prepare_v2(database_.connection_, sql, -1, &statement_, nullptr) != SQLITE_OK) {
    database_.fail("cannot be read");
  }
}

Database::Statement::~Statement() { sqlite3_finalize(statement_); }

int Database::Statement::bind(int at, int64_t value) { return sqlite3_bind_int64(statement_, at, value); }
int Database::Statement::bind(int at, double value) { return sqlite3_bind_double(statement_, at, value); }
int Database::Statement::bind(int at, const std::string& value) {
  return sqlite3_bind_text64(statement_, at, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

Database::Statement& Database::Statement::checked(int code) {
  if (code != SQLITE_OK) {
    database_.fail("cannot be written");
  }
  return *this;
}

bool Database::Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    database_.fail("cannot be used");
  }
  return code == SQLITE_ROW;
}

void Database::Statement::run() {
  step();
  sqlite3_reset(statement_);
}

int64_t Database::Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Database::Statement::real(int column) const { return sqlite3_column_double(statement_, column); }
std::string Database::Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_, column);
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace tilewright::explore
