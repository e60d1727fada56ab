// SPDX-License-Identifier: Apache-2.0
//
// The warps of an attention CTA, as gpu_ref/attention/producer.cuh and consumer.cuh have them; private to the twins.
#pragma once

#include "arch/gpu.h"
#include "sim/gpu/programs/builder.h"
#include "workloads/attention.h"

namespace tilewright::gpu::attention {

using workloads::AttentionKernel;

// kCountStream: how long the lists are and where they begin. kListStream: a list's entries, a warp's part of a window at a time;
// kPrefetchStream: the same a tile ahead, a warp's part of a tile at a time.
inline constexpr uint8_t kKeyStream = 0, kValueStream = 1, kQueryStream = 2, kOutputStream = 3, kCountStream = 4, kListStream = 5,
                         kPrefetchStream = 6;
inline constexpr uint32_t kGatheringWarps = 4, kLaneBytes = 16;  // that a thread's cp.async brings

// Barriers and named barriers of a CTA, as Places in gpu_ref/attention/layout.cuh.
struct Places {
  uint32_t stages, groups, query_buffers;
  uint32_t key_full() const { return 0; }
  uint32_t key_empty() const { return stages; }
  uint32_t value_full() const { return 2 * stages; }
  uint32_t value_empty() const { return 3 * stages; }
  uint32_t query_full() const { return 4 * stages; }
  uint32_t query_empty() const { return 4 * stages + query_buffers; }
  uint32_t turn(uint32_t group) const { return group; }
  uint32_t epilogue(uint32_t group) const { return groups + group; }
  uint32_t producers() const { return 2 * groups; }
};

struct Shape {
  const AttentionKernel& kernel;
  Places places;
  bool engine;  // gathered tiles by the gather engine
  const arch::GpuSpec& machine;
  uint32_t row_bytes() const { return kernel.head_size * 2; }
  uint32_t subtiles() const { return kernel.head_size / 64; }
  uint32_t tile_bytes() const { return kernel.key_tile * row_bytes(); }
  uint32_t list_bytes() const { return kernel.key_tile * 4 / kGatheringWarps; }  // a warp's part of a tile's entries
  // Rows that a gathering warp copies with an instruction, instructions of its part of a tile, and windows: a thread's entries
  // for as many of them as it reads at once (GatherShape in gpu_ref/attention/producer.cuh).
  uint32_t rows_at_once() const { return kWarpLanes * kLaneBytes / row_bytes(); }
  uint32_t passes() const { return kernel.key_tile / (kGatheringWarps * rows_at_once()); }
  uint32_t passes_of_window() const { return passes() % 4 == 0 ? 4 : 2; }
  uint32_t windows() const { return passes() / passes_of_window(); }
  uint32_t window_bytes() const { return list_bytes() / windows(); }
  bool copies() const { return kernel.kernel == workloads::KernelSource::kGather && !engine; }
};

WarpProgram produce(const Shape& shape, bool first_warp);
WarpProgram consume(const Shape& shape, uint32_t group, bool lead);

}  // namespace tilewright::gpu::attention
