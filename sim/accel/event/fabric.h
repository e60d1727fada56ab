// SPDX-License-Identifier: Apache-2.0
//
// Global-buffer banks, network links and ports as one set of exclusive resources, handed to packets. Event fidelity:
// decisions are made only in cycles in which a packet was posted or ended, since nothing can be granted in between.
//
// Rules (docs/accelerator.md): packets are visited in the order of (cycle posted, requester); a packet is granted if
// everything it needs is free; one that has waited starvation_limit cycles bars later ones from what it needs.
//
// What a requester's packets have in common is set once (own, set_path); posting says bank and length.
#pragma once

#include <systemc>

#include <vector>

#include "arch/accelerator.h"
#include "sim/accel/event/mutation.h"
#include "sim/accel/layout.h"
#include "sim/engine/scheduler.h"

namespace tilewright::accel {

// One slot of the core's clock domain, to be woken. Only slots of that domain do.
struct Alarm {
  engine::Wheel* wheel = nullptr;
  uint32_t slot = 0;
  void at(Cycle cycle) const {
    if (wheel != nullptr) {  // absent parts (a machine without DRAM) are never woken
      wheel->wake(slot, cycle);
    }
  }
};

class EventFabric final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  static constexpr uint32_t kNoBank = UINT32_MAX;
  // What is told: a packet has been granted, its last flit has moved in the cycle before.
  using Notice = void (*)(void* owner, uint32_t requester, Cycle now);
  // What a requester's packets hold besides their bank; for the books, how many of those are links.
  struct Path {
    ResourceSet resources;
    uint32_t row_links = 0;
    uint32_t collect_links = 0;
  };

  EventFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  void connect(const Alarm& completion, const Alarm& arbitration);
  void reset();

  // At elaboration. `granted` may be null.
  template <typename Owner, void (Owner::*done)(uint32_t, Cycle)>
  void own(uint32_t requester, Owner* owner, Notice granted = nullptr) {
    requesters_[requester].owner = owner;
    requesters_[requester].granted = granted;
    requesters_[requester].done = [](void* self, uint32_t who, Cycle now) {
      (static_cast<Owner*>(self)->*done)(who, now);
    };
  }
  // Of packets posted from now on.
  void set_path(uint32_t requester, const Path& path) { requesters_[requester].path = path; }

  void post(uint32_t requester, uint32_t bank, uint32_t cycles, Cycle now);
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
    ResourceSet needs;  // of the one that waits
    ResourceSet holds;  // of the one that moves
    Path path;
    uint32_t cycles = 0;
    uint32_t banks = 0;
    void* owner = nullptr;
    Notice granted = nullptr;
    Notice done = nullptr;
  };
  void grant(Requester& granted, uint32_t requester, Cycle now);
  // Most machines have their resources in one word.
  bool meets(const ResourceSet& needs, const ResourceSet& other) const {
    return wide_ ? needs.intersects(other) : needs.first_word_intersects(other);
  }

  uint32_t starvation_limit_;
  bool wide_;
  uint64_t tie_flip_ = 0;  // of the requester's bits
  Alarm completion_, arbitration_;
  ResourceSet busy_;
  std::vector<Requester> requesters_;
  std::vector<Key> waiting_;  // by cycle posted, in the order of visiting
  std::vector<Key> moving_;   // by cycle in which it ends, latest first
  Cycle row_link_busy_ = 0, collect_link_busy_ = 0, bank_busy_ = 0;
};

}  // namespace tilewright::accel
