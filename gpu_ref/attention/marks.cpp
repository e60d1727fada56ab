// SPDX-License-Identifier: Apache-2.0
// How the warpgroups of a CTA stand to each other, tile by tile: the clock at one place of the consumers'
// loop (TW_MARK), which costs a few instructions a tile. `cycles` says whether the marked kernel still runs
// as the unmarked one, whose records are attention_*.json. For validation only.
#include <algorithm>
#include <array>

#include "attention/problem.h"
#include "harness/bench_main.h"

namespace tw::gpu {
namespace {

constexpr size_t kTiles = kMarkedTiles;
constexpr size_t kSettled = 10;  // of these, the last ones but the very last
constexpr const char* kMarks[] = {"before products", "products issued", "scores done"};
// A binary has one mark and writes one record.
constexpr const char* kSuiteNames[] = {"attention_marks_before_products", "attention_marks_products_issued",
                                       "attention_marks_scores_done"};

using Marks = std::vector<uint32_t>;

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// From one tile's mark of the first warpgroup to the next one's; and by how much warpgroup `other` is ahead.
double period_of(const Marks& marks) {
  std::vector<double> periods;
  for (size_t tile = kTiles - 1 - kSettled; tile + 1 < kTiles; ++tile) {
    periods.push_back(static_cast<double>(marks[tile] - marks[tile - 1]));
  }
  return median_of(periods);
}
double lead_of(const Marks& marks, size_t other) {
  std::vector<double> leads;
  for (size_t tile = kTiles - 1 - kSettled; tile + 1 < kTiles; ++tile) {
    leads.push_back(static_cast<double>(static_cast<int32_t>(marks[tile] - marks[other * kTiles + tile])));
  }
  return median_of(leads);
}

Lists all_keys(const Kernel& kernel, int queries, int keys) {
  MaskRecipe recipe;
  recipe.name = "uniform";
  recipe.mask.queries = static_cast<uint32_t>(queries);
  recipe.mask.keys = static_cast<uint32_t>(keys);
  recipe.mask.density = 1;
  recipe.mask.kind = tilewright::masks::MaskKind::kUniform;
  return build_lists(kernel, 1, recipe);
}

void measure(Bench& bench, const Kernel& kernel, int tiles, int ctas) {
  const int keys = tiles * kernel.key_tile, queries = ctas * kernel.query_tile;
  Problem problem(1, queries, keys, kernel.head_size);
  problem.fill(Fill::kNormal, 20251);
  problem.use_lists(all_keys(kernel, queries, keys));
  Arguments arguments = make_arguments(
      kernel, problem.tensors(), kernel.source == Source::kDense ? DeviceLists{} : problem.lists(), nullptr);
  const auto groups = static_cast<size_t>(kernel.consumer_warpgroups);
  DeviceBuffer<uint32_t> on_card(groups * kTiles);
  arguments.marks = on_card.get();
  std::vector<double> periods, leads, last_leads;
  const Repeat repeat{};
  const auto samples = bench.measure(grid_size(kernel, arguments), repeat, [&](Stamp* stamps, int) {
    arguments.stamps = stamps;
    launch(kernel, arguments, nullptr);
    const Marks marks = on_card.download();
    periods.push_back(period_of(marks));
    leads.push_back(lead_of(marks, 1));
    last_leads.push_back(lead_of(marks, groups - 1));
  });
  Point point;
  point.family = "attention_marks";
  point.mechanisms = Mechanisms::kCombined;
  point.parameters = {{"kernel", std::string(kernel.name)},
                      {"mark", std::string(kMarks[TW_MARK])},
                      {"tiles", int64_t{tiles}},
                      {"ctas", int64_t{ctas}}};
  const auto keep = samples.size();  // the warm-up is no sample
  const auto last = [keep](const std::vector<double>& all) {
    return std::vector<double>(all.end() - static_cast<long>(keep), all.end());
  };
  std::vector<double> cycles, clocks;
  for (const Sample& sample : samples) {
    cycles.push_back(sample.cycles);
    clocks.push_back(sample.sm_clock_hz);
  }
  point.metrics = {{"period_cycles", "cycle", last(periods)},
                   {"lead_cycles", "cycle", last(leads)},
                   {"last_lead_cycles", "cycle", last(last_leads)},
                   {"cycles", "cycle", cycles}};
  point.sm_clock_hz = median(clocks);
  point.memory_clock_hz = bench.nvml().memory_clock_hz();
  point.power_w = bench.nvml().power_w();
  bench.add(std::move(point));
}

void run_attention_marks(Bench& bench) {
  for (const char* name : {"dense_d128", "dense_d64", "block_sparse_128_d128", "gather_m128_d128",
                           "gather_m192_d128", "gather_m128_d64"}) {
    for (const int tiles : {16, 64}) {
      for (const int ctas : {1, 132}) {
        measure(bench, find_kernel(name), tiles, ctas);
      }
    }
  }
}

}  // namespace
}  // namespace tw::gpu

int main(int count, char** arguments) {
  using namespace tw::gpu;
  constexpr std::array kSuites = {
      Suite{kSuiteNames[TW_MARK], "how a CTA's warpgroups stand to each other, tile by tile",
            run_attention_marks},
  };
  return bench_main(count, arguments, "attention_marks", kSuites);
}
