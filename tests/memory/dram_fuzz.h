// SPDX-License-Identifier: Apache-2.0
//
// Random DRAM specifications and traffic: a third saturating, a third sparse, the rest in between; streams,
// strides and random addresses, reads and writes mixed in any proportion.
#pragma once

#include <random>

#include "dram_traffic.h"

namespace tilewright::memory {

class DramFuzz {
 public:
  explicit DramFuzz(uint64_t seed) : random_(seed) {}

  arch::DramSpec spec() {
    arch::DramSpec spec;
    spec.name = "fuzz";
    spec.command_clock = {1'000'000'000};
    spec.channels = 1u << number(0, 3);
    spec.bank_groups = 1u << number(0, 3);
    spec.banks_per_group = 1u << number(0, 2);
    spec.rows = uint64_t{1} << number(3, 12);
    spec.burst_bytes = {uint64_t{16} << number(0, 2)};
    spec.row_bytes = {spec.burst_bytes.value << number(1, 6)};
    spec.channel_interleave = {spec.burst_bytes.value << number(0, 4)};
    spec.bank_hash = chance(50);
    spec.separate_row_bus = chance(50);
    const uint64_t row_bursts = spec.row_bytes.value / spec.burst_bytes.value;
    spec.bank_group_interleave = chance(20) ? 0 : 1u << number(0, 5);
    if (spec.bank_group_interleave > row_bursts) {
      spec.bank_group_interleave = static_cast<uint32_t>(row_bursts);
    }
    timings(spec);
    spec.read_queue = number(1, 24);
    spec.write_queue = number(1, 24);
    spec.write_high_watermark = number(1, spec.write_queue);
    spec.write_low_watermark = number(0, spec.write_high_watermark - 1);
    return spec;
  }

  Traffic traffic(const arch::DramSpec& spec, uint32_t count) {
    Traffic traffic;
    traffic.pushes_per_cycle = number(1, 4);
    traffic.idle_after = chance(30) ? number(0, 5000) : number(0, 100);
    const uint32_t density = number(0, 2);  // saturating, in between, sparse
    const uint32_t gap = density == 0 ? 0 : density == 1 ? number(1, 40) : number(50, 1500);
    const uint32_t pattern = number(0, 3);  // stream, stride, random, two streams
    const uint32_t writes = chance(30) ? 0 : chance(30) ? 50 : number(0, 100);  // per cent
    const uint64_t unit = spec.channel_interleave.value;
    const uint64_t step = uint64_t{1} << number(0, 12);
    uint64_t positions[2] = {random_() % 4096, random_() % 4096};
    Cycle now = 0;
    for (uint32_t i = 0; i < count; ++i) {
      now += gap == 0 ? 0 : number(0, gap);
      const bool write = number(0, 99) < writes;
      uint64_t& position = positions[pattern == 3 && write ? 1 : 0];
      position += pattern == 1 ? step : 1;
      const uint64_t place = pattern == 2 ? random_() % (uint64_t{1} << number(2, 14)) : position;
      const uint32_t offset = chance(70) ? 0 : number(0, static_cast<uint32_t>(unit) - 1);
      const uint32_t room = static_cast<uint32_t>(unit) - offset;
      const uint32_t bytes = chance(70) ? room : number(1, room);
      // One channel: every address is moved to the same one, as its host would.
      traffic.list.push_back({now, {0, (place * spec.channels) * unit + offset, bytes, write}});
    }
    return traffic;
  }

  uint32_t number(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(random_() % (high - low + 1));
  }
  bool chance(uint32_t per_cent) { return number(0, 99) < per_cent; }

 private:
  void timings(arch::DramSpec& spec) {
    spec.burst_cycles = number(1, 4);
    spec.read_latency = number(0, 25);
    spec.write_latency = number(0, 20);
    spec.t_rcd = number(1, 20);
    spec.t_rp = number(1, 20);
    spec.t_ras = number(spec.t_rcd, 45);
    spec.t_ccd_short = spec.burst_cycles + (chance(70) ? 0 : number(0, 3));
    spec.t_ccd_long = spec.t_ccd_short + number(0, 4);
    spec.t_rrd_short = number(0, 8);
    spec.t_rrd_long = spec.t_rrd_short + number(0, 4);
    spec.t_faw = number(0, 50);
    spec.t_rtp = number(1, 10);
    spec.t_wr = number(0, 30);
    spec.t_wtr_short = number(0, 8);
    spec.t_wtr_long = spec.t_wtr_short + number(0, 8);
    const uint32_t least = spec.read_latency + spec.burst_cycles;
    spec.t_rtw = (least > spec.write_latency ? least - spec.write_latency : 0) + number(0, 4);
    spec.t_rfc = number(1, 250);
    const uint32_t worst = spec.t_rfc + spec.t_rp + spec.t_ras + spec.t_rtp + spec.write_latency +
                           spec.burst_cycles + spec.t_wr + spec.t_faw + spec.t_rrd_long + spec.t_rcd +
                           spec.t_wtr_long + spec.t_rtw;
    spec.t_refi = chance(20) ? 0 : worst + number(1, 2000);
  }

  std::mt19937_64 random_;
};

}  // namespace tilewright::memory
