// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "mappers/search/slot_climb.h"
#include "mappers/search/strategy.h"

namespace tilewright::mappers {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr uint64_t kFloorsPerEvaluation = 16;      // what a floor costs beside an evaluation
constexpr uint64_t kFloorsPerOrder = 8;            // one of loop orders
constexpr uint64_t kFloorsPerPart = 32;            // and working out a half
constexpr uint64_t kFloorsAfterStop = 10'000'000;  // for the lower bound of what was left

double value_of(const LayerModel::Floor& floor, Objective objective) {
  return objective == Objective::kCycles   ? floor.expected
         : objective == Objective::kEnergy ? floor.energy_j
                                           : floor.expected * floor.energy_j;
}

struct Pixels {
  const PixelPart* part = nullptr;
  uint32_t rows = 0, columns = 0;  // places in the shape's lists
  uint32_t block = 1;
};

class ExhaustiveSearch final : public SearchStrategy {
 public:
  // With a front, what it covers is pruned instead of what is no better than the best.
  ExhaustiveSearch(LayerModel& model, const Mapspace& space, Objective objective, bool prune, const Front* front = nullptr)
      : model_(model), space_(space), objective_(objective), prune_(prune), front_(front),
        energy_(front != nullptr || objective != Objective::kCycles) {
    for (const Mapspace::Shape& shape : space.shapes()) {
      choices_of_.push_back(space.choices(shape));
    }
    order_splits();
  }

  void allow(uint64_t extra_work) override { limit_ = extra_work * kFloorsPerEvaluation; }

  bool next(Mapping& mapping) override {
    while (true) {
      if (climb_ && climb_->next(mapping)) {
        return true;
      }
      climb_.reset();
      if (!advance()) {
        return false;
      }
    }
  }

  void report(const Mapping&, const Evaluation* evaluation) override {
    if (evaluation != nullptr && prune_) {
      best_ = std::min(best_, mappers::value_of(*evaluation, objective_));
    }
    if (climb_) {
      climb_->report(evaluation);
    }
  }

  uint64_t extra_work() const override { return floors_ / kFloorsPerEvaluation; }
  double pruned() const override { return pruned_; }
  double lower_bound() const override { return lower_bound_; }

  // Goes through the rest without proposing anything.
  void stop() override {
    stopped_ = true;
    if (climb_) {  // its pair was not looked through to the end
      skipped_ = std::min(skipped_, closest_floor());
      climb_.reset();
    }
    limit_ = floors_ + kFloorsAfterStop;
    Mapping unused;
    while (advance()) {
    }
  }

 private:
  struct Branch {
    uint32_t shape = 0, split = 0;
    LayerModel::Floor reach;
    double floor = 0;  // of the objective
  };

  bool hopeless(const LayerModel::Floor& floor, double value) const {
    return front_ != nullptr ? front_->covers(floor.expected, floor.energy_j) : value >= best_;
  }

  // Whether some slots under these loop orders may be better than what is known.
  bool worth(const Choice& orders, bool keeps) {
    floors_ += kFloorsPerOrder;
    const std::optional<LayerModel::Floor> floor = model_.floor_of_order(whole_, orders, keeps, energy_);
    const bool may_be = floor && !hopeless(*floor, value_of(*floor, objective_));
    pruned_ += may_be ? 0 : choices_ / (2.0 * double(space_.pe_orders().size() * space_.tile_orders().size()));
    return may_be;
  }

  // Of the pair: what none of its orders can go below.
  double closest_floor() {
    double least = kInfinity;
    for (const LoopOrder pe_order : space_.pe_orders()) {
      for (const LoopOrder tile_order : space_.tile_orders()) {
        for (const bool keeps : {false, true}) {
          floors_ += kFloorsPerOrder;
          const auto floor = model_.floor_of_order(whole_, {mapping_.dataflow, pe_order, tile_order}, keeps, energy_);
          least = std::min(least, floor ? value_of(*floor, objective_) : kInfinity);
        }
      }
    }
    return least;
  }

  // Splits in the order of what they can reach.
  void order_splits() {
    for (uint32_t s = 0; s < space_.shapes().size(); ++s) {
      const Mapspace::Shape& shape = space_.shapes()[s];
      const Form& form = model_.form(shape.packing, shape.swap);
      uint64_t vectors = UINT64_MAX;
      Mapping m;
      for (const Mapspace::Cut& cut : shape.cuts) {
        m.chunk_kernel_rows = cut.kernel_rows;
        m.chunk_channels = cut.channels;
        vectors = std::min(vectors, model_.reduction(form, m).vectors);
      }
      for (uint32_t p = 0; p < shape.splits.size(); ++p) {
        const LayerModel::Floor reach = model_.floor_of_split(form, shape.splits[p], vectors);
        branches_.push_back({s, p, reach, value_of(reach, objective_)});
      }
    }
    std::stable_sort(branches_.begin(), branches_.end(),
                     [](const Branch& a, const Branch& b) { return a.floor < b.floor; });
    lower_bound_ = branches_.empty() ? kInfinity : branches_.front().floor;
  }

