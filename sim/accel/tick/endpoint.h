// SPDX-License-Identifier: Apache-2.0
//
// The reference for a processing element (or the vector unit): one vector operation a cycle, walking the dataflow's loop
// nest and counting every buffer access where it happens.
#pragma once

#include <systemc>

#include <deque>
#include <vector>

#include "sim/accel/tick/fabric.h"
#include "sim/accel/tick/global_buffer.h"
#include "sim/engine/vcd_trace.h"

namespace tilewright::accel {

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
  std::deque<uint32_t> chunks_;
};

// Lanes of vector MACs with their weight registers: position in the loop nest of the running step.
class TickVectorMacs final : public sc_core::sc_module {
 public:
  TickVectorMacs(const sc_core::sc_module_name& name, const arch::PeSpec& pe);
  void reset();
  void begin(const mappers::Step& step, arch::Dataflow dataflow);
  bool busy() const { return left_ > 0; }
  void work();  // one cycle
  void count(Activity& activity) const;  // every access so far

 private:
  struct Loop {
    uint32_t at = 0, of = 1;
    bool next() {  // true where it wraps
      at = at + 1 == of ? 0 : at + 1;
      return at == 0;
    }
  };
  void advance();
  const arch::PeSpec& pe_;
  arch::Dataflow dataflow_ = arch::Dataflow::kOsLws;
  Loop tile_, vector_, pixel_, local_;
  uint32_t vectors_ = 0;
  uint64_t left_ = 0;
  uint64_t weight_reads_ = 0, collector_reads_ = 0, sum_updates_ = 0, input_reads_ = 0;  // per lane, or broadcasts
};

class TickEndpoint final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickEndpoint(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout,
               uint32_t index);
  void reset(const RunContext* context);

  sc_core::sc_port<TickFabric> fabric{"fabric"};
  sc_core::sc_port<TickGlobalBuffer> global_buffer{"global_buffer"};

  bool fits(mappers::Buffet buffet, uint32_t bytes) const { return buffet_of(buffet).fits(bytes); }
  void reserve(mappers::Buffet buffet, uint32_t bytes) { buffet_of(buffet).reserve(bytes); }
  void deliver(mappers::Buffet buffet) { buffet_of(buffet).arrive(); }

  void end_packets();  // phase A
  void end_step();     // phase A
  void post_output();  // phase B
  void start();        // phase C
  void work();         // end of the cycle

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
  void move_outputs();
  void end_of_elaboration() override;
  Stall state() const;

  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  uint32_t index_, drain_, egress_;  // its requesters of the fabric
  bool vector_unit_;
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
  std::deque<Output> outputs_;
  StallCycles stalls_;
  Activity activity_;
};

}  // namespace tilewright::accel
