// SPDX-License-Identifier: Apache-2.0
//
// SQLite as this folder uses it: one connection, prepared statements, and every refusal as a UserError that names the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace tilewright::explore {

class Database {
 public:
  // An empty path is a database in memory. The folder is made.
  static Database create(const std::filesystem::path& file);
  // One that is there; nothing is written. Throws where another process works on it.
  static Database read(const std::filesystem::path& file);
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

  void execute(const char* sql);
  const std::string& name() const { return name_; }
  [[noreturn]] void fail(const std::string& what) const;  // "'name' what: what SQLite says"

  // Values are bound from 1, columns read from 0.
  class Statement {
   public:
    Statement(const Database& database, const char* sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& integer(int at, int64_t value) { return checked(bind(at, value)); }
    Statement& real(int at, double value) { return checked(bind(at, value)); }
    Statement& text(int at, const std::string& value) { return checked(bind(at, value)); }
    bool step();  // true while there is a row
    void run();   // for statements that give none; ready for the next values
    int64_t integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;

   private:
    int bind(int at, int64_t value);
    int bind(int at, double value);
    int bind(int at, const std::string& value);
    Statement& checked(int code);
    const Database& database_;
    sqlite3_stmt* statement_ = nullptr;
  };

 private:
  Database(const std::filesystem::path& file, const std::string& uri, int flags);

  sqlite3* connection_ = nullptr;
  std::string name_;
};

}  // namespace tilewright::explore
