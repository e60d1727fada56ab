// SPDX-License-Identifier: Apache-2.0
//
// Work lists against element-by-element brute force, and against hashes computed by masks_reference.py, a
// second implementation of the recipe.
#include "workloads/masks/masks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tilewright::masks {
namespace {

Mask small_mask(MaskKind kind) {
  Mask mask;
  mask.kind = kind;
  mask.queries = 300;
  mask.keys = 333;
  mask.seed = 42;
  return mask;
}

Mask uniform() {
  Mask mask = small_mask(MaskKind::kUniform);
  mask.density = 0.3;
  mask.query_group = 64;
  return mask;
}

Mask runs() {
  Mask mask = small_mask(MaskKind::kRuns);
  mask.density = 0.25;
  mask.query_group = 16;
  mask.run_length = 7;
  return mask;
}

Mask local_window() {
  Mask mask = small_mask(MaskKind::kLocalWindow);
  mask.window = 20;
  return mask;
}

Mask stripes(MaskKind kind, uint32_t period, uint32_t width) {
  Mask mask = small_mask(kind);
  mask.period = period;
  mask.width = width;
  return mask;
}

Mask random_blocks() {
  Mask mask = small_mask(MaskKind::kRandomBlocks);
  mask.density = 0.5;
  mask.block_queries = 64;
  mask.block_keys = 48;
  return mask;
}

using Matrix = std::vector<std::vector<bool>>;

Matrix matrix_of(const Mask& mask) {
  Matrix matrix(mask.queries, std::vector<bool>(mask.keys));
  std::vector<uint64_t> bits;
  for (uint32_t query = 0; query < mask.queries; ++query) {
    fill_row(mask, query, bits);
    for (uint32_t key = 0; key < bits.size() * 64; ++key) {
      const bool kept = (bits[key / 64] >> (key % 64) & 1) != 0;
      if (key < mask.keys) {
        matrix[query][key] = kept;
      } else {
        CHECK_FALSE(kept);
      }
    }
  }
  return matrix;
}

bool any_kept(const Matrix& matrix, uint32_t query_begin, uint32_t query_end, uint32_t key_begin,
              uint32_t key_end) {
  for (uint32_t query = query_begin; query < std::min<std::size_t>(query_end, matrix.size()); ++query) {
    for (uint32_t key = key_begin; key < std::min<std::size_t>(key_end, matrix[query].size()); ++key) {
      if (matrix[query][key]) {
        return true;
      }
    }
  }
  return false;
}

// Walks every element, tile by tile.
void check_against_walk(const Mask& mask, const Tiling& tiling) {
  const Matrix matrix = matrix_of(mask);
  const WorkList list = build_work_list(mask, tiling);
  const uint32_t width = tiling.kind == ListKind::kBlock ? tiling.key_tile : 1;
  uint64_t listed = 0;
  uint64_t kept = 0;
  for (const std::vector<bool>& row : matrix) {
    kept += static_cast<uint64_t>(std::count(row.begin(), row.end(), true));
  }
  uint32_t block = 0;
  for (uint32_t first = 0; first < mask.queries; first += tiling.query_tile, ++block) {
    const uint32_t end = std::min(first + tiling.query_tile, mask.queries);
    std::vector<uint32_t> items;
    uint64_t keys = 0;
    for (uint32_t key = 0; key < mask.keys; key += width) {
      const bool item = tiling.kind == ListKind::kDense || any_kept(matrix, first, end, key, key + width);
      keys += item ? std::min(width, mask.keys - key) : 0;
      if (item && tiling.kind != ListKind::kDense) {
        items.push_back(key / width);
      }
    }
    const auto begin = list.items.begin();
    CHECK(std::vector<uint32_t>(begin + static_cast<long>(list.starts[block]),
                                begin + static_cast<long>(list.starts[block + 1])) == items);
    CHECK(list.queries_of(block) == end - first);
    CHECK(list.keys_of(block) == keys);
    CHECK(list.tiles_of(block) == (keys + tiling.key_tile - 1) / tiling.key_tile);
    listed += keys * (end - first);
  }
  CHECK(list.query_blocks() == block);
  CHECK(list.mask_elements == kept);
  CHECK(list.listed_elements() == listed);
  const double all = static_cast<double>(mask.queries) * mask.keys;
  CHECK(list.element_density() == doctest::Approx(static_cast<double>(kept) / all));
  CHECK(list.list_density() == doctest::Approx(static_cast<double>(listed) / all));
}

const Mask kMasks[] = {small_mask(MaskKind::kDense),
                       uniform(),
                       runs(),
                       local_window(),
                       stripes(MaskKind::kStripes, 50, 3),
                       stripes(MaskKind::kDiagonals, 90, 5),
                       random_blocks()};

}  // namespace

TEST_CASE("work lists equal a walk over every element of the mask") {
  for (const Mask& mask : kMasks) {
    for (ListKind kind : {ListKind::kDense, ListKind::kBlock, ListKind::kGathered}) {
      for (const auto& [query_tile, key_tile] :
           {std::pair<uint32_t, uint32_t>{64, 32}, {1, 1}, {37, 50}, {300, 333}, {1000, 1000}}) {
        INFO("mask " << int(mask.kind) << " list " << int(kind) << " tile " << query_tile << " x "
                     << key_tile);
        check_against_walk(mask, {kind, query_tile, key_tile});
      }
    }
  }
}

