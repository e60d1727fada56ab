// SPDX-License-Identifier: Apache-2.0
//
// A processing element (or the vector unit): two buffets, lanes of vector MACs, accumulators, PPU, output buffer.
// Event fidelity: a step's end is known when it starts.
#pragma once

#include <systemc>

#include <array>
#include <vector>

#include "sim/accel/event/fabric.h"
#include "sim/accel/event/global_buffer.h"
#include "sim/accel/event/stall_meter.h"
#include "sim/base/fifo.h"
#include "sim/engine/vcd_trace.h"

namespace tilewright::accel {

// A buffer that is filled and freed by whole chunks, oldest first (buffet).
class EventBuffet final : public sc_core::sc_module {
 public:
  EventBuffet(const sc_core::sc_module_name& name, Bytes capacity);
  void reset();
  bool has_room(uint32_t bytes) const { return free_ >= bytes; }
  void reserve(uint32_t bytes);
  void arrive() { ++arrived_; }
  bool holds(uint32_t chunk) const { return chunk == mappers::kNone || chunk < arrived_; }
  void free_oldest(uint32_t chunks);
  bool empty() const { return sizes_.empty(); }

 private:
  uint64_t capacity_;
  uint64_t free_ = 0;
  uint32_t arrived_ = 0;
  Fifo<uint32_t> sizes_;
};

class EventEndpoint final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  struct Alarms {
    Alarm step_end, output, start;
  };
  EventEndpoint(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout,
                uint32_t index);
  void connect(const Alarms& alarms) { alarms_ = alarms; }
  void reset(const RunContext* context);

  sc_core::sc_port<EventFabric> fabric{"fabric"};
  sc_core::sc_port<EventGlobalBuffer> global_buffer{"global_buffer"};

  // For senders. `on_room` is woken whenever chunks are freed.
  bool has_room(mappers::Buffet buffet, uint32_t bytes) const { return buffet_of(buffet).has_room(bytes); }
  void reserve(mappers::Buffet buffet, uint32_t bytes) { buffet_of(buffet).reserve(bytes); }
  void set_feeder(mappers::Buffet buffet, const Alarm& on_room) { feeders_[index_of(buffet)] = on_room; }
  void deliver(mappers::Buffet buffet, Cycle now);

  void end_step(Cycle now);     // slot
  void post_output(Cycle now);  // slot
  void try_start(Cycle now);    // slot

  // Told by the fabric.
  void drain_granted(Cycle now);
  void drain_done(uint32_t requester, Cycle now);
  void output_done(uint32_t requester, Cycle now);

  const StallCycles& close(Cycle end) { return meter_.close(end); }
  bool finished() const;
  void trace(engine::VcdTrace& vcd) {
    vcd.add(executing_, *this, "executing");
    vcd.add(position_, *this, "step");
  }
  std::string describe_state() const;  // empty when finished
  Activity& activity() { return activity_; }

 private:
  static std::size_t index_of(mappers::Buffet buffet) { return static_cast<std::size_t>(buffet); }
  EventBuffet& buffet_of(mappers::Buffet buffet) { return index_of(buffet) == 0 ? weight_buffet_ : input_buffet_; }
  const EventBuffet& buffet_of(mappers::Buffet buffet) const {
    return index_of(buffet) == 0 ? weight_buffet_ : input_buffet_;
  }
  void end_of_elaboration() override;
  Stall blocker(const mappers::Step& step) const;
  void post_drain(Cycle now);
  void post_egress(Cycle now);
  void count_step(const mappers::Step& step);
  void count_buffer_accesses(const mappers::Step& step);

  struct Output {
    uint32_t step;
    Cycle available;
  };
  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  uint32_t index_;
  bool vector_unit_;
  uint64_t output_capacity_;
  uint32_t pipeline_depth_;
  EventBuffet weight_buffet_, input_buffet_;
  Alarms alarms_;
  std::array<Alarm, 2> feeders_{};
  EventFabric* fabric_ = nullptr;
  EventGlobalBuffer* global_buffer_ = nullptr;

  const RunContext* context_ = nullptr;
  const std::vector<mappers::Step>* steps_ = nullptr;
  uint32_t position_ = 0;
  bool executing_ = false;
  bool drain_waits_ = false;   // sums of the block before are still in the accumulators
  bool drain_posted_ = false;
  uint32_t waiting_drain_ = 0, active_drain_ = 0;  // their steps
  uint64_t output_free_ = 0;
  Fifo<Output> outputs_;
  bool egress_posted_ = false;
  StallMeter meter_;
  Activity activity_;
};

}  // namespace tilewright::accel
