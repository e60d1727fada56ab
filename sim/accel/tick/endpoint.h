// SPDX-License-Identifier: Apache-2.0
//
// The reference for a processing element (or the vector unit): one vector operation a cycle, walking the dataflow's loop
// nest and counting every buffer access where it happens.
#pragma once

#include <systemc>

#include <vector>

#include "sim/accel/tick/fabric.h"
#include "sim/accel/tick/global_buffer.h"
#include "sim/base/fifo.h"
#include "sim/engine/vcd_trace.h"

namespace tilewright::accel {

// Who has something to do in a phase of the present cycle, a bit an endpoint (or a sender), so that a cycle visits nobody in
// vain.
struct TickActive {
  mappers::EndpointMask working = 0;    // a step runs
  mappers::EndpointMask step_over = 0;  // its last operation was in the cycle before
  mappers::EndpointMask draining = 0;   // sums or outputs are on their way out
  uint64_t travelling = 0;              // senders that have chunks in the network
  uint64_t frees = 0;                   // how often room was made in any buffet
};

class TickBuffet final : public sc_core::sc_module {
 public:
  TickBuffet(const sc_core::sc_module_name& name, Bytes capacity);
  void reset();
  bool fits(uint32_t bytes) const { return filled_ + bytes <= capacity_; }
  void reserve(uint32_t bytes);
  void arrive() { ++arrived_; }
  bool has(uint32_t chunk) const { return chunk == mappers::kNone || arrived_ > chunk; }
  void shrink(uint32_t chunks);
  bool empty() const { return chunks_.empty(); }

 private:
  uint64_t capacity_;
  uint64_t filled_ = 0;
  uint32_t arrived_ = 0;
  Fifo<uint32_t> chunks_;
};

// Lanes of vector MACs with their weight registers: position in the loop nest of the running step.
class TickVectorMacs final : public sc_core::sc_module {
 public:
  TickVectorMacs(const sc_core::sc_module_name& name, const arch::PeSpec& pe);
  void reset();
  void begin(const mappers::Step& step, arch::Dataflow dataflow);
  // One cycle: one vector operation of every lane. True if it was the step's last.
  bool work() {
    if (inner_left_ == 0) {
      enter_inner();
    }
    return --inner_left_ == 0 && leave_inner();
  }
  // Every access so far; the input buffer is read in each of the `cycles` worked.
  void count(uint64_t cycles, Activity& activity) const;

 private:
  struct Loop {
    uint32_t at = 0, of = 1;
    bool next() {  // true where it wraps
      at = at + 1 == of ? 0 : at + 1;
      return at == 0;
    }
  };
  void enter_inner();
  bool leave_inner();
  const arch::PeSpec& pe_;
  arch::Dataflow dataflow_ = arch::Dataflow::kOsLws;
  uint32_t inner_ = 1, inner_left_ = 0;  // the innermost loop: how often, and how often yet
  Loop middle_, outer_, outermost_;
  uint32_t vectors_ = 0;
  uint64_t weight_reads_ = 0, collector_reads_ = 0, sum_updates_ = 0;  // per lane
};

class TickEndpoint final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickEndpoint(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout,
               uint32_t index, TickActive& active);
  void reset(const RunContext* context);

  sc_core::sc_port<TickFabric> fabric{"fabric"};
  sc_core::sc_port<TickGlobalBuffer> global_buffer{"global_buffer"};

  bool fits(mappers::Buffet buffet, uint32_t bytes) const { return buffet_of(buffet).fits(bytes); }
  void reserve(mappers::Buffet buffet, uint32_t bytes) { buffet_of(buffet).reserve(bytes); }
  void deliver(mappers::Buffet buffet) { buffet_of(buffet).arrive(); }

  void end_packets();    // phase A, where one ended
  void end_step();       // phase A, where one is over
  void post_output();    // phase B, where sums or outputs wait
  void drain_granted();  // phase C, before start()
  void start();          // phase C, where no step runs
  void work() {          // end of the cycle, where one does
    stalls_.add(Stall::kBusy, 1);
    if (vector_unit_ ? --vector_cycles_left_ == 0 : macs_.work()) {
      active_.step_over |= bit_;
    }
  }
  void move_outputs();   // end of the cycle, where sums or outputs wait

  const StallCycles& stalls() const { return stalls_; }
  Activity activity() const;
  bool finished() const;
  void trace(engine::VcdTrace& vcd) {
    vcd.add(executing_, *this, "executing");
    vcd.add(position_, *this, "step");
  }

 private:
  struct Output {
    uint32_t step, countdown;
  };
  TickBuffet& buffet_of(mappers::Buffet buffet) {
    return buffet == mappers::Buffet::kWeight ? weight_buffet_ : input_buffet_;
  }
  const TickBuffet& buffet_of(mappers::Buffet buffet) const {
    return buffet == mappers::Buffet::kWeight ? weight_buffet_ : input_buffet_;
  }
  const mappers::Step& step(uint32_t index) const { return (*steps_)[index]; }
  bool steps_left() const { return position_ < steps_->size(); }
  void end_of_elaboration() override;
  Stall state() const;

  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  uint32_t index_, drain_, egress_;  // its requesters of the fabric
  bool vector_unit_;
  mappers::EndpointMask bit_;
  TickActive& active_;
  TickBuffet weight_buffet_, input_buffet_;
  TickVectorMacs macs_;
  TickFabric* fabric_ = nullptr;
  TickGlobalBuffer* global_buffer_ = nullptr;

  const RunContext* context_ = nullptr;
  const std::vector<mappers::Step>* steps_ = nullptr;
  uint32_t position_ = 0;
  bool executing_ = false;
  uint32_t vector_cycles_left_ = 0;  // vector unit
  bool sums_wait_ = false;
  uint32_t waiting_drain_ = 0, moving_drain_ = 0;
  uint64_t output_filled_ = 0;
  std::vector<Output> outputs_;  // oldest first
  StallCycles stalls_;
  Activity activity_;
};

}  // namespace tilewright::accel
