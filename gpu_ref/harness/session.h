// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "harness/nvml.h"
#include "harness/record.h"

namespace tw::gpu {

// Throws UsageError unless the current card has compute capability 9.0.
void require_hopper();

// What a record says of the card, the driver and the run. An empty `card` becomes a folder name made from the
// card's own.
Header make_header(const std::string& suite, const std::string& card, const std::string& commit,
                   const std::string& command, bool quick, const Nvml& nvml);

}  // namespace tw::gpu
