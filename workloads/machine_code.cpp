// SPDX-License-Identifier: Apache-2.0
#include "workloads/machine_code.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/base/error.h"
#include "workloads/attention.h"

namespace tilewright::workloads {
namespace {

using nlohmann::json;

// "p1120": of the even and the odd bank with what the reuse cache keeps, and without.
RegisterReads parse_reads(const std::string& word, const std::string& text) {
  if (word.size() != 5 || word.find_first_not_of("0123", 1) != std::string::npos) {
    throw std::runtime_error(fmt::format("'{}' does not belong in '{}'", word, text));
  }
  const auto digit = [&](std::size_t at) { return static_cast<uint8_t>(word[at] - '0'); };
  return {digit(1), digit(2), digit(3), digit(4)};
}

MachineInstruction parse(const std::string& text) {
  std::istringstream words(text);
  MachineInstruction made;
  unsigned stall = 0;
  if (!(words >> made.opcode >> stall) || stall < 1 || stall > 15) {
    throw std::runtime_error(fmt::format("'{}' is not an instruction", text));
  }
  made.stall = static_cast<uint8_t>(stall);
  for (std::string word; words >> word;) {
    if (word == "y") {
      made.yields = true;
      continue;
    }
    if (word[0] == 'p') {
      made.operands = parse_reads(word, text);
      continue;
    }
    const bool digits = word.size() > 1 && word.find_first_not_of("012345", 1) == std::string::npos;
    const auto scoreboard = static_cast<uint8_t>(word.back() - '0' + 1);
    if (digits && word.size() == 2 && word[0] == 's') {
      made.sets = scoreboard;
    } else if (digits && word.size() == 2 && word[0] == 'r') {
      made.reads = scoreboard;
    } else if (digits && word[0] == 'w') {
      for (std::size_t at = 1; at < word.size(); ++at) {
        made.waits |= static_cast<uint8_t>(1U << (word[at] - '0'));
      }
    } else {
      throw std::runtime_error(fmt::format("'{}' does not belong in '{}'", word, text));
    }
  }
  return made;
}

bool same_shape(const json& compiled, const AttentionKernel& kernel) {
  const auto equal = [&](const char* key, uint32_t value) { return compiled.at(key).get<uint32_t>() == value; };
  return compiled.at("kernel") == name(kernel.kernel) && compiled.at("overlap") == name(kernel.overlap) &&
         equal("head_size", kernel.head_size) && equal("query_tile", kernel.query_tile) &&
         equal("key_tile", kernel.key_tile) && equal("key_block", kernel.key_block) &&
         equal("consumer_warpgroups", kernel.consumer_warpgroups);
}

}  // namespace

std::vector<MachineInstruction> parse_machine_code(const nlohmann::json& list) {
  std::vector<MachineInstruction> made;
  for (const json& one : list) {
    made.push_back(parse(one.get<std::string>()));
  }
  return made;
}

std::shared_ptr<const MachineCode> load_machine_code(const std::filesystem::path& file, const AttentionKernel& kernel) {
  std::ifstream stream(file);
  if (!stream) {
    return nullptr;
  }
  try {
    const json all = json::parse(stream);
    const auto found = all.find(kernel.name);
    if (found == all.end() || !same_shape(found->at("parameters"), kernel)) {
      return nullptr;
    }
    auto made = std::make_shared<MachineCode>();
    made->consumer_tile = parse_machine_code(found->at("consumer_tile"));
    made->producer_tile = parse_machine_code(found->at("producer_tile"));
    return made;
  } catch (const std::exception& error) {
    throw UserError(fmt::format("{}: not a file of machine code: {}; gpu_ref/tools/machine_code.py writes it",
                                file.string(), error.what()));
  }
}

}  // namespace tilewright::workloads
