// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/dram_use.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/base/units.h"

namespace tilewright::mappers {
namespace {

// How much longer the busiest channel works than the average, over as many pieces as may be in flight.
double channel_imbalance(const arch::AcceleratorSpec& spec, const DramPattern& pattern) {
  const uint64_t interleave = spec.dram.channel_interleave.value;
  const uint32_t channels = spec.dram.channels;
  if (interleave == 0 || channels < 2 || channels > 64 || pattern.piece_bytes >= interleave * channels) {
    return 1;
  }
  std::array<uint64_t, 64> load{};
  uint64_t total = 0;
  const uint64_t window = uint64_t{spec.dma.read_credits} * spec.dma.request_bytes * channels;
  const uint32_t pieces = static_cast<uint32_t>(std::min<uint64_t>(
      {uint64_t{pattern.inner_count} * pattern.outer_count, 64, window / pattern.piece_bytes + 1}));
  for (uint32_t piece = 0; piece < pieces; ++piece) {
    uint64_t at = pattern.base + piece / pattern.inner_count * pattern.outer_stride +
                  piece % pattern.inner_count * pattern.inner_stride;
    for (uint64_t left = pattern.piece_bytes; left > 0;) {
      const uint64_t bytes = std::min(left, interleave - at % interleave);
      load[at / interleave % channels] += bytes;
      total += bytes;
      at += bytes;
      left -= bytes;
    }
  }
  // A tile with fewer pieces than channels is overlapped with its neighbours.
  const double most = double(*std::max_element(load.begin(), load.end()));
  return std::max(
      1.0, most * std::min<double>(channels, pieces * double(divide_up(pattern.piece_bytes, interleave))) /
               double(total));
}

}  // namespace

double dram_bytes_per_cycle(const arch::AcceleratorSpec& spec) {
  const auto clock = static_cast<double>(spec.operating_point.clock.value);
  return clock > 0 && spec.has_dram ? spec.dram.peak_bytes_per_second() / clock : 1e30;
}

DramUse dram_use(const arch::AcceleratorSpec& spec, double bytes, const DramPattern* pattern, bool alike) {
  DramUse result;
  if (bytes == 0 || pattern == nullptr) {
    return result;
  }
  const double pieces = bytes / pattern->piece_bytes;
  const double rounded =
      double(round_up(pattern->piece_bytes, std::max<uint64_t>(1, spec.dram.burst_bytes.value)));
  const double opening =
      pattern->piece_bytes < spec.dma.request_bytes ? 2.0 * double(spec.dram.burst_bytes.value) : 0;
  result.bytes = bytes;
  result.burst_bytes = alike ? std::max(bytes, std::floor(pieces) * rounded) : bytes;
  result.strided_bytes = pieces * (rounded + opening) * channel_imbalance(spec, *pattern);
  result.transactions =
      alike ? std::floor(pieces) * double(divide_up(pattern->piece_bytes, spec.dma.request_bytes))
            : bytes / spec.dma.request_bytes;
  return result;
}

}  // namespace tilewright::mappers
