// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attention/problem.h"

namespace tw::gpu {

// Attention by the definition, in double, no tiles and no running maximum: outputs of the queries of one
// block of one head, [queries of the block][head_size]. The keys are those of the block's list as the kernel
// walks it.
struct BlockOf {
  int head, block;
};
std::vector<double> reference_on_card(const Problem& problem, const Kernel& kernel, const Lists& lists,
                                      BlockOf which);
// The same on the host, written apart: what the one above is checked against.
std::vector<double> reference_on_host(const Problem& problem, const Kernel& kernel, const Lists& lists,
                                      BlockOf which);

// || outputs - expected || / || expected || of a block; not-a-number never passes. Where nothing is expected
// (an empty list), 0 if all outputs are 0, else infinity.
double relative_error(const Problem& problem, const Kernel& kernel, const std::vector<__nv_bfloat16>& outputs,
                      const std::vector<double>& expected, BlockOf which);

}  // namespace tw::gpu
