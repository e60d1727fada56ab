// SPDX-License-Identifier: Apache-2.0
//
// Attention masks and the work lists built from them: per block of queries, which keys a CTA works on. Shared
// by the simulator and the CUDA kernels, so that both work on the same list, bit for bit; hence no
// dependencies, C++17, and a written recipe instead of the standard library's distributions, whose results
// are not specified.
//
// Recipe. All arithmetic is on unsigned 64-bit integers and wraps.
//   mix(x):          x += 0x9E3779B97F4A7C15; x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
//                    x = (x ^ x >> 27) * 0x94D049BB133111EB; return x ^ x >> 31          (SplitMix64's
//                    output)
//   stream(seed, i): xoshiro256** whose four words are mix(z), mix(z + g), mix(z + 2g), mix(z + 3g) with
//                    z = mix(mix(seed) + i), g = 0x9E3779B97F4A7C15                        (Blackman and
//                    Vigna)
//   kept(density):   (next() >> 11) < floor(density * 2^53)
// Row i of uniform and runs masks draws from stream(seed, i / query_group), row i of a block mask from
// stream(seed, i / block_queries), each from its start:
//   uniform:         a draw per key, in order
//   runs:            shift = next() % run_length; key k lies in run (k + shift) / run_length; a draw per run,
//   in order random blocks:   a draw per key block, in order
// The other kinds draw nothing.
//
// Not modelled: masks within a kept tile (every query of the block sees every key of its list), causal masks.
// Errors: std::invalid_argument that names the field and what is allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilewright::masks {

enum class MaskKind : uint8_t {
  kDense,         // everything
  kUniform,       // each key on its own, with probability `density`
  kRuns,          // runs of `run_length` neighbouring keys, each with probability `density`
  kLocalWindow,   // keys within `window` of the query's own place, floor(query * keys / queries)
  kStripes,       // keys with key % period < width: the same for every query
  kDiagonals,     // keys with (key - query) mod period < width: stripes that move with the query
  kRandomBlocks,  // block_queries x block_keys blocks, each with probability `density`
  kBitmap,        // explicit
};

// One head's mask. Fields that a kind does not name are ignored.
struct Mask {
  MaskKind kind = MaskKind::kDense;
  uint32_t queries = 0;
  uint32_t keys = 0;
  uint64_t seed = 0;
  double density = 1;        // uniform, runs, random blocks: 0 to 1
  uint32_t query_group = 1;  // uniform, runs: so many neighbouring queries share one row
  uint32_t run_length = 1;
  uint32_t window = 0;
  uint32_t period = 1;
  uint32_t width = 1;
  uint32_t block_queries = 1;
  uint32_t block_keys = 1;
  std::vector<uint8_t> bitmap;  // rows of (keys + 7) / 8 bytes; key k is bit k % 8 of byte k / 8
};

// A seed for each head of a layer, so that heads differ: mix(mix(seed) + head), as for streams.
uint64_t head_seed(uint64_t seed, uint64_t head);

// Fills bit k % 64 of word k / 64 for each key k that `query` keeps; bits beyond the last key are 0.
void fill_row(const Mask& mask, uint32_t query, std::vector<uint64_t>& bits);

enum class ListKind : uint8_t {
  kDense,     // every query block works on all keys; no items are stored
  kBlock,     // items are key blocks (of key_tile keys) of which any query of the block keeps any key
  kGathered,  // items are keys which any query of the block keeps: M x 1 granularity
};

struct Tiling {
  ListKind kind = ListKind::kDense;
  uint32_t query_tile = 128;  // M: queries a CTA works on
  uint32_t key_tile = 128;    // N: keys a CTA works on at a time
};

struct WorkList {
  Tiling tiling;
  uint32_t queries = 0;
  uint32_t keys = 0;
  uint64_t mask_elements = 0;    // query-key pairs that the mask keeps
  std::vector<uint64_t> starts;  // items of query block b: starts[b] to starts[b + 1], ascending
  std::vector<uint32_t> items;

  uint32_t query_blocks() const { return static_cast<uint32_t>(starts.size() - 1); }
  uint32_t queries_of(uint32_t block) const;  // fewer than query_tile in the last block where it is partial
  uint64_t keys_of(uint32_t block) const;     // keys worked on, without the padding of the last tile
  uint64_t tiles_of(uint32_t block) const;  // tiles of key_tile keys worked on, the last one possibly partial
  uint64_t listed_elements() const;         // query-key pairs worked on
  double element_density() const;           // of the mask: mask_elements / (queries * keys)
  double list_density() const;              // of the list: listed_elements / (queries * keys)
};

// A query block whose queries keep nothing has an empty list.
WorkList build_work_list(const Mask& mask, const Tiling& tiling);

// Identifies a work list in records: FNV-1a taken a 32-bit word at a time, then mix(). Words: list kind,
// queries, keys, query_tile, key_tile; then for each query block its number of items and the items.
uint64_t hash(const WorkList& list);

}  // namespace tilewright::masks
