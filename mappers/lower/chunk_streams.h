// SPDX-License-Identifier: Apache-2.0
//
// Sends and the steps that use them. A chunk is sent when a step first needs it and stays for as long as its
// side's scope says; steps ask for chunks by what they hold and the streams answer with the send. When all
// steps are known, chunk numbers and frees follow: every endpoint counts what it receives, and frees a chunk
// with its last use, oldest first.
//
// Why the order is safe: sends are ordered by first use in one global order of steps, which every endpoint
// follows, and what a scope keeps fits the buffer; so the earliest unsent chunk always finds room in the end.
#pragma once

#include <vector>

#include "mappers/program/tile_program.h"

namespace tilewright::mappers {

class ChunkStreams {
 public:
  // `feeders`: per multicast group of one buffet, its sender (index in TileProgram::senders).
  ChunkStreams(TileProgram& program, Buffet buffet, std::vector<uint32_t> feeders, std::size_t keys);

  // The send that brings chunk `key` to `group` within `epoch`, if it exists already; adds the endpoint to
  // it.
  bool reuse(uint32_t group, std::size_t key, uint64_t epoch, uint32_t endpoint, uint32_t& send);
  // Appends a send for it. Returns its index within the group's sender.
  uint32_t append(uint32_t group, std::size_t key, uint64_t epoch, uint32_t endpoint, const Send& send);

  // Turns send indices in the steps of `endpoint`, member of `group`, into chunk numbers and sets their
  // frees.
  void number_chunks(uint32_t endpoint, uint32_t group);

 private:
  struct Resident {
    uint64_t epoch = UINT64_MAX;
    uint32_t send = kNone;
  };

  TileProgram& program_;
  Buffet buffet_;
  std::vector<uint32_t> feeders_;
  std::size_t keys_;
  std::vector<Resident> resident_;  // per group and key
  std::vector<uint32_t> number_;    // scratch: chunk number of each send of one sender
  std::vector<uint32_t> last_use_;  // scratch: step that uses a chunk last
};

}  // namespace tilewright::mappers