TEST_CASE("work-list hashes equal those of the reference implementation") {
  struct Expected {
    uint64_t block, gathered;
  };
  const Expected expected[] = {
      {0xD5240182259C2978, 0xA102E7043A576364}, {0xD5240182259C2978, 0x1F837A1B43126DBC},
      {0xE1751FCE500F54C3, 0x81DDF6ACE3B0D62A}, {0xE82F8CCE713CF474, 0xF8CFB714008C0981},
      {0x8E506461E368B1D9, 0x45C1562109B2D578}, {0x30C8F1E5836DA4CA, 0xA29D3BF723B1197C},
      {0xD6F58FF5C9300E08, 0x222952FB647FCB49}};
  for (std::size_t i = 0; i < std::size(kMasks); ++i) {
    INFO("mask " << int(kMasks[i].kind));
    CHECK(hash(build_work_list(kMasks[i], {ListKind::kDense, 64, 32})) == 0x34F039382BC979C7);
    CHECK(hash(build_work_list(kMasks[i], {ListKind::kBlock, 64, 32})) == expected[i].block);
    CHECK(hash(build_work_list(kMasks[i], {ListKind::kGathered, 64, 32})) == expected[i].gathered);
  }
}

TEST_CASE("masks that draw nothing keep what their definition says") {
  const Matrix window = matrix_of(local_window());
  const Matrix vertical = matrix_of(stripes(MaskKind::kStripes, 50, 3));
  const Matrix diagonal = matrix_of(stripes(MaskKind::kDiagonals, 90, 5));
  const Matrix everything = matrix_of(stripes(MaskKind::kDiagonals, 7, 9));
  bool equal = true;
  for (int query = 0; query < 300; ++query) {
    for (int key = 0; key < 333; ++key) {
      const auto q = static_cast<std::size_t>(query);
      const auto k = static_cast<std::size_t>(key);
      equal &= window[q][k] == (std::abs(key - query * 333 / 300) <= 20);
      equal &= vertical[q][k] == (key % 50 < 3);
      equal &= diagonal[q][k] == ((key - query + 90 * 4) % 90 < 5);
      equal &= everything[q][k];
    }
  }
  CHECK(equal);
}

TEST_CASE("a bitmap is taken as it is, bits beyond the last key ignored") {
  Mask mask = small_mask(MaskKind::kBitmap);
  mask.queries = 3;
  mask.keys = 10;
  mask.bitmap = {0b00000001, 0b11111110, 0, 0b00000001, 0, 0};
  const WorkList list = build_work_list(mask, {ListKind::kGathered, 2, 4});
  CHECK(list.starts == std::vector<uint64_t>{0, 3, 3});
  CHECK(list.items == std::vector<uint32_t>{0, 8, 9});
  CHECK(list.mask_elements == 3);
  CHECK(list.keys_of(1) == 0);  // a query block that keeps nothing
  CHECK(list.listed_elements() == 2 * 3);
}

TEST_CASE("random masks come near their density") {
  Mask mask = uniform();
  mask.queries = 512;
  mask.keys = 4096;
  mask.query_group = 1;
  // 2 M draws at 0.3: five standard deviations are 0.0016. Runs of 7 in groups of 16 queries draw 19 k:
  // 0.016.
  CHECK(std::abs(build_work_list(mask, {}).element_density() - 0.3) < 0.0016);
  mask = runs();
  mask.queries = 512;
  mask.keys = 4096;
  CHECK(std::abs(build_work_list(mask, {}).element_density() - 0.25) < 0.016);
  mask.density = 0;
  CHECK(build_work_list(mask, {}).mask_elements == 0);
  mask.density = 1;
  CHECK(build_work_list(mask, {}).element_density() == 1);
}

TEST_CASE("queries of one group share a row, groups and heads do not") {
  std::vector<uint64_t> first;
  std::vector<uint64_t> second;
  Mask mask = uniform();
  fill_row(mask, 0, first);
  fill_row(mask, 63, second);
  CHECK(first == second);
  fill_row(mask, 64, second);
  CHECK(first != second);
  mask.seed = head_seed(42, 1);
  fill_row(mask, 0, second);
  CHECK(first != second);
  CHECK(head_seed(42, 0) != head_seed(42, 1));
}

TEST_CASE("the hash sees every part of a list") {
  const WorkList list = build_work_list(uniform(), {ListKind::kGathered, 64, 32});
  WorkList other = list;
  other.items.back() ^= 0x80000000;
  CHECK(hash(other) != hash(list));
  other = list;
  ++other.starts[1];
  CHECK(hash(other) != hash(list));
  other = list;
  other.tiling.key_tile = 64;
  CHECK(hash(other) != hash(list));
}

TEST_CASE("illegal masks name the field") {
  const auto rejected = [](const Mask& mask, const Tiling& tiling, const std::string& message) {
    CHECK_THROWS_WITH_AS((void)build_work_list(mask, tiling), ("attention mask: " + message).c_str(),
                         std::invalid_argument);
  };
  Mask mask = uniform();
  mask.density = std::numeric_limits<double>::quiet_NaN();
  rejected(mask, {}, "density must be from 0 to 1");
  mask.density = 1.5;
  rejected(mask, {}, "density must be from 0 to 1");
  mask = uniform();
  mask.query_group = 0;
  rejected(mask, {}, "query_group must be at least 1");
  mask = uniform();
  mask.keys = 0;
  rejected(mask, {}, "queries and keys must be at least 1");
  rejected(uniform(), {ListKind::kBlock, 0, 32}, "query_tile and key_tile must be at least 1");
  mask = small_mask(MaskKind::kBitmap);
  mask.bitmap.resize(41 * 300);
  rejected(mask, {}, "bitmap must hold (keys + 7) / 8 bytes for each query");
}

}  // namespace tilewright::masks
