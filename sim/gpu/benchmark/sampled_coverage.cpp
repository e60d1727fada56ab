// SPDX-License-Identifier: Apache-2.0
//
// How far a sample is from the full simulation, and how often its interval holds it: random kernels, masks and lengths (unequal
// work a head and a block among them) on a machine with few SMs, so that the full run takes seconds.
//   sampled_coverage MACHINE.yaml CASES
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "arch/load_gpu.h"
#include "sim/base/error.h"
#include "sim/gpu/programs/estimate.h"

extern "C" int sc_main(int, char**) { return 0; }

using namespace tilewright;

namespace {

struct Drawn {
  workloads::AttentionKernel kernel;
  workloads::AttentionProblem problem;
  double density = 1;
  uint32_t sms = 4;
};

Drawn draw(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto between = [&](uint64_t low, uint64_t high) { return low + random() % (high - low + 1); };
  static constexpr const char* kKernels[] = {"dense_d128",       "dense_d64",        "block_sparse_128_d128", "block_sparse_64_d128",
                                             "gather_m64_d128", "gather_m128_d128", "gather_m128_d64",       "gather_m192_d128"};
  Drawn drawn;
  drawn.kernel = workloads::load_attention_kernel(config::repository_root() / "configs/kernels" /
                                                  (std::string(kKernels[between(0, 7)]) + ".yaml"));
  drawn.sms = static_cast<uint32_t>(between(2, 8));
  drawn.problem.heads = static_cast<uint32_t>(between(1, 4));
  drawn.problem.queries = drawn.problem.keys = static_cast<uint32_t>(between(8, 48) * 128 - between(0, 1) * 8);
  drawn.density = double(between(1, 10)) / 10;
  workloads::MaskSpec& mask = drawn.problem.mask;
  mask.seed = seed;
  mask.query_group = drawn.kernel.query_tile;
  if (drawn.kernel.kernel == workloads::KernelSource::kBlockSparse) {
    mask.kind = masks::MaskKind::kRandomBlocks;
    mask.block_queries = drawn.kernel.query_tile;
    mask.block_keys = drawn.kernel.key_block;
  } else if (drawn.kernel.kernel == workloads::KernelSource::kGather) {
    static constexpr masks::MaskKind kKinds[] = {masks::MaskKind::kUniform, masks::MaskKind::kRuns, masks::MaskKind::kLocalWindow,
                                                 masks::MaskKind::kStripes, masks::MaskKind::kDiagonals};
    mask.kind = kKinds[between(0, 4)];
    mask.run_length = 16;
    mask.window = static_cast<uint32_t>(between(2, 8) * 64);
    mask.period = 1024;
    mask.width = static_cast<uint32_t>(between(1, 7) * 128);
  }
  mask.mixed = drawn.problem.heads > 1 && between(0, 1) == 1;
  return drawn;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    fmt::print(stderr, "usage: sampled_coverage MACHINE.yaml CASES\n");
    return 2;
  }
  try {
    arch::GpuSpec machine = arch::load_gpu(arguments[1]).value;
    const auto cases = std::stoul(arguments[2]);
    double error = 0, bias = 0, worst = 0;
    std::size_t inside = 0, done = 0;
    for (uint64_t seed = 0; seed < cases; ++seed) {
      const Drawn drawn = draw(seed);
      machine.sm_count = drawn.sms;
      const auto run = gpu::build_attention(machine, drawn.kernel, drawn.problem, drawn.density, drawn.problem.heads, false);
      if (run->kernel.ctas.empty()) {
        continue;
      }
      const auto full = gpu::run_attention(machine, *run, gpu::Fidelity::kEvent, false);
      const auto sample = gpu::run_attention(machine, *run, gpu::Fidelity::kEvent, true);
      const double off = sample.cycles / full.cycles - 1;
      const bool held = sample.low <= full.cycles && full.cycles <= sample.high;
      fmt::print("{:4} {:22} {} heads {:5} tokens {:3.1f} {} SMs {:6} tiles: full {:11.0f} sampled {:+6.2f} % [{:+6.2f} .. {:+6.2f}] {}\n",
                 seed, drawn.kernel.name, drawn.problem.heads, drawn.problem.keys, drawn.density, drawn.sms, run->tiles,
                 full.cycles, 100 * off, 100 * (sample.low / full.cycles - 1), 100 * (sample.high / full.cycles - 1),
                 held ? "" : "outside");
      error += std::abs(off);
      bias += off;
      worst = std::max(worst, std::abs(off));
      inside += held ? 1 : 0;
      ++done;
    }
    fmt::print("{} cases: mean error {:.2f} %, bias {:+.2f} %, worst {:.2f} %; {} in the interval\n", done, 100 * error / double(done),
               100 * bias / double(done), 100 * worst, inside);
  } catch (const UserError& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 2;
  }
  return 0;
}
