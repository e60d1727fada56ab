// SPDX-License-Identifier: Apache-2.0
//
// How often each action happened: the only thing that energy is computed from, and what `tick` and `event` must
// agree on. *Mapping-determined* counts follow from the tile program alone; *timing-determined* counts (row
// activates, refreshes, stalls) depend on when things happened.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tilewright {

// Unit of every count is in its comment; the name printed in JSON is the second column of activity.cpp's table.
enum class Action : uint8_t {
  kMac,                         // useful multiply-accumulates, padding positions included
  kMacIdleLane,                 // MAC slots clocked without useful work (lanes or vector elements not filled)
  kWeightBufferRead,            // bytes
  kWeightBufferWrite,           // bytes
  kInputBufferRead,             // bytes; one read is broadcast to every lane
  kInputBufferWrite,            // bytes
  kWeightCollectorRead,         // bytes held in the per-lane weight registers and used by a vector MAC
  kAccumulatorUpdate,           // read-modify-writes of one lane's 24-bit partial sum
  kAccumulatorRead,             // lane sums drained to the PPU
  kPpuValue,                    // values scaled, biased, clipped and quantised
  kOutputBufferWrite,           // bytes
  kOutputBufferRead,            // bytes
  kGlobalBufferRead,            // bytes
  kGlobalBufferWrite,           // bytes
  kNocInjected,                 // bytes put on the distribution network, once per packet
  kNocDelivered,                // bytes x destinations taken off it
  kNocLinkBytes,                // bytes x links crossed, distribution and collection
  kNocCollected,                // bytes sent from endpoints back to the global buffer
  kVectorUnitOperation,         // element operations of the vector unit
  kDramReadBytes,               // bytes of whole bursts
  kDramWriteBytes,              // bytes of whole bursts
  kDramActivate,                // row activates; timing-determined
  kDramRefresh,                 // all-bank refreshes; timing-determined
  kCount
};
inline constexpr std::size_t kActionCount = static_cast<std::size_t>(Action::kCount);

struct ActionInfo {
  std::string_view name;  // snake_case, as in JSON
  std::string_view unit;
  bool timing_determined;
};
const ActionInfo& info(Action action);

class Activity {
 public:
  void add(Action action, uint64_t count) { counts_[static_cast<std::size_t>(action)] += count; }
  uint64_t operator[](Action action) const { return counts_[static_cast<std::size_t>(action)]; }
  Activity& operator+=(const Activity& other);
  Activity& operator*=(uint64_t factor);
  friend bool operator==(const Activity&, const Activity&) = default;

 private:
  std::array<uint64_t, kActionCount> counts_{};
};

// Why a unit that has work left did nothing in a cycle. Where several hold at once, the one listed first is charged.
enum class Stall : uint8_t {
  kBusy,         // not a stall: the unit worked
  kWeightWait,   // the weight chunk has not arrived
  kInputWait,    // the input chunk has not arrived
  kOutputFull,   // the finished sums of the tile before cannot drain
  kTileWait,     // a sender waits for a global-buffer tile to be loaded, or a store for its tile to be complete
  kSpaceWait,    // a sender waits for room in a destination buffer, or a load for a free global-buffer slot
  kArbitration,  // links, ports or banks are taken by others
  kDramWait,     // a load or store waits for credits of a DRAM channel
  kIdle,         // not a stall: nothing left to do, or not started
  kCount
};
inline constexpr std::size_t kStallCount = static_cast<std::size_t>(Stall::kCount);
std::string_view name(Stall stall);

// busy + every stall + idle = cycles of the layer, for every unit.
class StallCycles {
 public:
  void add(Stall stall, uint64_t cycles) { cycles_[static_cast<std::size_t>(stall)] += cycles; }
  uint64_t operator[](Stall stall) const { return cycles_[static_cast<std::size_t>(stall)]; }
  uint64_t total() const;
  StallCycles& operator+=(const StallCycles& other);
  StallCycles& operator*=(uint64_t factor);
  friend bool operator==(const StallCycles&, const StallCycles&) = default;

 private:
  std::array<uint64_t, kStallCount> cycles_{};
};

}  // namespace tilewright
