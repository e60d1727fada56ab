// SPDX-License-Identifier: Apache-2.0
//
// The reference for a sender: looks at its next chunk anew in every cycle.
#pragma once

#include <systemc>

#include <bit>
#include <vector>

#include "sim/accel/tick/dma.h"
#include "sim/accel/tick/endpoint.h"

namespace tilewright::accel {

class TickSender final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickSender(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout,
             uint32_t index, TickActive& active);
  void reset(const RunContext* context);

  sc_core::sc_port<TickFabric> fabric{"fabric"};
  sc_core::sc_port<TickGlobalBuffer> global_buffer{"global_buffer"};
  sc_core::sc_port<TickEndpoint, 0> endpoints{"endpoints"};
  sc_core::sc_port<TickLoadDma, 1, sc_core::SC_ZERO_OR_MORE_BOUND> load{"load"};

  void end_packet();  // phase A, where one ended
  void deliver();     // phase A, where chunks travel
  void fetched(uint32_t send, uint32_t bytes);  // phase A, where part of a fetch ended
  // Phase B, where no packet waits or moves.
  void post() {
    if (position_ == count_) {
      blocker_ = awaited_.empty() ? Stall::kIdle : Stall::kDramWait;
    } else if (send(position_).fetches()) {
      blocker_ = destinations_fit() ? Stall::kBusy : Stall::kSpaceWait;
      if (blocker_ == Stall::kBusy) {
        hand_over();
      }
    } else if (!reserved_ && !global_buffer_->ready(send(position_).tile)) {
      blocker_ = Stall::kTileWait;
    } else if (!reserved_ && !destinations_fit()) {
      blocker_ = Stall::kSpaceWait;
    } else {
      post_packet();
    }
  }
  // End of the cycle, each where it applies.
  void account_moving() { stalls_.add(Stall::kBusy, 1); }
  void account_waiting() { stalls_.add(Stall::kArbitration, 1); }
  void account_neither() { stalls_.add(blocker_, 1); }
  void packet_granted();
  void age();

  const StallCycles& stalls() const { return stalls_; }
  const Activity& activity() const { return activity_; }
  void trace(engine::VcdTrace& vcd) { vcd.add(position_, *this, "chunk"); }
  bool finished() const { return !sends_left() && travelling_.empty() && awaited_.empty(); }

 private:
  struct Travelling {
    uint32_t send, countdown;
  };
  bool sends_left() const { return position_ < count_; }
  const mappers::Send& send(uint32_t index) const { return (*sends_)[index]; }
  // Asks them again only where some buffet has been freed since they refused.
  bool destinations_fit() {
    const bool asked = refused_ && refused_at_ == active_.frees;
    return !asked && ask_destinations();
  }
  bool ask_destinations();
  void post_packet();
  void hand_over();
  void travel(uint32_t send);
  void count_bytes(const mappers::Send& moving, uint32_t bytes);
  void end_of_elaboration() override;
  template <typename Visit>
  void for_each_destination(const mappers::Send& of, const Visit& visit) const {
    for (mappers::EndpointMask rest = of.destinations; rest != 0; rest &= rest - 1) {
      visit(*endpoints_[static_cast<std::size_t>(std::countr_zero(rest))]);
    }
  }

  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  uint32_t index_, requester_;
  TickActive& active_;
  TickFabric* fabric_ = nullptr;
  TickGlobalBuffer* global_buffer_ = nullptr;
  std::vector<TickEndpoint*> endpoints_;

  const RunContext* context_ = nullptr;
  const std::vector<mappers::Send>* sends_ = nullptr;
  std::size_t count_ = 0;  // of sends
  uint32_t position_ = 0;
  bool reserved_ = false;
  bool refused_ = false;      // the next chunk did not fit when room had been made `refused_at_` times
  uint64_t refused_at_ = 0;
  Stall blocker_ = Stall::kIdle;  // why post() did not
  uint32_t bytes_left_ = 0;  // of the chunk, once reserved
  std::vector<Travelling> travelling_;
  std::deque<std::pair<uint32_t, uint32_t>> awaited_;  // fetches: send, and bytes that are yet to come
  StallCycles stalls_;
  Activity activity_;
};

}  // namespace tilewright::accel
