// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/loop_nest.h"

#include <fmt/format.h>

#include "arch/load.h"

namespace tilewright::mappers {
namespace {

// "28 in 7 tiles of 4", "28 in 4 tiles of 8, the last 4", "all 28".
std::string parts(const char* what, uint64_t extent, uint64_t part, const char* unit) {
  const uint64_t count = divide_up(extent, part);
  if (count <= 1) {
    return fmt::format("all {} {}", extent, what);
  }
  const uint64_t last = extent - (count - 1) * part;
  return fmt::format("{} {} in {} {} of {}{}", extent, what, count, unit, part,
                     last == part ? "" : fmt::format(", the last {}", last));
}

class Nest {
 public:
  Nest(const Plan& plan, const Mapping& mapping) : plan_(plan), m_(mapping) {}

  std::vector<std::string> lines() {
    const char* const lanes = m_.swap_operands ? "pixels" : "output channels";
    const char* const columns = m_.swap_operands ? "output channels" : plan_.rows > 1 ? "columns" : "pixels";
    if (plan_.batches > 1 && !plan_.depthwise) {
      add("DRAM", "for " + parts("groups", plan_.groups, m_.pe_groups, "batches"));
    }
    const std::string lane_tiles = "for " + parts(lanes, plan_.lane_extent, m_.tile_channels, "tiles") + held(plan_.lane);
    const std::string pixel_tiles =
        "for " +
        (plan_.rows > 1 ? parts("rows", plan_.rows, m_.tile_rows, "tiles") + " x " : std::string()) +
        parts(columns, plan_.columns, m_.tile_columns, "tiles") + held(plan_.stream);
    two("DRAM", lane_tiles, pixel_tiles, m_.tile_order);
    add("buffer", fmt::format("outputs in {}", plan_.output_resident ? std::string("place, left there")
                                                                      : fmt::format("{} slots", slots_of_outputs())));
    add("array", fmt::format("parallel: {} groups x {} blocks of {} x {} blocks of pixels", m_.pe_groups, m_.pe_channels,
                             lanes, m_.pe_pixels));
    const std::string lane_blocks =
        fmt::format("for blocks of {} {}, {}", uint64_t{m_.channel_tiles} * plan_.spec->pe.lanes, lanes, kept(plan_.lane));
    const std::string pixel_blocks =
        fmt::format("for blocks of {}{} {}, {}", plan_.rows > 1 ? fmt::format("{} rows x ", m_.block_rows) : "",
                    m_.block_columns, columns, kept(plan_.stream));
    two("PE", lane_blocks, pixel_blocks, m_.pe_order);
    add("PE", fmt::format("for {} chunks of the reduction: {} kernel rows x {} input channels{}", plan_.chunks.size(),
                          m_.chunk_kernel_rows, m_.chunk_channels, packing()));
    add("lane", fmt::format("{}: {} tiles x {} vectors x {} pixels", arch::name(m_.dataflow), m_.channel_tiles,
                            plan_.chunks.front().vectors, uint64_t{m_.block_rows} * m_.block_columns));
    return std::move(lines_);
  }

 private:
  void add(const char* level, const std::string& text) {
    lines_.push_back(fmt::format("{:<8}{:{}}{}", level, "", 2 * lines_.size(), text));
  }
  void two(const char* level, const std::string& lanes, const std::string& pixels, LoopOrder order) {
    const bool lanes_first = order == LoopOrder::kWeightsOuter;
    add(level, lanes_first ? lanes : pixels);
    add(level, lanes_first ? pixels : lanes);
  }
  static const char* operand(const Side& side) { return side.role == TileRole::kWeight ? "weights" : "inputs"; }
  static std::string held(const Side& side) {
    return side.bypasses ? fmt::format("  ({} past the buffer, fetched whenever they are sent)", operand(side))
           : side.resident ? fmt::format("  ({} in place)", operand(side))
                           : fmt::format("  ({} in {} slots)", operand(side), side.slots);
  }
  uint32_t slots_of_outputs() const { return plan_.classes[static_cast<std::size_t>(TileRole::kOutput)].slots; }
  static std::string kept(const Side& side) {
    switch (side.scope) {
      case Scope::kStep:
        return fmt::format("{} sent for every use", operand(side));
      case Scope::kBlockRun:
        return fmt::format("{} stay for the inner loop", operand(side));
      case Scope::kPass:
        return fmt::format("{} stay for the tile", operand(side));
      case Scope::kTileRun:
        break;
    }
    return fmt::format("{} stay while the tile is in use", operand(side));
  }
  const char* packing() const {
    switch (m_.packing) {
      case Packing::kRow:
        return ", kernel rows packed into vectors";
      case Packing::kIm2col:
        return ", patches packed into vectors";
      case Packing::kTapPair:
        return ", neighbouring pixels share a vector";
      case Packing::kUnpacked:
        break;
    }
    return "";
  }

  const Plan& plan_;
  const Mapping& m_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> loop_nest(const workloads::Layer& layer, const Mapping& mapping,
                                   const arch::AcceleratorSpec& spec, const Residency& residency) {
  const Plan plan(layer, mapping, spec, residency);
  return Nest(plan, plan.mapping).lines();
}

}  // namespace tilewright::mappers
