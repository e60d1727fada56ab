// SPDX-License-Identifier: Apache-2.0
// The kernels as a C library, for a program in another language that has its own arrays on the card. Every
// function returns 0, or 1 and leaves a message in tw_attention_error().
#include <cstring>
#include <map>
#include <string>

#include "attention/problem.h"
#include "harness/check.h"

using namespace tw::gpu;

namespace {

std::string last_error;

template <typename Body>
int guarded(Body body) {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    last_error = error.what();
    return 1;
  }
}

struct CardLists {
  DeviceBuffer<uint32_t> items, counts;
  DeviceBuffer<uint64_t> starts;
  DeviceLists view() const { return {items.get(), starts.get(), counts.get()}; }
};

}  // namespace

extern "C" {

const char* tw_attention_error() {
  return last_error.c_str();
}

// Names, one a line.
const char* tw_attention_kernels() {
  static const std::string names = [] {
    std::string all;
    for (const Kernel& kernel : attention_kernels()) {
      all += std::string(kernel.name) + "\n";
    }
    return all;
  }();
  return names.c_str();
}

// Builds lists on the card. mask: 0 uniform, 1 runs, 2 random blocks. `densities` receives the element and
// the list density. Free with tw_attention_free_lists.
int tw_attention_lists(const char* name, int heads, int queries, int keys, int mask, double density,
                       int query_group, int run_length, unsigned long long seed, double* densities,
                       void** lists) {
  return guarded([&] {
    const Kernel& kernel = find_kernel(name);
    MaskRecipe recipe;
    constexpr tilewright::masks::MaskKind kKinds[] = {tilewright::masks::MaskKind::kUniform,
                                                      tilewright::masks::MaskKind::kRuns,
                                                      tilewright::masks::MaskKind::kRandomBlocks};
    if (mask < 0 || mask > 2 || heads < 1 || queries < 1 || keys < 1 || query_group < 1 || run_length < 1) {
      throw UsageError("mask must be 0, 1 or 2, and the counts positive");
    }
    recipe.mask.kind = kKinds[mask];
    recipe.mask.queries = static_cast<uint32_t>(queries);
    recipe.mask.keys = static_cast<uint32_t>(keys);
    recipe.mask.density = density;
    recipe.mask.query_group = recipe.mask.block_queries = static_cast<uint32_t>(query_group);
    recipe.mask.run_length = recipe.mask.block_keys = static_cast<uint32_t>(run_length);
    recipe.mask.seed = seed;
    Lists built = build_lists(kernel, heads, recipe);
    built.items.resize(std::max<size_t>(built.items.size(), 4));
    auto* card =
        new CardLists{DeviceBuffer<uint32_t>(built.items.size()), DeviceBuffer<uint32_t>(built.counts.size()),
                      DeviceBuffer<uint64_t>(built.starts.size())};
    card->items.upload(built.items);
    card->counts.upload(built.counts);
    card->starts.upload(built.starts);
    densities[0] = built.element_density;
    densities[1] = built.list_density;
    *lists = card;
  });
}

void tw_attention_free_lists(void* lists) {
  delete static_cast<CardLists*>(lists);
}

// bf16 arrays [heads][tokens][head size] by device address; `lists` is null for a dense kernel.
int tw_attention_run(const char* name, const void* queries, const void* keys, const void* values,
                     void* outputs, int heads, int query_count, int key_count, const void* lists,
                     void* stream) {
  return guarded([&] {
    const Kernel& kernel = find_kernel(name);
    const DeviceLists view = lists == nullptr ? DeviceLists{} : static_cast<const CardLists*>(lists)->view();
    const Tensors tensors{queries, keys, values, outputs, heads, query_count, key_count};
    launch(kernel, make_arguments(kernel, tensors, view, nullptr), static_cast<cudaStream_t>(stream));
  });
}

}  // extern "C"