  bool spent() const { return floors_ > limit_; }

  // To the next pair of halves that may hold something better; false when there is none, or work has to stop.
  bool advance() {
    while (true) {
      if (in_branch_ && advance_pair()) {
        return true;
      }
      if (spent()) {
        lower_bound_ = std::min({skipped_, in_branch_ ? branch_.floor : kInfinity,
                                 at_ < branches_.size() ? branches_[at_].floor : kInfinity});
        return false;
      }
      in_branch_ = false;
      while (front_ != nullptr && at_ < branches_.size() && hopeless(branches_[at_].reach, 0)) {
        pruned_ += mappings_of(branches_[at_++]);
      }
      if (at_ == branches_.size() || (front_ == nullptr && branches_[at_].floor >= std::min(best_, skipped_))) {
        // Sorted: so are all that follow.
        for (; at_ < branches_.size(); ++at_) {
          pruned_ += mappings_of(branches_[at_]);
        }
        lower_bound_ = skipped_;
        return false;
      }
      enter(branches_[at_++]);
    }
  }

  double mappings_of(const Branch& branch) const {
    const Mapspace::Shape& shape = space_.shapes()[branch.shape];
    return double(shape.lanes.size()) * double(shape.cuts.size()) * shape.pixel_halves * choices_of_[branch.shape];
  }

  void enter(const Branch& branch) {
    branch_ = branch;
    shape_ = &space_.shapes()[branch.shape];
    form_ = &model_.form(shape_->packing, shape_->swap);
    halves_ = {};
    halves_.form = form_;
    halves_.split = shape_->splits[branch.split];
    halves_.bypass = shape_->bypass == arch::Bypass::kWeights;
    choices_ = choices_of_[branch.shape];
    mapping_ = {};
    mapping_.packing = shape_->packing;
    mapping_.swap_operands = shape_->swap;
    mapping_.bypass = shape_->bypass;
    mapping_.pe_groups = halves_.split.groups;
    mapping_.pe_channels = halves_.split.lanes;
    mapping_.pe_pixels = halves_.split.pixels;
    lanes_at_ = cut_at_ = pixels_at_ = 0;
    pixels_ = nullptr;
    in_branch_ = true;
  }

  // What goes past the global buffer changes nothing about a shape's lists.
  uint32_t form_key() const { return static_cast<uint32_t>(shape_->packing) * 2 + (shape_->swap ? 1 : 0); }

  // Pixel halves by the work of their busiest part; made once for all splits that share them.
  const std::vector<Pixels>& pixel_halves() {
    const uint32_t kernel_rows = shape_->cuts[cut_at_].kernel_rows;
    std::vector<Pixels>& list =
        lists_[{form_key(), halves_.split.groups, halves_.split.pixels, std::min(kernel_rows, form_->kernel_height)}];
    if (!list.empty()) {
      return list;
    }
    for (uint32_t r = 0; r < shape_->rows.size(); ++r) {
      for (uint32_t c = 0; c < shape_->columns.size(); ++c) {
        if (space_.pixels_fit(shape_->rows[r], shape_->columns[c])) {
          set_pixels(r, c);
          const PixelPart& part = model_.pixel_part(*form_, *halves_.cut, mapping_);
          list.push_back({&part, r, c, mapping_.block_rows * mapping_.block_columns});
        }
      }
    }
    floors_ += kFloorsPerPart * list.size();
    std::stable_sort(list.begin(), list.end(),
                     [](const Pixels& a, const Pixels& b) { return a.part->busiest < b.part->busiest; });
    return list;
  }

  void set_pixels(uint32_t rows, uint32_t columns) {
    mapping_.tile_rows = shape_->rows[rows].tile;
    mapping_.block_rows = shape_->rows[rows].block;
    mapping_.tile_columns = shape_->columns[columns].tile;
    mapping_.block_columns = shape_->columns[columns].block;
  }

