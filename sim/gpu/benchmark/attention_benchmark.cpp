// SPDX-License-Identifier: Apache-2.0
//
// SM-cycles a second of CPU time on attention, all SMs simulated.
//   attention_benchmark MACHINE.yaml KERNEL.yaml HEADS TOKENS DENSITY [SMS [QUERIES]]
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "arch/load_gpu.h"
#include "sim/base/error.h"
#include "sim/gpu/programs/attention.h"
#include "sim/gpu/simulator.h"

extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) { return 0; }

using namespace tilewright;

int main(int count, char** arguments) {
  try {
    if (count < 6) {
      fmt::print(stderr, "usage: attention_benchmark MACHINE.yaml KERNEL.yaml HEADS TOKENS DENSITY [SMS [QUERIES]]\n");
      return 2;
    }
    arch::GpuSpec machine = arch::load_gpu(arguments[1]).value;
    if (count > 6) {
      machine.sm_count = static_cast<uint32_t>(std::stoul(arguments[6]));
    }
    workloads::AttentionProblem problem;
    problem.heads = static_cast<uint32_t>(std::stoul(arguments[3]));
    problem.queries = problem.keys = static_cast<uint32_t>(std::stoul(arguments[4]));
    if (count > 7) {
      problem.queries = static_cast<uint32_t>(std::stoul(arguments[7]));
    }
    const auto kernel = workloads::load_attention_kernel(arguments[2]);
    problem.mask.kind = kernel.kernel == workloads::KernelSource::kDense         ? masks::MaskKind::kDense
                        : kernel.kernel == workloads::KernelSource::kBlockSparse ? masks::MaskKind::kRandomBlocks
                                                                                 : masks::MaskKind::kUniform;
    const auto run = gpu::build_attention(machine, kernel, problem, std::stod(arguments[5]), problem.heads, true);
    gpu::GpuSimulator simulator(machine, gpu::Fidelity::kEvent);
    const std::clock_t begin = std::clock();
    const gpu::GpuResult result = simulator.run(run->kernel);
    const double seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
    const double time = double(result.cycles) / double(machine.sm_clock.value);
    fmt::print("{}: {} items, {} tiles, density {:.3f}; {} cycles, {:.4f} ms, {:.1f} TFLOP/s; {:.0f} cycles a tile\n",
               kernel.name, run->items, run->tiles, run->list_density, result.cycles, time * 1e3,
               4.0 * double(run->listed_elements) * kernel.head_size / time * 1e-12,
               double(result.sm_cycles) / double(run->tiles));
    fmt::print("matrix {:.3f}, banks {:.3f}, L2 {:.1f} B/cycle/SM, {:.3f} of all sectors joined another's answer, DRAM {:.0f} MB "
               "(least {:.0f})\n",
               double(result.counts.matrix_cycles) / double(result.sm_cycles),
               double(result.counts.matrix_wavefronts + result.counts.tma_wavefronts + result.counts.copy_wavefronts +
                      result.counts.lsu_wavefronts) / double(result.sm_cycles),
               double(result.counts.l2_sectors) * 32 / double(result.sm_cycles),
               double(result.counts.merged_sectors) /
                   double(std::max<uint64_t>(1, result.counts.l2_sectors + result.counts.merged_sectors)),
               double(result.counts.dram_bytes) * 1e-6,
               double(run->minimum_bytes) * 1e-6);
    for (const char* role : {"producer", "consumer"}) {
      const gpu::RoleCycles& cycles = result.roles[role[0] == 'p' ? 0 : 1];
      fmt::print("{} issued {}", role, cycles.issued);
      for (std::size_t s = 0; s < gpu::kWarpStallCount; ++s) {
        fmt::print(" {} {}", gpu::name(static_cast<gpu::WarpStall>(s)), cycles.stalls[s]);
      }
      fmt::print("\n");
    }
    fmt::print("{:.2f} s CPU, {:.2f} million SM-cycles a second\n", seconds, double(result.sm_cycles) / seconds * 1e-6);
  } catch (const UserError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
  return 0;
}
