// SPDX-License-Identifier: Apache-2.0
// The producer warpgroup: fills the ring of key and value tiles, by tensor copies (one thread) or row by row
// (all).
#pragma once

#include "attention/copy.cuh"
#include "attention/layout.cuh"

namespace tw::gpu {

// ---- tensor copies: dense and block-sparse ----

// Rows of tile `tile`, as boxes of key_block rows and 64 columns. In a cluster each CTA loads its share of
// the rows for all.
template <typename P>
__device__ __forceinline__ void load_tile(const CUtensorMap& map, const Work<P>& work, int tile,
                                          uint32_t destination, uint32_t barrier, uint32_t rank) {
  using L = Layout<P>;
  constexpr int kBox = P::kKeyBlock / P::kClusterSize;
  constexpr int kBlocks = P::kKeyTile / P::kKeyBlock;
  mbarrier_arrive_expect(barrier, L::kTileBytes);
#pragma unroll
  for (int part = 0; part < kBlocks; ++part) {
    int row = tile * P::kKeyTile;
    if constexpr (P::kSource == Source::kBlocks) {
      // A list that ends inside the tile is padded by its last block; the consumers mask it.
      const int last = static_cast<int>((work.keys - 1) / P::kKeyBlock);
      const int item = tile * kBlocks + part;
      row = static_cast<int>(work.items[item < last ? item : last]) * P::kKeyBlock;
    }
#pragma unroll
    for (int subtile = 0; subtile < L::kSubtiles; ++subtile) {
      const uint32_t at =
          destination + subtile * L::kKeySubtile + part * P::kKeyBlock * 128 + rank * kBox * 128;
      if constexpr (P::kClusterSize > 1) {
        tensor_load3_multicast(at, &map, subtile * 64, row + static_cast<int>(rank) * kBox, work.head,
                               barrier, static_cast<uint16_t>((1u << P::kClusterSize) - 1));
      } else {
        tensor_load3(at, &map, subtile * 64, row, work.head, barrier);
      }
    }
  }
}

template <typename P>
__device__ __forceinline__ void tensor_tiles(const Arguments& arguments, const Work<P>& work,
                                             const Places<P>& places, Ring<P::kStages>& ring) {
  const uint32_t rank = P::kClusterSize > 1 ? cluster_rank() : 0;
#pragma unroll 1
  for (int tile = 0; tile < work.tiles; ++tile, ring.next()) {
    jitter(1);
    mbarrier_wait(places.key_empty(ring.stage), ring.parity ^ 1);
    load_tile<P>(arguments.keys, work, tile, places.keys(ring.stage), places.key_full(ring.stage), rank);
    jitter(2);
    mbarrier_wait(places.value_empty(ring.stage), ring.parity ^ 1);
    load_tile<P>(arguments.values, work, tile, places.values(ring.stage), places.value_full(ring.stage),
                 rank);
  }
}

// ---- gather ----

// Sixteen bytes a thread. kLanes threads share a row, and kGroups rows are copied at a time; group g copies
// rows g, g + kGroups, ... of the tile, so that its place under the swizzle never changes. A thread's kWide
// neighbouring rows get neighbouring entries of the list, which it reads at once: within a tile the order of
// the keys is free.
template <typename P>
struct GatherShape {
  static constexpr int kLanes = P::kHeadSize / 8;
  static constexpr int kGroups = 128 / kLanes;
  static constexpr int kRows = P::kKeyTile / kGroups;  // of a thread
  static constexpr int kWide = kRows % 4 == 0 ? 4 : 2;
  static constexpr int kWindow = kGroups * kWide;  // entries that all groups read at a time
  static_assert(P::kKeyTile % kGroups == 0 && kRows % 2 == 0 && kGroups % 8 == 0);
};

// Entry of the list, counted within the tile, that lies in row `row`.
template <typename P>
__device__ __forceinline__ constexpr int list_entry(int row) {
  using G = GatherShape<P>;
  const int group = row % G::kGroups, turn = row / G::kGroups;
  return turn / G::kWide * G::kWindow + group * G::kWide + turn % G::kWide;
}

// A thread's entries of one window.
template <int kWide>
struct KeyGroup {
  uint32_t keys[kWide];
  __device__ __forceinline__ void read(const uint32_t* items) {
    if constexpr (kWide == 4) {
      asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
                   : "=r"(keys[0]), "=r"(keys[1]), "=r"(keys[2]), "=r"(keys[3])
                   : "l"(items));
    } else {
      asm volatile("ld.global.nc.v2.u32 {%0, %1}, [%2];" : "=r"(keys[0]), "=r"(keys[1]) : "l"(items));
    }
  }
};

// The entries of one window are read ahead of those whose rows are copied; all of a tile's would not fit in
// the registers that the consumers leave.
template <typename P>
__device__ __forceinline__ void gather_tile(const uint8_t* rows, const uint32_t* items, uint32_t lane_bytes,
                                            uint32_t destination, uint32_t barrier) {
  using G = GatherShape<P>;
  KeyGroup<G::kWide> now, next;
  now.read(items);
#pragma unroll
  for (int i = 0; i < G::kRows; i += G::kWide) {
    if (i + G::kWide < G::kRows) {
      next.read(items + (i / G::kWide + 1) * G::kWindow);
    }
#pragma unroll
    for (int j = 0; j < G::kWide; ++j) {
      // 32 bits of offset from an address that all threads share: half the registers of a pointer a row.
      cp_async16(destination + (i + j) * G::kGroups * 128,
                 rows + (now.keys[j] * (P::kHeadSize * 2) + lane_bytes));
    }
    now = next;
  }
  cp_async_arrive_noinc(barrier);
}

