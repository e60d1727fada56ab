// SPDX-License-Identifier: Apache-2.0
//
// Untimed execution of a tile program: every command runs as soon as its data and its room are there,
// resources and durations are ignored. A program that ends here ends on any machine with the same buffer
// sizes, since no command waits for anything but fill and free counts; a program that does not is a deadlock
// of the lowering.
#pragma once

#include "mappers/program/tile_program.h"

namespace tilewright::mappers {

// Throws InternalError listing every engine that is stuck and what it waits for.
void check_flow(const TileProgram& program, const arch::AcceleratorSpec& spec);

// Bytes of one buffet. The vector unit gives each of its two operands a buffer of input_buffer bytes.
uint64_t buffet_bytes(const arch::AcceleratorSpec& spec, uint32_t endpoint, Buffet buffet);

inline std::size_t buffet_index(uint32_t endpoint, Buffet buffet) {
  return std::size_t{endpoint} * 2 + static_cast<std::size_t>(buffet);
}

}  // namespace tilewright::mappers
