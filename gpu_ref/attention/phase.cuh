// SPDX-License-Identifier: Apache-2.0
// When a consumer warpgroup passes from one phase of a tile to the next. Only the build with TW_PHASES takes these
// times (attention_phase_times); elsewhere the calls are empty.
#pragma once

#include <cstdint>

namespace tw::gpu {

enum class Phase : uint8_t {
  kBegin,        // the last tile's softmax and rescaling are over
  kKeysHere,     // the tile's keys have landed; pingpong: and the turn has come
  kIssued,       // the products are on their way to the matrix unit
  kScoresDone,   // the scores are in registers
  kWeighed,      // the softmax is over, before the outputs are waited for
  kOutputsDone,  // the outputs' products are over
  kCount
};

// The last kPhaseTiles tiles of every warpgroup of every CTA.
inline constexpr uint32_t kPhaseTiles = 64, kPhaseGroups = 3, kPhases = 8;
inline constexpr uint32_t kPhaseWords = kPhaseTiles * kPhaseGroups * kPhases;  // of a CTA

#ifdef TW_PHASES
inline constexpr uint32_t kPhaseCtas = 264;
#ifdef __CUDACC__
static __device__ uint32_t phase_times[kPhaseCtas * kPhaseWords];

// One lane of the warpgroup writes; all read the clock, as a branch would cost more.
__device__ __forceinline__ void mark(int warpgroup, uint32_t tile, Phase phase) {
  const uint32_t place = (blockIdx.x * kPhaseGroups + static_cast<uint32_t>(warpgroup)) * kPhaseTiles + tile % kPhaseTiles;
  asm volatile(
      "{.reg .pred first; .reg .u32 now; setp.eq.u32 first, %0, 0; mov.u32 now, %%clock; "
      "@first st.global.u32 [%1], now;}" ::"r"(threadIdx.x % 128),
      "l"(phase_times + (place * kPhases + static_cast<uint32_t>(phase)))
      : "memory");
}
#endif
#elif defined(__CUDACC__)
__device__ __forceinline__ void mark(int warpgroup, uint32_t tile, Phase phase) {
  static_cast<void>(warpgroup);
  static_cast<void>(tile);
  static_cast<void>(phase);
}
#endif

}  // namespace tw::gpu
