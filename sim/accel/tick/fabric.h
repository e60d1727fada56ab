// SPDX-License-Identifier: Apache-2.0
//
// The reference for banks, links and ports: every cycle, packets that wait are visited oldest first and packets that
// move carry one flit. Knows only the present state: no completion time is ever computed.
#pragma once

#include <systemc>

#include <vector>

#include "arch/accelerator.h"
#include "sim/accel/layout.h"
#include "sim/base/error.h"

namespace tilewright::accel {

// What a requester asks for; the fabric copies it.
struct TickPacket {
  ResourceSet needs;
  uint32_t bytes = 0;
  uint32_t bytes_per_cycle = 1;
  uint32_t row_links = 0;
  bool collects = false;  // holds a row's link back to the global buffer
  bool uses_bank = false;
};

class TickFabric final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  void reset();

  void post(uint32_t requester, const TickPacket& packet);
  struct State {  // what everybody looks at in every cycle, apart from the packets
    bool waits = false, moves = false, ended = false, granted = false;
  };
  const State& state(uint32_t requester) const { return states_[requester]; }
  bool waits(uint32_t requester) const { return states_[requester].waits; }
  bool moves(uint32_t requester) const { return states_[requester].moves; }
  // True in the one cycle that follows a packet's last flit.
  bool ended(uint32_t requester) const { return states_[requester].ended; }
  // True in the cycle in which the packet began to move.
  bool granted(uint32_t requester) const { return states_[requester].granted; }

  void complete(Cycle now);   // phase A
  void arbitrate(Cycle now);  // phase B
  void move();                // end of the cycle

  Cycle row_link_busy() const { return row_link_busy_; }
  Cycle collect_link_busy() const { return collect_link_busy_; }
  Cycle bank_busy() const { return bank_busy_; }
  bool idle() const;

 private:
  struct Posted {
    uint32_t waited = 0;
    TickPacket packet;
  };
  struct Moving {
    TickPacket packet;
    uint32_t left = 0;
  };
  uint32_t starvation_limit_;
  std::vector<State> states_;
  std::vector<Posted> posted_;
  std::vector<Moving> moving_;
  std::vector<uint32_t> under_way_;  // requesters whose packet moves or ended in this cycle
  std::vector<uint32_t> order_;
  uint32_t waiting_ = 0;
  ResourceSet busy_;
  Cycle row_link_busy_ = 0, collect_link_busy_ = 0, bank_busy_ = 0;
};

}  // namespace tilewright::accel
