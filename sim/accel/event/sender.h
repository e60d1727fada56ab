// SPDX-License-Identifier: Apache-2.0
//
// Moves chunks from global-buffer tiles to the buffets of one or more endpoints, in the order of its stream, packet by
// packet; room for a whole chunk is reserved at every destination before its first packet. Of chunks that go past the global
// buffer it only reserves the room, one a cycle, and hands them to the load DMA; it passes them on in its own order.
// Event fidelity.
#pragma once

#include <systemc>

#include <vector>

#include "sim/accel/event/dma.h"
#include "sim/accel/event/endpoint.h"

namespace tilewright::accel {

class EventSender final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  EventSender(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout,
              uint32_t index);
  void connect(const Alarm& post, const Alarm& delivery);
  void reset(const RunContext* context);

  sc_core::sc_port<EventFabric> fabric{"fabric"};
  sc_core::sc_port<EventGlobalBuffer> global_buffer{"global_buffer"};
  sc_core::sc_port<EventEndpoint, 0> endpoints{"endpoints"};
  sc_core::sc_port<EventLoadDma, 1, sc_core::SC_ZERO_OR_MORE_BOUND> load{"load"};

  void post(Cycle now);     // slot
  void deliver(Cycle now);  // slot: chunks whose last packet ended `latency` cycles ago

  void packet_done(uint32_t requester, Cycle now);  // told by the fabric
  void fetched(uint32_t send, uint32_t bytes, Cycle now);  // part of a chunk that the load DMA brought

  const StallCycles& close(Cycle end) { return meter_.close(end); }
  bool finished() const { return position_ == sends_->size() && deliveries_.empty() && fetching_.empty(); }
  std::string describe_state() const;  // empty when finished
  Activity& activity() { return activity_; }
  void trace(engine::VcdTrace& vcd) { vcd.add(position_, *this, "chunk"); }

 private:
  struct Delivery {
    Cycle cycle;
    uint32_t send;
  };
  void end_of_elaboration() override;
  bool begin_chunk(const mappers::Send& send, Cycle now);
  bool reserve_room(const mappers::Send& send, Cycle now);
  void post_fetch(Cycle now);
  void count_chunk(const mappers::Send& send);
  void pass_on(uint32_t send, Cycle now);
  void post_packet(const mappers::Send& send, Cycle now);
  void finish_chunk(const mappers::Send& send, Cycle now);

  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  uint32_t index_;
  Alarm post_, delivery_;
  EventFabric* fabric_ = nullptr;
  EventGlobalBuffer* global_buffer_ = nullptr;
  std::vector<EventEndpoint*> endpoints_;

  const RunContext* context_ = nullptr;
  const std::vector<mappers::Send>* sends_ = nullptr;
  uint32_t position_ = 0;
  uint32_t sent_ = 0;      // bytes of the present chunk
  uint32_t packet_bytes_ = 0;  // of the packet posted or in flight; 0: none
  Fifo<Delivery> deliveries_;
  EventLoadDma* load_ = nullptr;
  std::vector<uint32_t> fetching_;  // bytes that are yet to come of the chunks before position_, oldest first
  Cycle fetched_at_ = kNever;       // the last was handed over
  StallMeter meter_;
  Activity activity_;
};

}  // namespace tilewright::accel
