// SPDX-License-Identifier: Apache-2.0
#include "attention/lists.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace tw::gpu {
namespace {

namespace masks = tilewright::masks;

constexpr uint64_t kFnvPrime = 0x100000001b3;

masks::Tiling tiling_of(const Kernel& kernel) {
  masks::Tiling tiling;
  tiling.query_tile = static_cast<uint32_t>(kernel.query_tile);
  tiling.key_tile =
      static_cast<uint32_t>(kernel.source == Source::kBlocks ? kernel.key_block : kernel.key_tile);
  tiling.kind = kernel.source == Source::kDense    ? masks::ListKind::kDense
                : kernel.source == Source::kBlocks ? masks::ListKind::kBlock
                                                   : masks::ListKind::kGathered;
  return tiling;
}

masks::Mask mask_of_head(const MaskRecipe& recipe, int head, int heads) {
  masks::Mask mask = recipe.mask;
  mask.seed = masks::head_seed(recipe.mask.seed, static_cast<uint64_t>(head));
  if (recipe.mixed) {
    const double place = heads > 1 ? static_cast<double>(head) / (heads - 1) : 0.5;
    mask.density = std::min(1.0, mask.density * (0.25 + 1.5 * place));
  }
  return mask;
}

// One list after the other; gathered ones are filled to a whole tile with their last key.
void append(const masks::WorkList& work, const Kernel& kernel, Lists& lists) {
  const auto tile = static_cast<size_t>(kernel.key_tile);
  for (uint32_t block = 0; block < work.query_blocks(); ++block) {
    const auto begin = work.items.begin() + static_cast<std::ptrdiff_t>(work.starts[block]);
    const auto end = work.items.begin() + static_cast<std::ptrdiff_t>(work.starts[block + 1]);
    lists.starts.push_back(lists.items.size());
    lists.counts.push_back(static_cast<uint32_t>(end - begin));
    lists.items.insert(lists.items.end(), begin, end);
    if (kernel.source == Source::kGathered && begin != end) {
      const size_t padding = (tile - static_cast<size_t>(end - begin) % tile) % tile;
      lists.items.insert(lists.items.end(), padding, *(end - 1));
    }
    lists.items.resize((lists.items.size() + 3) / 4 * 4);  // lists begin at 16 bytes
  }
}

}  // namespace

Lists build_lists(const Kernel& kernel, int heads, const MaskRecipe& recipe) {
  std::vector<masks::WorkList> work(static_cast<size_t>(heads));
  std::atomic<int> next{0};
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    workers.emplace_back([&] {
      for (int head = next++; head < heads; head = next++) {
        work[static_cast<size_t>(head)] =
            masks::build_work_list(mask_of_head(recipe, head, heads), tiling_of(kernel));
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  Lists lists;
  lists.blocks = work.front().query_blocks();
  for (const masks::WorkList& one : work) {
    if (kernel.source != Source::kDense) {
      append(one, kernel, lists);
    }
    lists.hash = (lists.hash ^ masks::hash(one)) * kFnvPrime;
    lists.element_density += one.element_density() / heads;
    lists.list_density += kernel.source == Source::kDense ? 1.0 / heads : one.list_density() / heads;
  }
  return lists;
}

}  // namespace tw::gpu
