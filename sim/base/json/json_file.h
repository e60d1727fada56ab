// SPDX-License-Identifier: Apache-2.0
//
// Strict reading of JSON files: results of earlier runs and recorded measurements.
//
//   const JsonFile file("results/run.json");            // results.not-found, results.not-json (line, column)
//   const JsonValue runs = file.root()["runs"];         // results.unexpected: "'runs' is missing"
//   for (const JsonValue& run : runs.items()) run["cycles"].count();
//   run.only({"name", "cycles"});                       // any other key: results.unexpected, did you mean
//
// Every problem is a UserError (exit code 2) that names the file and the value's path: 'runs[3].cycles'.
// Numbers are finite; counts are integers from 0.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright {

// A view into a JsonFile, valid as long as it.
class JsonValue {
 public:
  JsonValue(const std::string& file, const nlohmann::ordered_json& json, std::string path)
      : file_(&file), json_(&json), path_(std::move(path)) {}

  JsonValue operator[](std::string_view key) const;  // of an object that must have it
  bool has(std::string_view key) const;              // of an object
  bool is_null() const;
  bool is_number() const;

  std::vector<JsonValue> items() const;                            // of an array
  std::vector<std::pair<std::string, JsonValue>> members() const;  // of an object, in the file's order
  std::string text() const;
  double number() const;
  uint64_t count() const;
  // One of a closed set of words; its index.
  std::size_t word(const std::vector<std::string>& allowed) const;
  // Refuses every key of the object but these.
  void only(const std::vector<std::string>& keys) const;

  [[noreturn]] void refuse(const std::string& message) const;  // "'path' " + message

 private:
  const nlohmann::ordered_json& of_kind(bool matches, const char* expected) const;

  const std::string* file_;
  const nlohmann::ordered_json* json_;
  std::string path_;
};

class JsonFile {
 public:
  explicit JsonFile(const std::filesystem::path& path);
  ~JsonFile();
  JsonFile(const JsonFile&) = delete;
  JsonFile& operator=(const JsonFile&) = delete;

  JsonValue root() const;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::unique_ptr<nlohmann::ordered_json> json_;
};

}  // namespace tilewright
