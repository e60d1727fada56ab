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
  // What follows a slice's service.
  struct Job {
    enum class Then : uint8_t { kNothing, kRespond, kFetch, kReturn } then = Then::kNothing;
    LineRequest request;
    std::vector<LineRequest> joined;  // answered with it
    uint8_t sectors = 0;
    uint32_t left = 0;
    uint64_t number = 0;  // in order of arrival
  };
  struct Response {
    std::vector<LineRequest> requests;
    uint32_t partition;
    uint32_t left;
    uint64_t number;
    uint8_t sectors() const;
  };
  struct Port {  // of the crossbar to a GPC
    struct Passing {
      std::vector<LineRequest> requests;
      uint64_t units;
    };
    std::deque<Passing> queue;
    uint64_t debt = 0;  // units still to pass
  };
  struct Travelling {  // between partitions
    Line line;
    uint32_t left;
  };
  struct Pending {
    uint8_t asked = 0, forwarded = 0;
    std::vector<LineRequest> waiting;
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
  std::vector<LineRequest>* answer_to_join(Partition& partition, uint32_t index, const LineRequest& request);
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
  uint64_t number_ = 0;
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
