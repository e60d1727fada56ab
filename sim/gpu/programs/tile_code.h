// SPDX-License-Identifier: Apache-2.0
//
// A consumer warp's tile from the kernel's machine code (workloads/machine_code.h), instruction by instruction: waits, products and
// arrivals become the operations that the model knows, everything else an instruction of its pipe with its stall and
// scoreboards. What a SYNCS, a BAR or a DEPBAR means follows from its place: keys before values, scores before outputs.
#pragma once

#include <span>

#include "sim/gpu/programs/attention_warps.h"

namespace tilewright::gpu::attention {

MathKind kind_of(std::string_view opcode);

// Cursors of the program for what a consumer goes through.
struct TileCursors {
  uint8_t keys, values;
};

class TileCode {
 public:
  TileCode(const Shape& shape, uint32_t group, TileCursors cursors, ProgramBuilder& program);

  void whole();         // one turn of the loop, without its branch back
  void first_scores();  // pipelined: what lies before the loop, the scores of the first tile and their softmax
  void last_outputs();  // pipelined: what lies behind it, the outputs of the last tile

 private:
  using Code = std::span<const workloads::MachineInstruction>;
  void run(std::size_t first, std::size_t end, bool turns);
  void one(std::size_t index, bool turns);
  void wait(std::size_t branch);
  void release();
  std::size_t find(std::string_view opcode, std::size_t from = 0) const;
  bool far() const { return code_.size() > shape_.machine.sub_core.near_instructions; }

  const Shape& shape_;
  uint32_t group_;
  TileCursors cursors_;
  ProgramBuilder& program_;
  Code code_;
  std::size_t second_wait_, outputs_issued_;  // places in code_: the look for the values, the first wait for products
  std::size_t softmax_ = 0;                   // behind the last arrival
  struct Look {
    std::size_t at = SIZE_MAX;
    uint8_t scoreboard = 0;
    bool values = false;
  };
  Look look_;  // a try_wait whose branch has not come yet
  bool keys_released_ = false;
  uint32_t arrivals_ = 0;
};

}  // namespace tilewright::gpu::attention
