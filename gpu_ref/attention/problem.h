// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>

#include <memory>

#include "attention/kernel.h"
#include "attention/lists.h"
#include "harness/bench.h"

namespace tw::gpu {

// bf16 arrays [heads][tokens][head_size] on the card, by address.
struct Tensors {
  const void* queries;
  const void* keys;
  const void* values;
  void* outputs;
  int heads, query_count, key_count;
};

// Lists on the card, by address; all null for a dense kernel.
struct DeviceLists {
  const uint32_t* items = nullptr;
  const uint64_t* starts = nullptr;
  const uint32_t* counts = nullptr;
};

// Throws UsageError for shapes that the kernel does not take.
Arguments make_arguments(const Kernel& kernel, const Tensors& tensors, const DeviceLists& lists,
                         Stamp* stamps);
// Blocks of queries of one head; a whole number of clusters.
int query_blocks(const Kernel& kernel, int query_count);
// CTAs of a launch: what the card holds at a time, or fewer where there are fewer items.
int grid_size(const Kernel& kernel, const Arguments& arguments);
// Launches of one process share a counter: they must not overlap.
void launch(const Kernel& kernel, const Arguments& arguments, cudaStream_t stream);

enum class Fill : uint8_t {
  kNormal,     // standard normal, fresh for each seed
  kAscending,  // scores grow with the key's number: every tile rescales
  kNeedle      // one key, `needle`, alone decides every output
};

// Buffers of a problem and its lists.
class Problem {
 public:
  Problem(int heads, int query_count, int key_count, int head_size);
  void fill(Fill fill, uint64_t seed, int needle = 0);
  void poison();  // outputs become not-a-number
  void use_lists(const Lists& lists);
  Tensors tensors() const;
  DeviceLists lists() const;
  std::vector<__nv_bfloat16> outputs() const { return outputs_->download(); }
  int heads() const { return heads_; }
  int query_count() const { return query_count_; }
  int key_count() const { return key_count_; }
  int head_size() const { return head_size_; }

 private:
  int heads_, query_count_, key_count_, head_size_;
  std::unique_ptr<DeviceBuffer<__nv_bfloat16>> queries_, keys_, values_, outputs_;
  std::unique_ptr<DeviceBuffer<uint32_t>> items_, counts_;
  std::unique_ptr<DeviceBuffer<uint64_t>> starts_;
};

}  // namespace tw::gpu
