// SPDX-License-Identifier: Apache-2.0
//
// Names for everything in the accelerator that one packet at a time can hold, and for everything that asks for packets.
// Index arithmetic only: no state and no timing, so both fidelities use it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "arch/accelerator.h"
#include "mappers/program/tile_program.h"

namespace tilewright::accel {

// A set of the machine's exclusive resources.
class ResourceSet {
 public:
  void add(uint32_t resource) { words_[resource / 64] |= uint64_t{1} << (resource % 64); }
  bool intersects(const ResourceSet& other) const {
    return ((words_[0] & other.words_[0]) | (words_[1] & other.words_[1]) | (words_[2] & other.words_[2]) |
            (words_[3] & other.words_[3])) != 0;
  }
  void insert(const ResourceSet& other) {
    words_[0] |= other.words_[0];
    words_[1] |= other.words_[1];
    words_[2] |= other.words_[2];
    words_[3] |= other.words_[3];
  }
  void remove(const ResourceSet& other) {
    words_[0] &= ~other.words_[0];
    words_[1] &= ~other.words_[1];
    words_[2] &= ~other.words_[2];
    words_[3] &= ~other.words_[3];
  }
  // The same where no other word is used.
  bool first_word_intersects(const ResourceSet& other) const { return (words_[0] & other.words_[0]) != 0; }
  void insert_first_word(const ResourceSet& other) { words_[0] |= other.words_[0]; }
  void remove_first_word(const ResourceSet& other) { words_[0] &= ~other.words_[0]; }
  friend bool operator==(const ResourceSet&, const ResourceSet&) = default;

 private:
  std::array<uint64_t, 4> words_{};
};

class Layout {
 public:
  // Throws UserError where the machine has more parts than the simulator has names for.
  explicit Layout(const arch::AcceleratorSpec& spec);

  uint32_t endpoints() const { return endpoints_; }  // PEs, then the vector unit
  uint32_t vector_unit() const { return endpoints_ - 1; }
  bool is_vector_unit(uint32_t endpoint) const { return endpoint == vector_unit(); }
  uint32_t row_of(uint32_t endpoint) const { return endpoint / pes_per_row_; }
  uint32_t senders() const { return 2 * rows_; }
  uint32_t ports() const { return ports_; }

  // Names of the modules, and of the kinds that their books are added up under.
  std::string endpoint_name(uint32_t endpoint) const;
  std::string sender_name(uint32_t sender) const;
  const char* endpoint_kind(uint32_t endpoint) const { return is_vector_unit(endpoint) ? "vector_unit" : "pe"; }
  const char* sender_kind(uint32_t sender) const { return sender < rows_ ? "input_sender" : "weight_sender"; }

  // Requesters, in the order that breaks ties between packets that became ready in the same cycle.
  uint32_t drain(uint32_t endpoint) const { return endpoint; }
  uint32_t egress(uint32_t endpoint) const { return endpoints_ + endpoint; }
  uint32_t load_port(uint32_t port) const { return 2 * endpoints_ + port; }
  uint32_t sender(uint32_t sender) const { return 2 * endpoints_ + ports_ + sender; }
  uint32_t store_port(uint32_t port) const { return 2 * endpoints_ + ports_ + senders() + port; }
  uint32_t requesters() const { return 2 * endpoints_ + 2 * ports_ + senders(); }

  // What packets hold. The bank is added per packet.
  uint32_t resources() const { return banks_ + 2 * rows_ + 2 * endpoints_ + 2 * ports_; }
  uint32_t bank_of(uint64_t global_buffer_address) const {
    return static_cast<uint32_t>(global_buffer_address / packet_bytes_ % banks_);
  }
  ResourceSet send_needs(mappers::EndpointMask destinations) const;
  ResourceSet drain_needs(uint32_t endpoint) const;
  ResourceSet egress_needs(uint32_t endpoint) const;
  ResourceSet load_needs(uint32_t port) const;
  ResourceSet store_needs(uint32_t port) const;

  uint32_t rows_reached(mappers::EndpointMask destinations) const;  // row links of a multicast
  // Network links one packet crosses on the way out or back, for the energy of the wires.
  uint32_t links_out(mappers::EndpointMask destinations) const;
  uint32_t links_back(uint32_t endpoint) const { return is_vector_unit(endpoint) ? 1 : 2; }

 private:
  uint32_t banks_, rows_, endpoints_, ports_, pes_per_row_, packet_bytes_;
};

// Where each tile lies in the global buffer, and which tile stands `slots` places before it in its slot class.
struct TilePlaces {
  explicit TilePlaces(const mappers::TileProgram& program);
  std::vector<uint64_t> address;
  std::vector<uint32_t> predecessor;  // mappers::kNone: the slot is free from the start
};

}  // namespace tilewright::accel
