// SPDX-License-Identifier: Apache-2.0
//
// Test-only bugs, one in each resource of the event model. The fuzz against the tick model is worth something only if it
// notices every one of them; tests/accel/mutation_test.cpp shows that it does. Never set outside that test.
#pragma once

#include <cstdint>

namespace tilewright::accel {

enum class Mutation : uint8_t {
  kNone,
  kTiesReversed,       // fabric: the later requester goes first
  kNeverStarves,       // fabric: old packets claim nothing
  kLinkOneCycleShort,  // fabric: links are freed a cycle early
  kBanksIgnored,       // global buffer: every bank takes any number of packets
  kGrantedTooSoon,     // fabric: a packet is granted at once though others are yet to be posted in its cycle
  kSlotFreedEarly,     // global buffer: a tile's slot is free before its last reader is done
  kLatencyForgotten,   // sender: a chunk is usable as soon as its last packet ends
  kRoomOfFirstOnly,    // sender: only the first destination's room is looked at
  kStartsOverSums,     // endpoint: a block starts before the sums of the one before have left
  kPipelineForgotten,  // endpoint: outputs can leave as soon as they are drained
  kOutputBufferEndless,  // endpoint: outputs always find room
  kOneCreditMore,        // DRAM port: one transaction too many in flight per channel
  kCrossingTooEarly,     // DRAM port: a coinciding edge of the other clock is taken
  kTilesBeforeFetches,   // load DMA: a tile's transaction goes before a fetch's
  kFetchedTakesNoLink,   // load DMA: what goes past the global buffer takes no link and no port of a PE
  kFetchedAtPortWidth,   // load DMA: what goes past the global buffer moves at the port's width over a narrower link
  kFetchesUnpaced,       // sender: as many chunks a cycle are handed over as there is room for
  kCount
};

inline Mutation& active_mutation() {
  static Mutation mutation = Mutation::kNone;
  return mutation;
}
inline bool mutated(Mutation mutation) { return active_mutation() == mutation; }

}  // namespace tilewright::accel
