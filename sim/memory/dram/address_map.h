// SPDX-License-Identifier: Apache-2.0
//
// Which channel, bank group, bank, row and column an address lies in (docs/dram.md, "Address map"): shifts
// and masks only, so every size of the specification is a power of two (check_dram_spec refuses others). A
// bijection between the addresses below capacity() and the locations. Addresses are in bytes over all
// channels.
#pragma once

#include <bit>
#include <cstdint>

#include "arch/dram.h"

namespace tilewright::memory {

struct DramLocation {
  uint32_t channel = 0;
  uint32_t bank_group = 0;
  uint32_t bank = 0;  // within the bank group
  uint64_t row = 0;
  uint32_t column = 0;  // in bursts
  uint32_t offset = 0;  // bytes within the burst
  friend bool operator==(const DramLocation&, const DramLocation&) = default;
};

// Which bank of the channel, counted over all bank groups, and which of its rows.
struct BankRow {
  uint64_t bank = 0;  // bank_group * banks_per_group + bank
  uint64_t row = 0;
};

class AddressMap {
 public:
  explicit AddressMap(const arch::DramSpec& spec)
      : interleave_bits_(bits(spec.channel_interleave.value)),
        channel_bits_(bits(spec.channels)),
        offset_bits_(bits(spec.burst_bytes.value)),
        group_bits_(bits(spec.bank_groups)),
        bank_bits_(bits(spec.banks_per_group)),
        row_bits_(bits(spec.rows)),
        hash_(spec.bank_hash) {
    const uint32_t column_bits = bits(spec.row_bytes.value) - offset_bits_;
    low_column_bits_ = spec.bank_group_interleave == 0 ? column_bits : bits(spec.bank_group_interleave);
    high_column_bits_ = column_bits - low_column_bits_;
    // Above the bits that leave bank and row as they are.
    const uint32_t chunk_bits = offset_bits_ + low_column_bits_;
    chunk_in_one_channel_ = chunk_bits < interleave_bits_;
    chunk_shift_ = chunk_in_one_channel_ ? chunk_bits : chunk_bits + channel_bits_;
    bank_shift_ = group_bits_ + high_column_bits_;
    bank_mask_ = (uint64_t{1} << bank_bits_) - 1;
    group_mask_ = (uint64_t{1} << group_bits_) - 1;
    row_hash_ = hash_ ? ~uint64_t{0} : 0;
  }

  uint64_t capacity() const {
    return uint64_t{1} << (row_bits_ + bank_bits_ + group_bits_ + low_column_bits_ + high_column_bits_ +
                           offset_bits_ + channel_bits_);
  }

  uint32_t channel_of(uint64_t address) const {
    return static_cast<uint32_t>(low(address >> interleave_bits_, channel_bits_));
  }

  // The address within its channel, in bytes.
  uint64_t channel_local(uint64_t address) const {
    return (address >> (interleave_bits_ + channel_bits_) << interleave_bits_) |
           low(address, interleave_bits_);
  }

  DramLocation locate(uint64_t address) const {
    DramLocation place;
    place.channel = channel_of(address);
    uint64_t rest = channel_local(address);
    place.offset = static_cast<uint32_t>(take(rest, offset_bits_));
    place.column = static_cast<uint32_t>(take(rest, low_column_bits_));
    place.bank_group = static_cast<uint32_t>(take(rest, group_bits_));
    place.column |= static_cast<uint32_t>(take(rest, high_column_bits_) << low_column_bits_);
    place.bank = static_cast<uint32_t>(take(rest, bank_bits_));
    place.row = rest;
    hash(place);
    return place;
  }

  // The same place, for those who need no column.
  BankRow bank_row(uint64_t address) const {
    const uint64_t above =
        chunk_in_one_channel_ ? channel_local(address) >> chunk_shift_ : address >> chunk_shift_;
    const uint64_t high = above >> bank_shift_;
    const uint64_t row = high >> bank_bits_;
    const uint64_t hashed = row & row_hash_;
    const uint64_t bank = (high ^ hashed) & bank_mask_;
    return {((above ^ hashed >> bank_bits_) & group_mask_) << bank_bits_ | bank, row};
  }

  uint64_t address_of(DramLocation place) const {
    hash(place);  // its own inverse
    uint64_t local = place.row;
    local = local << bank_bits_ | place.bank;
    local = local << high_column_bits_ | place.column >> low_column_bits_;
    local = local << group_bits_ | place.bank_group;
    local = local << low_column_bits_ | low(place.column, low_column_bits_);
    local = local << offset_bits_ | place.offset;
    return ((local >> interleave_bits_ << channel_bits_ | place.channel) << interleave_bits_) |
           low(local, interleave_bits_);
  }

 private:
  static uint32_t bits(uint64_t power_of_two) {
    return static_cast<uint32_t>(std::countr_zero(power_of_two));
  }
  static uint64_t low(uint64_t value, uint32_t count) { return value & ((uint64_t{1} << count) - 1); }
  static uint64_t take(uint64_t& value, uint32_t count) {
    const uint64_t taken = low(value, count);
    value >>= count;
    return taken;
  }
  void hash(DramLocation& place) const {
    if (hash_) {
      place.bank ^= static_cast<uint32_t>(low(place.row, bank_bits_));
      place.bank_group ^= static_cast<uint32_t>(low(place.row >> bank_bits_, group_bits_));
    }
  }

  uint32_t interleave_bits_, channel_bits_, offset_bits_, group_bits_, bank_bits_, row_bits_;
  uint32_t low_column_bits_ = 0, high_column_bits_ = 0;
  bool hash_;
  bool chunk_in_one_channel_ = false;
  uint32_t chunk_shift_ = 0, bank_shift_ = 0;
  uint64_t bank_mask_ = 0, group_mask_ = 0, row_hash_ = 0;
};

}  // namespace tilewright::memory
