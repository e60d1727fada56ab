// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "harness/bench.h"

namespace tw::gpu {

// Each function measures one suite of attention problems and adds its points to the bench's record.
void run_attention_dense(Bench& bench);
void run_attention_block_sparse(Bench& bench);
void run_attention_gather(Bench& bench);
void run_attention_crossover(Bench& bench);
void run_attention_scaling(Bench& bench);

}  // namespace tw::gpu
