// SPDX-License-Identifier: Apache-2.0
//
// A recorded attention point (gpu_ref/attention) on the simulated machine: the kernel is read from configs/kernels, the
// lists are built from the recorded recipe, and their hash goes back so that a mismatch is noticed.
#pragma once

#include "arch/gpu.h"
#include "sim/validate/gpu_records.h"

namespace tilewright::cli {

bool is_attention(const validate::TwinRequest& request);

// Sampled simulation at the point's clock. The baseline is a roofline at 65 % of the matrix rate, what published dense
// kernels reach (FlashAttention-3, arXiv 2407.08608), and the power limit times that time for energy.
validate::TwinResult simulate_attention(const arch::GpuSpec& machine, const validate::TwinRequest& request);

}  // namespace tilewright::cli
