// SPDX-License-Identifier: Apache-2.0
#include "mappers/fusion.h"

#include <algorithm>
#include <map>

namespace tilewright::mappers {
namespace {

constexpr std::size_t kMostStates = 1024;
constexpr int kRounds = 4;  // for products; two do mostly

struct Weights {
  double per_cycle = 0, per_joule = 0;
  double of(const LayerCost& cost) const { return per_cycle * cost.cycles + per_joule * cost.energy_j; }
};

Evaluation as_evaluation(const LayerCost& cost) {
  Evaluation evaluation;
  evaluation.cycles = cost.cycles;
  evaluation.energy_j = cost.energy_j;
  return evaluation;
}

// The slopes of log practical() at a plan.
Weights weights_at(const LayerCost& cost, Objective objective) {
  const double per_cycle = cost.cycles > 0 ? 1 / cost.cycles : 0, per_joule = cost.energy_j > 0 ? 1 / cost.energy_j : 0;
  switch (objective) {
    case Objective::kCycles:
      return {per_cycle, kPowerOfOther * per_joule};
    case Objective::kEnergy:
      return {kPowerOfOther * per_cycle, per_joule};
    case Objective::kEdp:
      break;
  }
  return {per_cycle, per_joule};
}

using State = std::vector<std::size_t>;  // tensors that stay, in rising order

struct Node {
  double value = 0;
  LayerCost cost;
  std::size_t parent = 0;             // place in the level before
  std::optional<std::size_t> joined;  // the tensor that was decided to stay at this layer
};

class ShortestPath {
 public:
  ShortestPath(const NetworkTensors& tensors, uint64_t capacity, const Weights& weights, const CostFunction& cost)
      : tensors_(tensors), capacity_(capacity), weights_(weights), cost_(cost), stays_(tensors.tensors().size(), false) {
    const std::vector<Tensor>& all = tensors.tensors();
    joins_.resize(all.size());
    for (std::size_t t = 0; t < all.size(); ++t) {
      if (all[t].may_stay && all[t].bytes <= capacity && all[t].traffic > 0) {
        joins_[all[t].first].push_back(t);
      }
    }
  }

  // False where a layer has no mapping under any state.
  bool run() {
    levels_.push_back({Node{}});
    std::map<State, std::size_t> states{{State{}, 0}};
    for (std::size_t layer = 0; layer < joins_.size(); ++layer) {
      states = step(layer, states);
      if (states.empty()) {
        return false;
      }
    }
    // All lifetimes have ended: one state is left.
    return true;
  }

  Fusion result() const {
    Fusion fusion;
    fusion.stays.assign(stays_.size(), false);
    fusion.exact = exact_;
    std::size_t at = 0;
    fusion.cost = levels_.back()[at].cost;
    for (std::size_t level = levels_.size() - 1; level > 0; --level) {
      const Node& node = levels_[level][at];
      if (node.joined) {
        fusion.stays[*node.joined] = true;
      }
      at = node.parent;
    }
    return fusion;
  }

 private:
  std::map<State, std::size_t> step(std::size_t layer, const std::map<State, std::size_t>& states) {
    std::map<State, Node> reached;
    for (const auto& [state, place] : states) {
      take(layer, state, place, std::nullopt, reached);
      for (const std::size_t tensor : joins_[layer]) {  // a layer is the first of one tensor at most: its output's
        take(layer, state, place, tensor, reached);
      }
    }
    std::vector<std::pair<State, Node>> kept(reached.begin(), reached.end());
    if (kept.size() > kMostStates) {
      exact_ = false;
      std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.second.value < b.second.value; });
      kept.resize(kMostStates);
    }
    std::map<State, std::size_t> result;
    std::vector<Node>& level = levels_.emplace_back();
    for (auto& [state, node] : kept) {
      result.emplace(std::move(state), level.size());
      level.push_back(node);
    }
    return result;
  }

  // One layer, with `joined` staying from here on.
  void take(std::size_t layer, const State& state, std::size_t place, std::optional<std::size_t> joined,
            std::map<State, Node>& reached) {
    const std::vector<Tensor>& all = tensors_.tensors();
    State now = state;
    if (joined) {
      now.insert(std::upper_bound(now.begin(), now.end(), *joined), *joined);
    }
    uint64_t used = 0;
    for (const std::size_t t : now) {
      used += all[t].bytes;
    }
    if (used > capacity_) {
      return;
    }
    Node node = levels_.back()[place];
    if (!tensors_.moves_nothing(layer)) {
      for (const std::size_t t : now) {
        stays_[t] = true;
      }
      const std::optional<LayerCost> cost = cost_(layer, tensors_.residency(layer, stays_, used));
      for (const std::size_t t : now) {
        stays_[t] = false;
      }
      if (!cost) {
        return;
      }
      node.cost += *cost;
      node.value += weights_.of(*cost);
    }
    node.parent = place;
    node.joined = joined;
    State after;
    std::copy_if(now.begin(), now.end(), std::back_inserter(after), [&](std::size_t t) { return all[t].last > layer; });
    const auto [known, fresh] = reached.try_emplace(std::move(after), node);
    if (!fresh && node.value < known->second.value) {
      known->second = node;
    }
  }

  const NetworkTensors& tensors_;
  uint64_t capacity_;
  Weights weights_;
  const CostFunction& cost_;
  std::vector<bool> stays_;  // scratch
  std::vector<std::vector<std::size_t>> joins_;
  std::vector<std::vector<Node>> levels_;
  bool exact_ = true;
};

}  // namespace

double network_value(const LayerCost& cost, Objective objective) { return practical(as_evaluation(cost), objective); }

Fusion search_fusion(const NetworkTensors& tensors, uint64_t capacity, Objective objective, const CostFunction& cost,
                     const std::vector<bool>& start) {
  Fusion best;
  best.stays = start;
  std::vector<uint64_t> used(start.size());
  for (std::size_t t = 0; t < start.size(); ++t) {
    for (std::size_t i = tensors.tensors()[t].first; start[t] && i <= tensors.tensors()[t].last; ++i) {
      used[i] += tensors.tensors()[t].bytes;
    }
  }
  for (std::size_t i = 0; i < start.size(); ++i) {
    if (!tensors.moves_nothing(i)) {
      const std::optional<LayerCost> layer = cost(i, tensors.residency(i, start, used[i]));
      if (!layer) {
        return best;
      }
      best.cost += *layer;
    }
  }
  for (int round = 0; round < kRounds; ++round) {
    ShortestPath path(tensors, capacity, weights_at(best.cost, objective), cost);
    if (!path.run()) {
      return best;
    }
    const Fusion found = path.result();
    if (network_value(found.cost, objective) >= network_value(best.cost, objective)) {
      best.exact = found.exact;
      return best;
    }
    best = found;
  }
  return best;
}

}  // namespace tilewright::mappers