__device__ __forceinline__ void prefetch_to_l1(const void* address) {
  asm volatile("prefetch.global.L1 [%0];" ::"l"(address) : "memory");
}

template <typename P>
__device__ __forceinline__ void gathered_tiles(const Arguments& arguments, const Work<P>& work,
                                               const Places<P>& places, Ring<P::kStages>& ring) {
  using L = Layout<P>;
  using G = GatherShape<P>;
  const uint32_t thread = threadIdx.x % 128, group = thread / G::kLanes, lane = thread % G::kLanes;
  const uint32_t place = lane / 8 * L::kKeySubtile + group * 128 + ((lane % 8) ^ (group % 8)) * 16;
  const uint64_t head = uint64_t(work.head) * arguments.key_count * (P::kHeadSize * 2);
  const uint8_t* key_rows = arguments.key_rows + head;
  const uint8_t* value_rows = arguments.value_rows + head;
  const uint32_t* items = work.items + group * G::kWide;
#pragma unroll 1
  for (int tile = 0; tile < work.tiles; ++tile, ring.next(), items += P::kKeyTile) {
    if (tile + 1 < work.tiles && lane * 32 < P::kKeyTile) {
      prefetch_to_l1(items + (P::kKeyTile + static_cast<int>(lane * 32 - group * G::kWide)));  // a line each
    }
    jitter(1);
    mbarrier_wait(places.key_empty(ring.stage), ring.parity ^ 1);
    gather_tile<P>(key_rows, items, lane * 16, places.keys(ring.stage) + place, places.key_full(ring.stage));
    jitter(2);
    mbarrier_wait(places.value_empty(ring.stage), ring.parity ^ 1);
    gather_tile<P>(value_rows, items, lane * 16, places.values(ring.stage) + place,
                   places.value_full(ring.stage));
  }
}

// ---- items ----

// Thread 0 draws items and loads their queries. Without a cluster they come from the counter, so that SMs
// with light items do more of them; CTAs of a cluster must agree and take every so many.
template <typename P>
struct Draw {
  const Arguments& arguments;
  uint32_t number;  // of the item drawn last

  __device__ explicit Draw(const Arguments& a) : arguments(a), number(blockIdx.x) {}
  __device__ uint32_t next() const {
    return P::kClusterSize > 1 ? number + gridDim.x : gridDim.x + atomicAdd(arguments.schedule, 1u);
  }
  // The last CTA to find nothing left readies the counter for the next launch.
  __device__ void finish() const {
    if (P::kClusterSize == 1 && atomicAdd(arguments.schedule + 1, 1u) == gridDim.x - 1) {
      arguments.schedule[0] = 0;
      arguments.schedule[1] = 0;
    }
  }
};

template <typename P>
__device__ __forceinline__ void load_queries(const Arguments& arguments, uint32_t number, int buffer,
                                             const Places<P>& places) {
  using L = Layout<P>;
  asm volatile("st.shared.u32 [%0], %1;" ::"r"(places.item(buffer)), "r"(number) : "memory");
  if (number >= arguments.items_of_work) {
    mbarrier_arrive(places.query_full(buffer));
    return;
  }
  mbarrier_arrive_expect(places.query_full(buffer), L::kQueryBytes);
  const int block = static_cast<int>(number % arguments.blocks),
            head = static_cast<int>(number / arguments.blocks);
  for (int warpgroup = 0; warpgroup < P::kConsumerWarpgroups; ++warpgroup) {
    for (int subtile = 0; subtile < L::kSubtiles; ++subtile) {
      tensor_load3(places.queries(buffer, warpgroup) + subtile * L::kWarpgroupSubtile, &arguments.queries,
                   subtile * 64, block * P::kQueryTile + warpgroup * 64, head, places.query_full(buffer));
    }
  }
}

constexpr int kProducerBarrier = 9;

// All 128 threads gather; of a producer by tensor copies only thread 0 comes here.
template <typename P>
__device__ __forceinline__ void produce(const Arguments& arguments, const Places<P>& places) {
  Draw<P> draw(arguments);
  Ring<P::kStages> ring;
  Ring<Layout<P>::kQueryBuffers> buffer;
  const bool first = threadIdx.x == 0;
  uint32_t number = draw.number;
  while (number < arguments.items_of_work) {
    const uint32_t next = first ? draw.next() : 0;  // asked early, needed late
    const Work<P> work(arguments, number);
    if constexpr (P::kSource == Source::kGathered) {
      gathered_tiles<P>(arguments, work, places, ring);
    } else {
      tensor_tiles<P>(arguments, work, places, ring);
    }
    buffer.next();
    if (first) {
      mbarrier_wait(places.query_empty(buffer.stage), buffer.parity ^ 1);
      load_queries<P>(arguments, next, buffer.stage, places);
      draw.number = next;
    }
    number = next;
    if constexpr (P::kSource == Source::kGathered) {
      named_sync(kProducerBarrier, 128);
      asm volatile("ld.shared.u32 %0, [%1];" : "=r"(number) : "r"(places.item(buffer.stage)) : "memory");
    }
  }
  if (first) {
    draw.finish();
  }
}

}  // namespace tw::gpu
