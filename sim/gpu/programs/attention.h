// SPDX-License-Identifier: Apache-2.0
//
// Twins of the attention kernels in gpu_ref/attention: dense, block-sparse and gathered keys, one structure. Persistent CTAs
// take items (a block of queries of one head, with its list of keys) and run them through a producer and one to three consumer
// warpgroups; the ring, its barriers, the order of the products and the turns are the kernel's.
//
// What is simplified: items are handed to CTAs beforehand, each to the one that would be free first by its number of tiles,
// instead of through the atomic counter; a list without keys costs nothing; clusters are run as single CTAs, each loading
// its tiles itself; a warp reads its part of a tile's list at once, a tile after it was prefetched.
#pragma once

#include <deque>
#include <memory>

#include "arch/gpu.h"
#include "sim/gpu/program.h"
#include "workloads/attention.h"

namespace tilewright::gpu {

struct AttentionRun {
  Kernel kernel;
  std::deque<std::vector<uint32_t>> tables;  // of the kernel's streams
  uint64_t items = 0;
  uint64_t tiles = 0;
  uint64_t listed_elements = 0;  // query-key pairs worked on, without padding
  double list_density = 0;
  uint64_t list_hash = 0;        // of all heads' lists: masks::hash() of each, folded
  uint32_t stages = 2;
  uint32_t entries_per_tile = 0;  // of the key stream's table
  uint32_t queries_per_item = 0;  // of the query stream's table
  uint32_t rows_per_entry = 1;  // of the key stream: a box has as many, a pitch of row_bytes apart
  uint32_t row_bytes = 0;
  uint64_t tensor_rows = 0;  // of all heads: keys or queries, whichever are more, with those that a box reads behind the end
  // Bytes that nobody can avoid moving from memory: each operand once, the result once.
  uint64_t minimum_bytes = 0;
};

// With `heads` below the problem's the first so many are run. `use_gather_engine`: gathered tiles by the machine's engine.
std::unique_ptr<AttentionRun> build_attention(const arch::GpuSpec& machine, const workloads::AttentionKernel& kernel,
                                              const workloads::AttentionProblem& problem, double density, uint32_t heads,
                                              bool use_gather_engine);

// The same CTAs with less to do: what a sample simulates. The tables are its own.
struct Shortening {
  uint32_t items = UINT32_MAX;         // of a CTA at most
  uint32_t short_items = UINT32_MAX;   // the first so many have ...
  uint32_t short_tiles = UINT32_MAX;   // ... at most so many tiles
  uint32_t tiles_in_all = UINT32_MAX;  // of a CTA; one with no more than these is left as it is
};
std::unique_ptr<AttentionRun> shortened(const AttentionRun& run, const Shortening& to);

}  // namespace tilewright::gpu
