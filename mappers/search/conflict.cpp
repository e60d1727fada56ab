// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/conflict.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "mappers/search/fit.h"
#include "mappers/search/strategy.h"

namespace tilewright::mappers {
namespace {

constexpr uint64_t kLooked = 20'000;  // mappings that are tried where the smallest do not fit

// Elements of a list that no other is below in both sizes.
template <typename Element, typename Below>
std::vector<Element> smallest_of(const std::vector<Element>& list, const Below& below) {
  std::vector<Element> result;
  for (const Element& element : list) {
    if (std::none_of(list.begin(), list.end(), [&](const Element& other) { return below(other, element); })) {
      result.push_back(element);
    }
  }
  return result;
}

class Possible {
 public:
  Possible(LayerModel& model, const Mapspace& space) : model_(model), space_(space) {}

  // What a mapping needs grows with each of its sizes, so the smallest of every list are tried first. Slots are the
  // exception (there are never more than tiles), so a search looks for others.
  bool any() { return any_smallest() || any_of_search(); }
  const std::string& refusal() const { return refusal_; }

 private:
  bool any_smallest() {
    for (const Mapspace::Shape& shape : space_.shapes()) {
      Mapping m;
      m.packing = shape.packing;
      m.swap_operands = shape.swap;
      m.bypass = shape.bypass;
      m.input_slots = space_.slots(TileRole::kInput, UINT32_MAX)[0];
      m.weight_slots = space_.slots(TileRole::kWeight, UINT32_MAX)[0];
      m.output_slots = space_.slots(TileRole::kOutput, UINT32_MAX)[0];
      std::set<uint32_t> seen;
      for (const Split& split : shape.splits) {
        m.pe_groups = split.groups;
        m.pe_channels = split.lanes;
        m.pe_pixels = split.pixels;
        if (seen.insert(split.groups).second && any_of_shape(shape, m)) {
          return true;
        }
      }
    }
    return false;
  }

  bool any_of_shape(const Mapspace::Shape& shape, Mapping m) {
    const auto axis_below = [](const Mapspace::Axis& a, const Mapspace::Axis& b) {
      return a.tile <= b.tile && a.block <= b.block && (a.tile < b.tile || a.block < b.block);
    };
    const auto all_rows = smallest_of(shape.rows, axis_below), all_columns = smallest_of(shape.columns, axis_below);
    const auto all_lanes = smallest_of(shape.lanes, [](const Mapspace::Lanes& a, const Mapspace::Lanes& b) {
      return a.tile <= b.tile && a.channel_tiles <= b.channel_tiles &&
             (a.tile < b.tile || a.channel_tiles < b.channel_tiles);
    });
    const auto all_cuts = smallest_of(shape.cuts, [](const Mapspace::Cut& a, const Mapspace::Cut& b) {
      return a.kernel_rows <= b.kernel_rows && a.channels <= b.channels &&
             (a.kernel_rows < b.kernel_rows || a.channels < b.channels);
    });
    Evaluation unused;
    for (const auto& rows : all_rows) {
      for (const auto& columns : all_columns) {
        for (const auto& lanes : all_lanes) {
          for (const auto& cut : all_cuts) {
            m.tile_rows = rows.tile;
            m.block_rows = rows.block;
            m.tile_columns = columns.tile;
            m.block_columns = columns.block;
            m.tile_channels = lanes.tile;
            m.channel_tiles = lanes.channel_tiles;
            m.chunk_kernel_rows = cut.kernel_rows;
            m.chunk_channels = cut.channels;
            if (model_.evaluate(m, unused)) {
              return true;
            }
            refusal_ = model_.refusal();
          }
        }
      }
    }
    return false;
  }

  bool any_of_search() {
    const auto search = make_exhaustive_search(model_, space_, Objective::kCycles);
    Mapping mapping;
    Evaluation evaluation;
    for (uint64_t looked = 0; looked + search->extra_work() < kLooked && search->next(mapping); ++looked) {
      if (model_.evaluate(mapping, evaluation)) {
        return true;
      }
      search->report(mapping, nullptr);
    }
    return false;
  }

  LayerModel& model_;
  const Mapspace& space_;
  std::string refusal_;
};

// `refusal` becomes what the smallest mappings lack; empty where a list has nothing left.
bool possible(LayerModel& model, const MappingConstraints& constraints, Factors factors, std::string& refusal) {
  refusal.clear();
  const Mapspace space(model, constraints, factors);
  if (space.shapes().empty()) {
    return false;
  }
  Possible search(model, space);
  const bool any = search.any();
  refusal = search.refusal();
  return any;
}

}  // namespace

std::vector<std::string> conflicting_constraints(LayerModel& model, const MappingConstraints& constraints, Factors factors) {
  std::string refusal;
  if (possible(model, constraints, factors, refusal)) {
    return {};
  }
  MappingConstraints left = constraints;
  std::vector<std::string> needed;
  for (const std::string& key : given_constraints(constraints)) {
    MappingConstraints without = left;
    clear_constraint(without, key);
    if (possible(model, without, factors, refusal)) {
      needed.push_back(key);
    } else {
      left = without;
    }
  }
  return needed;
}

UserError no_mapping(LayerModel& model, const MappingConstraints& constraints, Factors factors) {
  const std::string layer = fmt::format("layer \"{}\"", model.layer().name);
  require_fit(model.layer(), model.spec(), model.residency());
  const std::vector<std::string> conflict = conflicting_constraints(model, constraints, factors);
  if (conflict.empty()) {
    return UserError(fmt::format("{}: no mapping was found that fits the machine; a larger budget may find one", layer),
                     ExitCode::kRunFailed);
  }
  MappingConstraints alone = constraints;
  for (const std::string& key : given_constraints(constraints)) {
    if (std::find(conflict.begin(), conflict.end(), key) == conflict.end()) {
      clear_constraint(alone, key);
    }
  }
  std::string refusal;
  possible(model, alone, factors, refusal);
  const std::string why = refusal.empty() ? "" : fmt::format(" ({} is too small for all that is left)", refusal);
  const std::string of = constraints.name.empty() ? "" : fmt::format(" of '{}'", constraints.name);
  const ExitCode code = refusal.empty() ? ExitCode::kUsage : ExitCode::kRunFailed;
  if (conflict.size() == 1) {
    return UserError(fmt::format("{}: the constraint '{}'{} allows no mapping of it{}", layer, conflict.front(), of, why), code);
  }
  return UserError(fmt::format("{}: the constraints '{}'{} together allow no mapping of it, and any fewer of them would{}", layer,
                               fmt::join(conflict, "', '"), of, why),
                   code);
}

}  // namespace tilewright::mappers
