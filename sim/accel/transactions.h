// SPDX-License-Identifier: Apache-2.0
//
// Cuts a tile's DRAM pattern into transactions: pieces in order, each cut at multiples of request_bytes, so that no
// transaction crosses a channel boundary. Pure arithmetic, shared by both fidelities.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mappers/program/tile_program.h"

namespace tilewright::accel {

struct TileTransaction {
  uint64_t address = 0;  // in DRAM
  uint32_t bytes = 0;
  uint64_t offset = 0;  // in the tile
};

class TransactionCursor {
 public:
  TransactionCursor() = default;
  TransactionCursor(const mappers::DramPattern& pattern, uint32_t request_bytes)
      : pattern_(&pattern), request_bytes_(request_bytes) {}

  bool done() const { return pattern_ == nullptr || outer_ == pattern_->outer_count; }

  TileTransaction current() const {
    const uint64_t address =
        pattern_->base + outer_ * pattern_->outer_stride + inner_ * pattern_->inner_stride + in_piece_;
    const uint64_t to_boundary = request_bytes_ - address % request_bytes_;
    const uint64_t left = pattern_->piece_bytes - in_piece_;
    return {address, static_cast<uint32_t>(std::min(to_boundary, left)), offset_};
  }

  void advance() {
    const uint32_t bytes = current().bytes;
    offset_ += bytes;
    in_piece_ += bytes;
    if (in_piece_ == pattern_->piece_bytes) {
      in_piece_ = 0;
      if (++inner_ == pattern_->inner_count) {
        inner_ = 0;
        ++outer_;
      }
    }
  }

 private:
  const mappers::DramPattern* pattern_ = nullptr;
  uint32_t request_bytes_ = 1;
  uint64_t in_piece_ = 0;
  uint64_t inner_ = 0;
  uint64_t outer_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace tilewright::accel
