// SPDX-License-Identifier: Apache-2.0
// A consumer warpgroup: 64 queries against the tiles of the ring.
#pragma once

#include "attention/copy.cuh"
#include "attention/layout.cuh"
#include "attention/producer.cuh"
#include "attention/softmax.cuh"
#include "micro/wgmma.cuh"

namespace tw::gpu {

// The compiler must not move reads of accumulators over the wait for them.
template <int kCount>
__device__ __forceinline__ void settle(float (&accumulators)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    asm volatile("" : "+f"(accumulators[i])::"memory");
  }
}

// S = Q K^T: one product a 16 columns of the head.
template <typename P>
__device__ __forceinline__ void issue_scores(float (&scores)[P::kKeyTile / 2], uint32_t queries,
                                             uint32_t keys) {
  using L = Layout<P>;
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < P::kHeadSize / 16; ++step) {
    const uint64_t a = wgmma_descriptor(queries + step / 4 * L::kWarpgroupSubtile + step % 4 * 32);
    const uint64_t b = wgmma_descriptor(keys + step / 4 * L::kKeySubtile + step % 4 * 32);
    if (step == 0) {
      Wgmma<P::kKeyTile>::ss_first(scores, a, b);
    } else {
      Wgmma<P::kKeyTile>::ss(scores, a, b);
    }
  }
  wgmma_commit();
}

// O += P V: one product a 16 keys.
template <typename P>
__device__ __forceinline__ void issue_outputs(float (&outputs)[P::kHeadSize / 2],
                                              const uint32_t (&weights)[P::kKeyTile / 16][4],
                                              uint32_t values) {
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < P::kKeyTile / 16; ++step) {
    Wgmma<P::kHeadSize>::rs_across(outputs, weights[step],
                                   wgmma_descriptor_across(values + step * 16 * 128, Layout<P>::kKeySubtile));
  }
  wgmma_commit();
}

// Entry of the list, counted within the tile, that a column of the scores belongs to. Additive in the pair of
// columns a thread starts at and the distance from there.
template <typename P>
__device__ __forceinline__ constexpr int entry_of_column(int column) {
  if constexpr (P::kSource == Source::kGathered) {
    return list_entry<P>(column);
  }
  return column;
}

// Scores of keys beyond the list's end. A thread's first column is known late, the distance of the others
// from it early: only one number has to be compared. The empty assembly keeps this a branch; as selects it
// would cost every tile.
template <typename P>
__device__ __forceinline__ void mask_tail(float (&scores)[P::kKeyTile / 2], uint32_t valid) {
  if (valid >= P::kKeyTile) {
    return;
  }
  asm volatile("" ::: "memory");
  const int first = static_cast<int>(threadIdx.x) % 4 * 2;
  const int left = static_cast<int>(valid) - entry_of_column<P>(first);
#pragma unroll
  for (int i = 0; i < P::kKeyTile / 2; ++i) {
    if (entry_of_column<P>(i / 4 * 8 + i % 2) >= left) {
      scores[i] = kNegativeInfinity;
    }
  }
}

// One lane speaks for its warp; in a cluster, to every CTA whose copies fill the slot.
template <typename P>
__device__ __forceinline__ void release(uint32_t barrier) {
  if (threadIdx.x % 32 == 0) {
    if constexpr (P::kClusterSize > 1) {
#pragma unroll
      for (uint32_t rank = 0; rank < P::kClusterSize; ++rank) {
        mbarrier_arrive_remote(barrier, rank);
      }
    } else {
      mbarrier_arrive(barrier);
    }
  }
}

template <typename P>
__device__ __forceinline__ void wait_full(uint32_t barrier, uint32_t parity) {
  jitter(3);
  mbarrier_wait(barrier, parity);
  if constexpr (P::kSource == Source::kGathered) {
    fence_proxy_async();  // cp.async writes as ordinary stores do, the matrix unit reads past them
  }
}

