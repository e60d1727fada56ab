// SPDX-License-Identifier: Apache-2.0
//
// Global-buffer banks, network links and ports as one set of exclusive resources, handed to packets. Event
// fidelity: decisions are made only in cycles in which a packet was posted or ended, since nothing can be
// granted in between.
//
// Rules (docs/accelerator.md): packets are visited in the order of (cycle posted, requester); a packet is
// granted if everything it needs is free; one that has waited starvation_limit cycles bars later ones from
// what it needs.
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
  void at(Cycle cycle) const { wheel->wake(slot, cycle); }
  void at_if_present(Cycle cycle) const {  // a machine without DRAM has no DMA
    if (wheel != nullptr) {
      at(cycle);
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

  struct Requester {    // a drain's next packet may wait while one moves
    ResourceSet needs;  // of the one that waits
    ResourceSet holds;  // of the one that moves
    Path path;
    uint32_t cycles = 0;
    uint32_t banks = 0;
    uint32_t number = 0;
    Alarm end;
    EventFabric* fabric = nullptr;
    void* owner = nullptr;
    Notice granted = nullptr;
    Notice done = nullptr;
    void end_packet(Cycle now) { fabric->end_packet(*this, now); }  // slot
  };

  EventFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  // Slots are added at elaboration: one for the end of each requester's packets, in their order, in phase A;
  // then arbitration.
  template <typename AddSlot>
  void connect_ends(const AddSlot& add_slot) {
    for (Requester& requester : requesters_) {
      requester.end = add_slot(&requester);
    }
  }
  void connect(const Alarm& arbitration) { arbitration_ = arbitration; }
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

  // To be posted last in a visit, after whatever else it wakes: if nothing else can be asked in this cycle,
  // the packet is granted at once. Where one visit posts for several requesters, `alone` is false.
  void post(uint32_t requester, uint32_t bank, uint32_t cycles, Cycle now, bool alone = true);
  void arbitrate(Cycle now);  // slot

  Cycle row_link_busy() const { return row_link_busy_; }
  Cycle collect_link_busy() const { return collect_link_busy_; }
  Cycle bank_busy() const { return bank_busy_; }
  bool idle() const { return waiting_.empty() && moving_ == 0; }

 private:
  // A cycle and a requester in one number, so that lists are in order of both.
  using Key = uint64_t;
  static constexpr uint32_t kRequesterBits = 10;
  static constexpr uint32_t kRequesterMask = (1U << kRequesterBits) - 1;
  static Cycle cycle_of(Key key) { return key >> kRequesterBits; }
  static uint32_t requester_of(Key key) { return static_cast<uint32_t>(key) & kRequesterMask; }

  void end_packet(Requester& ended, Cycle now);
  void grant(Requester& granted, Cycle now);
  // Most machines have their resources in one word.
  void insert(ResourceSet& set, const ResourceSet& added) const {
    if (wide_) {
      set.insert(added);
    } else {
      set.insert_first_word(added);
    }
  }
  bool meets(const ResourceSet& needs, const ResourceSet& other) const {
    return wide_ ? needs.intersects(other) : needs.first_word_intersects(other);
  }

  uint32_t starvation_limit_;
  bool wide_;
  uint64_t tie_flip_ = 0;  // of the requester's bits
  Alarm arbitration_;
  ResourceSet busy_;
  std::vector<Requester> requesters_;
  std::vector<Key> waiting_;  // by cycle posted, in the order of visiting
  ResourceSet wanted_;        // by any of them
  uint32_t moving_ = 0;       // packets
  Cycle row_link_busy_ = 0, collect_link_busy_ = 0, bank_busy_ = 0;
};

}  // namespace tilewright::accel
