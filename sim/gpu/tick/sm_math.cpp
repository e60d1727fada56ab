// SPDX-License-Identifier: Apache-2.0
//
// What issuing arithmetic takes: its operands' way out of the registers, its pipe, and when its warp goes on.
#include "sim/gpu/tick/sm.h"

namespace tilewright::gpu {

// Cycles until an instruction has its operands, or will have them in time.
uint32_t TickSm::read_registers(const Op& op, TickSubCore& core, Cycle now) const {
  const arch::RegisterFileSpec& file = spec_.sub_core.register_file;
  const BankReads reads = bank_reads(op, core.keeps);
  uint32_t delay = 0;
  if (!matrix_active()) {
    for (std::size_t bank = 0; bank < reads.size(); ++bank) {
      const uint32_t read_in = core.bank[bank] + reads[bank];
      delay = reads[bank] > 0 && read_in > file.lookahead_cycles ? std::max(delay, read_in - file.lookahead_cycles) : delay;
    }
    for (std::size_t bank = 0; bank < reads.size(); ++bank) {
      core.bank[bank] = reads[bank] > 0 ? std::max(delay, core.bank[bank]) + reads[bank] : core.bank[bank];
    }
    return delay;
  }
  const uint32_t most = *std::max_element(reads.begin(), reads.end());
  if (most == 0) {
    return 0;
  }
  const bool more = most > file.slot_reads;
  while ((reads[0] > 0 && core.slot[0] > delay) || (reads[1] > 0 && core.slot[1] > delay) ||
         (now + delay) % file.slot_cycles >= (more ? 1 : file.slot_open_cycles)) {
    ++delay;
  }
  const auto to_next = delay + file.slot_cycles - static_cast<uint32_t>((now + delay) % file.slot_cycles);
  for (std::size_t bank = 0; bank < reads.size(); ++bank) {
    if (reads[bank] > 0) {
      core.slot[bank] = to_next + (reads[bank] > file.slot_reads ? file.slot_cycles : 0);
    }
  }
  return more ? delay + file.slot_open_cycles : delay;
}

void TickSm::execute_math(uint32_t index, const Op& op, TickSubCore& core, Cycle now) {
  TickWarp& warp = warps_[index];
  const arch::InstructionSpec& instruction = instruction_spec(spec_.sub_core, op.math);
  const Pipe pipe = pipe_of(op.math);
  const uint32_t latency = latency_of(instruction, matrix_active());
  uint32_t& busy = core.busy[static_cast<std::size_t>(pipe)];
  const uint32_t delay = read_registers(op, core, now);
  const uint32_t late = late_result(spec_.sub_core.register_file, op.math, now, matrix_active());
  core.held = holds_scheduler(op.math) ? delay + 1 : core.held;
  if (keeps_others_out(pipe) && !op.yields) {
    core.keeper = index;
    core.others = delay + instruction.interval;
  }
  busy = std::max(busy, 16 * delay);
  const uint32_t in_queue = busy / 16;  // cycles
  busy += matrix_active() ? instruction.beside_matrix_sixteenths : 16 * instruction.interval;
  ++counts_.math[static_cast<std::size_t>(op.math)];
  uint32_t& fresh = core.fresh[static_cast<std::size_t>(pipe)];
  warp.hold_scoreboard(op.sets, in_queue + late + latency + (fresh > delay ? instruction.crowded_cycles : 0));
  fresh = delay + instruction.latency;
  warp.hold_scoreboard(op.reads, in_queue + instruction.interval);
  if (--warp.state.left > 0) {
    warp.pause = delay + op.spacing;
    warp.reason = WarpStall::kFixedLatency;
  } else if (op.stall > 0) {
    go_on(warp, delay + op.stall, WarpStall::kFixedLatency);
  } else {
    go_on(warp, delay + (op.dependent ? latency : 1), WarpStall::kFixedLatency);
  }
}

}  // namespace tilewright::gpu