  bool enter_lanes() {
    if (lanes_at_ == shape_->lanes.size()) {
      return false;
    }
    mapping_.chunk_kernel_rows = shape_->cuts[cut_at_].kernel_rows;
    mapping_.chunk_channels = shape_->cuts[cut_at_].channels;
    mapping_.tile_channels = shape_->lanes[lanes_at_].tile;
    mapping_.channel_tiles = shape_->lanes[lanes_at_].channel_tiles;
    halves_.cut = &model_.reduction(*form_, mapping_);
    halves_.lanes = &model_.lane_part(*form_, mapping_);
    pixels_ = &pixel_halves();
    return true;
  }

  void leave_lanes() {
    pixels_ = nullptr;
    pixels_at_ = 0;
    if (++cut_at_ == shape_->cuts.size()) {
      cut_at_ = 0;
      ++lanes_at_;
    }
  }

  bool advance_pair() {
    while (true) {
      if (pixels_ == nullptr && !enter_lanes()) {
        return false;
      }
      for (; pixels_at_ < pixels_->size(); ++pixels_at_) {
        if (spent() || skipped_ <= branch_.floor) {  // or nothing in here can lower what is known to be left
          return false;
        }
        const Pixels& pixels = (*pixels_)[pixels_at_];
        if (uint64_t{pixels.block} * halves_.lanes->channel_tiles > model_.spec().pe.accumulator_entries) {
          continue;
        }
        halves_.pixels = pixels.part;
        ++floors_;
        LayerModel::Floor floor = model_.floor_of(halves_, energy_);
        double value = value_of(floor, objective_);
        if (!hopeless(floor, value)) {
          LayerModel::add_contention(floor);
          value = value_of(floor, objective_);
        }
        if (hopeless(floor, value)) {
          pruned_ += choices_;
          if (front_ == nullptr && objective_ == Objective::kCycles && compute_alone() >= best_) {  // as are all with more work
            pruned_ += choices_ * double(pixels_->size() - pixels_at_ - 1);
            break;
          }
          continue;
        }
        if (stopped_ && value >= skipped_) {
          continue;
        }
        set_pixels(pixels.rows, pixels.columns);
        mapping_.dataflow = model_.best_dataflow(halves_, space_.dataflows());
        Mapping clipped = mapping_;
        if (!model_.prepare(clipped, whole_)) {
          pruned_ += choices_;
          continue;
        }
        if (stopped_) {
          skipped_ = std::min(skipped_, std::max(value, closest_floor()));
          continue;
        }
        ++pixels_at_;
        const auto is_worth = [this](const Choice& orders, bool keeps) { return worth(orders, keeps); };
        climb_.emplace(space_, mapping_, whole_, prune_ ? SlotClimb::Worth(is_worth) : SlotClimb::Worth());
        return true;
      }
      leave_lanes();
    }
  }

  double compute_alone() const {
    const double batches =
        form_->depthwise ? 1 : double((form_->groups + halves_.split.groups - 1) / halves_.split.groups);
    return double(halves_.lanes->busiest) * double(halves_.pixels->busiest) * batches * double(halves_.cut->vectors);
  }

  LayerModel& model_;
  const Mapspace& space_;
  Objective objective_;
  bool prune_;
  const Front* front_;
  bool energy_;                     // of floors is asked for
  std::vector<double> choices_of_;  // by shape
  double choices_ = 1;              // of the present one
  double best_ = kInfinity, lower_bound_ = 0, skipped_ = kInfinity, pruned_ = 0;
  uint64_t floors_ = 0, limit_ = UINT64_MAX;
  bool stopped_ = false, in_branch_ = false;
  std::vector<Branch> branches_;
  std::size_t at_ = 0;
  Branch branch_;
  const Mapspace::Shape* shape_ = nullptr;
  const Form* form_ = nullptr;
  Halves halves_;  // of the pair, without geometry and the stream's traffic, ...
  Halves whole_;   // ... and with them, sizes clipped
  Mapping mapping_;
  std::size_t lanes_at_ = 0, cut_at_ = 0, pixels_at_ = 0;
  const std::vector<Pixels>* pixels_ = nullptr;
  std::map<std::array<uint32_t, 4>, std::vector<Pixels>> lists_;
  std::optional<SlotClimb> climb_;
};

}  // namespace

std::unique_ptr<SearchStrategy> make_exhaustive_search(LayerModel& model, const Mapspace& space, Objective objective,
                                                       bool prune) {
  return std::make_unique<ExhaustiveSearch>(model, space, objective, prune);
}

std::unique_ptr<SearchStrategy> make_front_search(LayerModel& model, const Mapspace& space, const Front& front) {
  return std::make_unique<ExhaustiveSearch>(model, space, Objective::kEdp, true, &front);
}

}  // namespace tilewright::mappers
