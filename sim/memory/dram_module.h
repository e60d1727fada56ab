// SPDX-License-Identifier: Apache-2.0
//
// All channels of one DRAM behind a TLM-2.0 target socket, for initiators outside the machine: they see the
// timing that the accelerator and the GPU see, which use the channels directly.
//
// A transport call that arrives at time t (with its annotated delay) enters its channels' queues at the first
// edge of the command clock strictly after t, is split at channel-interleave units, and returns at the edge
// at which the last of its data is there: b_transport waits, so it must be called from a thread, and returns
// a delay of zero. Calls without a free queue entry wait their turn, per channel and direction in the order
// of arrival. An entry comes back in the cycle after its completion.
//
// Timing only: no data is stored, and a read leaves the initiator's bytes as they are. Addresses beyond the
// capacity get TLM_ADDRESS_ERROR_RESPONSE; byte enables and streaming widths get theirs. No DMI, no debug
// transport. Needs a time resolution of 1 fs (engine::SimulationContext sets it).
#pragma once

#include <systemc>

#include <tlm_utils/simple_target_socket.h>
#include <tlm>

#include <deque>
#include <vector>

#include "arch/dram.h"
#include "sim/engine/clock.h"
#include "sim/memory/dram/address_map.h"
#include "sim/memory/dram/event_channel.h"

namespace tilewright::memory {

class DramModule : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(DramModule);
  DramModule(const sc_core::sc_module_name& name, const arch::DramSpec& spec);

  tlm_utils::simple_target_socket<DramModule> socket{"socket"};

  // After the simulation; everything must have completed before command-clock cycle `end`. One entry a
  // channel.
  std::vector<DramStatistics> finish(Cycle end);

 private:
  // One transport call; lives on its thread's stack while it waits.
  struct Request {
    sc_core::sc_event complete;
    uint32_t parts_left = 0;
    Cycle last = 0;
  };
  struct Waiting {
    Cycle arrival;
    DramTransaction transaction;  // its tag is an index into requests_
  };
  struct Port {
    explicit Port(const arch::DramSpec& spec) : channel(spec), credits{spec.read_queue, spec.write_queue} {}
    EventDramChannel channel;
    uint32_t credits[2];              // [write]
    std::deque<Waiting> waiting[2];   // in order of arrival
    std::deque<DramCompletion> owed;  // credits that come back after these, in order of cycle
    Cycle next = kNever;              // when the port acts
  };

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  bool refused(tlm::tlm_generic_payload& payload) const;
  uint64_t add_request(Request& request);
  void act();
  void act(Port& port, Cycle now);
  void complete(const DramCompletion& completion);
  engine::Femtoseconds now_fs() const { return sc_core::sc_time_stamp().value(); }
  void wake_at(Cycle cycle);

  arch::DramSpec spec_;
  AddressMap map_;
  engine::Clock clock_;
  std::vector<Port> ports_;
  std::vector<Request*> requests_;  // null where free
  std::vector<DramCompletion> done_;
  sc_core::sc_event wake_{"wake"};
};

}  // namespace tilewright::memory
