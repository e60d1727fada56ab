// SPDX-License-Identifier: Apache-2.0
//
// Faults that tests seed into the event model, one in each of its resources, to see that the fuzz would notice (tests/gpu).
#pragma once

#include <cstdint>

namespace tilewright::gpu {

enum class Mutation : uint8_t {
  kNone,
  kStallIgnored,         // instructions follow each other as if each result were there at once
  kScoreboardIgnored,
  kCrowdIgnored,         // a result is not later behind another of its pipe
  kPipeQueueMore,        // one instruction more waits for a math pipe
  kPipeFreeEarly,        // a math pipe is held a cycle too short
  kDispatchFreeEarly,    // likewise the dispatch port
  kYieldIgnored,         // the scheduler stays with a warp that yields or branches
  kYoungestFirst,        // the youngest warp issues instead of the one that has waited longest
  kMatrixFactorIgnored,  // math beside the matrix unit runs at full speed
  kBankFree,             // banks of registers are read without taking turns
  kSlotForgotten,        // ... beside the matrix unit
  kReuseKept,            // operands stay in the reuse cache when another warp issues
  kSchedulerFree,        // the scheduler goes on while operands are awaited
  kOthersLetIn,          // other warps issue behind an instruction of the ALU at once
  kRecencyIgnored,       // not the warp that issued most recently goes first, but the one that has waited longest
  kFillsOverlap,         // what arrives from memory is written without taking turns
  kMatrixInFlightMore,   // one wgmma more is taken
  kMatrixPaceIgnored,    // a batch is issued in no time
  kMatrixNeverTakenOver, // a warpgroup keeps the matrix unit however long it pauses
  kMatrixChainIgnored,
  kPatternShifted,       // the matrix unit takes the banks in other cycles
  kPipeHeadEarly,        // a wavefront is served in the cycle in which it was asked for
  kPortFree,             // the SM's port takes lines without time
  kBoxesOverlap,         // the TMA unit starts a box before the last one is through
  kNamedUnitFree,        // the named-barrier unit takes all warps at once
  kFenceFree,
  kWakeEarly,            // a barrier wakes its warps a cycle early
  kCapacityIgnored,      // copies beyond the outstanding lines
  kLoadRoomIgnored,      // loads beyond what L1 has room for
  kSliceFree,            // an L2 slice serves everything at once
  kReplicaFirst,         // the newest instead of the oldest line is replaced
  kFarNear,              // the other partition is as near as the own
  kCrossingEarly,        // a crossing into L2's clock is seen an edge too early
  kCreditMore,           // a DRAM channel's queue is one entry longer
  kMergeMore,            // a request joins one whose line was served a cycle too long ago
  kMergeAnywhere,        // ... or one of another GPC
  kMergeOwn,             // an SM's request joins one of its own
  kMergeNone,            // no request joins another
  kGpcPortFree,          // the crossbar's ports take lines without time
  kGapShort,             // the next CTA starts a cycle early
  kWaveAtOnce,           // all CTAs of the first wave start together
  kCount
};

inline Mutation& active_mutation() {
  static Mutation mutation = Mutation::kNone;
  return mutation;
}
inline bool mutated(Mutation mutation) { return active_mutation() == mutation; }

}  // namespace tilewright::gpu
