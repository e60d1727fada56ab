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
      : pattern_(&pattern), request_bytes_(request_bytes) {
    find();
  }

  bool done() const { return pattern_ == nullptr || outer_ == pattern_->outer_count; }
  const TileTransaction& current() const { return current_; }

  void advance() {
    current_.offset += current_.bytes;
    in_piece_ += current_.bytes;
    if (in_piece_ == pattern_->piece_bytes) {
      in_piece_ = 0;
      if (++inner_ == pattern_->inner_count) {
        inner_ = 0;
        ++outer_;
      }
    }
    find();
  }

 private:
  void find() {
    current_.address = pattern_->base + outer_ * pattern_->outer_stride + inner_ * pattern_->inner_stride + in_piece_;
    const uint64_t to_boundary = request_bytes_ - current_.address % request_bytes_;
    current_.bytes = static_cast<uint32_t>(std::min(to_boundary, pattern_->piece_bytes - in_piece_));
  }

  const mappers::DramPattern* pattern_ = nullptr;
  uint32_t request_bytes_ = 1;
  uint64_t in_piece_ = 0;
  uint64_t inner_ = 0;
  uint64_t outer_ = 0;
  TileTransaction current_;
};

}  // namespace tilewright::accel
