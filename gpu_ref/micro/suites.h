// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "harness/bench.h"

namespace tw::gpu {

// Each function measures the families of one suite and adds their points to the bench's record.
void run_shared_memory(Bench& bench);
void run_cp_async(Bench& bench);
void run_tma(Bench& bench);
void run_tma_warps(Bench& bench);
void run_multicast(Bench& bench);
void run_synchronisation(Bench& bench);
void run_wgmma(Bench& bench);
void run_arithmetic(Bench& bench);
void run_memory_latency(Bench& bench);
void run_memory_bandwidth(Bench& bench);
void run_gather(Bench& bench);
void run_gather_window(Bench& bench);
void run_pingpong(Bench& bench);
void run_launch(Bench& bench);
void run_l2_home(Bench& bench);
void run_topology(Bench& bench);
void run_cluster(Bench& bench);
void run_index_path(Bench& bench);
void run_wgmma_beside(Bench& bench);
void run_matrix_turns(Bench& bench);
void run_fence_beside(Bench& bench);
void run_operation_beside(Bench& bench);
void run_issue_order(Bench& bench);
void run_mix_beside(Bench& bench);
void run_instruction_fetch(Bench& bench);
void run_l2_pressure(Bench& bench);
void run_consumer_pieces(Bench& bench);
void run_energy(Bench& bench);
void run_energy_clock(Bench& bench);

}  // namespace tw::gpu
