// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "harness/bench_main.h"
#include "micro/suites.h"

int main(int count, char** arguments) {
  using namespace tw::gpu;
  constexpr std::array kSuites = {
      Suite{"shared_memory", "LDS and STS by width, stride and warps; latency", run_shared_memory},
      Suite{"cp_async", "LDGSTS: issue interval, latency, bytes in flight", run_cp_async},
      Suite{"tma", "bulk and tensor copies by box", run_tma},
      Suite{"multicast", "tensor boxes that the CTAs of a cluster send to each other", run_multicast},
      Suite{"synchronisation", "mbarrier, named barrier, fences", run_synchronisation},
      Suite{"wgmma", "m64nNk16 interval and latency; beside shared-memory stores", run_wgmma},
      Suite{"arithmetic", "FFMA, FMUL, FMNMX, EX2, F2FP, IMAD, SHFL; beside wgmma", run_arithmetic},
      Suite{"memory_latency", "L2 and HBM latency by SM, line and footprint; address translation",
            run_memory_latency},
      Suite{"memory_bandwidth", "L2 and HBM by number of SMs; pieces; shared reads; writes",
            run_memory_bandwidth},
      Suite{"gather", "rows into shared memory: cp.async, bulk, one-row tensor, dense tensor", run_gather},
      Suite{"pingpong", "matrix and softmax-like work of one to three warpgroups", run_pingpong},
      Suite{"launch", "launch overhead, CTA start interval, work counter", run_launch},
      Suite{"l2_home", "partition of every SM; latency by a line's home, near or far", run_l2_home},
      Suite{"tma_warps", "copies of one row each, issued by one lane or all lanes of one to sixteen warps", run_tma_warps},
      Suite{"gather_window", "gather of rows that L2 holds in both partitions, and of more", run_gather_window},
      Suite{"topology", "SMs of a GPC and a TPC; bandwidth of one SM, TPC, GPC, and spread SMs",
            run_topology},
      Suite{"cluster", "distributed shared memory, cluster barriers, signals between SMs", run_cluster},
      Suite{"index_path", "how row numbers reach a gather, apart from the copy and with it", run_index_path},
      Suite{"wgmma_beside", "wgmma beside loads, stores, TMA and cp.async fill of shared memory",
            run_wgmma_beside},
      Suite{"matrix_turns", "how long issuing wgmma holds a warpgroup; whose batch the matrix unit takes",
            run_matrix_turns},
      Suite{"fence_beside", "fence.proxy.async beside wgmma and cp.async, and behind one's own wgmma",
            run_fence_beside},
      Suite{"operation_beside", "results of one operation after the other beside wgmma and cp.async", run_operation_beside},
      Suite{"issue_order", "which of a scheduler's warps issues", run_issue_order},
      Suite{"mix_beside", "mixes of a softmax's instructions beside the matrix unit", run_mix_beside},
      Suite{"instruction_fetch", "loops that a sub-core keeps at hand and longer ones, the same for all warps and their own",
            run_instruction_fetch},
      Suite{"l2_pressure", "what all SMs together get from L2, by path and bytes in flight", run_l2_pressure},
      Suite{"consumer_pieces", "an attention consumer's turn piece by piece; results, branches, a scheduler's warps",
            run_consumer_pieces},
      Suite{"energy", "joules per action over steady loops", run_energy},
      Suite{"energy_clock", "joules of wgmma and what runs beside it, at the clocks that power allows", run_energy_clock},
  };
  return bench_main(count, arguments, "gpu_bench", kSuites);
}
