// SPDX-License-Identifier: Apache-2.0
//
// The reference for banks, links and ports: every cycle, packets that wait are visited oldest first and packets that
// move carry one flit. Knows only the present state: no completion time is ever computed.
#pragma once

#include <systemc>

#include <array>
#include <bit>
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

// A set of requesters, visited in ascending order.
class RequesterSet {
 public:
  bool has(uint32_t requester) const { return (words_[requester / 64] >> (requester % 64) & 1) != 0; }
  void add(uint32_t requester) { words_[requester / 64] |= uint64_t{1} << (requester % 64); }
  void remove(uint32_t requester) { words_[requester / 64] &= ~(uint64_t{1} << (requester % 64)); }
  bool empty() const { return (words_[0] | words_[1] | words_[2] | words_[3]) == 0; }
  // Those of `first` ... `first` + `count` - 1, a bit each; at most 64.
  uint64_t window(uint32_t first, uint32_t count) const {
    const uint32_t word = first / 64;
    const uint32_t shift = first % 64;
    uint64_t bits = words_[word] >> shift;
    if (shift != 0 && word + 1 < words_.size()) {
      bits |= words_[word + 1] << (64 - shift);
    }
    return count == 64 ? bits : bits & ((uint64_t{1} << count) - 1);
  }
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (uint32_t word = 0; word < words_.size(); ++word) {
      for (uint64_t left = words_[word]; left != 0; left &= left - 1) {
        visit(word * 64 + static_cast<uint32_t>(std::countr_zero(left)));
      }
    }
  }

 private:
  std::array<uint64_t, 4> words_{};
};

class TickFabric final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickFabric(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec, const Layout& layout);
  void reset();

  void post(uint32_t requester, const TickPacket& packet);
  bool waits(uint32_t requester) const { return waits_.has(requester); }
  bool moves(uint32_t requester) const { return moves_.has(requester); }
  const RequesterSet& all_waiting() const { return waits_; }
  const RequesterSet& all_moving() const { return moves_; }
  // True in the one cycle that follows a packet's last flit.
  bool ended(uint32_t requester) const { return ended_.has(requester); }
  const RequesterSet& all_ended() const { return ended_; }
  // True in the cycle in which the packet began to move.
  bool granted(uint32_t requester) const { return granted_.has(requester); }
  const RequesterSet& all_granted() const { return granted_; }

  void complete(Cycle now);   // phase A
  void arbitrate(Cycle now);  // phase B
  void move();                // end of the cycle

  Cycle row_link_busy() const { return row_link_busy_; }
  Cycle collect_link_busy() const { return collect_link_busy_; }
  Cycle bank_busy() const { return bank_busy_; }
  bool idle() const { return waits_.empty() && moves_.empty(); }

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
  RequesterSet waits_, moves_, ended_, granted_;
  RequesterSet ending_;  // the last flit was in this cycle
  std::vector<Posted> posted_;
  std::vector<Moving> moving_;
  std::vector<uint32_t> order_;
  ResourceSet busy_;
  Cycle row_link_busy_ = 0, collect_link_busy_ = 0, bank_busy_ = 0;
};

}  // namespace tilewright::accel
