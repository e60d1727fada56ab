// SPDX-License-Identifier: Apache-2.0
#include "workloads/masks/masks.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tilewright::masks {
namespace {

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;

uint64_t mix(uint64_t x) {
  x += kGolden;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

uint64_t rotate_left(uint64_t x, int bits) {
  return (x << bits) | (x >> (64 - bits));
}

class Stream {
 public:
  Stream(uint64_t seed, uint64_t index) {
    uint64_t z = mix(mix(seed) + index);
    for (uint64_t& word : state_) {
      word = mix(z);
      z += kGolden;
    }
  }

  uint64_t next() {
    const uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
  }

  bool kept(uint64_t threshold) { return (next() >> 11) < threshold; }

 private:
  uint64_t state_[4];
};

// The product with 2^53 is exact, and so is its floor.
uint64_t threshold_of(double density) {
  return static_cast<uint64_t>(density * 9007199254740992.0);
}

void require(bool condition, const char* text) {
  if (!condition) {
    throw std::invalid_argument(std::string("attention mask: ") + text);
  }
}

void check(const Mask& mask) {
  require(mask.queries > 0 && mask.keys > 0, "queries and keys must be at least 1");
  // Not a number fails both comparisons.
  require(mask.density >= 0 && mask.density <= 1, "density must be from 0 to 1");
  require(mask.query_group > 0, "query_group must be at least 1");
  require(mask.run_length > 0, "run_length must be at least 1");
  require(mask.period > 0, "period must be at least 1");
  require(mask.block_queries > 0 && mask.block_keys > 0, "block_queries and block_keys must be at least 1");
  if (mask.kind == MaskKind::kBitmap) {
    const uint64_t row_bytes = (uint64_t{mask.keys} + 7) / 8;
    require(mask.bitmap.size() == row_bytes * mask.queries,
            "bitmap must hold (keys + 7) / 8 bytes for each query");
  }
}

// Keys first to last - 1.
void set_range(std::vector<uint64_t>& bits, uint64_t first, uint64_t last) {
  for (uint64_t key = first; key < last;) {
    const uint64_t count = std::min<uint64_t>(last - key, 64 - key % 64);
    const uint64_t ones = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
    bits[key / 64] |= ones << (key % 64);
    key += count;
  }
}

// Draws for pieces of `length` keys, the first one shortened by `shift`.
void fill_pieces(const Mask& mask, Stream& stream, uint64_t length, uint64_t shift,
                 std::vector<uint64_t>& bits) {
  const uint64_t threshold = threshold_of(mask.density);
  for (uint64_t end = length - shift, first = 0; first < mask.keys; first = end, end += length) {
    if (stream.kept(threshold)) {
      set_range(bits, first, std::min<uint64_t>(end, mask.keys));
    }
  }
}

void fill_window(const Mask& mask, uint32_t query, std::vector<uint64_t>& bits) {
  const uint64_t centre = uint64_t{query} * mask.keys / mask.queries;
  const uint64_t first = centre > mask.window ? centre - mask.window : 0;
  set_range(bits, first, std::min<uint64_t>(centre + mask.window + 1, mask.keys));
}

void fill_stripes(const Mask& mask, uint32_t offset, std::vector<uint64_t>& bits) {
  const uint64_t width = std::min(mask.width, mask.period);
  // A stripe that began before key 0 may reach beyond it.
  if (offset + width > mask.period) {
    set_range(bits, 0, std::min<uint64_t>(offset + width - mask.period, mask.keys));
  }
  for (uint64_t first = offset; first < mask.keys; first += mask.period) {
    set_range(bits, first, std::min<uint64_t>(first + width, mask.keys));
  }
}

void fill_bitmap(const Mask& mask, uint32_t query, std::vector<uint64_t>& bits) {
  const std::size_t row_bytes = (std::size_t{mask.keys} + 7) / 8;
  for (std::size_t byte = 0; byte < row_bytes; ++byte) {
    bits[byte / 8] |= uint64_t{mask.bitmap[query * row_bytes + byte]} << (byte % 8 * 8);
  }
  if (mask.keys % 64 != 0) {
    bits.back() &= (uint64_t{1} << (mask.keys % 64)) - 1;
  }
}

void fill_checked_row(const Mask& mask, uint32_t query, std::vector<uint64_t>& bits) {
  bits.assign((std::size_t{mask.keys} + 63) / 64, 0);
  switch (mask.kind) {
    case MaskKind::kDense:
      return set_range(bits, 0, mask.keys);
    case MaskKind::kUniform: {
      Stream stream(mask.seed, query / mask.query_group);
      return fill_pieces(mask, stream, 1, 0, bits);
    }
    case MaskKind::kRuns: {
      Stream stream(mask.seed, query / mask.query_group);
      const uint64_t shift = stream.next() % mask.run_length;
      return fill_pieces(mask, stream, mask.run_length, shift, bits);
    }
    case MaskKind::kLocalWindow:
      return fill_window(mask, query, bits);
    case MaskKind::kStripes:
      return fill_stripes(mask, 0, bits);
    case MaskKind::kDiagonals:
      return fill_stripes(mask, query % mask.period, bits);
    case MaskKind::kRandomBlocks: {
      Stream stream(mask.seed, query / mask.block_queries);
      return fill_pieces(mask, stream, mask.block_keys, 0, bits);
    }
    case MaskKind::kBitmap:
      return fill_bitmap(mask, query, bits);
  }
  throw std::invalid_argument("attention mask: unknown kind");
}

// The first query after `query` whose row may differ.
uint64_t end_of_equal_rows(const Mask& mask, uint32_t query) {
  uint64_t group = 1;
  switch (mask.kind) {
    case MaskKind::kDense:
    case MaskKind::kStripes:
      return mask.queries;
    case MaskKind::kUniform:
    case MaskKind::kRuns:
      group = mask.query_group;
      break;
    case MaskKind::kRandomBlocks:
      group = mask.block_queries;
      break;
    case MaskKind::kLocalWindow:
    case MaskKind::kDiagonals:
    case MaskKind::kBitmap:
      break;
  }
  return (query / group + 1) * group;
}

uint64_t count_bits(const std::vector<uint64_t>& bits) {
  uint64_t count = 0;
  for (uint64_t word : bits) {
    count += static_cast<uint64_t>(__builtin_popcountll(word));
  }
  return count;
}

// Rows of the mask, the last one kept, since neighbouring queries often share it.
class Rows {
 public:
  explicit Rows(const Mask& mask) : mask_(mask) {}

  struct Row {
    const std::vector<uint64_t>& bits;
    uint64_t kept;
    uint64_t end;
  };
  Row at(uint32_t query) {
    if (query >= end_) {
      fill_checked_row(mask_, query, bits_);
      kept_ = count_bits(bits_);
      end_ = end_of_equal_rows(mask_, query);
    }
    return {bits_, kept_, end_};
  }

 private:
  const Mask& mask_;
  std::vector<uint64_t> bits_;
  uint64_t kept_ = 0;
  uint64_t end_ = 0;
};

// Appends the pieces of `length` keys that hold a set bit.
void append_items(const std::vector<uint64_t>& bits, uint32_t length, std::vector<uint32_t>& items,
                  std::size_t first_item) {
  for (std::size_t word = 0; word < bits.size(); ++word) {
    for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
      const auto bit = static_cast<uint64_t>(__builtin_ctzll(left));
      const auto item = static_cast<uint32_t>((word * 64 + bit) / length);
      if (items.size() == first_item || items.back() != item) {
        items.push_back(item);
      }
    }
  }
}

}  // namespace

