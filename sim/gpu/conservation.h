// SPDX-License-Identifier: Apache-2.0
//
// Laws that every run obeys, checked on every run; a broken one is an InternalError.
#pragma once

#include "sim/gpu/result.h"

namespace tilewright::gpu {

// Every cycle of every warp is an issue or one stall; what arrives at the SMs is what they asked for, no more, no less; the
// matrix unit and the banks are not busier than there are cycles.
void check_conservation(const GpuResult& result, const Kernel& kernel);

}  // namespace tilewright::gpu
