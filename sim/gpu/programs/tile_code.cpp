// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/tile_code.h"

#include <fmt/format.h>

#include <charconv>

#include "sim/base/error.h"

namespace tilewright::gpu::attention {
namespace {

using workloads::MachineInstruction;

}  // namespace

MathKind kind_of(std::string_view opcode) {
  const std::string_view base = opcode.substr(0, opcode.find('.'));
  struct Entry {
    std::string_view opcode;
    MathKind kind;
  };
  static constexpr Entry kKinds[] = {
      {"FFMA", MathKind::kFfma},  {"FMUL", MathKind::kFmul},   {"FADD", MathKind::kFmul},     {"IMAD", MathKind::kImad},
      {"FMNMX", MathKind::kFmnmx}, {"F2FP", MathKind::kF2fp},  {"MUFU", MathKind::kEx2},      {"SHFL", MathKind::kShfl},
      {"S2UR", MathKind::kSpecial}, {"S2R", MathKind::kSpecial}, {"LDC", MathKind::kSpecial}, {"LOP3", MathKind::kLop3},
      {"SHF", MathKind::kLop3},   {"LEA", MathKind::kLop3},    {"VIADD", MathKind::kLop3},    {"IADD3", MathKind::kLop3},
      {"ISETP", MathKind::kLop3}, {"SEL", MathKind::kLop3},    {"PRMT", MathKind::kLop3},     {"PLOP3", MathKind::kLop3},
      {"VIMNMX", MathKind::kLop3}, {"MOV", MathKind::kLop3},   {"ULOP3", MathKind::kOther},   {"UIADD3", MathKind::kOther},
      {"USHF", MathKind::kOther}, {"ULEA", MathKind::kOther},  {"UISETP", MathKind::kOther},  {"USEL", MathKind::kOther},
      {"UIMAD", MathKind::kOther}, {"UPLOP3", MathKind::kOther}};
  for (const Entry& entry : kKinds) {
    if (entry.opcode == base) {
      return entry.kind;
    }
  }
  return MathKind::kControl;
}

namespace {

uint32_t number_after(std::string_view opcode, std::size_t dots) {
  for (; dots > 0; --dots) {
    opcode.remove_prefix(opcode.find('.') + 1);
  }
  uint32_t number = 0;
  std::from_chars(opcode.data(), opcode.data() + opcode.size(), number);
  return number;
}

}  // namespace

TileCode::TileCode(const Shape& shape, uint32_t group, TileCursors cursors, ProgramBuilder& program)
    : shape_(shape), group_(group), cursors_(cursors), program_(program), code_(shape.kernel.code->consumer_tile) {
  second_wait_ = find("SYNCS.PHASECHK", find("SYNCS.PHASECHK") + 1);
  outputs_issued_ = find("WARPGROUP.DEPBAR");
  // Keys, then values, each to every CTA of the cluster.
  for (uint32_t arrival = 0; arrival < 2 * shape.kernel.cluster_size; ++arrival) {
    softmax_ = find("SYNCS.ARRIVE", softmax_) + 1;
  }
}

std::size_t TileCode::find(std::string_view opcode, std::size_t from) const {
  for (std::size_t at = from; at < code_.size(); ++at) {
    if (code_[at].opcode.starts_with(opcode)) {
      return at;
    }
  }
  throw InternalError(fmt::format("the machine code of {} holds too few {}", shape_.kernel.name, opcode));
}

void TileCode::whole() {
  run(0, code_.size() - 1, true);
  if (far()) {
    program_.delay(shape_.machine.sub_core.far_loop_cycles);
  }
}

void TileCode::first_scores() {
  run(0, second_wait_, false);
  program_.matrix_wait(0);
  release();
  run(softmax_, code_.size() - 1, false);
}

void TileCode::last_outputs() {
  run(second_wait_, outputs_issued_, false);
  program_.matrix_wait(0);
  keys_released_ = true;
  release();
}

void TileCode::run(std::size_t first, std::size_t end, bool turns) {
  keys_released_ = false;
  for (std::size_t at = first; at < end; ++at) {
    one(at, turns);
  }
}

// The wait costs what is left of it where its answer is needed, at the branch.
void TileCode::wait(std::size_t branch) {
  uint32_t looked = 0;
  for (std::size_t at = look_.at; at < branch; ++at) {
    looked += code_[at].stall;
  }
  const Places& places = shape_.places;
  program_.wait(look_.values ? places.value_full() : places.key_full(), look_.values ? cursors_.values : cursors_.keys);
  program_.looked(std::min(looked, 255U));
  program_.delay(code_[branch].stall);
  look_ = {};
}

void TileCode::release() {
  const Places& places = shape_.places;
  program_.arrive(keys_released_ ? places.value_empty() : places.key_empty(), 1, keys_released_ ? cursors_.values : cursors_.keys);
  keys_released_ = true;
}

void TileCode::one(std::size_t index, bool turns) {
  const MachineInstruction& instruction = code_[index];
  const std::string_view opcode = instruction.opcode;
  const Places& places = shape_.places;
  if (opcode.starts_with("HGMMA")) {
    program_.matrix(number_after(opcode, 1), 1, opcode.find(".RS") != std::string_view::npos);
    program_.commits(opcode.ends_with(".last"));
  } else if (opcode.starts_with("WARPGROUP.DEPBAR")) {
    program_.matrix_wait(number_after(opcode, 2));
  } else if (opcode.starts_with("SYNCS.PHASECHK")) {
    look_ = {index, instruction.sets, index >= second_wait_};
    program_.instruction(MathKind::kControl, instruction.stall, 0, 0, instruction.waits, instruction.yields);
    return;
  } else if (opcode.starts_with("SYNCS.ARRIVE")) {
    if (++arrivals_ % shape_.kernel.cluster_size != 0) {  // at another CTA's barrier; here every CTA is simulated alone
      program_.instruction(MathKind::kControl, instruction.stall, 0, instruction.reads, instruction.waits, instruction.yields);
      return;
    }
    release();
    program_.tells_when_read(instruction.reads);
  } else if (opcode.starts_with("BAR")) {
    if (!turns) {
      return;
    }
    opcode.starts_with("BAR.SYNC") ? program_.named_sync(places.turn(group_), 8)
                                   : program_.named_arrive(places.turn((group_ + 1) % shape_.kernel.consumer_warpgroups), 8);
  } else if (opcode == "FENCE") {
    program_.fence();
  } else if (opcode == "LDS" || opcode == "MEMBAR") {
    return;  // parts of fence.proxy.async
  } else if (look_.at != SIZE_MAX && opcode == "BRA" && (instruction.waits >> (look_.scoreboard - 1) & 1) != 0) {
    wait(index);
  } else if (opcode == "BRA.taken") {
    program_.delay(far() ? shape_.machine.sub_core.far_branch_cycles : shape_.machine.sub_core.branch_cycles);
  } else {
    program_.instruction(kind_of(opcode), instruction.stall, instruction.sets, instruction.reads, instruction.waits,
                         instruction.yields, instruction.operands);
    return;
  }
  program_.wait_for_scoreboards(instruction.waits);
  program_.yields(instruction.yields || opcode == "BRA.taken");
}

}  // namespace tilewright::gpu::attention
