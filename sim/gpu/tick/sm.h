// SPDX-License-Identifier: Apache-2.0
//
// An SM at tick fidelity: the reference. Every cycle it counts down what is under way, moves one line through the port and one
// wavefront through the banks, and lets every sub-core issue at most one instruction. It never computes a future cycle; only
// the paths to and from memory carry the cycle at which a line arrives, since that is a matter of two clocks.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "sim/gpu/parts.h"
#include "sim/gpu/result.h"
#include "sim/gpu/warp_state.h"

namespace tilewright::gpu {

struct TickEffect {
  enum class Kind : uint8_t { kNothing, kWake, kArrive, kArriveInBanks, kBytes, kCopyLine, kLoadLine, kShuffle, kFence } kind = Kind::kNothing;
  uint32_t left = 0;  // cycles
  uint32_t target = 0;
  uint32_t amount = 0;
  uint64_t instruction = 0;
};

struct TickWarp {
  WarpState state;
  bool alive = false;
  bool blocked = false;   // until something happens
  uint32_t pause = 0;     // cycles until it may issue
  uint32_t since_issue = 0;
  bool recent = false;    // it issued and did not give way
  uint32_t looked = 0;    // cycles before its last issue in which it asked for a phase
  WarpStall reason = WarpStall::kFixedLatency;
  Role role = Role::kConsumer;
  uint32_t cta = 0;
  uint32_t warpgroup = kNone;
  uint64_t wanted = 0;
  std::array<uint32_t, kScoreboards> scoreboards{};  // cycles until each is free, ...
  std::array<uint8_t, kScoreboards> shuffles{};      // ... and shuffles until it is known
  uint32_t waited = 0;    // cycles in which it could have issued, as far as it goes
  struct Marker {
    uint64_t copies;
    uint32_t barrier;
    uint32_t age;
  };
  std::deque<Marker> markers;

  void hold_scoreboard(uint8_t scoreboard, uint32_t cycles) {
    if (scoreboard > 0) {
      scoreboards[scoreboard - 1U] = std::max(scoreboards[scoreboard - 1U], cycles);
    }
  }
};

class TickSubCore final : public sc_core::sc_module {
 public:
  explicit TickSubCore(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}
  std::array<uint32_t, static_cast<std::size_t>(Pipe::kCount)> busy{};  // sixteenths of a cycle left
  std::array<uint32_t, static_cast<std::size_t>(Pipe::kCount)> fresh{};  // cycles left of the last instruction's latency
  uint32_t last = UINT32_MAX;  // warp that issued last and did not yield
  // Cycles until each bank of registers is free, and until its next slot beside the matrix unit; until the scheduler goes on; until
  // warps other than the keeper may issue.
  std::array<uint32_t, 2> bank{}, slot{};
  uint32_t held = 0, others = 0;
  uint32_t keeper = 0;
  bool keeps = false;  // the warp that issues now was the last one: the reuse cache has its operands
};

class TickSharedMemory final : public sc_core::sc_module {
 public:
  explicit TickSharedMemory(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}
  struct Job {
    uint32_t wavefronts;
    TickEffect then;
  };
  std::deque<Job> queue;
  std::vector<TickEffect> through;  // last wavefront served in this cycle
  void serve(bool taken);
};

class TickMatrixUnit final : public sc_core::sc_module {
 public:
  explicit TickMatrixUnit(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}
  struct Instruction {
    uint32_t warpgroup = 0;
    bool chained = false;  // second of a batch that found the unit idle, soon after the first
    uint32_t age = 0;
    bool last = false;
    Op op;
  };
  struct Group {
    Op op;
    uint32_t to_take = 0, arrived = 0, place = 0;
    bool found_idle = false;
    uint32_t until_next = 0;  // cycles until the warps reach the next instruction, ...
    uint64_t since_taken = 0, pause = 0;  // ... which is the last one's pause after it was taken
    uint64_t offered = 0, over = 0, taken = 0;
    std::deque<uint32_t> draining;  // cycles left until a batch counts as over
  };
  std::vector<Group> groups;
  std::deque<Instruction> queue;
  bool running = false;
  uint32_t elapsed = 0, since_end = 0, duration = 0;
  uint32_t latest = 0;   // group taken from last
  uint64_t takes = 0;
};

class TickBoxUnit final : public sc_core::sc_module {
 public:
  explicit TickBoxUnit(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}
  struct Box {
    uint32_t latency_left = 0;
    uint64_t sixteenths = 16;  // between lines
    Cycle span = 0;
    std::vector<LineRequest> lines;
  };
  std::deque<Box> queue;
  bool running = false;
  Cycle elapsed = 0;
  std::size_t sent = 0;
};

class TickSm final : public sc_core::sc_module {
 public:
  TickSm(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, uint32_t index);

  sc_core::sc_port<MemoryPath> memory{"memory"};
  sc_core::sc_port<CtaDispatch> dispatch{"dispatch"};

  void reset(const Kernel& kernel, uint32_t ctas_resident);
  void launch(uint32_t slot, uint32_t cta, uint32_t in_cycles) { launches_.push_back({slot, cta, in_cycles}); }
  void deliver(const LineRequest& request, Cycle arrival) { inbox_[{arrival, request.key}] = request; }
  void step(Cycle now);
  void collect(GpuResult& result) const;
  void finish_cta(uint32_t slot, GpuResult& result) const { result.ctas[resident_[slot].cta] = ctas_[slot]; }

