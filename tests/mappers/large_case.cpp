// SPDX-License-Identifier: Apache-2.0
#include "tests/mappers/large_case.h"

#include <algorithm>

#include "mappers/lower/plan.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/machines.h"

namespace tilewright::mappers::testing {
namespace {

arch::AcceleratorSpec large_machine(RandomSource& random) {
  arch::AcceleratorSpec spec = sixteen_pes();
  spec.noc.rows = random.pick({2, 4});
  spec.pe_count = spec.noc.rows * random.pick({2, 4});
  spec.pe.lanes = random.pick({8, 16});
  spec.pe.vector_size = random.pick({8, 16, 32});
  spec.pe.weight_buffer = Bytes{random.pick({16384, 32768, 65536})};
  spec.pe.input_buffer = Bytes{random.pick({8192, 16384, 65536})};
  spec.pe.accumulator_entries = random.pick({16, 32, 64});
  spec.noc.link_bytes_per_cycle = random.pick({32, 64, 128});
  spec.noc.collect_bytes_per_cycle = random.pick({16, 64});
  spec.dma.ports = random.pick({1, 2, 4});
  spec.global_buffer.capacity = Bytes{random.pick({1 << 19, 1 << 21, 1 << 22})};
  spec.dram.channels = random.pick({4, 8, 16});
  spec.dram.bank_groups = 4;
  spec.dram.banks_per_group = 4;
  spec.dram.row_bytes = Bytes{2048};
  spec.dram.rows = 65536;
  spec.dram.channel_interleave = Bytes{256};
  spec.dram.read_latency = 20;
  spec.dram.write_latency = 10;
  spec.dram.t_rcd = spec.dram.t_rp = 15;
  spec.dram.t_ras = 34;
  spec.dram.t_ccd_short = spec.dram.t_ccd_long = spec.dram.burst_cycles;
  spec.dram.t_rrd_short = spec.dram.t_rrd_long = 6;
  spec.dram.t_faw = 24;
  spec.dram.t_rtp = 6;
  spec.dram.t_rtw = 14;
  spec.dram.t_wr = 12;
  spec.dram.t_wtr_short = spec.dram.t_wtr_long = 6;
  spec.dram.t_refi = 3120;
  spec.dram.t_rfc = 200;
  return spec;
}

workloads::Layer large_layer(RandomSource& random) {
  switch (random.between(0, 5)) {
    case 0:
      return conv2d(random.between(14, 56), 32 * random.between(2, 8), 16 * random.between(2, 16), {3, 1, 1});
    case 1:
      return conv2d(2 * random.between(14, 40), 32 * random.between(2, 6), 16 * random.between(4, 16), {3, 2, 1});
    case 2:
      return matmul(random.between(1, 8), random.between(200, 2000), random.between(4, 16) * 16, random.between(100, 300));
    case 3:
      return conv2d(random.between(14, 40), random.between(60, 300), random.between(60, 300), {1, 1, 0});
    default:
      return linear(random.between(200, 4000), random.between(64, 1000), random.between(64, 1000));
  }
}

Mapping large_mapping(RandomSource& random, const workloads::Layer& layer, const arch::AcceleratorSpec& spec) {
  const workloads::MacShape& mac = layer.mac;
  const bool flat = mac.kernel_height == 1 && mac.stride == 1;
  Mapping m;
  m.swap_operands = flat && random.one_in(4);
  m.pe_groups = mac.groups > 1 ? random.between(1, std::min(4U, spec.pe_count)) : 1;
  m.pe_channels = random.pick({1, 2, 3, 4, 8});
  m.pe_pixels = std::max(1U, spec.pe_count / m.pe_groups / m.pe_channels);
  m.channel_tiles = random.pick({1, 1, 1, 2});
  m.block_rows = flat ? 1 : random.pick({1, 1, 2});
  m.block_columns = std::max(1U, spec.pe.accumulator_entries / m.channel_tiles / m.block_rows);
  m.chunk_kernel_rows = random.pick({1, 3, 3});
  m.chunk_channels = spec.pe.vector_size * random.pick({1, 2, 4, 8, 16, 32});
  m.pe_order = random.one_in(2) ? LoopOrder::kWeightsOuter : LoopOrder::kPixelsOuter;
  m.tile_order = random.one_in(2) ? LoopOrder::kWeightsOuter : LoopOrder::kPixelsOuter;
  m.tile_rows = random.between(1, 16);
  m.tile_columns = flat ? m.block_columns * m.pe_pixels * random.between(1, 8) : random.between(8, 80);
  m.tile_channels = spec.pe.lanes * m.pe_channels * random.between(1, 8);
  m.input_slots = random.between(1, 5);
  m.weight_slots = random.between(1, 5);
  m.output_slots = random.between(1, 4);
  return m;
}

}  // namespace

RandomCase large_case(uint64_t seed) {
  RandomSource random(seed);
  while (true) {
    RandomCase drawn;
    drawn.spec = large_machine(random);
    drawn.layer = large_layer(random);
    drawn.residency.input = random.one_in(4);
    drawn.residency.output = random.one_in(4);
    for (int attempt = 0; attempt < 20; ++attempt) {
      drawn.mapping = large_mapping(random, drawn.layer, drawn.spec);
      if (!Plan(drawn.layer, drawn.mapping, drawn.spec, drawn.residency).shortfall()) {
        return drawn;
      }
    }
  }
}

}  // namespace tilewright::mappers::testing
