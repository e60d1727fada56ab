// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/estimate.h"

#include <algorithm>
#include <cmath>

namespace tilewright::gpu {
namespace {

constexpr uint32_t kShortTiles = 4, kLongTiles = 10;
constexpr double kFloor = 0.01;

using Counts = std::map<std::string, double>;

Counts counts_of(const GpuResult& result) {
  const GpuCounts& counts = result.counts;
  static constexpr const char* kMath[] = {"ffma", "fmul", "imad", "fmnmx", "f2fp", "lop3", "ex2", "shfl", "other"};
  Counts all;
  for (std::size_t k = 0; k < counts.math.size(); ++k) {
    all[std::string(kMath[k]) + "_warp_instructions"] = double(counts.math[k]);
  }
  all["warp_instructions"] = double(counts.instructions);
  all["lsu_wavefronts"] = double(counts.lsu_wavefronts);
  all["copy_wavefronts"] = double(counts.copy_wavefronts);
  all["tma_wavefronts"] = double(counts.tma_wavefronts);
  all["matrix_wavefronts"] = double(counts.matrix_wavefronts);
  all["matrix_cycles"] = double(counts.matrix_cycles);
  all["matrix_flop"] = double(counts.matrix_columns) * 64 * 16 * 2;
  all["tma_boxes"] = double(counts.tma_boxes);
  all["sectors_requested"] = double(counts.sectors_requested);
  all["sectors_stored"] = double(counts.sectors_stored);
  all["l2_sectors"] = double(counts.l2_sectors);
  all["l2_far_lines"] = double(counts.l2_far_lines);
  all["dram_bytes"] = double(counts.dram_bytes);
  all["dram_activates"] = double(counts.dram_activates);
  for (std::size_t r = 0; r < result.roles.size(); ++r) {
    const std::string role = r == 0 ? "producer/" : "consumer/";
    all[role + "issued"] = double(result.roles[r].issued);
    for (std::size_t s = 0; s < kWarpStallCount; ++s) {
      all[role + std::string(name(static_cast<WarpStall>(s)))] = double(result.roles[r].stalls[s]);
    }
  }
  return all;
}

void add_energy(const arch::GpuSpec& machine, AttentionEstimate& estimate) {
  const arch::GpuEnergySpec& table = machine.energy;
  const Counts& c = estimate.counts;
  double math = 0;
  for (const char* kind : {"ffma", "fmul", "imad", "fmnmx", "f2fp", "lop3"}) {
    math += c.at(std::string(kind) + "_warp_instructions");
  }
  const double wavefronts = c.at("lsu_wavefronts") + c.at("copy_wavefronts") + c.at("tma_wavefronts") + c.at("matrix_wavefronts");
  auto& parts = estimate.energy_by_component_j;
  parts["math"] = math * kWarpLanes * table.math_j;
  parts["mufu"] = c.at("ex2_warp_instructions") * kWarpLanes * table.ex2_j;
  parts["matrix"] = c.at("matrix_flop") * table.matrix_flop_j;
  parts["shared_memory"] = wavefronts * kLineBytes * table.shared_byte_j;
  parts["l2"] = (c.at("l2_sectors") + c.at("sectors_stored")) * kSectorBytes * table.l2_byte_j;
  parts["dram"] = c.at("dram_bytes") * table.dram_byte_j;
  parts["issue"] = c.at("warp_instructions") * table.issue_j;
  parts["static"] = estimate.cycles / double(machine.sm_clock.value) * table.static_w;
  for (const auto& [part, joules] : parts) {
    estimate.energy_j += joules;
  }
}

// Splits the stalls, which were scaled with the counts, off them.
void take_stalls(AttentionEstimate& estimate) {
  for (auto entry = estimate.counts.begin(); entry != estimate.counts.end();) {
    const std::size_t slash = entry->first.find('/');
    if (slash == std::string::npos) {
      ++entry;
      continue;
    }
    estimate.stalls[entry->first.substr(0, slash)][entry->first.substr(slash + 1)] = entry->second;
    entry = estimate.counts.erase(entry);
  }
}

struct Sample {
  GpuResult result;
  double items = 0, tiles = 0;
};

Sample simulate(GpuSimulator& simulator, const AttentionRun& run, uint32_t items, uint32_t tiles) {
  const auto part = shortened(run, items, tiles);
  return {simulator.run(part->kernel), double(part->items), double(part->tiles)};
}

void from_sample(const arch::GpuSpec& machine, GpuSimulator& simulator, const AttentionRun& run, AttentionEstimate& estimate) {
  const Sample less = simulate(simulator, run, 1, kShortTiles), more = simulate(simulator, run, 1, kLongTiles),
               twice = simulate(simulator, run, 2, kShortTiles);
  // Per CTA; one whose item is short cannot tell what a tile costs.
  double sum = 0, squares = 0, first = 0, between = 0;
  int tiles_known = 0, items_known = 0;
  const auto time = [](const Sample& sample, std::size_t cta) {
    return double(sample.result.ctas[cta].end - sample.result.ctas[cta].begin);
  };
  for (std::size_t c = 0; c < run.kernel.ctas.size(); ++c) {
    const auto& counts = run.kernel.ctas[c].counts;
    if (counts[0] + 1 > kShortTiles) {
      const double extra = std::min(kLongTiles, counts[0] + 1) - double(kShortTiles);
      const double tile = (time(more, c) - time(less, c)) / extra;
      sum += tile;
      squares += tile * tile;
      ++tiles_known;
    }
  }
  const double all = double(run.kernel.ctas.size());
  const double tile = tiles_known > 0 ? sum / tiles_known : double(less.result.sm_cycles) / less.tiles;
  const double variance = tiles_known > 1 ? std::max(0.0, squares / tiles_known - tile * tile) : 0;
  for (std::size_t c = 0; c < run.kernel.ctas.size(); ++c) {
    const auto& counts = run.kernel.ctas[c].counts;
    first += (time(less, c) - tile * std::min(kShortTiles, counts[0] + 1)) / all;
    if (counts.size() > 1) {
      between += time(twice, c) - time(less, c) - tile * std::min(kShortTiles, counts[1] + 1);
      ++items_known;
    }
  }
  between = items_known > 0 ? between / items_known : first;
  double slowest = 0, total = 0;
  for (const CtaWork& work : run.kernel.ctas) {
    double cycles = first;
    for (std::size_t i = 0; i < work.counts.size(); ++i) {
      cycles += (work.counts[i] + 1) * tile + (i > 0 ? between : 0);
    }
    slowest = std::max(slowest, cycles);
    total += cycles;
  }
  estimate.sampled = true;
  estimate.cycles = slowest + machine.launch.launch_cycles;
  estimate.sm_cycles = slowest * machine.sm_count;
  estimate.tile_cycles = total / double(run.tiles) / double(std::max<std::size_t>(1, run.kernel.ctas.size() / machine.sm_count));
  const double spread = 2 * std::sqrt(variance) / tile + kFloor;
  estimate.low = estimate.cycles * (1 - spread);
  estimate.high = estimate.cycles * (1 + spread);
  // Counts are linear in items and tiles.
  const Counts few = counts_of(less.result), many = counts_of(more.result);
  for (const auto& [key, value] : few) {
    const double extra_tiles = more.tiles - less.tiles;
    const double per_tile = extra_tiles > 0 ? (many.at(key) - value) / extra_tiles : value / less.tiles;
    const double per_item = (value - per_tile * less.tiles) / less.items;
    estimate.counts[key] = std::max(0.0, per_item * double(run.items) + per_tile * double(run.tiles));
  }
}

}  // namespace

AttentionEstimate run_attention(const arch::GpuSpec& machine, const AttentionRun& run, Fidelity fidelity, bool sampled) {
  AttentionEstimate estimate;
  if (run.kernel.ctas.empty()) {
    return estimate;
  }
  GpuSimulator simulator(machine, fidelity);
  if (sampled) {
    from_sample(machine, simulator, run, estimate);
  } else {
    const GpuResult result = simulator.run(run.kernel);
    estimate.cycles = double(result.cycles + machine.launch.launch_cycles);
    estimate.low = estimate.high = estimate.cycles;
    estimate.sm_cycles = double(result.sm_cycles);
    estimate.tile_cycles = estimate.sm_cycles / double(run.tiles);
    estimate.counts = counts_of(result);
  }
  take_stalls(estimate);
  add_energy(machine, estimate);
  return estimate;
}

}  // namespace tilewright::gpu