 private:
  struct Launch {
    uint32_t slot, cta, left;
  };
  struct Resident {
    uint32_t warps_left = 0, cta = 0;
  };
  struct Named {
    uint32_t arrived = 0;
    uint32_t hold = 0;  // cycles until the last bar.arrive that was taken counts
    std::vector<uint32_t> waiting;
  };
  struct NamedArrival {  // queued at the unit that takes one warp at a time
    uint32_t left;
    uint32_t barrier;
    bool late;  // bar.arrive
    bool completes;
    std::vector<uint32_t> release;
  };
  struct Barrier {
    BarrierState state;
    std::vector<uint32_t> waiting;
  };

  // sm.cpp: phases 1 and 2
  void count_down();
  void take_launches(Cycle now);
  void step_matrix();
  TickMatrixUnit::Group* choose_group();
  void start_matrix();
  void step_drains();
  void step_units(Cycle now);
  void step_boxes(TickBoxUnit& unit, Source source, Cycle now);
  void complete_wavefronts(const TickSharedMemory& served);
  void finish_shuffle(const TickEffect& effect);
  void apply(const TickEffect& effect, Cycle now);
  void take_arrivals(Cycle now);
  void deliver_line(const LineRequest& request);
  void update_barrier(uint32_t barrier, uint32_t arrivals, uint32_t bytes, Cycle now);
  void retire_copies(uint32_t warp);
  void serve_banks();
  void wake(uint32_t warp, uint32_t in_cycles) {
    warps_[warp].blocked = false;
    warps_[warp].pause = in_cycles;
  }
  bool matrix_active() const { return matrix_.running; }

  // sm_issue.cpp: phase 3
  void issue(Cycle now);
  static bool waits(const TickWarp& warp);
  bool may_issue(uint32_t index, const TickSubCore& core) const;
  uint32_t choose_warp(uint32_t core) const;
  void execute(uint32_t index, TickSubCore& core, Cycle now);
  void execute_math(uint32_t index, const Op& op, TickSubCore& core, Cycle now);
  uint32_t read_registers(const Op& op, TickSubCore& core, Cycle now) const;
  bool goes_before(uint32_t warp, uint32_t other) const;
  void execute_wait(uint32_t index, const Op& op);
  void execute_shuffle(uint32_t index, const Op& op);
  void execute_global(uint32_t index, const Op& op, Cycle now);
  void send_loads(Cycle now);
  void execute_copy(uint32_t index, const Op& op, Cycle now);
  void execute_box(TickWarp& warp, const Op& op);
  void execute_named(uint32_t index, const Op& op);
  void execute_matrix(uint32_t index, const Op& op);
  void end_warp(uint32_t index, Cycle now);
  void go_on(TickWarp& warp, uint32_t pause, WarpStall reason);
  void hold(TickWarp& warp, WarpStall reason);
  uint32_t barrier_index(const TickWarp& warp, const Op& op) const {
    return warp.cta * barriers_per_cta_ + warp.state.barrier_of(op);
  }
  LineRequest line_request(uint32_t target, Client client, Cycle now);

  const arch::GpuSpec& spec_;
  uint32_t index_;
  std::vector<std::unique_ptr<TickSubCore>> cores_;
  TickSharedMemory shared_{"shared_memory"};
  TickSharedMemory fills_{"fills"};  // what arrives from memory is written beside the banks' wavefronts
  TickMatrixUnit matrix_{"matrix_unit"};
  TickBoxUnit tma_{"tma"};
  TickBoxUnit engine_{"gather_engine"};

  const Kernel* kernel_ = nullptr;
  uint32_t barriers_per_cta_ = 0;
  std::vector<TickWarp> warps_;
  std::vector<CtaRecord> ctas_;
  std::vector<Resident> resident_;
  std::vector<Barrier> barriers_;
  std::vector<Named> named_;
  std::vector<Launch> launches_;
  std::vector<TickEffect> effects_, due_;
  std::map<std::pair<Cycle, uint64_t>, LineRequest> inbox_;
  std::deque<LineRequest> port_queue_;
  uint32_t port_debt_ = 0;  // sixteenths of a cycle that the port is still taken
  std::deque<NamedArrival> named_queue_;  // taken one after the other
  std::vector<NamedArrival> releases_;    // on their way to the warps
  struct Fence {
    uint32_t warp, more;  // cycles beyond the usual
  };
  std::deque<Fence> fence_queue_;  // the first is being served
  uint32_t fence_left_ = 0;
  std::vector<uint32_t> capacity_waiting_;
  uint32_t lines_out_ = 0;
  std::deque<LineRequest> load_queue_;  // lines that L1 has no room for yet
  uint32_t loads_in_l1_ = 0, l1_lines_ = 0;
  uint32_t key_index_ = 0;
  std::array<RoleCycles, static_cast<std::size_t>(Role::kCount)> roles_{};
  GpuCounts counts_;
};

}  // namespace tilewright::gpu