uint64_t head_seed(uint64_t seed, uint64_t head) {
  return mix(mix(seed) + head);
}

void fill_row(const Mask& mask, uint32_t query, std::vector<uint64_t>& bits) {
  check(mask);
  require(query < mask.queries, "the query lies outside the mask");
  fill_checked_row(mask, query, bits);
}

uint32_t WorkList::queries_of(uint32_t block) const {
  const uint64_t first = uint64_t{block} * tiling.query_tile;
  return static_cast<uint32_t>(std::min<uint64_t>(tiling.query_tile, queries - first));
}

uint64_t WorkList::keys_of(uint32_t block) const {
  const uint64_t count = starts[block + 1] - starts[block];
  if (tiling.kind == ListKind::kDense) {
    return keys;
  }
  if (tiling.kind == ListKind::kGathered || count == 0) {
    return count;
  }
  const uint64_t last_end = (uint64_t{items[starts[block + 1] - 1]} + 1) * tiling.key_tile;
  return count * tiling.key_tile - (last_end > keys ? last_end - keys : 0);
}

uint64_t WorkList::tiles_of(uint32_t block) const {
  return (keys_of(block) + tiling.key_tile - 1) / tiling.key_tile;
}

uint64_t WorkList::listed_elements() const {
  uint64_t sum = 0;
  for (uint32_t block = 0; block < query_blocks(); ++block) {
    sum += queries_of(block) * keys_of(block);
  }
  return sum;
}

double WorkList::element_density() const {
  return static_cast<double>(mask_elements) / (static_cast<double>(queries) * keys);
}

double WorkList::list_density() const {
  return static_cast<double>(listed_elements()) / (static_cast<double>(queries) * keys);
}

WorkList build_work_list(const Mask& mask, const Tiling& tiling) {
  check(mask);
  require(tiling.query_tile > 0 && tiling.key_tile > 0, "query_tile and key_tile must be at least 1");
  WorkList list;
  list.tiling = tiling;
  list.queries = mask.queries;
  list.keys = mask.keys;
  list.starts.push_back(0);
  Rows rows(mask);
  std::vector<uint64_t> kept_by_any;
  for (uint64_t first = 0; first < mask.queries; first += tiling.query_tile) {
    const uint64_t end = std::min<uint64_t>(first + tiling.query_tile, mask.queries);
    kept_by_any.assign((std::size_t{mask.keys} + 63) / 64, 0);
    for (uint64_t query = first; query < end;) {
      const Rows::Row row = rows.at(static_cast<uint32_t>(query));
      const uint64_t row_end = std::min(row.end, end);
      list.mask_elements += row.kept * (row_end - query);
      for (std::size_t word = 0; word < kept_by_any.size(); ++word) {
        kept_by_any[word] |= row.bits[word];
      }
      query = row_end;
    }
    if (tiling.kind != ListKind::kDense) {
      const uint32_t length = tiling.kind == ListKind::kBlock ? tiling.key_tile : 1;
      append_items(kept_by_any, length, list.items, list.starts.back());
    }
    list.starts.push_back(list.items.size());
  }
  return list;
}

uint64_t hash(const WorkList& list) {
  uint64_t value = 0xCBF29CE484222325;
  const auto add = [&value](uint32_t word) { value = (value ^ word) * 0x100000001B3; };
  add(static_cast<uint32_t>(list.tiling.kind));
  add(list.queries);
  add(list.keys);
  add(list.tiling.query_tile);
  add(list.tiling.key_tile);
  for (uint32_t block = 0; block < list.query_blocks(); ++block) {
    add(static_cast<uint32_t>(list.starts[block + 1] - list.starts[block]));
    for (uint64_t item = list.starts[block]; item < list.starts[block + 1]; ++item) {
      add(list.items[item]);
    }
  }
  return mix(value);
}

}  // namespace tilewright::masks
