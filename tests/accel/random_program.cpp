// SPDX-License-Identifier: Apache-2.0
#include "tests/accel/random_program.h"

#include <algorithm>
#include <bit>
#include <random>

namespace tilewright::accel::testing {
namespace {

using arch::AcceleratorSpec;
using mappers::Buffet;
using mappers::EndpointMask;
using mappers::Send;
using mappers::Step;
using mappers::Tile;
using mappers::TileProgram;
using mappers::TileRole;

class Generator {
 public:
  Generator(uint64_t seed, Pressure pressure) : seed_(seed), random_(seed), pressure_(pressure) {}

  Case make() {
    make_machine();
    make_program();
    return std::move(case_);
  }

  void make_dram(arch::DramSpec& dram);

 private:
  uint32_t between(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(random_() % (uint64_t{high} - low + 1));
  }
  template <typename T>
  T one_of(std::initializer_list<T> choices) {
    return *(choices.begin() + between(0, static_cast<uint32_t>(choices.size()) - 1));
  }
  bool chance(uint32_t percent) { return between(1, 100) <= percent; }

  void make_machine() {
    AcceleratorSpec& spec = case_.spec;
    spec.noc.rows = one_of({1U, 2U, 4U});
    spec.pe_count = spec.noc.rows * between(1, 4);
    spec.pe.lanes = one_of({2U, 4U, 16U});
    spec.pe.vector_size = one_of({4U, 8U, 32U});
    spec.pe.weight_buffer = Bytes{one_of({1024U, 2048U, 8192U})};
    spec.pe.input_buffer = Bytes{one_of({1024U, 2048U, 8192U})};
    spec.pe.accumulator_entries = one_of({4U, 16U, 64U});
    spec.pe.weight_collector_entries = one_of({1U, 3U, 16U});
    spec.pe.output_buffer = Bytes{one_of({256U, 512U, 2048U})};
    spec.pe.pipeline_depth = between(0, 9);
    spec.global_buffer = {Bytes{1U << 20}, one_of({1U, 2U, 5U, 16U})};
    const bool network = pressure_ == Pressure::kNetwork;
    spec.noc.link_bytes_per_cycle = network ? one_of({2U, 4U, 8U}) : one_of({8U, 32U, 64U});
    spec.noc.collect_bytes_per_cycle = network ? one_of({1U, 2U, 4U}) : one_of({8U, 16U, 64U});
    spec.noc.latency = between(1, 12);
    spec.noc.packet_bytes = one_of({256U, 1024U});
    spec.noc.starvation_limit = between(1, 80);
    spec.dma = {one_of({1U, 2U, 4U}), one_of({16U, 64U}), 256, one_of({1U, 4U, 32U}), one_of({1U, 4U, 32U})};
    spec.vector_unit = {one_of({8U, 64U}), Bytes{4096}, Bytes{1024}, between(0, 20)};
    spec.operating_point.clock = Hertz{one_of<uint64_t>({975'000'000, 800'000'000, 152'000'000, 1'760'000'000})};
    spec.has_dram = chance(85) || pressure_ == Pressure::kDram;
    make_dram(spec.dram);
  }

  void make_program() {
    TileProgram& program = case_.program;
    const AcceleratorSpec& spec = case_.spec;
    program.endpoints = spec.pe_count + 1;
    program.senders.resize(std::size_t{2} * spec.noc.rows);
    program.steps.resize(program.endpoints);
    program.dataflow = one_of({arch::Dataflow::kWs, arch::Dataflow::kOs, arch::Dataflow::kWsLos, arch::Dataflow::kOsLws});
    for (mappers::SlotClass& slot_class : program.classes) {
      const bool resident = !spec.has_dram || chance(20);
      slot_class.slots = resident ? 0 : between(1, 3);
      slot_class.slot_bytes = 64 << 10;
    }
    program.classes[1].base = 300 << 10;
    program.classes[2].base = 600 << 10;
    blocks_ = between(1, 12);
    chunks_per_block_ = between(1, 4);
    stationary_ = chance(40);
    for (uint32_t role = 0; role < mappers::kTileRoles; ++role) {
      blocks_per_tile_[role] = between(1, 4);
    }
    make_groups();
    arrived_[0].assign(program.endpoints, 0);
    arrived_[1].assign(program.endpoints, 0);
    for (uint32_t block = 0; block < blocks_; ++block) {
      make_block(block);
    }
    finish_tiles();
  }

  // Every endpoint that takes part gets its inputs from one sender and its weights from one sender.
  void make_groups() {
    const uint32_t pes = case_.spec.pe_count;
    const uint32_t rows = case_.spec.noc.rows;
    for (const std::size_t kind : {std::size_t{0}, std::size_t{1}}) {
      const uint32_t count = between(1, std::min(pes, 5U));
      std::vector<EndpointMask>& groups = groups_[kind];
      groups.assign(count, 0);
      for (uint32_t pe = 0; pe < pes; ++pe) {
        groups[pe < count ? pe : between(0, count - 1)] |= EndpointMask{1} << pe;
      }
      for (uint32_t group = 0; group < count; ++group) {
        sender_of_[kind].push_back(static_cast<uint32_t>(kind) * rows + between(0, rows - 1));
      }
    }
    if (chance(30)) {  // the vector unit works along
      groups_[0].push_back(EndpointMask{1} << pes);
      sender_of_[0].push_back(between(0, rows - 1));
      has_vector_unit_ = true;
    }
    choose_fetches();
  }

  // One operand in four programs goes past the global buffer; drawn apart, so that the others stay what they were. Of the
  // inputs too: the machine does not know what it moves.
  void choose_fetches() {
    if (!case_.spec.has_dram || seed_ % 4 != 0) {
      return;
    }
    case_.spec.dma.bypass = arch::Bypass::kWeights;
    fetches_[1] = true;
    fetches_[0] = seed_ % 16 == 0;
    for (const std::size_t kind : {std::size_t{0}, std::size_t{1}}) {
      if (fetches_[kind]) {
        case_.program.classes[kind].slots = 0;
        case_.program.classes[kind].slot_bytes = 0;
      }
    }
  }

  // Neighbouring chunks, as lowering lays them out, or here and there.
  uint64_t fetch_address(uint32_t bytes) {
    const uint64_t burst = case_.spec.dram.burst_bytes.value;
    const uint64_t at = next_fetch_;
    next_fetch_ += round_up(bytes, burst) + (seed_ % 3 == 0 ? 5 * burst : 0);
    return at;
  }

  uint32_t tile_for(TileRole role, uint32_t block) {
    const auto index = static_cast<std::size_t>(role);
    const bool keep = role == TileRole::kWeight && stationary_;
    const uint32_t number = keep ? 0 : block / blocks_per_tile_[index];
    std::vector<uint32_t>& tiles = tiles_[index];
    if (number == tiles.size()) {
      tiles.push_back(static_cast<uint32_t>(case_.program.tiles.size()));
      Tile tile;
      tile.role = role;
      tile.index = number;
      case_.program.tiles.push_back(tile);
      if (role != TileRole::kOutput && case_.program.classes[index].slots != 0) {
        case_.program.loads.push_back(tiles.back());
      }
    }
    return tiles[number];
  }

  void make_send(std::size_t kind, std::size_t group, uint32_t block, uint64_t capacity) {
    const TileRole role = kind == 0 ? TileRole::kInput : TileRole::kWeight;
    const Buffet buffet = kind == 0 ? Buffet::kInput : Buffet::kWeight;
    Send send;
    send.tile = fetches_[kind] ? mappers::kNone : tile_for(role, block);
    send.bytes = between(1, static_cast<uint32_t>(std::max<uint64_t>(capacity, 1)));
    send.offset = between(0, 40'000);
    send.offset = fetches_[kind] ? fetch_address(send.bytes) : send.offset;
    send.destinations = groups_[kind][group];
    send.buffet = buffet;
    if (!send.fetches()) {
      ++case_.program.tiles[send.tile].uses;
    }
    case_.program.senders[sender_of_[kind][group]].push_back(send);
    for (uint32_t e = 0; e < case_.program.endpoints; ++e) {
      arrived_[kind][e] += static_cast<uint32_t>(send.destinations >> e & 1);
    }
  }

  void make_block(uint32_t block) {
    const AcceleratorSpec& spec = case_.spec;
    const uint64_t room = std::min(spec.pe.weight_buffer.value, spec.pe.input_buffer.value) / chunks_per_block_;
    const uint32_t output_tile = tile_for(TileRole::kOutput, block);
    for (uint32_t chunk = 0; chunk < chunks_per_block_; ++chunk) {
      const std::vector<uint32_t> weights_before = arrived_[1];
      const std::vector<uint32_t> inputs_before = arrived_[0];
      for (std::size_t group = 0; group < groups_[0].size(); ++group) {
        make_send(0, group, block, room);
      }
      if (!stationary_ || block == 0) {
        for (std::size_t group = 0; group < groups_[1].size(); ++group) {
          make_send(1, group, block, room);
        }
      }
      for (uint32_t e = 0; e < case_.program.endpoints; ++e) {
        if (e < spec.pe_count || has_vector_unit_) {
          make_step(e, block, chunk, inputs_before[e], stationary_ ? chunk : weights_before[e], output_tile);
        }
      }
    }
  }

  void make_step(uint32_t e, uint32_t block, uint32_t chunk, uint32_t input, uint32_t weight, uint32_t output_tile) {
    const AcceleratorSpec& spec = case_.spec;
    const bool vector_unit = e == spec.pe_count;
    Step step;
    step.input_chunk = input;
    step.free_input = 1;
    step.weight_chunk = vector_unit ? mappers::kNone : weight;
    step.free_weight = !vector_unit && (!stationary_ || block + 1 == blocks_) ? 1 : 0;
    step.starts = chunk == 0;
    step.drains = chunk + 1 == chunks_per_block_;
    step.channel_tiles = vector_unit ? 1 : between(1, std::min(3U, spec.pe.accumulator_entries));
    step.pixels = vector_unit ? 1 : between(1, spec.pe.accumulator_entries / step.channel_tiles);
    step.vectors = between(1, pressure_ == Pressure::kAny ? 40 : 4);
    step.cycles = step.channel_tiles * step.pixels * step.vectors;
    step.macs = vector_unit ? 0 : random_() % (uint64_t{step.cycles} * spec.pe.lanes * spec.pe.vector_size + 1);
    case_.program.macs += step.macs;
    if (step.drains) {
      step.output_tile = output_tile;
      step.output_bytes = between(1, static_cast<uint32_t>(std::min<uint64_t>(spec.noc.packet_bytes, 256)));
      step.drain_entries = between(1, spec.pe.accumulator_entries);
      Tile& tile = case_.program.tiles[output_tile];
      step.output_offset = tile.bytes;
      tile.bytes += step.output_bytes;
    }
    case_.program.steps[e].push_back(step);
  }

  void finish_tiles() {
    TileProgram& program = case_.program;
    uint64_t address = 0;
    for (uint32_t i = 0; i < program.tiles.size(); ++i) {
      Tile& tile = program.tiles[i];
      const bool output = tile.role == TileRole::kOutput;
      mappers::DramPattern& pattern = tile.dram;
      pattern.base = address;
      if (output) {
        pattern.piece_bytes = static_cast<uint32_t>(tile.bytes);
      } else {
        const uint32_t scale = pressure_ == Pressure::kDram ? 8 : 1;
        pattern.piece_bytes = chance(50) ? 64 : between(32, 900);
        pattern.inner_count = between(1, 6 * scale);
        pattern.inner_stride = pattern.piece_bytes + 64 * between(0, 9);
        pattern.outer_count = between(1, 3);
        pattern.outer_stride = pattern.inner_count * pattern.inner_stride + 128 * between(0, 30);
        tile.bytes = pattern.bytes();
      }
      address += round_up(pattern.piece_bytes + pattern.inner_count * pattern.inner_stride +
                              pattern.outer_count * pattern.outer_stride, 64);
      if (output && program.classes[2].slots != 0) {
        program.stores.push_back(i);
      }
    }
  }

  uint64_t seed_;
  std::mt19937_64 random_;
  Pressure pressure_;
  Case case_;
  uint32_t blocks_ = 0, chunks_per_block_ = 0;
  uint32_t blocks_per_tile_[mappers::kTileRoles] = {1, 1, 1};
  bool stationary_ = false;
  bool fetches_[2] = {false, false};  // of inputs, weights
  uint64_t next_fetch_ = 0;
  bool has_vector_unit_ = false;
  std::vector<EndpointMask> groups_[2];
  std::vector<uint32_t> sender_of_[2];
  std::vector<uint32_t> arrived_[2];
  std::vector<uint32_t> tiles_[mappers::kTileRoles];
};

void Generator::make_dram(arch::DramSpec& dram) {
  dram.command_clock = Hertz{one_of<uint64_t>({800'000'000, 1'000'000'000, 533'000'000})};
  dram.channels = pressure_ == Pressure::kDram ? one_of({1U, 2U}) : one_of({1U, 2U, 4U});
  dram.bank_groups = one_of({2U, 4U});
  dram.banks_per_group = one_of({2U, 4U});
  dram.rows = 4096;
  dram.row_bytes = Bytes{one_of({1024U, 2048U})};
  dram.burst_bytes = Bytes{one_of({32U, 64U})};
  dram.burst_cycles = 2;
  dram.channel_interleave = Bytes{one_of({256U, 512U})};
  dram.bank_hash = chance(50);
  dram.bank_group_interleave = one_of({0U, 1U, 2U});
  dram.read_latency = between(10, 20);
  dram.write_latency = between(4, 10);
  dram.t_rcd = between(6, 16);
  dram.t_rp = between(6, 16);
  dram.t_ras = dram.t_rcd + between(8, 20);
  dram.t_ccd_short = 2;
  dram.t_ccd_long = between(2, 4);
  dram.t_rrd_short = between(2, 5);
  dram.t_rrd_long = dram.t_rrd_short + between(0, 3);
  dram.t_faw = 4 * dram.t_rrd_short + between(0, 8);
  dram.t_rtp = between(4, 8);
  dram.t_wr = between(8, 16);
  dram.t_wtr_short = between(2, 6);
  dram.t_wtr_long = dram.t_wtr_short + between(0, 4);
  dram.t_rtw = dram.read_latency + dram.burst_cycles - dram.write_latency + between(0, 8);
  dram.read_queue = dram.write_queue = 64;
  dram.write_high_watermark = between(2, 40);
  dram.write_low_watermark = between(0, dram.write_high_watermark - 1);
  dram.t_refi = between(600, 4000);
  dram.t_rfc = between(40, 250);
}

}  // namespace

void randomise_dram(arch::DramSpec& dram, uint64_t seed) { Generator(seed, Pressure::kAny).make_dram(dram); }

Case random_case(uint64_t seed, Pressure pressure) { return Generator(seed, pressure).make(); }

}  // namespace tilewright::accel::testing
