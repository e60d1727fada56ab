// SPDX-License-Identifier: Apache-2.0
//
// Feeds the loader arbitrary bytes: whatever they are, it must accept them or throw a UserError, and what it
// accepts must survive its own resolved dump. The first byte chooses the kind; lines after "\n%%\n" are
// overrides.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "arch/load.h"
#include "workloads/paths.h"

namespace {

namespace config = tilewright::config;

const std::string& scratch() {
  static const std::string folder = [] {
    std::string name = (std::filesystem::temp_directory_path() / "tilewright_fuzz_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      std::abort();
    }
    return name;
  }();
  return folder;
}

std::string write(const std::string& name, const std::string& text) {
  const std::string path = scratch() + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

template <class T>
void load(const std::string& text, const config::Overrides& overrides) {
  std::string yaml;
  std::string hash;
  try {
    const auto first = config::load<T>(write("input.yaml", text), overrides);
    yaml = first.yaml;
    hash = first.hash;
  } catch (const tilewright::UserError& error) {
    if (error.diagnostics().empty()) {
      std::fprintf(stderr, "refused without a word\n");
      std::abort();
    }
    return;
  }
  try {
    if (config::load<T>(write("again.yaml", yaml)).hash == hash) {
      return;
    }
    std::fprintf(stderr, "the dump has another hash:\n%s", yaml.c_str());
  } catch (const tilewright::UserError& error) {
    std::fprintf(stderr, "the dump is refused:\n%s\n%s", yaml.c_str(), error.what());
  }
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  config::Overrides overrides;
  if (const std::size_t at = text.find("\n%%\n"); at != std::string::npos) {
    std::istringstream lines(text.substr(at + 4));
    for (std::string line; std::getline(lines, line);) {
      overrides.push_back(line);
    }
    text.resize(at + 1);
  }
  switch (data[0] % 3) {
    case 0:
      load<tilewright::arch::AcceleratorSpec>(text, overrides);
      break;
    case 1:
      load<tilewright::arch::DramSpec>(text, overrides);
      break;
    default:
      load<tilewright::workloads::PathSet>(text, overrides);
      break;
  }
  return 0;
}
