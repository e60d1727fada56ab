// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <bit>

#include "arch/load.h"

namespace tilewright::arch {
namespace {

using config::Checker;

void at_least(Checker& check, const char* key, uint64_t value, const char* other_key, uint64_t other) {
  if (value < other) {
    check.error(key, fmt::format("must be at least '{}' ({}), is {}", other_key, other, value));
  }
}

// What no memory of this kind can be: commands that overtake their own preconditions, or nothing but refresh.
void check_timing(const DramSpec& dram, Checker& check) {
  at_least(check, "t_ras", dram.t_ras, "t_rcd", dram.t_rcd);
  at_least(check, "t_ccd_short", dram.t_ccd_short, "burst_cycles", dram.burst_cycles);
  at_least(check, "t_ccd_long", dram.t_ccd_long, "t_ccd_short", dram.t_ccd_short);
  at_least(check, "t_rrd_long", dram.t_rrd_long, "t_rrd_short", dram.t_rrd_short);
  at_least(check, "t_wtr_long", dram.t_wtr_long, "t_wtr_short", dram.t_wtr_short);
  at_least(check, "t_faw", dram.t_faw, "t_rrd_short", dram.t_rrd_short);
  const uint64_t read_end = uint64_t{dram.read_latency} + dram.burst_cycles;
  if (uint64_t{dram.t_rtw} + dram.write_latency < read_end) {
    check.error("t_rtw",
                fmt::format("plus 'write_latency' must be at least 'read_latency' + 'burst_cycles' ({}), or "
                            "a write's data would overlap a read's; is {} + {}",
                            read_end, dram.t_rtw, dram.write_latency));
  }
  const uint64_t row_cycle = uint64_t{dram.t_ras} + dram.t_rp;
  const uint64_t write_end = uint64_t{dram.write_latency} + dram.burst_cycles + dram.t_wr;
  if (dram.t_refi <= dram.t_rfc + row_cycle) {
    check.error("t_refi", fmt::format("must exceed 't_rfc' plus one row cycle ({} + {}), is {}", dram.t_rfc,
                                      row_cycle, dram.t_refi));
  } else if (const uint64_t busy = row_cycle + dram.t_rtp + write_end + dram.t_faw + dram.t_rrd_long +
                                   dram.t_rcd + dram.t_wtr_long + dram.t_rtw;
             dram.t_refi <= dram.t_rfc + busy) {
    check.error(
        "t_refi",
        fmt::format("must exceed 't_rfc' plus the time to close all banks and open one again ({} + {}), "
                    "or a channel could do nothing but refresh; is {}",
                    dram.t_rfc, busy, dram.t_refi));
  }
}

void check_organisation(const DramSpec& dram, Checker& check) {
  const auto multiple = [&](const char* key, Bytes size, const char* unit_key, Bytes unit) {
    if (size.value % unit.value != 0) {
      check.error(
          key, fmt::format("must be a multiple of '{}' ({} B), is {} B", unit_key, unit.value, size.value));
    }
  };
  multiple("channel_interleave", dram.channel_interleave, "burst_bytes", dram.burst_bytes);
  multiple("row_bytes", dram.row_bytes, "channel_interleave", dram.channel_interleave);
  const uint64_t bursts = dram.row_bytes.value / dram.burst_bytes.value;
  if (dram.bank_group_interleave > bursts) {
    check.error("bank_group_interleave", fmt::format("must be at most the {} bursts of a row, is {}", bursts,
                                                     dram.bank_group_interleave));
  }
  if (dram.bank_group_interleave != 0 && !std::has_single_bit(dram.bank_group_interleave)) {
    check.error("bank_group_interleave",
                fmt::format("must be 0 or a power of two, is {}", dram.bank_group_interleave));
  }
  if (uint64_t{dram.bank_groups} * dram.banks_per_group > 64) {
    check.error("banks_per_group", fmt::format("times 'bank_groups' ({}) must be at most 64, is {}",
                                               dram.bank_groups, dram.banks_per_group));
  }
  at_least(check, "write_queue", dram.write_queue, "write_high_watermark", dram.write_high_watermark);
  if (dram.write_low_watermark >= dram.write_high_watermark) {
    check.error("write_low_watermark", fmt::format("must be below 'write_high_watermark' ({}), is {}",
                                                   dram.write_high_watermark, dram.write_low_watermark));
  }
}

using D = DramSpec;

void describe_organisation(config::Schema<DramSpec>& schema) {
  const auto count = [&](auto member, const char* key, const char* doc, double most) {
    schema.field(member, key, doc).required().range(1, most).power_of_two();
  };
  count(&D::channels, "channels", "command and data buses of their own (an HBM pseudo-channel is one)", 256);
  count(&D::bank_groups, "bank_groups", "bank groups per channel", 16);
  count(&D::banks_per_group, "banks_per_group", "banks in a bank group", 64);
  count(&D::rows, "rows", "rows per bank", 1 << 24);
  count(&D::row_bytes, "row_bytes", "bytes in one open row of a bank", 1 << 16);
  count(&D::burst_bytes, "burst_bytes", "bytes that one column command moves", 1 << 10);
  count(&D::channel_interleave, "channel_interleave", "consecutive bytes that lie in one channel", 1 << 16);
  schema.field(&D::burst_cycles, "burst_cycles", "cycles that a burst holds the data bus")
      .required()
      .range(1, 64)
      .unit("cycles");
  schema.field(&D::bank_hash, "bank_hash", "XOR low row bits into the bank index").required();
  schema
      .field(&D::bank_group_interleave, "bank_group_interleave",
             "bursts before the next bank group; 0 keeps a whole row in one bank")
      .required()
      .range(0, 1 << 16)
      .unit("bursts");
  schema
      .field(&D::separate_row_bus, "separate_row_bus",
             "whether a row and a column command may go in the same cycle (HBM)")
      .required();
}

void describe_timing(config::Schema<DramSpec>& schema) {
  const auto cycles = [&](uint32_t D::*member, const char* key, const char* doc, double least = 1) {
    schema.field(member, key, doc).required().range(least, 100'000).unit("cycles");
  };
  cycles(&D::read_latency, "read_latency", "read command to first data");
  cycles(&D::write_latency, "write_latency", "write command to first data");
  cycles(&D::t_rcd, "t_rcd", "activate to column command");
  cycles(&D::t_rp, "t_rp", "precharge to activate");
  cycles(&D::t_ras, "t_ras", "activate to precharge");
  cycles(&D::t_ccd_short, "t_ccd_short", "column command to column command, other bank group");
  cycles(&D::t_ccd_long, "t_ccd_long", "column command to column command, same bank group");
  cycles(&D::t_rrd_short, "t_rrd_short", "activate to activate, other bank group");
  cycles(&D::t_rrd_long, "t_rrd_long", "activate to activate, same bank group");
  cycles(&D::t_faw, "t_faw", "window that holds at most four activates");
  cycles(&D::t_rtp, "t_rtp", "read command to precharge");
  cycles(&D::t_wr, "t_wr", "end of write data to precharge");
  cycles(&D::t_wtr_short, "t_wtr_short", "end of write data to read command, other bank group");
  cycles(&D::t_wtr_long, "t_wtr_long", "end of write data to read command, same bank group");
  cycles(&D::t_rtw, "t_rtw", "read command to write command");
  cycles(&D::t_refi, "t_refi", "between refreshes");
  cycles(&D::t_rfc, "t_rfc", "one refresh");
}

}  // namespace

void describe(config::Schema<DramSpec>& schema) {
  schema.kind("dram", "one DRAM: its organisation, timings in cycles of the command clock, and queues");
  schema.demand_sources();
  schema.field(&D::name, "name", "shown in reports").required().non_empty();
  schema.field(&D::command_clock, "command_clock", "clock of the command bus; all timings count its cycles")
      .required()
      .range(1e6, 20e9);
  describe_organisation(schema);
  describe_timing(schema);
  const auto transactions = [&](uint32_t D::*member, const char* key, const char* doc, double least) {
    schema.field(member, key, doc).required().range(least, 4096).unit("transactions");
  };
  transactions(&D::read_queue, "read_queue", "reads waiting in a channel", 1);
  transactions(&D::write_queue, "write_queue", "writes waiting in a channel", 1);
  transactions(&D::write_high_watermark, "write_high_watermark", "queued writes that start a run of writes",
               1);
  transactions(&D::write_low_watermark, "write_low_watermark", "queued writes that end it", 0);
  schema.check(check_timing);
  schema.check(check_organisation);
}

config::Resolved<DramSpec> load_dram(const std::filesystem::path& path, const config::Overrides& overrides) {
  return config::load<DramSpec>(path, overrides);
}

}  // namespace tilewright::arch