// Turns at the matrix unit: barrier 1 + g is awaited by warpgroup g and passed on by the one before.
template <typename P>
struct Turns {
  static constexpr bool kTaken = P::kOverlap == Overlap::kPingpong && P::kConsumerWarpgroups > 1;
  int warpgroup;
  __device__ __forceinline__ void begin(bool any) const {
    if (kTaken && any && warpgroup == P::kConsumerWarpgroups - 1) {
      named_arrive(1, 256);  // the first turn is a gift
    }
  }
  __device__ __forceinline__ void take() const {
    if constexpr (kTaken) {
      jitter(4);
      named_sync(1 + warpgroup, 256);
    }
  }
  __device__ __forceinline__ void pass(bool last) const {
    if (kTaken && !(last && warpgroup == P::kConsumerWarpgroups - 1)) {
      named_arrive(warpgroup + 1 == P::kConsumerWarpgroups ? 1 : 2 + warpgroup, 256);
    }
  }
};

template <typename P>
__device__ __forceinline__ uint32_t item_in(const Places<P>& places, int buffer) {
  uint32_t number;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(number) : "r"(places.item(buffer)) : "memory");
  return number;
}

// Divides by the sums and sends the tile to memory through the place where Q was, which is then empty.
template <typename P>
__device__ __forceinline__ void store_outputs(const Arguments& arguments, const Places<P>& places, int buffer,
                                              int warpgroup, const float (&outputs)[P::kHeadSize / 2],
                                              const Rows& rows) {
  using L = Layout<P>;
  float inverse[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const float sum = sum_of_four(rows.sum[r]);
    inverse[r] = sum > 0 ? 1.0f / sum : 0.0f;  // an empty list gives zeros
  }
  const uint32_t tile = places.queries(buffer, warpgroup);
  const uint32_t thread = threadIdx.x % 128, row = thread / 32 * 16 + thread % 32 / 4;
#pragma unroll
  for (int i = 0; i < P::kHeadSize / 2; i += 2) {
    const int r = i / 2 % 2, chunk = i / 4;  // of eight columns
    const uint32_t at = tile + chunk / 8 * L::kWarpgroupSubtile + (row + r * 8) * 128 +
                        ((static_cast<uint32_t>(chunk) % 8 ^ row % 8) * 16) + thread % 4 * 4;
    const uint32_t packed = pack_bf16(outputs[i] * inverse[r], outputs[i + 1] * inverse[r]);
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(at), "r"(packed) : "memory");
  }
  fence_proxy_async();
  named_sync(5 + warpgroup, 128);
  if (thread == 0) {
    const uint32_t number = item_in(places, buffer);  // read again: no register holds it through the tiles
    const int query = static_cast<int>(number % arguments.blocks) * P::kQueryTile + warpgroup * 64;
#pragma unroll
    for (int subtile = 0; subtile < L::kSubtiles; ++subtile) {
      tensor_store3(&arguments.outputs, tile + subtile * L::kWarpgroupSubtile, subtile * 64, query,
                    static_cast<int>(number / arguments.blocks));
    }
    bulk_commit();
    bulk_wait_read();
    mbarrier_arrive(places.query_empty(buffer));
  }
}

// What a warpgroup carries through the tiles of one item.
template <typename P>
struct Sums {
  Rows rows;
  float outputs[P::kHeadSize / 2] = {};
};

