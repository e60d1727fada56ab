// SPDX-License-Identifier: Apache-2.0
//
// Physical quantities of the configuration, each a distinct type, so that bytes are never added to hertz and a
// loader knows from a field's type which unit a value must carry ("64 KiB", "975 MHz", "0.67 V").
//
// Hot simulation code uses plain uint64_t cycles and bytes (`Cycle`, `.value`); quantities are for its boundary.
#pragma once

#include <compare>
#include <cstdint>

namespace tilewright {

// A number of edges of one clock domain, counted from the start of a layer or kernel.
using Cycle = uint64_t;
inline constexpr Cycle kNever = UINT64_MAX;

template <typename Dimension, typename Representation>
struct Quantity {
  using representation = Representation;
  Representation value{};
  friend constexpr auto operator<=>(const Quantity&, const Quantity&) = default;
};

using Bytes = Quantity<struct BytesDimension, uint64_t>;
using Hertz = Quantity<struct HertzDimension, uint64_t>;  // an integer, so that clock ratios are exact
using BytesPerSecond = Quantity<struct BytesPerSecondDimension, double>;
using Seconds = Quantity<struct SecondsDimension, double>;
using Volts = Quantity<struct VoltsDimension, double>;
using Watts = Quantity<struct WattsDimension, double>;
using Joules = Quantity<struct JoulesDimension, double>;
using SquareMetres = Quantity<struct SquareMetresDimension, double>;

constexpr uint64_t divide_up(uint64_t numerator, uint64_t denominator) {
  return numerator / denominator + (numerator % denominator != 0 ? 1 : 0);
}
constexpr uint64_t round_up(uint64_t value, uint64_t multiple) { return divide_up(value, multiple) * multiple; }

// Products of layer sizes come from user input: a * b that leaves 64 bits is refused instead of wrapping round.
// Throws UserError (sim/base/error.h).
uint64_t checked_multiply(uint64_t a, uint64_t b);

}  // namespace tilewright
