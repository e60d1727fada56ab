// SPDX-License-Identifier: Apache-2.0
//
// The global buffer's book of tiles: which are loaded, how many sends still read them, which slots are free, how much
// of an output tile has come back. Its banks are resources of the fabric. Event fidelity: whoever was refused is woken
// when the answer changes.
#pragma once

#include <systemc>

#include <vector>

#include "sim/accel/event/fabric.h"
#include "sim/accel/run_context.h"
#include "sim/base/activity.h"
#include "sim/base/fifo.h"

namespace tilewright::accel {

class EventGlobalBuffer final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  EventGlobalBuffer(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec);
  void connect(const Alarm& collection, std::vector<Alarm> senders, std::vector<Alarm> outputs, const Alarm& load,
               const Alarm& store, const Alarm& done);
  void reset(const RunContext* context);

  // Loaded (or resident) and so readable by sends.
  bool ready(uint32_t tile) const { return tiles_[tile].ready; }
  // Its slot is free: it may be loaded, or outputs may be written to it.
  bool open(uint32_t tile) const { return tiles_[tile].open; }
  // All outputs have come back.
  bool complete(uint32_t tile) const { return tiles_[tile].complete; }

  // Ask to be woken once the tile is ready / open / complete.
  void wait_ready(uint32_t sender) { waiting_senders_ |= uint64_t{1} << sender; }
  void wait_open(uint32_t endpoint) { waiting_outputs_ |= uint64_t{1} << endpoint; }

  void loaded(uint32_t tile, uint32_t bytes, Cycle now);     // a load's packet was written
  void sent(uint32_t tile, Cycle now);                       // one send has read all it needs
  void collected(uint32_t tile, uint32_t bytes, uint32_t endpoint, uint32_t step, Cycle now);  // usable `latency` later
  void stored(uint32_t tile, uint32_t bytes, Cycle now);     // a store's packet was read
  void collect(Cycle now);                                   // slot: arrivals due now

  bool all_outputs_complete() const { return incomplete_outputs_ == 0; }
  Activity& activity() { return activity_; }

 private:
  struct TileState {
    bool ready = false, open = false, complete = false;
    uint32_t uses = 0;
    uint64_t bytes = 0;  // loaded or collected so far, later: stored so far
    uint32_t successor = mappers::kNone;  // the tile that takes over its slot
  };
  struct Arrival {
    Cycle cycle;
    uint32_t tile, bytes, endpoint, step;
  };
  void free_slot(uint32_t tile, Cycle now);
  void wake_all(uint64_t& waiting, const std::vector<Alarm>& alarms, Cycle now);

  uint32_t latency_;
  const RunContext* context_ = nullptr;
  std::vector<TileState> tiles_;
  Fifo<Arrival> arrivals_;
  uint32_t incomplete_outputs_ = 0;
  uint64_t waiting_senders_ = 0, waiting_outputs_ = 0;
  Alarm collection_, load_, store_, done_;
  std::vector<Alarm> senders_, outputs_;
  Activity activity_;
};

}  // namespace tilewright::accel
