// SPDX-License-Identifier: Apache-2.0
//
// What a replay through L2's tags brings from DRAM, beside what the simulation brings and what the lists say.
#include <doctest/doctest.h>

#include <set>

#include "arch/load_gpu.h"
#include "sim/gpu/programs/replay.h"
#include "sim/gpu/simulator.h"

using namespace tilewright;
using namespace tilewright::gpu;

namespace {

const std::filesystem::path kConfigs = std::filesystem::path(TILEWRIGHT_SOURCE_DIR) / "configs";

struct Case {
  const char* kernel;
  masks::MaskKind mask;
};
constexpr Case kCases[] = {{"dense_d128", masks::MaskKind::kDense},
                           {"block_sparse_64_d128", masks::MaskKind::kRandomBlocks},
                           {"gather_m128_d128", masks::MaskKind::kUniform},
                           {"gather_m192_d128", masks::MaskKind::kUniform},
                           {"gather_m128_d64", masks::MaskKind::kUniform}};

arch::GpuSpec machine_of(uint32_t sm_count, uint64_t l2_bytes) {
  arch::GpuSpec machine = arch::load_gpu(kConfigs / "arch/h100_sxm.yaml").value;
  machine.sm_count = sm_count;
  machine.l2.capacity.value = l2_bytes;
  return machine;
}

std::unique_ptr<AttentionRun> run_of(const arch::GpuSpec& machine, const Case& of, uint32_t heads,
                                     uint32_t tokens, double density) {
  const auto kernel =
      workloads::load_attention_kernel(kConfigs / "kernels" / (std::string(of.kernel) + ".yaml"));
  workloads::AttentionProblem problem;
  problem.heads = heads;
  problem.queries = problem.keys = tokens;
  problem.mask.kind = of.mask;
  problem.mask.query_group = kernel.query_tile;
  problem.mask.block_queries = problem.mask.block_keys = 64;
  auto run = build_attention(machine, kernel, problem, density, heads, false);
  run->kernel.resident.clear();  // nothing was there before
  return run;
}

// Halves of lines that the lists name, each once: what must come from DRAM where L2 holds everything.
uint64_t named_bytes(const AttentionRun& run) {
  std::set<uint64_t> halves;
  for (const CtaWork& work : run.kernel.ctas) {
    const auto add = [&](uint8_t stream, uint64_t rows, uint64_t pitch) {
      const Stream& from = work.streams[stream];
      for (uint64_t e = 0; from.table != nullptr && e < from.size; ++e) {
        for (uint64_t r = 0; r < rows; ++r) {
          const uint64_t begin = from.address(e) + r * pitch;
          for (uint64_t half = begin / 64; half <= (begin + from.unit - 1) / 64; ++half) {
            halves.insert(half);
          }
        }
      }
    };
    for (const uint8_t keys_and_values : {uint8_t{0}, uint8_t{1}}) {
      add(keys_and_values, run.rows_per_entry, run.row_bytes);
    }
    add(2, 64, run.row_bytes);  // queries
    add(5, 1, 0);               // lists
  }
  return halves.size() * 64;
}

}  // namespace

TEST_CASE("where L2 holds everything, replay and simulation bring what the lists name, once") {
  const arch::GpuSpec machine = machine_of(8, uint64_t{50} << 20);
  for (const Case& each : kCases) {
    CAPTURE(each.kernel);
    const auto run = run_of(machine, each, 2, 1000, 0.3);
    const double bytes = replay_dram_bytes(machine, *run, {1000, 500});
    CHECK(bytes == double(named_bytes(*run)));
    GpuResult result = GpuSimulator(machine, Fidelity::kEvent).run(run->kernel, 1'000'000'000);
    // The few numbers of lists' lengths are no part of the replay.
    CHECK(double(result.counts.dram_bytes) >= bytes);
    CHECK(double(result.counts.dram_bytes) <= bytes + 64 * 1024);
  }
}

TEST_CASE("where L2 holds a fraction, the replay reads again as the simulation does") {
  const arch::GpuSpec machine = machine_of(16, uint64_t{1} << 20);
  for (const Case& each : kCases) {
    CAPTURE(each.kernel);
    const auto run = run_of(machine, each, 1, 4096, 0.3);
    const GpuResult result = GpuSimulator(machine, Fidelity::kEvent).run(run->kernel, 1'000'000'000);
    const double tile = double(result.sm_cycles) / double(run->tiles);
    const double bytes = replay_dram_bytes(machine, *run, {tile, 0});
    CHECK(double(result.counts.dram_bytes) > 1.3 * double(named_bytes(*run)));
    CHECK(bytes == doctest::Approx(double(result.counts.dram_bytes)).epsilon(0.12));
  }
}

TEST_CASE("a share of the tokens stands for all") {
  const arch::GpuSpec machine = machine_of(132, uint64_t{50} << 20);
  const auto run = run_of(machine, kCases[2], 12, 8192, 0.2);  // 98,304 rows: one in eight
  CHECK(replay_dram_bytes(machine, *run, {1000, 500}) ==
        doctest::Approx(double(named_bytes(*run))).epsilon(0.03));
}

TEST_CASE("what L2 held before is not brought again, of a share of the tokens neither") {
  const arch::GpuSpec machine = machine_of(132, uint64_t{50} << 20);
  for (const Case& each : {kCases[0], kCases[4]}) {
    CAPTURE(each.kernel);
    const uint32_t heads = each.mask == masks::MaskKind::kDense ? 2 : 4;  // 16,384 and 32,768 rows
    const auto run = run_of(machine, each, heads, 8192, 0.2);
    const auto streams = run->kernel.ctas.front().streams;
    run->kernel.resident.push_back({0, streams[3].base});  // all but outputs and lists
    if (streams[6].table != nullptr) {
      run->kernel.resident.push_back({streams[6].base, run->tiles * 4 * streams[6].unit});
    }
    CHECK(replay_dram_bytes(machine, *run, {1000, 500}) < 0.01 * double(named_bytes(*run)));
  }
}
