// SPDX-License-Identifier: Apache-2.0
//
// All HBM stacks behind L2 at event fidelity: the shared DRAM model, one channel a pseudo-channel. A channel takes what its
// queue has room for, in the order in which L2 asked.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "sim/engine/clock.h"
#include "sim/gpu/event/l2.h"
#include "sim/memory/dram/event_channel.h"

namespace tilewright::gpu {

class EventDram final : public sc_core::sc_module, public DramPath {
 public:
  EventDram(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& l2_clock,
            const engine::Clock& dram_clock);

  using Wake = std::function<void(uint32_t channel, Cycle)>;
  void connect(EventL2& l2, Wake wake) {
    l2_ = &l2;
    wake_ = std::move(wake);
  }
  uint32_t channels() const { return static_cast<uint32_t>(channels_.size()); }

  void reset();
  void read(uint64_t address, uint32_t bytes, uint64_t tag, Cycle l2_cycle) override;
  void act_channel(uint32_t index, Cycle now);
  void collect(GpuCounts& counts, Cycle end);  // of the DRAM's clock

 private:
  struct Waiting {
    Cycle visible;
    memory::DramTransaction transaction;
  };
  struct Channel {
    explicit Channel(const arch::DramSpec& spec) : model(spec), credits(spec.read_queue) {}
    memory::EventDramChannel model;
    uint32_t credits;
    std::deque<Waiting> waiting;
    std::deque<Cycle> owed;  // credits that come back after these cycles
    Cycle wanted = kNever;
  };

  const arch::GpuSpec& spec_;
  const engine::Clock& l2_clock_;
  const engine::Clock& dram_clock_;
  EventL2* l2_ = nullptr;
  Wake wake_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<memory::DramCompletion> done_;
};

}  // namespace tilewright::gpu
