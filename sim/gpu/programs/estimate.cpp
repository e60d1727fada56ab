// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/estimate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/gpu/programs/replay.h"

namespace tilewright::gpu {
namespace {

constexpr uint32_t kTiles = 64;     // of a CTA that are simulated, ...
constexpr uint32_t kWarmTiles = 16; // ... and of these, in two items, how many are not yet what the rest will be
constexpr uint32_t kFirstTiles = 32; // of each CTA's first item, which is not like the others
constexpr double kFloor = 0.03;    // what a sample cannot see; sampled_coverage: 95 of 100 within

using Counts = std::map<std::string, double>;

Counts counts_of(const GpuResult& result) {
  const GpuCounts& counts = result.counts;
  static constexpr const char* kMath[] = {"ffma", "fmul", "imad", "fmnmx", "f2fp", "lop3", "ex2", "shfl", "other", "control", "special"};
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
  all["matrix_instructions"] = double(counts.matrix_instructions);
  all["matrix_flop"] = double(counts.matrix_columns) * 64 * 16 * 2;
  all["tma_boxes"] = double(counts.tma_boxes);
  all["sectors_requested"] = double(counts.sectors_requested);
  all["sectors_stored"] = double(counts.sectors_stored);
  all["l2_sectors"] = double(counts.l2_sectors);
  all["merged_sectors"] = double(counts.merged_sectors);
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
  std::unique_ptr<AttentionRun> run;
  GpuResult result;
};

Sample simulate(GpuSimulator& simulator, const AttentionRun& run, const Shortening& to) {
  Sample sample{shortened(run, to), {}};
  sample.result = simulator.run(sample.run->kernel);
  return sample;
}

// Where a CTA was when its progress barrier completed a phase: its tile and, counted from its first, its item.
struct Place {
  double cycle, tile, item;
};

std::vector<Place> places_of(const CtaRecord& cta, const std::vector<uint32_t>& counts, uint32_t stages) {
  std::vector<Place> places;
  std::size_t item = 0;
  uint64_t end = counts[0] + 1;  // of the item, in tiles
  for (std::size_t r = 0; r < cta.progress.size(); ++r) {
    const uint64_t tile = r * stages;
    while (tile >= end && item + 1 < counts.size()) {
      end += counts[++item] + 1;
    }
    places.push_back({double(cta.progress[r]), double(tile), double(item)});
  }
  return places;
}

// Cycles of a CTA for a tile, and for going over to the next item beyond that: least squares over the steps of all CTAs.
struct Rates {
  double tile = 0, item = 0, spread = 0;
};

struct Steps {
  double tiles2 = 0, items2 = 0, both = 0, tiles_cycles = 0, items_cycles = 0;
  void add(double tiles, double items, double cycles) {
    tiles2 += tiles * tiles;
    items2 += items * items;
    both += tiles * items;
    tiles_cycles += tiles * cycles;
    items_cycles += items * cycles;
  }
};

Rates rates_of(const Sample& sample, uint32_t stages) {
  Steps steps;
  std::vector<Place> spans;  // of each CTA from the warm-up on
  for (std::size_t c = 0; c < sample.result.ctas.size(); ++c) {
    const auto places = places_of(sample.result.ctas[c], sample.run->kernel.ctas[c].counts, stages);
    const std::size_t warm = std::min<std::size_t>(kWarmTiles / stages, places.size() / 3);
    for (std::size_t p = warm + 1; p < places.size(); ++p) {
      steps.add(places[p].tile - places[p - 1].tile, places[p].item - places[p - 1].item, places[p].cycle - places[p - 1].cycle);
    }
    if (places.size() > warm + 1) {
      spans.push_back({places.back().cycle - places[warm].cycle, places.back().tile - places[warm].tile,
                       places.back().item - places[warm].item});
    }
  }
  Rates rates;
  if (spans.empty()) {
    return rates;
  }
  const double determinant = steps.tiles2 * steps.items2 - steps.both * steps.both;
  if (determinant > 1e-6 * steps.tiles2 * steps.items2) {  // else no item ended behind the warm-up
    rates.item = std::max(0.0, (steps.tiles2 * steps.items_cycles - steps.both * steps.tiles_cycles) / determinant);
  }
  rates.tile = (steps.tiles_cycles - rates.item * steps.both) / steps.tiles2;
  double squares = 0;
  for (const Place& span : spans) {
    const double own = (span.cycle - rates.item * span.item) / span.tile / rates.tile - 1;
    squares += own * own;
  }
  rates.spread = std::sqrt(squares / double(spans.size()));
  return rates;
}

// Counts are linear in items and tiles.
void extrapolate_counts(const Sample& long_sample, const Sample& first, const AttentionRun& run, AttentionEstimate& estimate) {
  const Counts many = counts_of(long_sample.result), few = counts_of(first.result);
  const double t1 = double(long_sample.run->tiles), i1 = double(long_sample.run->items), t2 = double(first.run->tiles),
               i2 = double(first.run->items);
  const double determinant = t1 * i2 - t2 * i1;
  for (const auto& [key, value] : many) {
    double per_tile = value / t1, per_item = 0;
    if (std::abs(determinant) > 0.05 * t1 * i2) {
      per_tile = (value * i2 - few.at(key) * i1) / determinant;
      per_item = (t1 * few.at(key) - t2 * value) / determinant;
    }
    estimate.counts[key] = std::max(0.0, per_item * double(run.items) + per_tile * double(run.tiles));
  }
}

// Cycles of what a CTA does beyond what a sample of it did.
double rest_of(const std::vector<uint32_t>& counts, const std::vector<uint32_t>& seen, const Rates& rates) {
  double tiles = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    tiles += double(counts[i]) - (i < seen.size() ? double(seen[i]) : -1);
  }
  return tiles * rates.tile + double(counts.size() - seen.size()) * rates.item;
}

void from_sample(const arch::GpuSpec& machine, GpuSimulator& simulator, const AttentionRun& run, AttentionEstimate& estimate) {
  // Warpgroups that begin together hinder each other for long: a CTA's first item has a sample of its own, and rates are taken
  // behind two short items.
  const Sample first = simulate(simulator, run, {.items = 1, .tiles_in_all = kFirstTiles});
  const Sample sample =
      simulate(simulator, run, {.short_items = 2, .short_tiles = kWarmTiles / 2, .tiles_in_all = kTiles});
  const Rates rates = rates_of(sample, run.stages);
  double slowest = 0, total = 0, unseen = 0;
  for (std::size_t c = 0; c < run.kernel.ctas.size(); ++c) {
    const bool whole = run.kernel.ctas[c].counts == sample.run->kernel.ctas[c].counts;
    const double seen = double((whole ? sample : first).result.ctas[c].end);
    const double rest = whole ? 0 : rest_of(run.kernel.ctas[c].counts, first.run->kernel.ctas[c].counts, rates);
    if (seen + rest > slowest) {
      slowest = seen + rest;
      unseen = rest / slowest;
    }
    total += seen + rest;
  }
  estimate.sampled = true;
  estimate.cycles = slowest + machine.launch.launch_cycles;
  estimate.sm_cycles = slowest * machine.sm_count;
  estimate.cta_cycles = total;
  estimate.tile_cycles = total / double(run.tiles) / double(std::max<std::size_t>(1, run.kernel.ctas.size() / machine.sm_count));
  const double spread = unseen * (2 * rates.spread + kFloor);
  estimate.low = estimate.cycles * (1 - spread);
  estimate.high = estimate.cycles * (1 + spread);
  extrapolate_counts(sample, first, run, estimate);
  if (unseen > 0 && rates.tile > 0) {  // what a head's items read again is not linear in items and tiles
    const double bytes = replay_dram_bytes(machine, run, {rates.tile, rates.item});
    const double extrapolated = std::max(1.0, std::exchange(estimate.counts["dram_bytes"], bytes));
    estimate.counts["dram_activates"] *= bytes / extrapolated;
  }
}

}  // namespace

