// SPDX-License-Identifier: Apache-2.0
//
// An SM at event fidelity. It acts when woken and then runs ahead by the return path's latency, since nothing that memory has
// not answered yet can arrive sooner. Within that it goes from one noticeable moment to the next (docs/gpu.md, "A cycle").
#pragma once

#include <deque>
#include <memory>
#include <queue>
#include <systemc>
#include <vector>

#include "sim/gpu/event/matrix_unit.h"
#include "sim/gpu/event/sub_core.h"

namespace tilewright::gpu {

// Copies by box, and by list where the machine has a gather engine: first come, first served; all times follow from the issue.
class EventBoxUnit final : public sc_core::sc_module {
 public:
  explicit EventBoxUnit(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}
  void reset() { free_ = 0; }
  Cycle start(Cycle earliest, Cycle cycles) {
    const Cycle begin = mutated(Mutation::kBoxesOverlap) ? earliest : std::max(earliest, free_);
    free_ = begin + cycles;
    return begin;
  }

 private:
  Cycle free_ = 0;
};

class EventSm final : public sc_core::sc_module {
 public:
  EventSm(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, uint32_t index);

  sc_core::sc_port<MemoryPath> memory{"memory"};
  sc_core::sc_port<CtaDispatch> dispatch{"dispatch"};
  void end_of_elaboration() override {
    memory_ = dynamic_cast<MemoryPath*>(memory.get_interface());
    dispatch_ = dynamic_cast<CtaDispatch*>(dispatch.get_interface());
  }

  void reset(const Kernel& kernel, uint32_t ctas_resident);
  void launch(uint32_t slot, uint32_t cta, Cycle begin);
  // A line arrives at the port; not before the cycle up to which the SM was run.
  void deliver(const LineRequest& request, Cycle arrival);
  // Runs through everything that happens in [.., now + return latency); returns the next cycle to be called at.
  Cycle run(Cycle now);
  void collect(GpuResult& result) const;
  void finish_cta(uint32_t slot, GpuResult& result) const { result.ctas[resident_[slot].cta] = ctas_[slot]; }
  std::string describe_state() const;

 private:
  struct Arrival {
    Cycle cycle;
    LineRequest request;
  };
  struct Effect {
    Cycle cycle;
    PipeAction action;
    // In one cycle arrivals reach the banks in the order of their barriers.
    bool operator>(const Effect& other) const {
      return cycle != other.cycle ? cycle > other.cycle : action.target > other.action.target;
    }
  };
  struct Named {
    uint32_t arrived = 0;
    Cycle counted = 0;  // when the last of them counts
    std::vector<uint32_t> waiting;
  };
  struct Barrier {
    BarrierState state;
    int64_t unwritten = 0;     // announced bytes that are not in the banks' queue yet
    uint32_t written = 0;      // bytes in the queue that no action covers yet
    std::vector<uint32_t> waiting;
  };
  struct Resident {
    uint32_t warps_left = 0;
    uint32_t cta = 0;
  };

  // sm.cpp
  Cycle next_moment() const;
  void moment(Cycle now);
  void issue(Cycle now);
  void take_launches(Cycle now);
  void take_arrivals(Cycle now);
  void deliver_line(const LineRequest& request, Cycle now);
  void complete(const PipeAction& action, Cycle now);
  void apply(const PipeAction& action, Cycle now);
  void update_barrier(uint32_t barrier, uint32_t arrivals, uint32_t bytes, Cycle now);
  void retire_copies(uint32_t warp, Cycle now);
  void wake(EventWarp& warp, Cycle ready);
  void at(Cycle cycle, const PipeAction& action) { effects_.push({cycle, action}); }
  void end_warp(uint32_t index, Cycle now);

  // sm_operations.cpp: what an issued operation sets going; each leaves the warp ready or waiting
  void execute(uint32_t index, Cycle now);
  void access_shared(uint32_t index, const Op& op, Cycle now);
  void shuffle(uint32_t index, const Op& op, Cycle now);
  void finish_shuffle(EventWarp& warp, uint32_t scoreboard, Cycle free);
  void access_global(uint32_t index, const Op& op, Cycle now);
  void send_loads(Cycle now);
  void copy(uint32_t index, const Op& op, Cycle now);
  void box(EventWarp& warp, const Op& op, Cycle now);
  void gather(EventWarp& warp, const Op& op, Cycle now);
  void request_lines(EventWarp& warp, const Op& op, Cycle begin, uint64_t line_sixteenths, Source source);
  void expect(EventWarp& warp, const Op& op, Cycle now);
  void named(uint32_t index, const Op& op, Cycle now);
  void matrix(uint32_t index, const Op& op, Cycle now);
  void wait(uint32_t index, const Op& op, Cycle now);
  void proceed(EventWarp& warp, Cycle ready, WarpStall reason);
  void block(EventWarp& warp, WarpStall reason);
  uint32_t barrier_index(const EventWarp& warp, const Op& op) const {
    return warp.cta * barriers_per_cta_ + warp.state.barrier_of(op);
  }

  const arch::GpuSpec& spec_;
  uint32_t index_;
  MemoryPath* memory_ = nullptr;
  CtaDispatch* dispatch_ = nullptr;
  std::vector<EventWarp> warps_;
  std::vector<CtaRecord> ctas_;
  std::vector<std::unique_ptr<EventSubCore>> cores_;
  EventSharedPipe pipe_{"shared_memory"};
  EventMatrixUnit matrix_;
  EventBoxUnit tma_{"tma"};
  EventBoxUnit engine_{"gather_engine"};

  const Kernel* kernel_ = nullptr;
  uint32_t barriers_per_cta_ = 0;
  std::vector<Resident> resident_;
  std::vector<Barrier> barriers_;
  std::vector<Named> named_;
  std::vector<uint32_t> matrix_waiting_;   // warps at kMatrixWait
  std::vector<uint32_t> matrix_arrived_;   // per warpgroup: warps at a kMatrix
  std::vector<uint32_t> capacity_waiting_;
  std::deque<Arrival> inbox_;       // in order of cycle, then key
  std::deque<Arrival> deliveries_;  // taken by the port, in order
  std::priority_queue<Effect, std::vector<Effect>, std::greater<>> effects_;
  std::vector<std::pair<Cycle, std::pair<uint32_t, uint32_t>>> launches_;  // cycle, slot, CTA
  std::vector<uint32_t> released_;
  Cycle port_free_ = 0;  // in sixteenths
  Cycle fill_free_ = 0;  // what arrives is written beside the banks' wavefronts, one a cycle
  Cycle named_free_ = 0, fence_free_ = 0;
  uint32_t lines_out_ = 0;
  std::deque<LineRequest> loads_;  // lines of loads without room in L1 yet, in order
  uint32_t loads_out_ = 0, loads_limit_ = 0;
  Cycle key_cycle_ = kNever;
  uint32_t key_index_ = 0;
  GpuCounts counts_;
};

}  // namespace tilewright::gpu
