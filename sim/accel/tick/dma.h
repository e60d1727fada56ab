// SPDX-License-Identifier: Apache-2.0
//
// The reference for the DRAM's edge and the two DMA engines: queues that are looked at in every cycle.
#pragma once

#include <systemc>

#include <deque>
#include <memory>
#include <vector>

#include "sim/accel/tick/fabric.h"
#include "sim/accel/tick/global_buffer.h"
#include "sim/accel/transactions.h"
#include "sim/engine/clock.h"
#include "sim/memory/dram/address_map.h"
#include "sim/memory/dram/tick_channel.h"

namespace tilewright::accel {

// A transaction on its way out or back.
struct TickTransfer {
  uint32_t tile = 0;
  uint32_t bytes = 0;
  uint64_t offset = 0;
  uint64_t address = 0;
  bool write = false;
  uint32_t sender = 0, send = mappers::kNone;  // of a fetch; kNone: a tile's
};

class TickDramPort final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickDramPort(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const engine::Clock& core);
  void reset();

  uint32_t channel_of(uint64_t address) const { return map_.channel_of(address); }
  bool read_credit(uint32_t channel) const { return channels_[channel]->reads < spec_.dma.read_credits; }
  bool write_credit(uint32_t channel) const { return channels_[channel]->writes < spec_.dma.write_credits; }
  void take_credit(uint32_t channel, bool write);
  void send(const TickTransfer& transfer, Cycle now);

  void step_dram(Cycle now);                           // every edge of the DRAM's clock
  template <typename Visit>  // phase A of the core: visit(channel, transfer)
  void take_returns(const Visit& visit) {
    for (const auto& [channel, tag] : returned_) {
      const TickTransfer& transfer = transfers_[tag];
      --(transfer.write ? channels_[channel]->writes : channels_[channel]->reads);
      visit(channel, transfer);
    }
    returned_.clear();
  }

  void close(Activity& activity, Cycle& busy);
  bool idle() const;

 private:
  struct Outgoing {
    Cycle sent;
    uint64_t tag;
  };
  struct Channel {
    explicit Channel(const arch::DramSpec& spec) : model(spec) {}
    memory::TickDramChannel model;
    std::deque<Outgoing> outgoing;
    uint32_t reads = 0, writes = 0;  // in flight
  };
  const arch::AcceleratorSpec& spec_;
  engine::Clock core_, dram_;
  memory::AddressMap map_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::deque<TickTransfer> transfers_;  // by tag
  std::vector<std::pair<uint32_t, uint64_t>> returned_;
  std::vector<memory::DramCompletion> done_;
  Cycle dram_cycles_ = 0;
};

// Told of every part of a fetch that has reached its destinations' ports.
class TickFetchClient {
 public:
  virtual void fetched(uint32_t sender, uint32_t bytes, uint32_t send) = 0;

 protected:
  ~TickFetchClient() = default;
};

class TickLoadDma final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickLoadDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  void reset(const RunContext* context);

  sc_core::sc_port<TickFabric> fabric{"fabric"};
  sc_core::sc_port<TickGlobalBuffer> global_buffer{"global_buffer"};
  sc_core::sc_port<TickDramPort> dram{"dram"};

  void receive(uint32_t channel, const TickTransfer& transfer) { ports_[channel % ports_.size()].push_back(transfer); }
  void end_packets();     // phase A, where packets ended
  void post();            // phase B
  void issue(Cycle now);  // phase C
  void set_client(TickFetchClient* client) { client_ = client; }
  void fetch(uint32_t sender, uint32_t send) { fetches_.push_back({sender, send, 0}); }  // phase B

  const StallCycles& stalls() const { return stalls_; }
  bool finished() const { return tiles_issued() && fetches_.empty(); }

 private:
  struct Fetch {
    uint32_t sender, send, issued;  // bytes
  };
  bool tiles_issued() const { return position_ == context_->program->loads.size(); }
  Stall tile_state() const;
  TickTransfer next_fetch() const;
  void issue_tile(Cycle now);
  TickPacket packet_of(const TickTransfer& transfer, uint32_t port) const;
  void end_of_elaboration() override;
  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  TickFabric* fabric_ = nullptr;
  TickGlobalBuffer* global_buffer_ = nullptr;
  TickDramPort* dram_ = nullptr;
  const RunContext* context_ = nullptr;
  std::size_t position_ = 0;
  TransactionCursor cursor_;
  std::vector<std::deque<TickTransfer>> ports_;
  std::deque<Fetch> fetches_;
  TickFetchClient* client_ = nullptr;
  StallCycles stalls_;
};

class TickStoreDma final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickStoreDma(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  void reset(const RunContext* context);

  sc_core::sc_port<TickFabric> fabric{"fabric"};
  sc_core::sc_port<TickGlobalBuffer> global_buffer{"global_buffer"};
  sc_core::sc_port<TickDramPort> dram{"dram"};

  void acknowledge() { --outstanding_; }
  void end_packets(Cycle now);  // phase A, where packets ended
  void post();                  // phase B

  const StallCycles& stalls() const { return stalls_; }
  // Charges the cycle that post() looked at; not called in the cycle in which the run ends.
  void account() { stalls_.add(state_, 1); }
  bool finished() const { return position_ == context_->program->stores.size() && outstanding_ == 0; }

 private:
  Stall state() const;
  void end_of_elaboration() override;
  const arch::AcceleratorSpec& spec_;
  const Layout& layout_;
  TickFabric* fabric_ = nullptr;
  TickGlobalBuffer* global_buffer_ = nullptr;
  TickDramPort* dram_ = nullptr;
  const RunContext* context_ = nullptr;
  std::size_t position_ = 0;
  TransactionCursor cursor_;
  std::vector<TickTransfer> ports_;
  uint64_t outstanding_ = 0;
  Stall state_ = Stall::kIdle;
  StallCycles stalls_;
};

}  // namespace tilewright::accel
