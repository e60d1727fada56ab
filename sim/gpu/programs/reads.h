// SPDX-License-Identifier: Apache-2.0
//
// The loop of the kernels that read memory: 32 warps, loads of 16 bytes a lane, four of them out at a time.
#pragma once

#include "sim/gpu/programs/run.h"

namespace tilewright::gpu::micro {

constexpr uint32_t kWarps = 32, kUnroll = 4, kAccessBytes = 512;
constexpr uint64_t kChunk = kWarps * kUnroll;  // accesses of a CTA in a round

inline void read_round(ProgramBuilder& program, uint32_t pieces, uint32_t piece_bytes, uint32_t positions_between) {
  for (uint32_t i = 0; i < kUnroll; ++i) {
    program.global_load(0, pieces, piece_bytes, 4);
    program.skip(0, positions_between);
  }
  program.load_wait(0);
  program.math(MathKind::kLop3, 16);
}

// A round's accesses: one chunk of the buffer, which begins again after `footprint` bytes.
inline void append_chunk(std::vector<uint32_t>& table, uint64_t chunk, uint64_t footprint) {
  for (uint64_t i = 0; i < kChunk; ++i) {
    table.push_back(static_cast<uint32_t>((chunk * kChunk + i) % (footprint / kAccessBytes)));
  }
}

}  // namespace tilewright::gpu::micro
