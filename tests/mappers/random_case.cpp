// SPDX-License-Identifier: Apache-2.0
#include "tests/mappers/random_case.h"

#include <algorithm>

#include "mappers/lower/lower.h"
#include "sim/base/error.h"

namespace tilewright::mappers::testing {
namespace {

using workloads::Layer;
using workloads::LayerKind;

arch::DramSpec random_dram(RandomSource& random, bool slow) {
  arch::DramSpec dram;
  dram.name = "random";
  dram.command_clock = Hertz{slow ? 200'000'000U : random.between(8, 16) * 100'000'000U};
  dram.channels = slow ? 1 : random.pick({1, 2, 4});
  dram.bank_groups = random.pick({1, 2, 4});
  dram.banks_per_group = random.pick({2, 4});
  dram.rows = 4096;
  dram.row_bytes = Bytes{random.pick({1024, 2048})};
  dram.burst_bytes = Bytes{random.pick({32, 64})};
  dram.burst_cycles = random.pick({2, 4});
  dram.channel_interleave = Bytes{random.pick({256, 512, 1024})};
  dram.bank_hash = random.one_in(2);
  dram.read_latency = random.between(10, 24);
  dram.write_latency = random.between(4, 10);
  dram.t_rcd = random.between(8, 18);
  dram.t_rp = random.between(8, 18);
  dram.t_ras = dram.t_rcd + random.between(10, 20);
  dram.t_ccd_short = dram.burst_cycles;
  dram.t_ccd_long = dram.burst_cycles + random.between(0, 2);
  dram.t_rrd_short = random.between(2, 4);
  dram.t_rrd_long = dram.t_rrd_short + random.between(0, 2);
  dram.t_faw = 4 * dram.t_rrd_short + random.between(0, 8);
  dram.t_rtp = random.between(3, 8);
  dram.t_wr = random.between(8, 16);
  dram.t_wtr_short = random.between(2, 6);
  dram.t_wtr_long = dram.t_wtr_short + random.between(0, 4);
  dram.t_rtw = dram.read_latency + dram.burst_cycles + 2 - std::min(dram.read_latency, dram.write_latency);
  dram.t_refi = random.between(2000, 4000);
  dram.t_rfc = random.between(100, 250);
  return dram;
}

arch::AcceleratorSpec random_machine(RandomSource& random) {
  arch::AcceleratorSpec spec;
  spec.name = "random";
  const uint32_t starved = random.between(0, 2);  // 0: DRAM, 1: network, 2: neither
  spec.noc.rows = random.pick({1, 2, 4});
  spec.pe_count = spec.noc.rows * random.between(1, 4);
  spec.pe.lanes = random.pick({1, 2, 4, 8});
  spec.pe.vector_size = random.pick({2, 4, 8, 16});
  spec.pe.weight_buffer = Bytes{random.pick({256, 1024, 4096})};
  spec.pe.input_buffer = Bytes{random.pick({256, 1024, 4096})};
  spec.pe.accumulator_entries = random.pick({4, 8, 16});
  spec.pe.output_buffer = Bytes{random.pick({128, 512})};
  spec.pe.pipeline_depth = random.between(1, 8);
  spec.global_buffer.capacity = Bytes{random.pick({16384, 65536, 262144})};
  spec.global_buffer.banks = random.pick({2, 4, 16});
  spec.noc.packet_bytes = random.pick({128, 256, 1024});
  spec.noc.link_bytes_per_cycle = starved == 1 ? random.pick({4, 8}) : random.pick({16, 32, 64});
  spec.noc.collect_bytes_per_cycle = starved == 1 ? random.pick({2, 4}) : random.pick({8, 16});
  spec.noc.latency = random.between(1, 8);
  spec.noc.starvation_limit = random.pick({16, 64, 256});
  spec.dma.ports = random.pick({1, 2});
  spec.dma.bytes_per_cycle = random.pick({16, 32, 64});
  spec.dma.request_bytes = random.pick({64, 128, 256});
  spec.dma.read_credits = random.pick({4, 16, 32});
  spec.dma.write_credits = random.pick({4, 16, 32});
  spec.vector_unit.lanes = random.pick({4, 16, 64});
  spec.vector_unit.input_buffer = Bytes{random.pick({512, 2048})};
  spec.vector_unit.output_buffer = Bytes{random.pick({256, 1024})};
  spec.vector_unit.pipeline_depth = random.between(1, 16);
  spec.dataflows = {arch::Dataflow::kWs, arch::Dataflow::kOs, arch::Dataflow::kWsLos, arch::Dataflow::kOsLws};
  spec.operating_point.clock = Hertz{random.between(5, 15) * 100'000'000U};
  spec.operating_points = {spec.operating_point};
  spec.has_dram = !random.one_in(8);
  spec.dram = random_dram(random, starved == 0);
  return spec;
}

void set_outputs(Layer& layer) {
  workloads::MacShape& mac = layer.mac;
  mac.output_height = (mac.input_height + 2 * mac.padding - mac.kernel_height) / mac.stride + 1;
  mac.output_width = (mac.input_width + 2 * mac.padding - mac.kernel_width) / mac.stride + 1;
  layer.output = {1, mac.output_height, mac.output_width, mac.groups * mac.output_channels};
}

void random_convolution(RandomSource& random, Layer& layer) {
  workloads::MacShape& mac = layer.mac;
  layer.kind = LayerKind::kConv2d;
  mac.kernel_height = mac.kernel_width = random.pick({1, 1, 2, 3, 3, 4, 5, 7});
  mac.stride = random.pick({1, 1, 1, 2, 2, 3, 4});
  mac.padding = random.one_in(2) ? mac.kernel_height / 2 : random.between(0, 1);
  mac.input_height = mac.kernel_height + random.between(0, 10);
  mac.input_width = mac.kernel_width + random.between(0, 12);
  const uint32_t form = random.between(0, 4);
  if (form == 0) {  // depthwise
    mac.groups = random.between(2, 20);
  } else if (form == 1) {  // grouped
    mac.groups = random.between(2, 4);
    mac.input_channels = random.between(1, 12);
    mac.output_channels = random.between(1, 10);
  } else if (form == 2) {  // stem
    mac.input_channels = random.between(1, 3);
    mac.output_channels = random.between(1, 20);
  } else {
    mac.input_channels = random.between(1, 40);
    mac.output_channels = random.between(1, 24);
  }
}

void random_vector_layer(RandomSource& random, Layer& layer) {
  layer.on_pe_array = false;
  workloads::VectorShape& vector = layer.vector;
  const uint64_t tokens = random.between(1, 60);
  vector.row_elements = random.between(1, 200);
  vector.output_elements = tokens * vector.row_elements;
  vector.input_elements = vector.output_elements;
  switch (random.between(0, 4)) {
    case 0:
      layer.kind = LayerKind::kSoftmax;
      vector.passes = 3;
      break;
    case 1:
      layer.kind = LayerKind::kGelu;
      break;
    case 2:
      layer.kind = LayerKind::kAdd;
      vector.operands = 2;
      vector.input_elements *= 2;
      break;
    case 3:
      layer.kind = LayerKind::kResize;
      vector.passes = 3;
      vector.output_elements *= 4;
      break;
    default:
      layer.kind = LayerKind::kPool;
      vector.passes = 4;
      vector.input_elements *= 4;
      break;
  }
  layer.output = {1, 1, static_cast<uint32_t>(vector.output_elements / vector.row_elements),
                  vector.row_elements};
}

Layer random_layer(RandomSource& random) {
  Layer layer;
  layer.name = layer.group = "random";
  workloads::MacShape& mac = layer.mac;
  switch (random.between(0, 5)) {
    case 0:
      random_vector_layer(random, layer);
      return layer;
    case 1:
      layer.kind = LayerKind::kLinear;
      mac.input_width = random.between(1, 80);
      mac.input_channels = random.between(1, 80);
      mac.output_channels = random.between(1, 40);
      break;
    case 2:
      layer.kind = LayerKind::kMatmul;
      mac.groups = random.between(1, 6);
      mac.input_width = random.between(1, 40);
      mac.input_channels = random.between(1, 40);
      mac.output_channels = random.between(1, 30);
      mac.weights_are_activations = true;
      mac.groups_share_pixels = false;
      break;
    default:
      random_convolution(random, layer);
  }
  set_outputs(layer);
  return layer;
}

Mapping random_mapping(RandomSource& random, const Layer& layer, const arch::AcceleratorSpec& spec) {
  Mapping m;
  m.dataflow = spec.dataflows[random.between(0, static_cast<uint32_t>(spec.dataflows.size()) - 1)];
  const workloads::MacShape& mac = layer.mac;
  const bool pointwise = mac.kernel_height == 1 && mac.stride == 1 && mac.padding == 0;
  if (mac.depthwise() && random.between(0, 3) > 0) {
    m.packing = Packing::kTapPair;
  } else if (mac.input_channels <= 4 && random.one_in(2)) {
    m.packing = random.one_in(2) ? Packing::kIm2col : Packing::kRow;
  } else if (pointwise) {
    m.swap_operands = random.one_in(4);
  }
  m.pe_groups = mac.groups > 1 ? random.between(1, std::min(4U, spec.pe_count)) : 1;
  m.pe_channels = random.between(1, std::max(1U, spec.pe_count / m.pe_groups));
  m.pe_pixels = random.between(1, std::max(1U, spec.pe_count / m.pe_groups / m.pe_channels));
  m.channel_tiles = random.pick({1, 1, 2});
  m.block_rows = random.pick({1, 1, 2});
  m.block_columns =
      random.between(1, std::max(1U, spec.pe.accumulator_entries / m.channel_tiles / m.block_rows));
  m.chunk_kernel_rows = random.between(1, 4);
  m.chunk_channels = random.between(1, 48);
  m.pe_order = random.one_in(2) ? LoopOrder::kWeightsOuter : LoopOrder::kPixelsOuter;
  m.tile_order = random.one_in(2) ? LoopOrder::kWeightsOuter : LoopOrder::kPixelsOuter;
  m.tile_rows = random.between(1, 12);
  m.tile_columns = random.between(1, 40);
  m.tile_channels = random.between(1, 40);
  m.input_slots = random.between(1, 4);
  m.weight_slots = random.between(1, 4);
  m.output_slots = random.between(1, 3);
  return m;
}

bool legal(const RandomCase& drawn) {
  try {
    if (drawn.layer.on_pe_array) {
      return !Plan(drawn.layer, drawn.mapping, drawn.spec, drawn.residency).shortfall();
    }
    lower(drawn.layer, drawn.mapping, drawn.spec, drawn.residency);
    return true;
  } catch (const UserError&) {
    return false;
  }
}

// Of what can go past the global buffer, every other does. Drawn apart: all else stays what it was.
void draw_bypass(RandomCase& drawn, uint64_t seed) {
  RandomSource random(~seed);
  const bool possible = drawn.spec.has_dram && random.one_in(2);
  drawn.spec.dma.bypass = possible ? arch::Bypass::kWeights : arch::Bypass::kNone;
  drawn.mapping.bypass = drawn.spec.dma.bypass;
  if (possible && (!drawn.layer.on_pe_array || !legal(drawn))) {
    drawn.mapping.bypass = arch::Bypass::kNone;
  }
}

}  // namespace

RandomCase random_case(uint64_t seed) {
  RandomSource random(seed);
  RandomCase drawn;
  do {
    drawn.spec = random_machine(random);
    drawn.layer = random_layer(random);
    drawn.residency.input = random.one_in(4);
    drawn.residency.weights = random.one_in(4);
    drawn.residency.output = random.one_in(4);
    drawn.residency.reserved_bytes = random.one_in(4) ? random.between(0, 4096) : 0;
    for (int attempt = 0; attempt < 50; ++attempt) {
      drawn.mapping = random_mapping(random, drawn.layer, drawn.spec);
      if (legal(drawn)) {
        draw_bypass(drawn, seed);
        return drawn;
      }
    }
  } while (true);
}

}  // namespace tilewright::mappers::testing
