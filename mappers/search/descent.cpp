// SPDX-License-Identifier: Apache-2.0
//
// Coordinate descent. Starts: for each shape, the full arrays whose parts waste least, blocks as large as fit, whole
// chunks; from there, one list after the other, the best of its values near by (1, 2, 4, ... places away), until nothing
// gets better.
#include <algorithm>

#include "mappers/search/moves.h"
#include "mappers/search/strategy.h"
#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

constexpr std::array<Move, 9> kMoves = {Move::kCut,    Move::kSplit,     Move::kColumns, Move::kRows,    Move::kLanes,
                                        Move::kSlots, Move::kTileOrder, Move::kPeOrder, Move::kDataflow};
constexpr std::size_t kStartsOfShape = 3;

class DescentSearch final : public SearchStrategy {
 public:
  DescentSearch(LayerModel& model, const Mapspace& space, Objective objective)
      : model_(model), space_(space), objective_(objective) {
    for (uint32_t shape = 0; shape < space.shapes().size(); ++shape) {
      add_starts(shape);
    }
  }

  bool next(Mapping& mapping) override {
    while (tried_ == candidates_.size()) {
      if (!next_candidates()) {
        return false;
      }
    }
    mapping = space_.mapping_of(candidates_[tried_]);
    return true;
  }

  void report(const Mapping&, const Evaluation* evaluation) override {
    const Mapspace::Point point = candidates_[tried_++];
    if (evaluation == nullptr) {
      return;
    }
    if (!value_ || value_of(*evaluation, objective_) < *value_) {
      value_ = value_of(*evaluation, objective_);
      current_ = point;
      improved_ = true;
    }
  }

 private:
  // Work of the busiest PE beside an even share, were blocks dealt by whole tiles of lanes and single pixels.
  double waste(const Form& form, const Split& split) const {
    const double lanes = double(divide_up(form.lanes, model_.spec().pe.lanes));
    const double pixels = double(form.rows) * form.columns;
    const double busiest = std::max(1.0, double(divide_up(static_cast<uint64_t>(lanes), split.lanes))) *
                           double(divide_up(static_cast<uint64_t>(pixels), split.pixels)) *
                           double(divide_up(form.groups, split.groups));
    return busiest * model_.spec().pe_count / (lanes * pixels * form.groups);
  }

  void add_starts(uint32_t index) {
    const Mapspace::Shape& shape = space_.shapes()[index];
    const Form& form = model_.form(shape.packing, shape.swap);
    std::vector<uint32_t> order(shape.splits.size());
    for (uint32_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    // Even parts of the array both ways where nothing else decides: both operands are shared.
    const auto rank = [&](uint32_t i) {
      const Split& s = shape.splits[i];
      return std::pair(waste(form, s), std::max(s.lanes, s.pixels));
    };
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return rank(a) < rank(b); });
    for (std::size_t i = 0; i < std::min(kStartsOfShape, order.size()); ++i) {
      Mapspace::Point point;
      point.shape = index;
      point.split = order[i];
      point.cut = static_cast<uint32_t>(shape.cuts.size() - 1);
      // The whole of the rows and lanes may not fit: descending from large to small finds the first that does.
      for (const uint32_t share : {1U, 2U, 4U, 8U, 16U, 64U}) {
        point.lanes = largest(shape.lanes, [&](const Mapspace::Lanes& l) {
          return l.tile <= std::max(form.lanes / share, model_.spec().pe.lanes * 4U) ? -int(l.channel_tiles) : -1000000;
        });
        point.rows = largest(shape.rows, [&](const Mapspace::Axis& a) {
          return a.tile <= std::max(1U, form.rows / share) ? (a.block == 1 ? int(a.tile) : 0) : -1;
        });
        point.columns = largest(shape.columns, [&](const Mapspace::Axis& a) {
          const uint32_t most = model_.spec().pe.accumulator_entries;
          const bool fits = a.block <= most && (form.rows > 1 || a.tile <= std::max<uint64_t>(64, form.columns / share));
          return fits ? int(std::min(a.block, 16U)) * 1000000 + int(std::min(a.tile, 999999U)) : -1;
        });
        starts_.push_back(point);
        point.cut /= 2;
      }
    }
  }

  template <typename List, typename Score>
  static uint32_t largest(const List& list, const Score& score) {
    const auto best = std::max_element(list.begin(), list.end(),
                                       [&](const auto& a, const auto& b) { return score(a) < score(b); });
    return static_cast<uint32_t>(best - list.begin());
  }

  bool next_candidates() {
    candidates_.clear();
    tried_ = 0;
    if (!started_) {
      started_ = true;
      candidates_ = starts_;
      return !candidates_.empty();
    }
    if (!value_) {
      return false;
    }
    if (move_ == kMoves.size()) {
      if (!improved_) {
        return false;
      }
      move_ = 0;
    }
    if (move_ == 0) {
      improved_ = false;
    }
    add_neighbours(kMoves[move_++]);
    return true;
  }

  void add_neighbours(Move move) {
    if (move == Move::kSlots) {
      for (uint32_t role = 0; role < kTileRoles; ++role) {
        for (const uint32_t count : space_.slots(static_cast<TileRole>(role), kSlotCounts.back())) {
          Mapspace::Point point = current_;
          point.slots[role] = count;
          if (count != current_.slots[role]) {
            candidates_.push_back(point);
          }
        }
      }
      return;
    }
    const uint32_t count = choices(space_, current_, move);
    const uint32_t at = place(current_, move);
    for (uint32_t distance = 1; distance < count; distance *= 2) {
      for (const bool down : {false, true}) {
        if (down ? distance <= at : at + distance < count) {
          Mapspace::Point point = current_;
          place(point, move) = down ? at - distance : at + distance;
          candidates_.push_back(point);
        }
      }
    }
  }

  LayerModel& model_;
  const Mapspace& space_;
  Objective objective_;
  std::vector<Mapspace::Point> starts_, candidates_;
  std::size_t tried_ = 0, move_ = 0;
  bool started_ = false, improved_ = false;
  Mapspace::Point current_;
  std::optional<double> value_;
};

}  // namespace

std::unique_ptr<SearchStrategy> make_descent_search(LayerModel& model, const Mapspace& space, Objective objective) {
  return std::make_unique<DescentSearch>(model, space, objective);
}

}  // namespace tilewright::mappers
