// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of an attention kernel as the compiler made them: what one warp issues for a tile, in order, with what
// the instruction's control field says about time (gpu_ref/tools/machine_code.py, which says where that was found).
// The lists of the kernels that ship lie in configs/kernels/machine_code.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "workloads/register_reads.h"

namespace tilewright::workloads {

struct AttentionKernel;

struct MachineInstruction {
  std::string opcode;  // with the modifiers that decide what it does: HGMMA.128.SS.last, WARPGROUP.DEPBAR.1, BRA.taken
  uint8_t stall = 1;   // cycles until the warp's next instruction may issue
  uint8_t sets = 0;    // scoreboard that is held until the result is there, from 1 on; 0: none
  uint8_t reads = 0;   // ... until the operands were read
  uint8_t waits = 0;   // bit k: issues when scoreboard k + 1 is free
  RegisterReads operands = kNoRegisterReads;
  bool yields = false; // the scheduler is told to let another warp go next
};

struct MachineCode {
  std::vector<MachineInstruction> consumer_tile, producer_tile;
};

// One string an instruction, as machine_code.py writes them; throws std::exception for what is none.
std::vector<MachineInstruction> parse_machine_code(const nlohmann::json& list);

// Null where the file has no lists of a kernel of this name, or those of another shape (a tile size was changed since it
// was compiled): then the twins estimate what the compiler would make. Throws UserError for a file that cannot be read.
std::shared_ptr<const MachineCode> load_machine_code(const std::filesystem::path& file, const AttentionKernel& kernel);

}  // namespace tilewright::workloads
