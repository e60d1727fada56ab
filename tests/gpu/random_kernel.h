// SPDX-License-Identifier: Apache-2.0
//
// Random small GPUs and random kernels that end: rings of producers and consumers, warpgroups that take turns, and warps that do
// anything that needs nobody else.
#pragma once

#include <deque>

#include "arch/gpu.h"
#include "sim/gpu/program.h"

namespace tilewright::gpu::testing {

enum class Pressure : uint8_t { kAny, kBanks, kMemory };  // a third of the cases each

struct Case {
  arch::GpuSpec spec;
  Kernel kernel;
  std::deque<std::vector<uint32_t>> tables;  // of the kernel's streams
};

Case random_case(uint64_t seed, Pressure pressure);

// A machine with usual numbers and one small HBM stack.
arch::GpuSpec small_gpu();

}  // namespace tilewright::gpu::testing
