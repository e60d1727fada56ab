// SPDX-License-Identifier: Apache-2.0
//
// L2 and the paths to and from it at tick fidelity: queues in front of the slices, a request being served in each, lines under
// way with the cycles that are left to them, and queues in front of the crossbar's ports to the GPCs.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "sim/base/error.h"
#include "sim/engine/clock.h"
#include "sim/gpu/parts.h"
#include "sim/gpu/result.h"
#include "sim/gpu/tags.h"
#include "sim/memory/dram/tick_channel.h"

namespace tilewright::gpu {

class TickDram;

class TickL2 final : public sc_core::sc_module, public MemoryPath {
 public:
  TickL2(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& sm_clock,
         const engine::Clock& l2_clock);
  using Answer = std::function<void(const LineRequest&, Cycle)>;
  void connect(TickDram& dram, Answer answer) {
    dram_ = &dram;
    answer_ = std::move(answer);
  }

  void reset();
  void preload(const std::vector<ResidentRange>& ranges);
  void request(const LineRequest& request, Cycle issued) override;
  void filled(uint64_t line, uint32_t partition, uint8_t sectors, Cycle cycle) {
    fills_[cycle].push_back({line, partition, sectors});
  }
  void step(Cycle now);
  void collect(GpuCounts& counts) const;

 private:
  struct Line {
    uint64_t line;
    uint32_t partition;
    uint8_t sectors;
  };
  // Requests of a GPC's SMs for one line that are answered together.
  struct Group {
    std::vector<LineRequest> requests;
    uint8_t sectors = 0;  // of the first, that the others ask for no more than
    uint32_t open = 0;    // cycles during which others can still join
  };
  using GroupPointer = std::shared_ptr<Group>;
  // What follows a slice's service.
  struct Job {
    enum class Then : uint8_t { kNothing, kRespond, kFetch, kReturn } then = Then::kNothing;
    uint64_t line = 0;
    GroupPointer group;
    uint8_t sectors = 0;
    uint32_t left = 0;
  };
  struct Response {
    GroupPointer group;
    uint32_t left;
  };
  struct Port {  // of the crossbar to a GPC
    std::deque<std::vector<LineRequest>> queue;  // each of one TPC
    uint64_t debt = 0;                           // bytes still to pass
  };
  struct Travelling {  // between partitions
    Line line;
    uint32_t left;
  };
  struct Waiting {  // for a line that is on its way
    GroupPointer group;
    bool served;  // by the slice, when it asked for the line
  };
  struct Pending {
    uint8_t asked = 0, forwarded = 0;
    std::vector<Waiting> waiting;
  };
  struct Partition {
    Tags tags;
    std::vector<std::deque<Job>> slices;
    std::map<uint64_t, Pending> pending;
  };

  void take_fill(const Line& fill);
  void take_forward(const Line& forward);
  void take_request(const LineRequest& request);
  void miss(Partition& partition, uint32_t index, Pending& pending, uint8_t sectors, uint8_t held, Job& job);
  uint64_t key_of(const LineRequest& request) const;
  bool join(const LineRequest& request);
  void close_groups();
  void send_responses();
  void step_ports(Cycle now);
  void finish_jobs(Cycle now);
  void serve();

  const arch::GpuSpec& spec_;
  const engine::Clock& sm_clock_;
  const engine::Clock& l2_clock_;
  TickDram* dram_ = nullptr;
  Answer answer_;
  std::vector<Partition> partitions_;
  std::map<Cycle, std::vector<LineRequest>> requests_;
  std::map<Cycle, std::vector<Line>> fills_;
  std::vector<Response> responses_;
  std::vector<Port> ports_;
  std::map<uint64_t, GroupPointer> open_;  // by line and GPC: the last, as long as others can join
  std::vector<Travelling> forwards_, returns_;
  GpuCounts counts_;
};

// HBM behind it: every channel is stepped every cycle of its clock.
class TickDram final : public sc_core::sc_module {
 public:
  TickDram(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& l2_clock,
           const engine::Clock& dram_clock);
  void connect(TickL2& l2) { l2_ = &l2; }
  void reset();
  void read(uint64_t line, uint32_t partition, uint8_t sectors, Cycle l2_cycle);
  void step(Cycle now);
  void collect(GpuCounts& counts, Cycle end);

 private:
  struct Waiting {
    Cycle visible;
    memory::DramTransaction transaction;
  };
  struct Channel {
    explicit Channel(const arch::DramSpec& spec) : model(spec) {}
    memory::TickDramChannel model;
    uint32_t taken = 0;             // queue entries in use
    uint32_t completed_before = 0;  // in the cycle before: free again from this one on
    std::deque<Waiting> waiting;
  };
  struct Origin {
    uint64_t line;
    uint32_t partition;
    uint8_t sectors;
  };

  const arch::GpuSpec& spec_;
  const engine::Clock& l2_clock_;
  const engine::Clock& dram_clock_;
  TickL2* l2_ = nullptr;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::map<uint64_t, Origin> origins_;
  std::vector<memory::DramCompletion> done_;
  uint64_t bytes_ = 0;
};

}  // namespace tilewright::gpu
