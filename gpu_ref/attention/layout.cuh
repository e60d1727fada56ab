// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "attention/kernel.h"
#include "micro/ptx.cuh"

namespace tw::gpu {

// Where things lie in shared memory. A tile of R rows and head_size columns is head_size / 64 subtiles of R
// rows of 128 bytes, each under the 128-byte swizzle. Q belongs to the warpgroups, 64 rows each, and becomes
// their output tile at the end. The base is a multiple of 1024, which the swizzle needs.
template <typename P>
struct Layout {
  static constexpr int kSubtiles = P::kHeadSize / 64;
  static constexpr int kThreads = 128 * (1 + P::kConsumerWarpgroups);
  static constexpr int kCtasPerSm = P::kConsumerWarpgroups == 1 ? 2 : 1;
  static constexpr uint32_t kSharedLimit = kCtasPerSm == 1 ? 232448 : 233472 / 2 - 1024;
  static constexpr uint32_t kWarpgroupSubtile = 64 * 128;
  static constexpr uint32_t kWarpgroupBytes = kSubtiles * kWarpgroupSubtile;
  static constexpr uint32_t kQueryBytes = P::kConsumerWarpgroups * kWarpgroupBytes;
  static constexpr uint32_t kKeySubtile = P::kKeyTile * 128;
  static constexpr uint32_t kTileBytes = kSubtiles * kKeySubtile;
  static constexpr uint32_t kControlBytes = 8 * (4 + 4 * P::kStages) + 8;
  // Queries of the next item are loaded beside those of the present one where there is room for both.
  static constexpr int kQueryBuffers =
      2 * kQueryBytes + 2 * P::kStages * kTileBytes + kControlBytes <= kSharedLimit ? 2 : 1;
  static constexpr uint32_t kKeys = kQueryBuffers * kQueryBytes;
  static constexpr uint32_t kValues = kKeys + P::kStages * kTileBytes;
  static constexpr uint32_t kControl = kValues + P::kStages * kTileBytes;
#ifdef TW_MARK
  static constexpr uint32_t kMarks = kControl + kControlBytes;
  static constexpr uint32_t kSharedBytes = kMarks + P::kConsumerWarpgroups * kMarkedTiles * 4;
#else
  static constexpr uint32_t kSharedBytes = kControl + kControlBytes;
#endif

  static_assert(P::kHeadSize == 64 || P::kHeadSize == 128);
  static_assert(P::kQueryTile == 64 * P::kConsumerWarpgroups);
  static_assert(P::kKeyTile % 16 == 0 && P::kKeyTile <= 256);
  static_assert(P::kSource != Source::kBlocks || P::kKeyTile % P::kKeyBlock == 0);
  static_assert(P::kClusterSize == 1 || P::kSource == Source::kDense, "only dense CTAs share their keys");
  static_assert(kSharedBytes <= kSharedLimit, "more shared memory than a block can have");
};

// Shared-memory addresses of this CTA's tiles and barriers.
template <typename P>
struct Places {
  using L = Layout<P>;
  uint32_t base;

  __device__ explicit Places(const uint8_t* shared) : base(shared_address(shared)) {}
  __device__ uint32_t queries(int buffer, int warpgroup) const {
    return base + buffer * L::kQueryBytes + warpgroup * L::kWarpgroupBytes;
  }
  __device__ uint32_t keys(int stage) const { return base + L::kKeys + stage * L::kTileBytes; }
  __device__ uint32_t values(int stage) const { return base + L::kValues + stage * L::kTileBytes; }
  __device__ uint32_t barrier(int index) const { return base + L::kControl + 8 * index; }
  __device__ uint32_t query_full(int buffer) const { return barrier(buffer); }
  __device__ uint32_t query_empty(int buffer) const { return barrier(2 + buffer); }
  __device__ uint32_t key_full(int stage) const { return barrier(4 + stage); }
  __device__ uint32_t key_empty(int stage) const { return barrier(4 + P::kStages + stage); }
  __device__ uint32_t value_full(int stage) const { return barrier(4 + 2 * P::kStages + stage); }
  __device__ uint32_t value_empty(int stage) const { return barrier(4 + 3 * P::kStages + stage); }
  // Number of the item whose queries lie in the buffer.
  __device__ uint32_t item(int buffer) const { return barrier(4 + 4 * P::kStages) + 4 * buffer; }
};

// The ring of stages: which one, and the parity of its current phase.
template <int kStages>
struct Ring {
  int stage = 0;
  uint32_t parity = 0;
  __device__ __forceinline__ void next() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

// One item of work.
template <typename P>
struct Work {
  int block, head;
  const uint32_t* items;
  uint32_t keys;  // without the padding of the last tile
  int tiles;

