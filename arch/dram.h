// SPDX-License-Identifier: Apache-2.0
//
// One DRAM description for both machines: LPDDR5, HBM2, HBM3 ... are data (configs/arch/dram), not code.
// All timings are in cycles of the command clock. What is left out: power-down states, per-bank refresh where
// `refresh_per_bank` is false, ECC, temperature.
#pragma once

#include <cstdint>
#include <string>

#include "sim/base/units.h"

namespace tilewright::arch {

// A "channel" here is whatever has its own command and data bus: an LPDDR5 x16 channel, an HBM pseudo-channel.
struct DramSpec {
  std::string name;
  Hertz command_clock;
  uint32_t channels = 4;
  uint32_t bank_groups = 4;
  uint32_t banks_per_group = 4;
  uint64_t rows = 65536;
  Bytes row_bytes;                    // page size of one bank
  Bytes burst_bytes;                  // data of one column command
  uint32_t burst_cycles = 2;          // data-bus time of one burst
  Bytes channel_interleave;           // consecutive bytes in one channel
  bool bank_hash = true;              // XOR low row bits into the bank index
  uint32_t bank_group_interleave = 1; // bursts before the next bank group (0: a whole row stays in one bank)
  bool separate_row_bus = false;      // row and column commands in the same cycle (HBM); false: one command bus

  uint32_t read_latency = 0;          // read command to first data
  uint32_t write_latency = 0;
  uint32_t t_rcd = 0, t_rp = 0, t_ras = 0;
  uint32_t t_ccd_short = 0, t_ccd_long = 0;  // other bank group, same bank group
  uint32_t t_rrd_short = 0, t_rrd_long = 0;
  uint32_t t_faw = 0;                        // at most four activates in it
  uint32_t t_rtp = 0, t_wr = 0;
  uint32_t t_wtr_short = 0, t_wtr_long = 0;  // end of write data to read command
  uint32_t t_rtw = 0;                        // read command to write command
  uint32_t t_refi = 0, t_rfc = 0;

  uint32_t read_queue = 32, write_queue = 32;       // transactions per channel
  uint32_t write_high_watermark = 24, write_low_watermark = 8;

  double peak_bytes_per_second() const {
    return double(channels) * double(burst_bytes.value) * double(command_clock.value) / burst_cycles;
  }
};

}  // namespace tilewright::arch
