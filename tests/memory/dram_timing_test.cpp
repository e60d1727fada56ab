// SPDX-License-Identifier: Apache-2.0
//
// Each timing constraint of the reference by hand: what must complete at cycle c, and therefore not before.
// Every value of the toy is different, so a constraint taken for another one shows.
#include <doctest/doctest.h>

#include "dram_traffic.h"

namespace tilewright::memory {
namespace {

// One channel, 2 bank groups x 2 banks, 8 bursts of 32 B in a row. Without hash the address is, from the
// lowest: 5 bits in the burst, 3 bits column, 1 bit bank group, 1 bit bank, row.
arch::DramSpec toy() {
  arch::DramSpec spec;
  spec.name = "toy";
  spec.command_clock = {1'000'000'000};
  spec.channels = 1;
  spec.bank_groups = 2;
  spec.banks_per_group = 2;
  spec.rows = 64;
  spec.row_bytes = {256};
  spec.burst_bytes = {32};
  spec.burst_cycles = 2;
  spec.channel_interleave = {256};
  spec.bank_hash = false;
  spec.bank_group_interleave = 0;
  spec.read_latency = 11;
  spec.write_latency = 7;
  spec.t_rcd = 13;
  spec.t_rp = 17;
  spec.t_ras = 29;
  spec.t_ccd_short = 2;
  spec.t_ccd_long = 5;
  spec.t_rrd_short = 3;
  spec.t_rrd_long = 6;
  spec.t_faw = 40;
  spec.t_rtp = 19;
  spec.t_wr = 23;
  spec.t_wtr_short = 8;
  spec.t_wtr_long = 12;
  spec.t_rtw = 9;
  spec.t_refi = 0;
  spec.t_rfc = 100;
  spec.read_queue = 8;
  spec.write_queue = 8;
  spec.write_high_watermark = 8;
  spec.write_low_watermark = 0;
  return spec;
}

uint64_t at(uint32_t group, uint32_t bank, uint64_t row, uint32_t column = 0) {
  return ((row * 2 + bank) * 2 + group) * 256 + column * 32;
}

TimedTransaction read(Cycle cycle, uint64_t address, uint32_t bytes = 32) {
  return {cycle, {0, address, bytes, false}};
}
TimedTransaction write(Cycle cycle, uint64_t address, uint32_t bytes = 32) {
  return {cycle, {0, address, bytes, true}};
}

// Plays both fidelities; they agree by the other test, here each must equal the hand's cycles.
Outcome play(const arch::DramSpec& spec, std::vector<TimedTransaction> list,
             const std::vector<Cycle>& by_hand) {
  Traffic traffic;
  traffic.list = std::move(list);
  traffic.pushes_per_cycle = 8;
  const Outcome tick = play_tick(spec, traffic);
  CHECK(tick.completed == by_hand);
  CHECK(play_event(spec, traffic).completed == by_hand);
  return tick;
}

TEST_CASE("a read of a closed bank: activate, tRCD, read latency, burst") {
  const Outcome outcome = play(toy(), {read(0, at(0, 0, 0))}, {13 + 11 + 2});
  CHECK(outcome.statistics.row_misses == 1);
  CHECK(outcome.statistics.activates == 1);
  CHECK(outcome.statistics.data_bus_cycles == 2);
  CHECK(outcome.statistics.queue_cycles == 14);  // pushed in 0, read command in 13
  CHECK(outcome.statistics.cycles == 27);
}

TEST_CASE("a write of a closed bank: activate, tRCD, write latency, burst") {
  play(toy(), {write(0, at(0, 0, 0))}, {13 + 7 + 2});
}

TEST_CASE("what is pushed later is seen in that cycle") {
  play(toy(), {read(100, at(0, 0, 0))}, {100 + 26});
}

TEST_CASE("row hits: tCCD_L within a bank group, tCCD_S between") {
  const Outcome outcome = play(toy(), {read(0, at(0, 0, 0)), read(50, at(0, 0, 0, 1))}, {26, 50 + 13});
  CHECK(outcome.statistics.row_hits == 1);
  // Two bursts of one transaction: the second command 5 later.
  play(toy(), {read(0, at(0, 0, 0), 64)}, {26 + 5});
  // Banks of both groups open long before: commands at 100 and 102.
  play(toy(),
       {read(0, at(0, 0, 0)), read(0, at(1, 0, 0)), read(100, at(0, 0, 0, 1)), read(100, at(1, 0, 0, 1))},
       {26, 29, 113, 115});
  // The same within a group, other bank: 100 and 105.
  play(toy(),
       {read(0, at(0, 0, 0)), read(0, at(0, 1, 0)), read(100, at(0, 0, 0, 1)), read(100, at(0, 1, 0, 1))},
       {26, 32, 113, 118});
}

TEST_CASE("activates: tRRD_S between bank groups, tRRD_L within") {
  play(toy(), {read(0, at(0, 0, 0)), read(0, at(1, 0, 0))}, {26, 26 + 3});
  play(toy(), {read(0, at(0, 0, 0)), read(0, at(0, 1, 0))}, {26, 26 + 6});
}

TEST_CASE("the fifth activate waits for tFAW") {
  arch::DramSpec spec = toy();
  spec.banks_per_group = 4;  // address: row, 2 bits bank, group, column
  const auto place = [](uint32_t group, uint32_t bank) { return uint64_t{bank * 2 + group} * 256; };
  // Activates in 0, 3, 6, 9 (groups in turn, each tRRD_L = 6 after its own last), the fifth in 40 instead
  // of 12.
  play(spec,
       {read(0, place(0, 0)), read(0, place(1, 0)), read(0, place(0, 1)), read(0, place(1, 1)),
        read(0, place(0, 2))},
       {26, 29, 32, 35, 40 + 26});
  spec.t_faw = 12;
  play(spec,
       {read(0, place(0, 0)), read(0, place(1, 0)), read(0, place(0, 1)), read(0, place(1, 1)),
        read(0, place(0, 2))},
       {26, 29, 32, 35, 12 + 26});
}

TEST_CASE("a row conflict: tRAS or tRTP, then tRP, then tRCD") {
  // Activate 0, read 13: precharge at max(29, 13 + 19) = 32, activate 49, read 62.
  const Outcome outcome = play(toy(), {read(0, at(0, 0, 0)), read(1, at(0, 0, 1))}, {26, 62 + 13});
  CHECK(outcome.statistics.row_conflicts == 1);
  CHECK(outcome.statistics.precharges == 1);
  arch::DramSpec spec = toy();
  spec.t_rtp = 4;  // tRAS decides: precharge 29, activate 46, read 59
  play(spec, {read(0, at(0, 0, 0)), read(1, at(0, 0, 1))}, {26, 59 + 13});
}

TEST_CASE("a conflict after a write waits for write recovery") {
  // Write 13, data ends 13 + 7 + 2 = 22, precharge 22 + 23 = 45, activate 62, write 75.
  play(toy(), {write(0, at(0, 0, 0)), write(0, at(0, 0, 1))}, {22, 75 + 9});
}

TEST_CASE("write to read: tWTR after the data's end, longer within the bank group") {
  // Both rows open from reads; write pushed in 100 goes at once, its data ends in 109; the read comes in 101.
  const auto open = [](uint32_t group) {
    return std::vector<TimedTransaction>{read(0, at(0, 0, 0)), read(0, at(1, 0, 0)),
                                         write(100, at(0, 0, 0, 2)), read(101, at(group, 0, 0, 3))};
  };
  play(toy(), open(1), {26, 29, 109, 109 + 8 + 13});
  play(toy(), open(0), {26, 29, 109, 109 + 12 + 13});
}

TEST_CASE("read to write: tRTW") {
  play(toy(), {read(0, at(0, 0, 0)), read(100, at(0, 0, 0, 1)), write(101, at(0, 0, 0, 2))},
       {26, 113, 100 + 9 + 9});
}

TEST_CASE("row hits go before an older conflict of the same bank; other banks' oldest goes first") {
  // Pushed together in 100 with row 0 open: row 1 (older) waits for the hit; its precharge is at 100 + 19 =
  // 119.
  play(toy(), {read(0, at(0, 0, 0)), read(100, at(0, 0, 1)), read(100, at(0, 0, 0, 1))},
       {26, 119 + 17 + 13 + 13, 113});
}

TEST_CASE("reads first; writes drain at the high watermark down to the low one") {
  arch::DramSpec spec = toy();
  spec.write_high_watermark = 2;
  spec.write_low_watermark = 1;
  // All in the open row of one bank. In 100: two writes and a read. Two writes reach the mark, so a write
  // goes in 100, then one is left, which is the low mark: the read goes after tWTR_L, at 109 + 12; the last
  // write tRTW = 9 later.
  play(spec,
       {read(0, at(0, 0, 0)), write(100, at(0, 0, 0, 1)), write(100, at(0, 0, 0, 2)),
        read(100, at(0, 0, 0, 3))},
       {26, 109, 121 + 9 + 9, 121 + 13});
}

TEST_CASE("one command bus: no activate in the cycle of a column command") {
  // Group 0's bank opens in 0, its read is due in 13. Bank 1 of the other group is asked for in 13.
  arch::DramSpec spec = toy();
  spec.separate_row_bus = true;
  play(spec, {read(0, at(0, 0, 0)), read(13, at(1, 0, 0))}, {26, 13 + 26});
  spec.separate_row_bus = false;
  play(spec, {read(0, at(0, 0, 0)), read(13, at(1, 0, 0))}, {26, 14 + 26});
}

TEST_CASE("refresh: due every tREFI, after closing rows; a read waits for tRFC") {
  arch::DramSpec spec = toy();
  spec.t_refi = 300;
  // Closed banks: refresh at 300 at once, activate at 400.
  const Outcome closed = play(spec, {read(300, at(0, 0, 0))}, {400 + 26});
  CHECK(closed.statistics.refreshes == 1);
  CHECK(closed.statistics.refresh_cycles == 100);
  // One cycle earlier the activate goes in 299, but the read may not: closed at 299 + 29, refreshed 17 later.
  const Outcome late = play(spec, {read(299, at(0, 0, 0))}, {299 + 29 + 17 + 100 + 26});
  CHECK(late.statistics.activates == 2);
  CHECK(late.statistics.precharges == 1);
  CHECK(late.statistics.refresh_cycles == 299 + 29 + 17 + 100 - 300);
  // An open row is closed by the refresh: precharged in 300, refreshed in 317.
  play(spec, {read(0, at(0, 0, 0)), read(301, at(0, 0, 0, 1))}, {26, 317 + 100 + 26});
}

TEST_CASE("refreshes of an idle channel are counted, and the row is closed after the first") {
  arch::DramSpec spec = toy();
  spec.t_refi = 300;
  const Outcome outcome = play(spec, {read(0, at(0, 0, 0)), read(1000, at(0, 0, 0, 1))}, {26, 1000 + 26});
  CHECK(outcome.statistics.refreshes == 3);
  CHECK(outcome.statistics.row_misses == 2);
  CHECK(outcome.statistics.precharges == 1);
}

TEST_CASE("a host that breaks the contract is told") {
  const arch::DramSpec spec = toy();
  TickDramChannel tick(spec);
  EventDramChannel event(spec);
  for (uint32_t i = 0; i < spec.read_queue; ++i) {
    tick.push({i, 0, 32, false}, 0);
    event.push({i, 0, 32, false}, 0);
  }
  CHECK_THROWS_AS(tick.push({9, 0, 32, false}, 0), InternalError);
  event.push({9, 0, 32, false}, 0);  // told once it is looked at
  std::vector<DramCompletion> done;
  CHECK_THROWS_AS(event.act(1000, done), InternalError);
  CHECK_THROWS_AS(tick.push({9, 240, 32, true}, 0), InternalError);
  CHECK_THROWS_AS(event.push({9, 240, 32, true}, 0), InternalError);
  CHECK_THROWS_AS(tick.finish(5), InternalError);
  CHECK_THROWS_AS(event.finish(5), InternalError);
}

TEST_CASE("a refresh interval must leave time to close all banks and to open and use one") {
  arch::DramSpec spec = toy();
  // tRFC 100; closing 29 + 19 + 7 + 2 + 23 + 17 = 97; opening and the turnarounds 40 + 6 + 13 + 12 + 9 = 80.
  spec.t_refi = 277;
  CHECK_THROWS_AS(TickDramChannel{spec}, UserError);
  CHECK_THROWS_AS(EventDramChannel{spec}, UserError);
  spec.t_refi = 278;
  CHECK_NOTHROW(TickDramChannel{spec});
}

TEST_CASE("a specification that cannot be is refused by name") {
  arch::DramSpec spec = toy();
  spec.t_rtw = 5;  // 5 + 7 < 11 + 2
  spec.t_refi = 150;
  try {
    TickDramChannel channel(spec);
    FAIL("accepted");
  } catch (const UserError& error) {
    const std::string text = error.what();
    CHECK(text.find("t_rtw plus write_latency") != std::string::npos);
    CHECK(text.find("t_refi must be 0") != std::string::npos);
  }
}

}  // namespace
}  // namespace tilewright::memory
