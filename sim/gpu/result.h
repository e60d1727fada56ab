// SPDX-License-Identifier: Apache-2.0
//
// What a simulated kernel reports; the two fidelities agree in all of it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/gpu/program.h"

namespace tilewright::gpu {

// Why a warp did not issue. Every cycle of a warp from its CTA's start to its exit is one of these or an issue.
enum class WarpStall : uint8_t {
  kContention,     // could have issued: another warp did, or the pipe was taken
  kFixedLatency,   // a result, a branch, an instruction that is not modelled further
  kSharedMemory,   // a load from shared memory
  kGlobalLoad,
  kCopyWait,       // cp.async.wait_group
  kCopyCapacity,   // too many lines on their way
  kBarrierWait,    // mbarrier
  kNamedBarrier,
  kMatrixIssue,    // wgmma waiting for the other warps or for the matrix unit to take it
  kMatrixWait,     // wgmma.wait_group
  kFence,
  kCount
};
std::string_view name(WarpStall stall);
inline constexpr std::size_t kWarpStallCount = static_cast<std::size_t>(WarpStall::kCount);

struct RoleCycles {
  uint64_t issued = 0;
  std::array<uint64_t, kWarpStallCount> stalls{};
  friend bool operator==(const RoleCycles&, const RoleCycles&) = default;
};

// Summed over the SMs.
struct GpuCounts {
  std::array<uint64_t, static_cast<std::size_t>(MathKind::kCount)> math{};  // warp instructions
  uint64_t instructions = 0;           // warp instructions of every kind
  uint64_t lsu_wavefronts = 0;         // loads, stores and arrivals in shared memory
  uint64_t copy_wavefronts = 0;        // cp.async data written
  uint64_t tma_wavefronts = 0;         // boxes and hardware gathers written
  uint64_t matrix_wavefronts = 0;      // operands read by wgmma
  uint64_t matrix_cycles = 0;          // the matrix unit ran
  uint64_t matrix_instructions = 0;    // wgmma of a warpgroup
  uint64_t matrix_columns = 0;         // summed N; x 64 x 16 x 2 = FLOP
  uint64_t tma_boxes = 0;
  uint64_t lines_requested = 0;        // by SMs, loads, copies and boxes
  uint64_t sectors_requested = 0;
  uint64_t sectors_stored = 0;
  uint64_t l2_sectors = 0;             // served by slices to SMs
  uint64_t merged_sectors = 0;         // answered with another SM's request
  uint64_t l2_far_lines = 0;           // fetched from the other partition
  uint64_t dram_bytes = 0;
  uint64_t dram_activates = 0;
  friend bool operator==(const GpuCounts&, const GpuCounts&) = default;
};

struct CtaRecord {
  uint32_t sm = 0;
  Cycle begin = 0, end = 0;
  std::array<Cycle, kMaximumStamps> stamps{};
  std::vector<Cycle> progress;  // when the progress barrier completed its phases
  friend bool operator==(const CtaRecord&, const CtaRecord&) = default;
};

struct GpuResult {
  Cycle cycles = 0;     // first CTA's start to last CTA's end
  Cycle sm_cycles = 0;  // summed over the SMs that were simulated
  GpuCounts counts;
  std::array<RoleCycles, static_cast<std::size_t>(Role::kCount)> roles{};
  std::vector<CtaRecord> ctas;
  friend bool operator==(const GpuResult&, const GpuResult&) = default;
};

}  // namespace tilewright::gpu
