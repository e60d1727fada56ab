// SPDX-License-Identifier: Apache-2.0
//
// How many lines of memory (bursts, DMA requests) pieces of bytes touch. Pieces lie at arithmetic progressions of
// addresses, so that sums over thousands of them cost a few divisions.
#pragma once

#include <cstdint>

namespace tilewright::mappers {

// Lines of `line` bytes that [start, start + bytes) touches; bytes > 0.
constexpr uint64_t lines_of(uint64_t start, uint64_t bytes, uint64_t line) {
  return (start + bytes - 1) / line - start / line + 1;
}

// Sum over i < count of floor((a i + b) / m); m > 0. Euclid's algorithm; exact where every a i + b fits 64 bits.
constexpr uint64_t sum_of_floors(uint64_t count, uint64_t m, uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  while (count > 0) {
    sum += a / m * (count * (count - 1) / 2) + b / m * count;
    a %= m;
    b %= m;
    const uint64_t top = a * count + b;
    if (top < m) {
      break;
    }
    count = top / m;
    b = top % m;
    const uint64_t swapped = m;
    m = a;
    a = swapped;
  }
  return sum;
}

// Lines that `count` pieces of `bytes` touch, added up piece by piece; the pieces are `stride` apart.
constexpr uint64_t lines_of_run(uint64_t start, uint64_t bytes, uint64_t stride, uint64_t count, uint64_t line) {
  const uint64_t step = stride % line;
  const uint64_t first = start % line;
  if (step == 0 || count == 1) {
    return count * lines_of(first, bytes, line);
  }
  return sum_of_floors(count, line, step, first + bytes - 1) - sum_of_floors(count, line, step, first) + count;
}

}  // namespace tilewright::mappers
