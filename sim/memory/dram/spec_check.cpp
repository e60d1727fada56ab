// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/dram/spec_check.h"

#include <bit>

#include "sim/base/error.h"

namespace tilewright::memory {
namespace {

class Problems {
 public:
  void require(bool fulfilled, const char* field, const std::string& message) {
    if (!fulfilled) {
      list_.push_back({field, message});
    }
  }
  void power_of_two(uint64_t value, const char* field) {
    require(std::has_single_bit(value), field, "is " + std::to_string(value) + "; it must be a power of two");
  }
  std::vector<DramSpecProblem> take() { return std::move(list_); }

 private:
  std::vector<DramSpecProblem> list_;
};

void check_sizes(const arch::DramSpec& spec, Problems& problems) {
  problems.power_of_two(spec.channels, "channels");
  problems.power_of_two(spec.bank_groups, "bank_groups");
  problems.power_of_two(spec.banks_per_group, "banks_per_group");
  problems.power_of_two(spec.rows, "rows");
  problems.power_of_two(spec.row_bytes.value, "row_bytes");
  problems.power_of_two(spec.burst_bytes.value, "burst_bytes");
  problems.power_of_two(spec.channel_interleave.value, "channel_interleave");
  problems.require(spec.bank_group_interleave == 0 || std::has_single_bit(spec.bank_group_interleave),
                   "bank_group_interleave", "must be 0 (a whole row) or a power of two");
  problems.require(spec.row_bytes.value >= spec.burst_bytes.value, "row_bytes",
                   "must hold at least one burst");
  problems.require(spec.bank_group_interleave * spec.burst_bytes.value <= spec.row_bytes.value,
                   "bank_group_interleave", "times burst_bytes must not exceed row_bytes");
  problems.require(spec.channel_interleave.value >= spec.burst_bytes.value, "channel_interleave",
                   "must hold at least one burst");
  problems.require(spec.bank_groups <= 16, "bank_groups", "must be at most 16");
  problems.require(uint64_t{spec.bank_groups} * spec.banks_per_group <= 64, "banks_per_group",
                   "times bank_groups must be at most 64");
}

void check_timings(const arch::DramSpec& spec, Problems& problems) {
  problems.require(spec.command_clock.value > 0, "command_clock", "must be positive");
  problems.require(spec.burst_cycles >= 1, "burst_cycles", "must be at least 1");
  problems.require(spec.t_ccd_short >= spec.burst_cycles, "t_ccd_short",
                   "must be at least burst_cycles, or bursts would overlap on the data bus");
  problems.require(spec.t_ccd_long >= spec.t_ccd_short, "t_ccd_long", "must be at least t_ccd_short");
  problems.require(spec.t_rrd_long >= spec.t_rrd_short, "t_rrd_long", "must be at least t_rrd_short");
  problems.require(spec.t_wtr_long >= spec.t_wtr_short, "t_wtr_long", "must be at least t_wtr_short");
  problems.require(
      uint64_t{spec.t_rtw} + spec.write_latency >= uint64_t{spec.read_latency} + spec.burst_cycles, "t_rtw",
      "plus write_latency must be at least read_latency plus burst_cycles, or a write's data"
      " would overlap a read's");
  problems.require(spec.t_rcd >= 1, "t_rcd", "must be at least 1");
  problems.require(spec.t_rp >= 1, "t_rp", "must be at least 1");
  problems.require(spec.t_rtp >= 1, "t_rtp", "must be at least 1");
  problems.require(spec.t_ras >= spec.t_rcd, "t_ras", "must be at least t_rcd");
  // Closing every bank, the refresh, and opening one again up to its first column command: if the next
  // refresh fell due before that, nothing would ever be transferred.
  const uint64_t closing =
      uint64_t{spec.t_ras} + spec.t_rtp + spec.write_latency + spec.burst_cycles + spec.t_wr + spec.t_rp;
  const uint64_t reopening =
      uint64_t{spec.t_faw} + spec.t_rrd_long + spec.t_rcd + spec.t_wtr_long + spec.t_rtw;
  const uint64_t least = spec.t_rfc + closing + reopening;
  problems.require(
      spec.t_refi == 0 || spec.t_refi > least, "t_refi",
      "must be 0 (no refresh) or exceed t_rfc plus the time to close all banks and open one again = " +
          std::to_string(least) + ", or a channel could do nothing but refresh");
}

void check_queues(const arch::DramSpec& spec, Problems& problems) {
  problems.require(spec.read_queue >= 1 && spec.read_queue <= 4096, "read_queue", "must be 1 to 4096");
  problems.require(spec.write_queue >= 1 && spec.write_queue <= 4096, "write_queue", "must be 1 to 4096");
  problems.require(spec.write_high_watermark >= 1 && spec.write_high_watermark <= spec.write_queue,
                   "write_high_watermark", "must be 1 to write_queue, or reads could starve writes for ever");
  problems.require(spec.write_low_watermark < spec.write_high_watermark, "write_low_watermark",
                   "must be below write_high_watermark");
}

}  // namespace

std::vector<DramSpecProblem> dram_spec_problems(const arch::DramSpec& spec) {
  Problems problems;
  check_sizes(spec, problems);
  check_timings(spec, problems);
  check_queues(spec, problems);
  return problems.take();
}

void check_dram_spec(const arch::DramSpec& spec) {
  std::string text;
  for (const DramSpecProblem& problem : dram_spec_problems(spec)) {
    text += (text.empty() ? "" : "; ") + problem.field + " " + problem.message;
  }
  if (!text.empty()) {
    throw UserError("DRAM '" + spec.name + "': " + text);
  }
}

}  // namespace tilewright::memory