void add_energy(const arch::GpuSpec& machine, AttentionEstimate& estimate) {
  const arch::GpuEnergySpec& table = machine.energy;
  const Counts& c = estimate.counts;
  double math = 0;
  for (const char* kind : {"ffma", "fmul", "imad", "fmnmx", "f2fp", "lop3"}) {
    math += c.at(std::string(kind) + "_warp_instructions");
  }
  const double wavefronts = c.at("lsu_wavefronts") + c.at("copy_wavefronts") + c.at("tma_wavefronts") + c.at("matrix_wavefronts");
  auto& parts = estimate.energy_by_component_j;
  const double scale = table.at(machine.sm_clock);
  parts["math"] = scale * math * kWarpLanes * table.math_j;
  parts["mufu"] = scale * c.at("ex2_warp_instructions") * kWarpLanes * table.ex2_j;
  parts["matrix"] = scale * c.at("matrix_flop") * table.matrix_flop_j;
  parts["shared_memory"] = scale * wavefronts * kLineBytes * table.shared_byte_j;
  // By byte that reaches an SM: a merged request spares L2's arrays, not the way, and the fit does not tell them apart.
  parts["l2"] = scale * (c.at("l2_sectors") + c.at("merged_sectors") + c.at("sectors_stored")) * kSectorBytes * table.l2_byte_j;
  parts["dram"] = c.at("dram_bytes") * table.dram_byte_j;
  parts["issue"] = scale * c.at("warp_instructions") * table.issue_j;
  parts["static"] = estimate.cycles / double(machine.sm_clock.value) * table.static_w;
  estimate.energy_j = 0;
  for (const auto& [part, joules] : parts) {
    estimate.energy_j += joules;
  }
}

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
    for (const CtaRecord& cta : result.ctas) {
      estimate.cta_cycles += double(cta.end - cta.begin);
    }
    estimate.tile_cycles = estimate.sm_cycles / double(run.tiles);
    estimate.counts = counts_of(result);
  }
  take_stalls(estimate);
  add_energy(machine, estimate);
  return estimate;
}

}  // namespace tilewright::gpu
