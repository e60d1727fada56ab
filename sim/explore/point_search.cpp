// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/point_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "mappers/search/moves.h"
#include "sim/base/error.h"

namespace tilewright::explore {
namespace {

using mappers::Random;

constexpr PointNumber kMostEnumerated = 20'000'000;

std::vector<PointNumber> admitted(const Space& space) {
  std::vector<PointNumber> points;
  for (PointNumber point = 0; point < space.size(); ++point) {
    if (space.admits(space.places(point))) {
      points.push_back(point);
    }
  }
  return points;
}

[[noreturn]] void nothing_admitted() { throw UserError("the conditions of the exploration admit no point of its space"); }

// A list known from the start.
class ListSearch final : public PointSearch {
 public:
  explicit ListSearch(std::vector<PointNumber> points) : points_(std::move(points)) {
    if (points_.empty()) {
      nothing_admitted();
    }
  }
  std::vector<PointNumber> next() override {
    const bool first = !given_;
    given_ = true;
    return first ? points_ : std::vector<PointNumber>{};
  }
  void report(const std::vector<std::optional<Values>>&) override {}
  uint64_t total() const override { return points_.size(); }

 private:
  std::vector<PointNumber> points_;
  bool given_ = false;
};

class EvolutionarySearch final : public PointSearch {
 public:
  EvolutionarySearch(const Space& space, const SearchPlan& plan)
      : space_(space), plan_(plan), random_(plan.seed), seeds_(draw_points(space, plan.population, plan.seed)) {
    if (seeds_.empty()) {
      nothing_admitted();
    }
  }

  std::vector<PointNumber> next() override {
    batch_.clear();
    const uint64_t room = plan_.points - std::min<uint64_t>(plan_.points, seen_.size());
    if (members_.empty()) {
      batch_.assign(seeds_.begin(), seeds_.begin() + static_cast<std::ptrdiff_t>(std::min<uint64_t>(room, seeds_.size())));
      seen_.insert(batch_.begin(), batch_.end());
      return batch_;
    }
    const uint64_t size = std::min<uint64_t>(room, plan_.population);
    // Where the neighbourhood is used up, children are old points over and over: then the search is over.
    for (uint64_t tries = 0; batch_.size() < size && tries < size * kTriesPerChild; ++tries) {
      const Places child = make_child();
      const PointNumber number = space_.number(child);
      if (space_.admits(child) && seen_.insert(number).second) {
        batch_.push_back(number);
      }
    }
    return batch_;
  }

  void report(const std::vector<std::optional<Values>>& values) override {
    TILEWRIGHT_CHECK(values.size() == batch_.size(), "a batch was reported in part");
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      members_.push_back({space_.places(batch_[i]), values[i].value_or(Values{}), 0, 0});
    }
    select();
  }

  uint64_t total() const override { return std::min<uint64_t>(plan_.points, space_.size()); }

 private:
  static constexpr uint64_t kTriesPerChild = 200;
  struct Member {
    Places places;
    Values values;  // none: no design
    std::size_t rank = 0;
    double crowding = 0;
  };

  // The best of parents and children: front by front, the last one by how lonely its members are.
  void select() {
    std::vector<Values> values;
    std::vector<std::size_t> designs;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      members_[i].rank = members_.size();  // no design
      if (!members_[i].values.empty()) {
        designs.push_back(i);
        values.push_back(members_[i].values);
      }
    }
    const auto fronts = non_dominated_sort(values);
    for (std::size_t rank = 0; rank < fronts.size(); ++rank) {
      const std::vector<double> crowding = crowding_distances(values, fronts[rank]);
      for (std::size_t i = 0; i < fronts[rank].size(); ++i) {
        members_[designs[fronts[rank][i]]].rank = rank;
        members_[designs[fronts[rank][i]]].crowding = crowding[i];
      }
    }
    std::stable_sort(members_.begin(), members_.end(), precedes);
    members_.resize(std::min<std::size_t>(members_.size(), plan_.population));
  }

  static bool precedes(const Member& a, const Member& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.crowding > b.crowding;
  }

  const Member& tournament() {
    const Member& a = members_[random_.below(members_.size())];
    const Member& b = members_[random_.below(members_.size())];
    return precedes(b, a) ? b : a;
  }

  Places make_child() {
    const Member& mother = tournament();
    const Member& father = tournament();
    Places child = mother.places;
    for (std::size_t i = 0; i < child.size(); ++i) {
      if (random_.below(2) == 1) {
        child[i] = father.places[i];
      }
      if (random_.below(child.size()) == 0) {
        child[i] = mutated(i, child[i]);
      }
    }
    return child;
  }

  uint32_t mutated(std::size_t parameter, uint32_t place) {
    const uint32_t count = space_.choices(parameter);
    if (random_.below(4) == 0) {
      return random_.below(count);
    }
    const bool up = random_.below(2) == 1;
    return up ? std::min(place + 1, count - 1) : place - std::min(place, 1U);
  }

  const Space& space_;
  const SearchPlan plan_;
  Random random_;
  std::vector<PointNumber> seeds_, batch_;
  std::unordered_set<PointNumber> seen_;
  std::vector<Member> members_;
};

}  // namespace

std::vector<PointNumber> draw_points(const Space& space, uint64_t count, uint64_t seed) {
  constexpr PointNumber kSmall = 1U << 20;
  constexpr uint64_t kTriesPerPoint = 10'000;
  Random random(seed);
  std::vector<PointNumber> points;
  if (space.size() <= kSmall) {
    points = admitted(space);
    const std::size_t wanted = std::min<std::size_t>(count, points.size());
    for (std::size_t i = 0; i < wanted; ++i) {
      std::swap(points[i], points[i + random.below(points.size() - i)]);
    }
    points.resize(wanted);
    return points;
  }
  std::unordered_set<PointNumber> seen;
  Places places(space.parameters());
  for (uint64_t tries = 0; points.size() < count && tries < kTriesPerPoint * count; ++tries) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      places[i] = random.below(space.choices(i));
    }
    if (space.admits(places) && seen.insert(space.number(places)).second) {
      points.push_back(space.number(places));
    }
  }
  return points;
}

std::unique_ptr<PointSearch> make_exhaustive_search(const Space& space) {
  if (space.size() > kMostEnumerated) {
    throw UserError(fmt::format("the space has {} points, too many to look at every one of them (at most {}): narrow it, or "
                                "choose 'random' or 'evolutionary' as 'search.strategy'",
                                space.size(), kMostEnumerated));
  }
  return std::make_unique<ListSearch>(admitted(space));
}

std::unique_ptr<PointSearch> make_random_search(const Space& space, uint64_t points, uint64_t seed) {
  return std::make_unique<ListSearch>(draw_points(space, points, seed));
}

std::unique_ptr<PointSearch> make_evolutionary_search(const Space& space, const SearchPlan& plan) {
  return std::make_unique<EvolutionarySearch>(space, plan);
}

}  // namespace tilewright::explore
