// SPDX-License-Identifier: Apache-2.0
//
// Forward attention without a causal mask on Hopper, bf16 in and out, sums in float. A work item is one block
// of queries of one head with the keys of its list. As many CTAs as the card holds draw items from a counter
// until none is left; loads for the next item begin while the last tiles of the present one are worked on.
// Shapes: queries, outputs [heads][query_count][head_size], keys and values [heads][key_count][head_size],
// dense row-major; any counts, ragged tails included. Left out: causal masks, grouped heads, dropout,
// log-sum-exp output, backward.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <vector>

#include "harness/stamp.cuh"

namespace tw::gpu {

enum class Source : uint8_t {
  kDense,    // every key; no list
  kBlocks,   // a list of blocks of key_block neighbouring keys
  kGathered  // a list of keys
};

// How a consumer warpgroup hides its softmax behind matrix work.
enum class Overlap : uint8_t {
  kNone,       // scores, softmax, outputs, one after the other
  kPipelined,  // the scores of the next tile are in flight during the outputs of this one
  kPingpong    // the same, and warpgroups take turns at the matrix unit
};

#ifdef TW_MARK
inline constexpr int kMarkedTiles = 16;  // of a warpgroup, the last of its item
#endif

// What a launch needs. Lists: `items` of list l = head * query blocks + block begin at starts[l], counts[l]
// of them, ascending; gathered lists are padded to a whole tile by repeating the last key.
struct Arguments {
  CUtensorMap queries, keys, values, outputs;
  const uint8_t* key_rows;
  const uint8_t* value_rows;
  const uint32_t* items;
  const uint64_t* starts;
  const uint32_t* counts;
  uint32_t* schedule;  // two words, zero before the first launch; a launch leaves them zero
  uint32_t query_count, key_count, blocks, items_of_work;
  float scale_log2;  // of the scores, times log2(e): the softmax works with powers of two
  Stamp* stamps;     // one a CTA, see CtaFigure; may be null
#ifdef TW_MARK
  uint32_t* marks;   // of the first CTA, [warpgroup][tile]; may be null
#endif
};

// What Stamp::value holds.
enum CtaFigure : uint8_t { kItemsDone, kTilesDone };

// One compiled kernel; its parameters are those of configs/kernels/<name>.yaml.
struct Kernel {
  const char* name;
  Source source;
  Overlap overlap;
  int head_size, query_tile, key_tile, key_block, stages, consumer_warpgroups, cluster_size;
  int threads, ctas_per_sm;
  uint32_t shared_bytes;
  const void* function;
};

const std::vector<Kernel>& attention_kernels();
// Throws UsageError that lists the known names.
const Kernel& find_kernel(const char* name);

}  // namespace tw::gpu