// Tiles of a list that has any. The scores of tile t+1 and the outputs of tile t are in flight together.
template <typename P>
__device__ __forceinline__ void consume_pipelined(const Work<P>& work, const Places<P>& places,
                                                  float scale_log2, uint32_t queries, int warpgroup,
                                                  Ring<P::kStages>& ring, Sums<P>& sums) {
  const Turns<P> turns{warpgroup};
  float scores[P::kKeyTile / 2], factor[2];
  uint32_t weights[P::kKeyTile / 16][4];
  Ring<P::kStages> previous = ring;
  turns.begin(work.tiles > 1);
  wait_full<P>(places.key_full(ring.stage), ring.parity);
  issue_scores<P>(scores, queries, places.keys(ring.stage));
  wgmma_wait<0>();
  settle(scores);
  release<P>(places.key_empty(ring.stage));
  mask_tail<P>(scores, work.keys);
  weigh(scores, sums.rows, scale_log2, factor);
  pack_weights(scores, weights);
  ring.next();
#pragma unroll 1
  for (int tile = 1; tile < work.tiles; ++tile) {
    wait_full<P>(places.key_full(ring.stage), ring.parity);
    turns.take();
    mark<Mark::kBeforeProducts>(places, warpgroup, tile);
    issue_scores<P>(scores, queries, places.keys(ring.stage));
    wait_full<P>(places.value_full(previous.stage), previous.parity);
    issue_outputs<P>(sums.outputs, weights, places.values(previous.stage));
    turns.pass(tile + 1 == work.tiles);
    mark<Mark::kProductsIssued>(places, warpgroup, tile);
    wgmma_wait<1>();
    settle(scores);
    mark<Mark::kScoresDone>(places, warpgroup, tile);
    release<P>(places.key_empty(ring.stage));
    mask_tail<P>(scores, work.keys - tile * P::kKeyTile);
    weigh(scores, sums.rows, scale_log2, factor);
    wgmma_wait<0>();
    settle(sums.outputs);
    release<P>(places.value_empty(previous.stage));
    rescale(sums.outputs, factor);
    pack_weights(scores, weights);
    ring.next();
    previous.next();
  }
  wait_full<P>(places.value_full(previous.stage), previous.parity);
  issue_outputs<P>(sums.outputs, weights, places.values(previous.stage));
  wgmma_wait<0>();
  settle(sums.outputs);
  release<P>(places.value_empty(previous.stage));
}

// One product after the other: warpgroups hide each other's softmax, and a tile may be larger.
template <typename P>
__device__ __forceinline__ void consume_in_order(const Work<P>& work, const Places<P>& places,
                                                 float scale_log2, uint32_t queries, int warpgroup, Ring<P::kStages>& ring,
                                                 Sums<P>& sums) {
  float scores[P::kKeyTile / 2], factor[2];
  uint32_t weights[P::kKeyTile / 16][4];
#pragma unroll 1
  for (int tile = 0; tile < work.tiles; ++tile, ring.next()) {
    wait_full<P>(places.key_full(ring.stage), ring.parity);
    mark<Mark::kBeforeProducts>(places, warpgroup, tile);
    issue_scores<P>(scores, queries, places.keys(ring.stage));
    mark<Mark::kProductsIssued>(places, warpgroup, tile);
    wgmma_wait<0>();
    settle(scores);
    mark<Mark::kScoresDone>(places, warpgroup, tile);
    release<P>(places.key_empty(ring.stage));
    mask_tail<P>(scores, work.keys - tile * P::kKeyTile);
    weigh(scores, sums.rows, scale_log2, factor);
    rescale(sums.outputs, factor);
    pack_weights(scores, weights);
    wait_full<P>(places.value_full(ring.stage), ring.parity);
    issue_outputs<P>(sums.outputs, weights, places.values(ring.stage));
    wgmma_wait<0>();
    settle(sums.outputs);
    release<P>(places.value_empty(ring.stage));
  }
}

// Items until there is none; returns how many items and tiles.
struct Done {
  uint32_t items = 0, tiles = 0;
};

template <typename P>
__device__ __forceinline__ Done consume(const Arguments& arguments, const Places<P>& places, int warpgroup) {
  Ring<P::kStages> ring;
  Ring<Layout<P>::kQueryBuffers> buffer;
  Done done;
#pragma unroll 1
  for (;; buffer.next()) {
    mbarrier_wait(places.query_full(buffer.stage), buffer.parity);
    const uint32_t number = item_in(places, buffer.stage);
    if (number >= arguments.items_of_work) {
      report_marks(arguments, places, warpgroup);
      return done;
    }
    const Work<P> work(arguments, number);
    const uint32_t queries = places.queries(buffer.stage, warpgroup);
    Sums<P> sums;
    if (work.tiles > 0) {
      if constexpr (P::kOverlap == Overlap::kNone) {
        consume_in_order<P>(work, places, arguments.scale_log2, queries, warpgroup, ring, sums);
      } else {
        consume_pipelined<P>(work, places, arguments.scale_log2, queries, warpgroup, ring, sums);
      }
    }
    store_outputs<P>(arguments, places, buffer.stage, warpgroup, sums.outputs, sums.rows);
    ++done.items;
    done.tiles += static_cast<uint32_t>(work.tiles);
  }
}

}  // namespace tw::gpu
