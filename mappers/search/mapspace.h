// SPDX-License-Identifier: Apache-2.0
//
// All mappings that a search may choose from, as a product of lists. docs/mapper.md writes the space down; size() is how
// many mappings it has, legal or not.
//
//   perfect     every size is a divisor of what it cuts, PEs are split by divisors of their number
//   imperfect   every size cuts its extent into n parts as equal as possible, for every n up to 32 and above that for n
//               an eighth of a power of two apart; blocks for the eight smallest n that fit and for powers of two; PEs
//               are split in every way
#pragma once

#include <array>
#include <string>
#include <vector>

#include "mappers/model/model.h"
#include "mappers/search/constraints.h"

namespace tilewright::mappers {

// A few numbers in rising order, each once, without an allocation: searches ask for them at every step.
class SlotCounts {
 public:
  void insert(uint32_t value) {
    std::size_t at = size_;
    while (at > 0 && values_[at - 1] > value) {
      --at;
    }
    if ((at > 0 && values_[at - 1] == value) || size_ == values_.size()) {
      return;
    }
    for (std::size_t i = size_; i > at; --i) {
      values_[i] = values_[i - 1];
    }
    values_[at] = value;
    ++size_;
  }
  template <typename Predicate>
  void erase_if(const Predicate& predicate) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!predicate(values_[i])) {
        values_[kept++] = values_[i];
      }
    }
    size_ = kept;
  }
  const uint32_t* begin() const { return values_.data(); }
  const uint32_t* end() const { return values_.data() + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  uint32_t operator[](std::size_t i) const { return values_[i]; }

 private:
  std::array<uint32_t, 24> values_{};
  std::size_t size_ = 0;
};

class Mapspace {
 public:
  struct Lanes {
    uint32_t tile = 1, channel_tiles = 1;
  };
  struct Cut {
    uint32_t kernel_rows = 1, channels = 1;
  };
  struct Axis {
    uint32_t tile = 1, block = 1;
  };
  // What is the same for one packing and operand order.
  struct Shape {
    Packing packing = Packing::kUnpacked;
    bool swap = false;
    arch::Bypass bypass = arch::Bypass::kNone;
    std::vector<Split> splits;
    std::vector<Lanes> lanes;
    std::vector<Cut> cuts;
    std::vector<Axis> rows, columns;
    double pixel_halves = 0;  // pairs of rows and columns whose block fits the accumulators
    const Form* form = nullptr;
  };

  // One mapping, by its places in the lists; slots by their number.
  struct Point {
    uint32_t shape = 0, split = 0, lanes = 0, cut = 0, rows = 0, columns = 0;
    uint32_t dataflow = 0, pe_order = 0, tile_order = 0;
    std::array<uint32_t, kTileRoles> slots{2, 2, 2};
  };
  Mapping mapping_of(const Point& point) const;

  // Without shapes where the constraints leave no choice for this layer (conflict.h says which of them). The model must
  // outlive it.
  Mapspace(LayerModel& model, const MappingConstraints& constraints, Factors factors);

  const std::vector<Shape>& shapes() const { return shapes_; }
  const std::vector<arch::Dataflow>& dataflows() const { return dataflows_; }
  const std::vector<LoopOrder>& pe_orders() const { return pe_orders_; }
  const std::vector<LoopOrder>& tile_orders() const { return tile_orders_; }
  // Slots that are tried of a class with `tiles` tiles; the last is all of them where those may be kept.
  SlotCounts slots(TileRole role, uint64_t tiles) const;
  // Dataflows, loop orders and slots for one pair of halves.
  double choices(const Shape& shape) const;
  // Whether the constraints allow a mapping that did not come from the lists. Always true where there are none.
  bool admits(const Mapping& mapping) const;
  bool pixels_fit(const Axis& rows, const Axis& columns) const;
  double size() const { return size_; }

 private:
  void add_shape(LayerModel& model, Packing packing, bool swap, arch::Bypass bypass);
  std::vector<arch::Bypass> bypasses(const LayerModel& model) const;
  std::vector<uint32_t> sizes(uint32_t extent) const;
  std::vector<uint32_t> block_sizes(uint32_t tile, uint32_t most) const;
  std::vector<Axis> axis(uint32_t extent, const std::optional<SizeConstraint>& tiles,
                         const std::optional<SizeConstraint>& blocks) const;

  MappingConstraints constraints_;
  bool free_ = true;  // no constraint at all
  Factors factors_;
  uint32_t most_block_ = 1, lanes_ = 1, vector_ = 1, pes_ = 1;
  std::vector<Shape> shapes_;
  std::vector<arch::Dataflow> dataflows_;
  std::vector<LoopOrder> pe_orders_, tile_orders_;
  double size_ = 0;
};

}  // namespace tilewright::mappers
