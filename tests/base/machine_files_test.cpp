// SPDX-License-Identifier: Apache-2.0
//
// The shipped machine files against the numbers of the papers, and the cross-field checks against broken
// variants.
#include <doctest/doctest.h>

#include <filesystem>

#include "arch/load.h"
#include "tests/base/config_fixture.h"

namespace tilewright::test {
namespace {

const std::filesystem::path kArch = std::filesystem::path(TILEWRIGHT_SOURCE_DIR) / "configs/arch";

TEST_CASE("the Keller core is the published one") {
  const auto core = arch::load_accelerator(kArch / "keller_core_5nm.yaml").value;
  CHECK(core.macs_per_cycle() == 512);
  CHECK(core.pe.weight_buffer.value == 16 * 128 * 32);
  CHECK(core.pe.input_buffer.value == 2048 * 32);
  CHECK(core.pe.output_buffer.value == 512 * 16);
  CHECK(core.pe.accumulator_entries * core.pe.lanes * core.pe.accumulator_bits / 8 == 768);
  CHECK(core.operating_points.size() == 5);
  CHECK(core.operating_point.clock.value == 975'000'000);
  CHECK_FALSE(core.has_dram);
}

std::string dram_text() {
  return R"(kind: dram
name: toy
source: made up
command_clock: 800 MHz
channels: 4
bank_groups: 4
banks_per_group: 4
rows: 65536
row_bytes: 2 KiB
burst_bytes: 32 B
burst_cycles: 2
channel_interleave: 256 B
bank_hash: true
separate_row_bus: false
bank_group_interleave: 1
read_latency: 14
write_latency: 8
t_rcd: 15
t_rp: 15
t_ras: 34
t_ccd_short: 2
t_ccd_long: 4
t_rrd_short: 4
t_rrd_long: 6
t_faw: 16
t_rtp: 6
t_wr: 27
t_wtr_short: 5
t_wtr_long: 10
t_rtw: 12
t_refi: 3120
t_rfc: 304
read_queue: 32
write_queue: 32
write_high_watermark: 24
write_low_watermark: 8
)";
}

// The machine with LPDDR5, its memory replaced by the toy.
std::filesystem::path toy_machine(const Folder& folder) {
  folder.write("toy_dram.yaml", dram_text());
  return folder.write("machine.yaml",
                      "kind: accelerator\nextends: " + (kArch / "keller_core_5nm.yaml").string() +
                          "\nhas_dram: {value: true, source: made up}\ndram: toy_dram.yaml\n");
}

TEST_CASE("a machine with a memory loads, and its dump loads to the same hash") {
  Folder folder;
  const auto machine = arch::load_accelerator(toy_machine(folder));
  CHECK(machine.value.dram.peak_bytes_per_second() == 51.2e9);
  CHECK(arch::load_accelerator(folder.write("again.yaml", machine.yaml)).hash == machine.hash);
}

struct Broken {
  config::Overrides overrides;
  const char* message;
};

TEST_CASE("values that do not fit together are refused where they are") {
  Folder folder;
  const auto path = toy_machine(folder);
  const Broken cases[] = {
      {{"pe_count=6", "noc.rows=4"},
       "--set pe_count=6: error: 'pe_count' must be a multiple of 'noc.rows' (4), is 6"},
      {{"pe_count=64"}, "--set pe_count=64: error: 'pe_count' must be 1 .. 63, got 64"},
      {{"pe.weight_buffer=66 KB"},
       "--set pe.weight_buffer=66 KB: error: 'pe.weight_buffer' must be a multiple of 'lanes' x "
       "'vector_size' "
       "(16 x 32 = 512 B, one entry in every bank), is 66000"},
      {{"noc.packet_bytes=64"},
       "'noc.packet_bytes' must be a multiple of 'link_bytes_per_cycle' (128 B), is 64"},
      {{"dma.request_bytes=512"},
       "'dma.request_bytes' must divide 'dram.channel_interleave' (256 B), is 512"},
      {{"dma.request_bytes=16", "dma.bytes_per_cycle=16"},
       "'dma.request_bytes' must be a multiple of 'dram.burst_bytes' (32 B), is 16"},
      {{"dma.ports=17"}, "'dma.ports' must be at most 'global_buffer.banks' (16), is 17"},
      {{"operating_point.voltage=0.2 V"},
       "'operating_point.voltage' must lie within 'operating_points' (0.46 V .. 1.05 V), is 0.2 V"},
      {{"operating_point.clock=1 GHz"},
       "'operating_point.clock' must be at most 975 MHz, what 'operating_points' reach at 0.67 V, is 1000 "
       "MHz"},
      {{"operating_points.1.voltage=0.4 V"},
       "'operating_points.1' must have a higher voltage than the point before"},
      {{"dataflows=[os, os]"}, "'dataflows.1' repeats 'os'"},
      {{"dataflows=[]"}, "'dataflows' must not be empty"},
      {{"dataflows=[output_stationary]"}, "'dataflows.0' cannot be 'output_stationary'"},
      {{"has_dram=false"}, "'dram' must not be given when 'has_dram' is false"},
      {{"dram.t_ras=10"}, "'dram.t_ras' must be at least 't_rcd' (15), is 10"},
      {{"dram.t_rfc=3100"}, "'dram.t_refi' must exceed 't_rfc' plus one row cycle (3100 + 49), is 3120"},
      {{"dram.channels=3"}, "'dram.channels' must be a power of two, got 3"},
      {{"dram.write_high_watermark=40"},
       "'dram.write_queue' must be at least 'write_high_watermark' (40), is 32"},
      {{"dram.write_low_watermark=24"},
       "'dram.write_low_watermark' must be below 'write_high_watermark' (24), is 24"},
      {{"dram.t_ccd_long=1"}, "'dram.t_ccd_long' must be at least 't_ccd_short' (2), is 1"},
      {{"dram.bank_group_interleave=65"},
       "'dram.bank_group_interleave' must be at most the 64 bursts of a row, is 65"},
      {{"dram=toy_darm.yaml"}, "cannot open the file 'toy_darm.yaml'"},
  };
  for (const Broken& broken : cases) {
    CAPTURE(broken.overrides.front());
    const std::string found = problems<arch::AcceleratorSpec>(path, broken.overrides);
    CAPTURE(found);
    CHECK(found.find(broken.message) != std::string::npos);
  }
}

TEST_CASE("between two operating points the reachable clock is interpolated") {
  const std::vector<arch::OperatingPoint> points = {{Volts{0.5}, Hertz{100}}, {Volts{1.0}, Hertz{300}}};
  CHECK(arch::reachable_clock(points, Volts{0.75})->value == 200);
  CHECK(arch::reachable_clock(points, Volts{1.0})->value == 300);
  CHECK_FALSE(arch::reachable_clock(points, Volts{1.1}).has_value());
}

}  // namespace
}  // namespace tilewright::test
