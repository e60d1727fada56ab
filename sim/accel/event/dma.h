// SPDX-License-Identifier: Apache-2.0
//
// The two DMA engines between DRAM and global buffer. Each starts at most one transaction a cycle, in order; a transaction
// whose channel has no credit holds up those behind it. What goes past the global buffer is an order of its own, which
// precedes that of the tiles. Event fidelity.
#pragma once

#include <systemc>

#include <vector>

#include "sim/accel/event/dram_port.h"
#include "sim/accel/event/global_buffer.h"
#include "sim/accel/event/stall_meter.h"
#include "sim/accel/transactions.h"
#include "sim/base/fifo.h"

namespace tilewright::accel {

// Whoever asked for a fetch is told of each part that has reached its destinations' ports.
class FetchClient {
 public:
  virtual void fetched(uint32_t sender, uint32_t send, uint32_t bytes, Cycle now) = 0;

 protected:
  ~FetchClient() = default;
};

// DRAM -> tile, or past the global buffer into PE buffers. Returned data waits at its port (channel modulo ports) for a packet into the global buffer.
class EventLoadDma final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  EventLoadDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  void connect(const Alarm& issue) { issue_ = issue; }
  void set_client(FetchClient* client) { client_ = client; }
  void reset(const RunContext* context);

  sc_core::sc_port<EventFabric> fabric{"fabric"};
  sc_core::sc_port<EventGlobalBuffer> global_buffer{"global_buffer"};
  sc_core::sc_port<EventDramPort> dram{"dram"};

  void returned(uint32_t channel, uint32_t tile, uint64_t offset, uint32_t bytes, Cycle now);
  void issue(Cycle now);  // slot
  // A chunk for which room is reserved: send `send` of sender `sender`.
  void fetch(uint32_t sender, uint32_t send, Cycle now);

  void packet_done(uint32_t requester, Cycle now);  // told by the fabric

  const StallCycles& close(Cycle end) { return meter_.close(end); }
  bool finished() const { return position_ == context_->program->loads.size() && fetches_.empty(); }

 private:
  struct Arrived {
    uint32_t tile, bytes;
    uint64_t offset;
  };
  struct Fetch {  // in the place of an offset
    uint32_t sender, send;
    uint64_t packed() const { return uint64_t{sender} << 32 | send; }
    static Fetch of(uint64_t packed) { return {static_cast<uint32_t>(packed >> 32), static_cast<uint32_t>(packed)}; }
  };
  const mappers::Send& command(const Fetch& fetch) const { return context_->program->senders[fetch.sender][fetch.send]; }
  void end_of_elaboration() override;
  void begin_tile();
  void begin_fetch();
  void look_at_next();
  Stall tile_blocker();
  Stall blocker();
  bool waited_credit() const;  // of the tile's next transaction or the fetch's
  void issue_tile(Cycle now);
  void issue_fetch(Cycle now);
  void post_fetched(uint32_t port, Cycle now, bool alone);
  void post(uint32_t port, Cycle now, bool alone);

  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  Alarm issue_;
  EventFabric* fabric_ = nullptr;
  EventGlobalBuffer* global_buffer_ = nullptr;
  EventDramPort* dram_ = nullptr;
  const RunContext* context_ = nullptr;
  std::size_t position_ = 0;
  TransactionCursor cursor_;
  uint32_t tile_ = mappers::kNone;    // of the next transaction; kNone: all are issued
  uint32_t channel_ = 0;              // of the next transaction
  bool open_ = false;                 // the tile's slot is free
  Cycle ready_at_ = kNever;           // known not to be held back in this cycle
  std::vector<Fifo<Arrived>> ports_;  // of the first of each, the packet is waiting or moving
  FetchClient* client_ = nullptr;
  Fifo<Fetch> fetches_;  // of the first, transactions are left to be issued
  mappers::DramPattern fetched_;
  TransactionCursor fetch_cursor_;
  bool bypassed_ = false;       // something has been fetched in this run: paths of ports change
  bool fetch_next_ = false;     // what may be issued is a fetch
  uint32_t fetch_channel_ = 0;  // of its next transaction
  StallMeter meter_;
};

// Tile -> DRAM. A transaction takes a write credit, is read from the global buffer by a packet, and then sent.
class EventStoreDma final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  EventStoreDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  void connect(const Alarm& post) { post_ = post; }
  void reset(const RunContext* context);

  sc_core::sc_port<EventFabric> fabric{"fabric"};
  sc_core::sc_port<EventGlobalBuffer> global_buffer{"global_buffer"};
  sc_core::sc_port<EventDramPort> dram{"dram"};

  void acknowledged(Cycle now);
  void post(Cycle now);  // slot

  void packet_done(uint32_t requester, Cycle now);  // told by the fabric

  const StallCycles& close(Cycle end) { return meter_.close(end); }
  bool finished() const { return position_ == context_->program->stores.size() && outstanding_ == 0; }

 private:
  struct Port {
    uint64_t address = 0;  // in DRAM
    uint32_t tile = 0, bytes = 0, channel = 0;
    bool posted = false;
  };
  void end_of_elaboration() override;
  void begin_tile();
  void look_at_next();
  Stall blocker();
  void start_transaction(Cycle now);

  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  Alarm post_;
  EventFabric* fabric_ = nullptr;
  EventGlobalBuffer* global_buffer_ = nullptr;
  EventDramPort* dram_ = nullptr;
  const RunContext* context_ = nullptr;
  std::size_t position_ = 0;
  TransactionCursor cursor_;
  uint32_t tile_ = mappers::kNone;  // of the next transaction; kNone: all are posted
  uint32_t channel_ = 0;            // of the next transaction
  Port* port_ = nullptr;            // of the next transaction
  bool complete_ = false;           // all of the tile's outputs are there
  Cycle posted_at_ = kNever;
  Cycle ready_at_ = kNever;  // known not to be held back in this cycle
  uint64_t outstanding_ = 0;
  std::vector<Port> ports_;
  StallMeter meter_;
};

}  // namespace tilewright::accel
