// SPDX-License-Identifier: Apache-2.0
// The lists as the kernels read them. Needs no GPU.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "attention/lists.h"

#include <doctest/doctest.h>

#include "harness/check.h"

using namespace tw::gpu;
namespace masks = tilewright::masks;

namespace {

MaskRecipe uniform(uint32_t queries, uint32_t keys, double density) {
  MaskRecipe recipe;
  recipe.mask.kind = masks::MaskKind::kUniform;
  recipe.mask.queries = queries;
  recipe.mask.keys = keys;
  recipe.mask.density = density;
  recipe.mask.query_group = 64;
  recipe.mask.seed = 5;
  return recipe;
}

}  // namespace

TEST_CASE("gathered lists begin at 16 bytes and fill their last tile with their last key") {
  const Kernel& kernel = find_kernel("gather_m128_d128");
  const Lists lists = build_lists(kernel, 3, uniform(300, 1000, 0.3));
  CHECK(lists.blocks == 3);
  REQUIRE(lists.counts.size() == 9);
  for (size_t list = 0; list < lists.counts.size(); ++list) {
    const uint64_t start = lists.starts[list], count = lists.counts[list];
    CHECK(start % 4 == 0);
    const uint64_t tile = static_cast<uint64_t>(kernel.key_tile), end = start + (count + tile - 1) / tile * tile;
    REQUIRE(end <= lists.items.size());
    for (uint64_t i = start + 1; i < start + count; ++i) {
      CHECK(lists.items[i] > lists.items[i - 1]);
    }
    for (uint64_t i = start + count; i < end; ++i) {
      CHECK(lists.items[i] == lists.items[start + count - 1]);
    }
  }
}

TEST_CASE("an empty mask gives empty lists, a dense kernel none") {
  const Lists empty = build_lists(find_kernel("gather_m192_d128"), 2, uniform(200, 500, 0.0));
  for (const uint32_t count : empty.counts) {
    CHECK(count == 0);
  }
  CHECK(empty.list_density == 0);
  const Lists dense = build_lists(find_kernel("dense_d128"), 2, uniform(200, 500, 0.5));
  CHECK(dense.counts.empty());
  CHECK(dense.list_density == doctest::Approx(1.0));
}

TEST_CASE("heads differ, and mixed heads differ in density") {
  const Kernel& kernel = find_kernel("gather_m64_d128");
  const Lists same = build_lists(kernel, 4, uniform(64, 4000, 0.4));
  const auto list = [&same](size_t head) {
    const auto begin = same.items.begin() + static_cast<std::ptrdiff_t>(same.starts[head]);
    return std::vector<uint32_t>(begin, begin + same.counts[head]);
  };
  CHECK(list(0) != list(1));
  MaskRecipe mixed = uniform(64, 4000, 0.4);
  mixed.mixed = true;
  const Lists lists = build_lists(kernel, 4, mixed);
  CHECK(lists.counts[0] == doctest::Approx(0.1 * 4000).epsilon(0.2));
  CHECK(lists.counts[3] == doctest::Approx(0.7 * 4000).epsilon(0.1));
  CHECK(lists.hash != same.hash);
}

TEST_CASE("block lists keep a block of which any query keeps any key") {
  MaskRecipe recipe = uniform(128, 1000, 0.0);
  recipe.mask.kind = masks::MaskKind::kStripes;
  recipe.mask.period = 500;
  const Lists lists = build_lists(find_kernel("block_sparse_128_d128"), 1, recipe);
  REQUIRE(lists.counts[0] == 2);
  CHECK(lists.items[lists.starts[0]] == 0);
  CHECK(lists.items[lists.starts[0] + 1] == 3);
}

TEST_CASE("an unknown kernel is refused with the known names") {
  CHECK_THROWS_WITH_AS(find_kernel("gather"), doctest::Contains("gather_m128_d128"), UsageError);
}
