// SPDX-License-Identifier: Apache-2.0
//
// An invented struct that uses every kind of field, and a folder of its own for each test.
#pragma once

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/base/config/load.h"

namespace tilewright::test {

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() / ("tilewright_test_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

enum class Colour : uint8_t { kDarkGreen, kLightBlue };
inline std::span<const config::EnumName<Colour>> enumeration_names(Colour) {
  static constexpr config::EnumName<Colour> kNames[] = {{Colour::kDarkGreen, "dark_green"},
                                                        {Colour::kLightBlue, "light_blue"}};
  return kNames;
}

struct Pump {
  uint32_t rate = 0;
  bool on = false;
};
inline void describe(config::Schema<Pump>& schema) {
  schema.kind("pump", "one pump");
  schema.field(&Pump::rate, "rate", "strokes a minute").required().range(0, 1000);
  schema.field(&Pump::on, "on", "whether it runs");
}

struct Plant {
  std::string name;
  Bytes size;
  Hertz clock;
  BytesPerSecond bandwidth;
  std::optional<Joules> energy;
  Colour colour = Colour::kLightBlue;
  std::array<uint32_t, 3> shape{};
  std::vector<Pump> pumps;
  std::map<std::string, Pump> by_name;
  Pump main_pump;
  std::string table;
  uint32_t limit = 8;
};
inline void describe(config::Schema<Plant>& schema) {
  schema.kind("plant", "an invented machine").demand_sources();
  schema.field(&Plant::name, "name", "what it is called").required().non_empty();
  schema.field(&Plant::size, "size", "how much it holds").required().range(16, 1 << 20);
  schema.field(&Plant::clock, "clock", "how fast it turns").required();
  schema.field(&Plant::bandwidth, "bandwidth", "how fast it pumps");
  schema.field(&Plant::energy, "energy", "per stroke");
  schema.field(&Plant::colour, "colour", "of the door");
  schema.field(&Plant::shape, "shape", "length, width, height");
  schema.field(&Plant::pumps, "pumps", "in order").reference();
  schema.field(&Plant::by_name, "by_name", "more pumps");
  schema.field(&Plant::main_pump, "main_pump", "the big one").reference();
  schema.field(&Plant::table, "table", "a file").file();
  schema.field(&Plant::limit, "limit", "a number with a default").range(1, 64).power_of_two();
  schema.check([](const Plant& plant, config::Checker& check) {
    for (std::size_t i = 0; i < plant.pumps.size(); ++i) {
      if (plant.pumps[i].rate == 13) {
        check.error("pumps." + std::to_string(i) + ".rate", "is unlucky");
      }
    }
  });
}

inline std::string minimal_plant() {
  return "kind: plant\nname: small\nsource: made up\nsize: 1 KiB\nclock: 1 MHz\n";
}

// The diagnostics of a load as text, with the folder cut off; "" if the file was accepted.
template <class T>
std::string problems(const std::filesystem::path& path, const config::Overrides& overrides = {}) {
  try {
    config::load<T>(path, overrides);
  } catch (const UserError& error) {
    std::string text;
    const std::string folder = path.parent_path().string() + "/";
    for (const Diagnostic& diagnostic : error.diagnostics()) {
      text += format_diagnostic(diagnostic) + "\n";
    }
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
      text.erase(at, folder.size());
    }
    return text;
  }
  return "";
}

}  // namespace tilewright::test
