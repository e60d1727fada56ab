// SPDX-License-Identifier: Apache-2.0
#include "sim/base/activity.h"

#include <numeric>

namespace tilewright {
namespace {

constexpr std::array<ActionInfo, kActionCount> kActions = {{
    {"mac", "operations", false},
    {"mac_idle_lane", "operations", false},
    {"weight_buffer_read_bytes", "bytes", false},
    {"weight_buffer_write_bytes", "bytes", false},
    {"input_buffer_read_bytes", "bytes", false},
    {"input_buffer_write_bytes", "bytes", false},
    {"weight_collector_read_bytes", "bytes", false},
    {"accumulator_update", "operations", false},
    {"accumulator_read", "operations", false},
    {"ppu_value", "operations", false},
    {"output_buffer_write_bytes", "bytes", false},
    {"output_buffer_read_bytes", "bytes", false},
    {"global_buffer_read_bytes", "bytes", false},
    {"global_buffer_write_bytes", "bytes", false},
    {"noc_injected_bytes", "bytes", false},
    {"noc_delivered_bytes", "bytes", false},
    {"noc_link_bytes", "bytes", false},
    {"noc_collected_bytes", "bytes", false},
    {"vector_unit_operation", "operations", false},
    {"dram_read_bytes", "bytes", false},
    {"dram_write_bytes", "bytes", false},
    {"dram_activate", "operations", true},
    {"dram_refresh", "operations", true},
}};

constexpr std::array<std::string_view, kStallCount> kStalls = {
    "busy",       "weight_wait", "input_wait",  "output_full", "tile_wait",
    "space_wait", "arbitration", "dram_wait", "idle",
};

}  // namespace

const ActionInfo& info(Action action) { return kActions[static_cast<std::size_t>(action)]; }

Activity& Activity::operator+=(const Activity& other) {
  for (std::size_t i = 0; i < kActionCount; ++i) {
    counts_[i] += other.counts_[i];
  }
  return *this;
}

Activity& Activity::operator*=(uint64_t factor) {
  for (uint64_t& count : counts_) {
    count *= factor;
  }
  return *this;
}

std::string_view name(Stall stall) { return kStalls[static_cast<std::size_t>(stall)]; }

uint64_t StallCycles::total() const { return std::accumulate(cycles_.begin(), cycles_.end(), uint64_t{0}); }

StallCycles& StallCycles::operator+=(const StallCycles& other) {
  for (std::size_t i = 0; i < kStallCount; ++i) {
    cycles_[i] += other.cycles_[i];
  }
  return *this;
}

StallCycles& StallCycles::operator*=(uint64_t factor) {
  for (uint64_t& cycles : cycles_) {
    cycles *= factor;
  }
  return *this;
}

}  // namespace tilewright
