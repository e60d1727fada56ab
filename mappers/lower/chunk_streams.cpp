// SPDX-License-Identifier: Apache-2.0
#include "mappers/lower/chunk_streams.h"

#include <algorithm>
#include <utility>

#include "sim/base/error.h"

namespace tilewright::mappers {

ChunkStreams::ChunkStreams(TileProgram& program, Buffet buffet, std::vector<uint32_t> feeders,
                           std::size_t keys)
    : program_(program),
      buffet_(buffet),
      feeders_(std::move(feeders)),
      keys_(keys),
      resident_(feeders_.size() * keys) {}

bool ChunkStreams::reuse(uint32_t group, std::size_t key, uint64_t epoch, uint32_t endpoint, uint32_t& send) {
  const Resident& entry = resident_[group * keys_ + key];
  if (entry.epoch != epoch) {
    return false;
  }
  send = entry.send;
  if (send != kNone) {
    program_.senders[feeders_[group]][send].destinations |= EndpointMask{1} << endpoint;
  }
  return true;
}

uint32_t ChunkStreams::append(uint32_t group, std::size_t key, uint64_t epoch, uint32_t endpoint,
                              const Send& send) {
  Resident& entry = resident_[group * keys_ + key];
  entry.epoch = epoch;
  if (send.bytes == 0) {
    entry.send = kNone;  // nothing but padding
    return kNone;
  }
  std::vector<Send>& stream = program_.senders[feeders_[group]];
  TILEWRIGHT_CHECK(stream.size() < kNone, "a sender has more than four billion sends");
  entry.send = static_cast<uint32_t>(stream.size());
  stream.push_back(send);
  stream.back().destinations = EndpointMask{1} << endpoint;
  stream.back().buffet = buffet_;
  if (!send.fetches()) {
    ++program_.tiles[send.tile].uses;
  }
  return entry.send;
}

void ChunkStreams::number_chunks(uint32_t endpoint, uint32_t group) {
  const std::vector<Send>& stream = program_.senders[feeders_[group]];
  number_.assign(stream.size(), kNone);
  uint32_t received = 0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    if (stream[i].buffet == buffet_ && (stream[i].destinations >> endpoint & 1) != 0) {
      number_[i] = received++;
    }
  }
  std::vector<Step>& steps = program_.steps[endpoint];
  last_use_.assign(received, 0);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    uint32_t& chunk = buffet_ == Buffet::kWeight ? steps[i].weight_chunk : steps[i].input_chunk;
    if (chunk != kNone) {
      chunk = number_[chunk];
      last_use_[chunk] = static_cast<uint32_t>(i);
    }
  }
  uint32_t oldest = 0;
  for (const uint32_t use : last_use_) {
    oldest = std::max(oldest, use);
    uint8_t& frees = buffet_ == Buffet::kWeight ? steps[oldest].free_weight : steps[oldest].free_input;
    TILEWRIGHT_CHECK(frees < UINT8_MAX, "a step frees more than 255 chunks");
    ++frees;
  }
}

}  // namespace tilewright::mappers
