// SPDX-License-Identifier: Apache-2.0
//
// Global-buffer banks, network links and ports as one set of exclusive resources, handed to packets. Event fidelity:
// decisions are made only in cycles in which a packet was posted or ended, since nothing can be granted in between.
//
// Rules (docs/accelerator.md): packets are visited in the order of (cycle posted, requester); a packet is granted if
// everything it needs is free; one that has waited starvation_limit cycles bars later ones from what it needs.
#pragma once

#include <systemc>

#include <vector>

#include "arch/accelerator.h"
#include "sim/accel/event/mutation.h"
#include "sim/accel/layout.h"
#include "sim/engine/scheduler.h"

namespace tilewright::accel {

// One slot of the scheduler, to be woken.
struct Alarm {
  engine::Scheduler* scheduler = nullptr;
  uint32_t domain = 0;
  uint32_t slot = 0;
  void at(Cycle cycle) const {
    if (scheduler != nullptr) {  // absent parts (a machine without DRAM) are never woken
      scheduler->wake(domain, slot, cycle);
    }
  }
};

struct Packet {
  ResourceSet needs;
  uint32_t cycles = 0;         // it holds them for
  uint32_t row_links = 0;      // of them, for the books
  uint32_t collect_links = 0;
  uint32_t banks = 0;
};

inline void add_bank(Packet& packet, uint32_t bank) {
  if (!mutated(Mutation::kBanksIgnored)) {
    packet.needs.add(bank);
  }
}

class PacketOwner {
 public:
  virtual void packet_granted(uint32_t requester, Cycle now) = 0;
  virtual void packet_done(uint32_t requester, Cycle now) = 0;

 protected:
  ~PacketOwner() = default;
};

class EventFabric final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  EventFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  void connect(const Alarm& completion, const Alarm& arbitration);
  void reset();

  void post(uint32_t requester, PacketOwner& owner, const Packet& packet, Cycle now);
  void complete(Cycle now);
  void arbitrate(Cycle now);

  Cycle row_link_busy() const { return row_link_busy_; }
  Cycle collect_link_busy() const { return collect_link_busy_; }
  Cycle bank_busy() const { return bank_busy_; }
  bool idle() const { return waiting_.empty() && moving_.empty(); }

 private:
  // A cycle and a requester in one number, so that lists are in order of both.
  using Key = uint64_t;
  static constexpr uint32_t kRequesterBits = 10;
  static constexpr uint32_t kRequesterMask = (1U << kRequesterBits) - 1;
  static Cycle cycle_of(Key key) { return key >> kRequesterBits; }
  static uint32_t requester_of(Key key) { return static_cast<uint32_t>(key) & kRequesterMask; }

  struct Requester {  // a drain's next packet may wait while one moves
    PacketOwner* owner = nullptr;
    Packet waiting;
    ResourceSet holds;  // of the one that moves
  };
  void grant(uint32_t requester, Cycle now);

  uint32_t starvation_limit_;
  uint64_t tie_flip_ = 0;  // of the requester's bits
  Alarm completion_, arbitration_;
  ResourceSet busy_;
  std::vector<Requester> requesters_;
  std::vector<Key> waiting_;  // by cycle posted, in the order of visiting
  std::vector<Key> moving_;   // by cycle in which it ends, latest first
  Cycle row_link_busy_ = 0, collect_link_busy_ = 0, bank_busy_ = 0;
};

}  // namespace tilewright::accel
