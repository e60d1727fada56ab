// SPDX-License-Identifier: Apache-2.0
//
// A loop of machine code as a warp program, for benchmarks that hold the model against microbenchmarks whose code only a compiler
// can tell. Barriers are open: a wait finds its phase over.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "arch/load_gpu.h"
#include "sim/gpu/programs/builder.h"
#include "sim/gpu/programs/tile_code.h"
#include "workloads/machine_code.h"

namespace tilewright::gpu {

using Code = std::vector<workloads::MachineInstruction>;

inline uint32_t number_at(std::string_view opcode, std::size_t dots) {
  for (; dots > 0; --dots) {
    opcode.remove_prefix(opcode.find('.') + 1);
  }
  uint32_t number = 0;
  std::from_chars(opcode.data(), opcode.data() + opcode.size(), number);
  return number;
}

class Piece {
 public:
  Piece(const Code& code, const arch::SubCoreSpec& core) : code_(code), core_(core), program_("piece") {}

  Piece& stamp(uint32_t slot) {
    program_.stamp(slot);
    return *this;
  }
  // The code but its last, the branch back, `count` times; stamps the clock behind.
  Piece& turns(uint32_t count, uint32_t slot) {
    program_.loop(count);
    for (std::size_t at = 0; at + 1 < code_.size(); ++at) {
      one(at);
    }
    if (code_.size() > core_.near_instructions) {
      program_.delay(core_.far_loop_cycles);
    }
    program_.end_loop();
    program_.stamp(slot);
    return *this;
  }
  WarpProgram take() { return program_.take(); }

 private:
  void one(std::size_t at) {
    const workloads::MachineInstruction& instruction = code_[at];
    const std::string& opcode = instruction.opcode;
    if (opcode.starts_with("HGMMA")) {
      program_.matrix(number_at(opcode, 1), 1, opcode.find(".RS") != std::string::npos);
      program_.commits(opcode.ends_with(".last"));
    } else if (opcode.starts_with("WARPGROUP.DEPBAR")) {
      program_.matrix_wait(number_at(opcode, 2));
    } else if (opcode.starts_with("SYNCS.PHASECHK")) {
      look_ = at;
      program_.instruction(MathKind::kControl, instruction.stall, 0, 0, instruction.waits, instruction.yields);
      return;
    } else if (opcode.starts_with("SYNCS.ARRIVE")) {
      program_.arrive(1, 1);
      program_.tells_when_read(instruction.reads);
    } else if (look_ != SIZE_MAX && opcode == "BRA" && (instruction.waits >> (code_[look_].sets - 1) & 1) != 0) {
      wait(at);
      return;
    } else if (opcode == "FENCE") {
      program_.fence();
    } else if (opcode == "LDS" || opcode == "MEMBAR") {
      return;
    } else if (opcode == "BRA.taken") {
      program_.delay(code_.size() > core_.near_instructions ? core_.far_branch_cycles : core_.branch_cycles);
    } else {
      program_.instruction(attention::kind_of(opcode), instruction.stall, instruction.sets, instruction.reads, instruction.waits,
                           instruction.yields, instruction.operands);
      return;
    }
    program_.wait_for_scoreboards(instruction.waits);
    program_.yields(instruction.yields || opcode == "BRA.taken");
  }

  void wait(std::size_t branch) {
    uint32_t looked = 0;
    for (std::size_t at = look_; at < branch; ++at) {
      looked += code_[at].stall;
    }
    program_.wait(0, kNone, 1);
    program_.looked(std::min(looked, 255U));
    program_.delay(code_[branch].stall);
    look_ = SIZE_MAX;
  }

  const Code& code_;
  const arch::SubCoreSpec& core_;
  ProgramBuilder program_;
  std::size_t look_ = SIZE_MAX;
};

// A benchmark's main: MACHINE.yaml, of which one SM, and files of machine code and measurements go to
// compare(machine, file..., each).
template <std::size_t kFiles = 1, typename Compare>
int hold_against_record(int count, char** arguments, const char* usage, const Compare& compare) {
  constexpr int kNeeded = 2 + int{kFiles};
  if (count < kNeeded) {
    fmt::print(stderr, "usage: {}\n", usage);
    return 2;
  }
  try {
    arch::GpuSpec machine = arch::load_gpu(arguments[1]).value;
    machine.sm_count = 1;
    const auto file = [&](std::size_t number) {
      std::ifstream stream(arguments[2 + number]);
      return nlohmann::json::parse(stream);
    };
    [&]<std::size_t... kNumbers>(std::index_sequence<kNumbers...>) {
      compare(machine, file(kNumbers)..., count > kNeeded);
    }(std::make_index_sequence<kFiles>());
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
  return 0;
}

}  // namespace tilewright::gpu
