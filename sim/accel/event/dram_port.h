// SPDX-License-Identifier: Apache-2.0
//
// The edge between the core's clock and the DRAM's: hands transactions to the channels, returns completions,
// and keeps the credits that bound what is in flight per channel. Event fidelity: a channel acts only when a
// completion may be due, at the edge of the core's clock that would see it, and then takes all that reached
// it since, each at its own cycle.
#pragma once

#include <systemc>

#include <memory>
#include <vector>

#include "sim/accel/event/fabric.h"
#include "sim/base/activity.h"
#include "sim/engine/clock.h"
#include "sim/memory/dram/address_map.h"
#include "sim/memory/dram/event_channel.h"

namespace tilewright::accel {

class DramClient {
 public:
  virtual void read_returned(uint32_t channel, uint32_t tile, uint64_t offset, uint32_t bytes, Cycle now) = 0;
  virtual void write_acknowledged(Cycle now) = 0;

 protected:
  ~DramClient() = default;
};

class EventDramPort final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  EventDramPort(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const engine::Clock& core);
  void connect(const Alarm& returns) { returns_alarm_ = returns; }
  void set_client(DramClient* client) { client_ = client; }
  void reset();

  uint32_t channels() const { return static_cast<uint32_t>(channels_.size()); }
  uint32_t channel_of(uint64_t address) const { return map_.channel_of(address); }
  bool has_read_credit(uint32_t channel) const { return channels_[channel]->read_credits > 0; }
  bool has_write_credit(uint32_t channel) const { return channels_[channel]->write_credits > 0; }
  void take_write_credit(uint32_t channel) { --channels_[channel]->write_credits; }

  // `channel`: of the address.
  void read(uint32_t channel, uint64_t address, uint32_t bytes, uint32_t tile, uint64_t offset,
            Cycle now);                                                       // takes a credit
  void write(uint32_t channel, uint64_t address, uint32_t bytes, Cycle now);  // credit taken before

  void take_returns(Cycle now);  // slot

  // Counts up to the DRAM edges before the core's edge `end`.
  void close(Cycle end, Activity& activity, Cycle& busy);
  bool idle() const { return outstanding_ == 0; }

 private:
  static constexpr uint32_t kNoTag = UINT32_MAX;
  struct Origin {  // of a read in flight, by tag
    uint64_t offset;
    uint32_t tile, bytes;
    uint32_t next_free;
  };
  struct Channel {
    explicit Channel(const arch::DramSpec& spec) : model(spec) {}
    memory::EventDramChannel model;
    uint32_t read_credits = 0, write_credits = 0;
  };
  struct Return {
    Cycle core_cycle, dram_cycle;
    uint32_t channel, tag;
    bool write;
    bool after(const Return& other) const {
      return dram_cycle != other.dram_cycle ? dram_cycle > other.dram_cycle : channel > other.channel;
    }
  };
  static constexpr std::size_t kForget = 1024;  // returns that are over before they are dropped from the list
  void send(const memory::DramTransaction& transaction, uint32_t channel, Cycle now);
  void add_return(const Return& added);
  void act_channels(Cycle now);
  void set_next_act(Cycle cycle) {
    next_act_ = cycle;
    act_cycle_ = cycle == kNever ? kNever : to_core_.seen(cycle);
  }

  const arch::AcceleratorSpec& spec_;
  engine::Clock core_, dram_;
  engine::Crossing to_dram_, to_core_;
  memory::AddressMap map_;
  Alarm returns_alarm_;
  DramClient* client_ = nullptr;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<Cycle> wanted_;  // by channel, of the DRAM: when it is to act next
  std::vector<Origin> origins_;
  uint32_t free_tag_ = kNoTag;
  std::vector<Return> returns_;     // in order, from next_return_ on
  std::size_t next_return_ = 0;
  std::vector<memory::DramCompletion> done_;
  Cycle next_act_ = kNever;   // of the DRAM: the first that any channel wants
  Cycle act_cycle_ = kNever;  // of the core: the edge that would see a completion then
  uint64_t outstanding_ = 0;
};

}  // namespace tilewright::accel
