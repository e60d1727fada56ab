// SPDX-License-Identifier: Apache-2.0
//
// The reference itself against the sum as a person would write it, and the PPU's rounding by hand.
#include "sim/accel/functional/reference.h"

#include <doctest/doctest.h>

using tilewright::accel::Operands;
using tilewright::accel::output_hash;
using tilewright::accel::reference_sums;
using tilewright::accel::requantise;
using tilewright::workloads::MacShape;

TEST_CASE("the reference is the textbook sum, padding and strides included") {
  MacShape shape;
  shape.groups = 2;
  shape.input_channels = 3;
  shape.output_channels = 4;
  shape.kernel_height = shape.kernel_width = 3;
  shape.stride = 2;
  shape.padding = 1;
  shape.input_height = 5;
  shape.input_width = 6;
  shape.output_height = 3;
  shape.output_width = 3;
  Operands operands(shape);
  operands.fill(7);
  const std::vector<int32_t> sums = reference_sums(operands);
  std::size_t at = 0;
  for (uint32_t g = 0; g < 2; ++g) {
    for (int p = 0; p < 3; ++p) {
      for (int q = 0; q < 3; ++q) {
        for (uint32_t k = 0; k < 4; ++k) {
          int expected = 0;
          for (int r = 0; r < 3; ++r) {
            for (int s = 0; s < 3; ++s) {
              const int y = 2 * p + r - 1, x = 2 * q + s - 1;
              for (uint32_t c = 0; c < 3 && y >= 0 && y < 5 && x >= 0 && x < 6; ++c) {
                expected += operands.input(g, static_cast<uint32_t>(y), static_cast<uint32_t>(x), c) *
                            operands.weight(g, k, static_cast<uint32_t>(r), static_cast<uint32_t>(s), c);
              }
            }
          }
          CHECK(sums[at++] == expected);
        }
      }
    }
  }
  CHECK(at == sums.size());
}

TEST_CASE("the PPU rounds to nearest, half away from zero, and clips") {
  CHECK(requantise(5, 1, false) == 3);
  CHECK(requantise(-5, 1, false) == -3);
  CHECK(requantise(4, 2, false) == 1);
  CHECK(requantise(1, 2, false) == 0);
  CHECK(requantise(1000, 1, false) == 127);
  CHECK(requantise(-1000, 1, false) == -128);
  CHECK(requantise(-1000, 1, true) == 0);
  CHECK(requantise(77, 0, true) == 77);
}

TEST_CASE("the output hash is FNV-1a") {
  CHECK(output_hash({}, 0, false) == "cbf29ce484222325");
  CHECK(output_hash({97}, 0, false) == "af63dc4c8601ec8c");  // the published value for "a"
}
