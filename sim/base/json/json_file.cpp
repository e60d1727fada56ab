// SPDX-License-Identifier: Apache-2.0
#include "sim/base/json/json_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sim/base/config/diagnostics.h"
#include "sim/base/config/text.h"
#include "sim/base/error.h"

namespace tilewright {
namespace {

using Json = nlohmann::ordered_json;

// Deeper nesting than any file of ours; bounds the parser's and the destructor's recursion.
constexpr int kDeepest = 32;

std::string read_text(const std::filesystem::path& path, const std::string& name) {
  std::error_code error;
  const auto refuse = [&](const std::string& reason) {
    throw UserError({Diagnostic{{name}, "results.not-found", "cannot be read: " + reason, {}}});
  };
  if (std::filesystem::is_directory(path, error)) {
    refuse("it is a folder");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    refuse(std::strerror(errno));
  }
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) {
    refuse(std::strerror(errno));
  }
  return text;
}

// Line and column of a byte, counted from 1.
SourceLocation location(const std::string& name, const std::string& text, std::size_t byte) {
  const std::size_t end = std::min(byte, text.size());
  const std::size_t start = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  const std::size_t column = start == std::string::npos ? end + 1 : end - start;
  return {name, static_cast<int>(line), static_cast<int>(column)};
}

// nlohmann's "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while parsing
// value - unexpected end of input; expected ..." without its own numbering.
std::string reason_of(const Json::parse_error& error) {
  const std::string text = error.what();
  const std::size_t dash = text.find(" - ");
  const std::string reason = dash == std::string::npos ? text : text.substr(dash + 3);
  return reason.substr(0, reason.find("; expected"));
}

std::string found(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return "nothing";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "the text " + config::quoted_excerpt(json.get_ref<const std::string&>());
    default:
      return json.dump();
  }
}

}  // namespace

JsonFile::JsonFile(const std::filesystem::path& path)
    : name_(path.string()), json_(std::make_unique<Json>()) {
  const std::string text = read_text(path, name_);
  // The callback sees the depth before anything is kept.
  const auto not_too_deep = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kDeepest) {
      throw UserError(
          {Diagnostic{{name_}, "results.not-json", "is nested too deeply to be a file of results", {}}});
    }
    return true;
  };
  try {
    *json_ = Json::parse(text, not_too_deep);
  } catch (const Json::parse_error& error) {
    const std::size_t byte = error.byte > 0 ? error.byte - 1 : 0;
    throw UserError({Diagnostic{location(name_, text, byte),
                                "results.not-json",
                                "is not JSON, or not all of it: " + reason_of(error),
                                {}}});
  } catch (const Json::exception& error) {  // a number that no double holds
    throw UserError(
        {Diagnostic{{name_}, "results.not-json", std::string("is not usable JSON: ") + error.what(), {}}});
  }
}

JsonFile::~JsonFile() = default;

JsonValue JsonFile::root() const {
  return {name_, *json_, ""};
}

void JsonValue::refuse(const std::string& message) const {
  throw UserError({Diagnostic{{*file_},
                              "results.unexpected",
                              config::quoted_excerpt(path_.empty() ? "the file" : path_) + " " + message,
                              {}}});
}

const Json& JsonValue::of_kind(bool matches, const char* expected) const {
  if (!matches) {
    refuse(fmt::format("must be {}, found {}", expected, found(*json_)));
  }
  return *json_;
}

JsonValue JsonValue::operator[](std::string_view key) const {
  of_kind(json_->is_object(), "an object");
  const std::string path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  const auto member = json_->find(std::string(key));
  if (member == json_->end()) {
    JsonValue(*file_, *json_, path).refuse("is missing");
  }
  return {*file_, *member, path};
}

bool JsonValue::has(std::string_view key) const {
  return of_kind(json_->is_object(), "an object").contains(std::string(key));
}

bool JsonValue::is_null() const {
  return json_->is_null();
}

bool JsonValue::is_number() const {
  return json_->is_number();
}

std::vector<JsonValue> JsonValue::items() const {
  std::vector<JsonValue> values;
  for (const Json& item : of_kind(json_->is_array(), "a list")) {
    values.emplace_back(*file_, item, fmt::format("{}[{}]", path_, values.size()));
  }
  return values;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
  std::vector<std::pair<std::string, JsonValue>> values;
  for (const auto& [key, value] : of_kind(json_->is_object(), "an object").items()) {
    values.emplace_back(key, JsonValue(*file_, value, path_.empty() ? key : path_ + "." + key));
  }
  return values;
}

std::string JsonValue::text() const {
  return of_kind(json_->is_string(), "text").get<std::string>();
}

double JsonValue::number() const {
  const double value = of_kind(json_->is_number(), "a number").get<double>();
  if (!std::isfinite(value)) {
    refuse("is too large for a number");
  }
  return value;
}

uint64_t JsonValue::count() const {
  return of_kind(json_->is_number_unsigned(), "a count (an integer from 0)").get<uint64_t>();
}

std::size_t JsonValue::word(const std::vector<std::string>& allowed) const {
  const std::string found_word = text();
  const auto at = std::find(allowed.begin(), allowed.end(), found_word);
  if (at == allowed.end()) {
    refuse(fmt::format("must be one of {}, found {}", config::join(allowed), found(*json_)));
  }
  return static_cast<std::size_t>(at - allowed.begin());
}

void JsonValue::only(const std::vector<std::string>& keys) const {
  for (const auto& [key, value] : members()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      value.refuse("is not known here" + config::did_you_mean(key, keys));
    }
  }
}

}  // namespace tilewright