  __device__ Work(const Arguments& arguments, uint32_t number) {
    block = static_cast<int>(number % arguments.blocks);
    head = static_cast<int>(number / arguments.blocks);
    items = nullptr;
    keys = arguments.key_count;
    if constexpr (P::kSource != Source::kDense) {
      const uint32_t count = arguments.counts[number];
      items = arguments.items + arguments.starts[number];
      keys = count;
      if constexpr (P::kSource == Source::kBlocks) {
        keys = count * P::kKeyBlock;
        if (count > 0) {
          const uint32_t end = (items[count - 1] + 1) * P::kKeyBlock;
          keys -= end > arguments.key_count ? end - arguments.key_count : 0;
        }
      }
    }
    tiles = static_cast<int>((keys + P::kKeyTile - 1) / P::kKeyTile);
  }
};

// The marked build notes the clock at one place of every tile, to see how the warpgroups of a CTA stand to each other; one place
// only, since a second one, and at some places the first, changes how they do.
enum class Mark : uint8_t { kBeforeProducts, kProductsIssued, kScoresDone };

template <Mark kMark, typename P>
__device__ __forceinline__ void mark(const Places<P>& places, int warpgroup, int tile) {
#ifdef TW_MARK
  if constexpr (kMark == static_cast<Mark>(TW_MARK)) {
    using L = Layout<P>;
    uint32_t now;
    asm volatile("mov.u32 %0, %%clock;" : "=r"(now)::"memory");
    const uint32_t at = places.base + L::kMarks + (warpgroup * kMarkedTiles + tile % kMarkedTiles) * 4;
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(at), "r"(now) : "memory");
  }
#else
  static_cast<void>(places);
  static_cast<void>(warpgroup);
  static_cast<void>(tile);
#endif
}

// By one thread of each warpgroup of the first CTA, at its end.
template <typename P>
__device__ __forceinline__ void report_marks(const Arguments& arguments, const Places<P>& places, int warpgroup) {
#ifdef TW_MARK
  if (blockIdx.x == 0 && threadIdx.x % 128 == 0 && arguments.marks != nullptr) {
    for (int tile = 0; tile < kMarkedTiles; ++tile) {
      const int index = warpgroup * kMarkedTiles + tile;
      uint32_t clock;
      asm volatile("ld.shared.u32 %0, [%1];" : "=r"(clock) : "r"(places.base + Layout<P>::kMarks + index * 4) : "memory");
      arguments.marks[index] = clock;
    }
  }
#else
  static_cast<void>(arguments);
  static_cast<void>(places);
  static_cast<void>(warpgroup);
#endif
}

// In the jitter build every role sleeps a little, at random, where it waits: a race then shows.
__device__ __forceinline__ void jitter(uint32_t role) {
#ifdef TW_JITTER
  const uint32_t hash = (static_cast<uint32_t>(clock_now()) ^ (role * 2654435761u)) * 2246822519u;
  if ((hash >> 30) == 0) {
    __nanosleep((hash >> 8) % 1024u);
  }
#else
  static_cast<void>(role);
#endif
}

}  // namespace tw::gpu
