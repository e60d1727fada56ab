// SPDX-License-Identifier: Apache-2.0
//
// DRAM traffic of one tensor when all of its tiles are moved once: bytes asked for, whole bursts, DMA requests. Exact,
// for any alignment; where things lie is mappers/lower/addresses.h.
#pragma once

#include "mappers/model/axis.h"
#include "mappers/model/store_pace.h"

namespace tilewright::mappers {

struct Traffic {
  uint64_t bytes = 0;
  uint64_t bursts = 0;
  uint64_t requests = 0;
  uint64_t issuing = 0;  // cycles that the store DMA takes at least to issue them
  // Expected, not counted: bursts as if short pieces and unevenly used channels were data. An estimate for the waits.
  double strained = 0;
  Traffic& operator+=(const Traffic& other) {
    bytes += other.bytes;
    bursts += other.bursts;
    requests += other.requests;
    issuing += other.issuing;
    strained += other.strained;
    return *this;
  }
  friend Traffic operator*(const Traffic& traffic, uint64_t times) {
    return {traffic.bytes * times, traffic.bursts * times, traffic.requests * times, traffic.issuing * times,
            traffic.strained * static_cast<double>(times)};
  }
};

// Tile sizes are those of Mapping: in the PE's terms, so that with swapped operands `lanes` counts pixels.
struct TileSizes {
  uint32_t rows = 1, columns = 1, lanes = 1;
  uint32_t pe_groups = 1;
};

class TrafficCounter {
 public:
  TrafficCounter(const workloads::MacShape& shape, const TensorPlaces& places, const arch::AcceleratorSpec& spec);

  Traffic input(const Form& form, const TileSizes& tiles) const;
  Traffic weights(const Form& form, const TileSizes& tiles) const;
  Traffic output(const Form& form, const TileSizes& tiles) const;

  // Whether an output tile holds a part of every pixel's channels: then its pieces are pixels, however those are tiled.
  static bool output_is_sliced(const Form& form, const TileSizes& tiles);

 private:
  struct Slice {
    uint64_t begin = 0, bytes = 0;
  };
  std::vector<Slice> group_slices(const Form& form, uint32_t pe_groups) const;
  void add(Traffic& traffic, uint64_t start, uint64_t bytes, uint64_t stride, uint64_t count) const;
  Traffic image_tiles(const Form& form, const std::vector<Span>& rows, const std::vector<Span>& columns,
                      uint64_t width, uint64_t pixel, Slice slice) const;

  workloads::MacShape shape_;
  TensorPlaces places_;
  double imbalance(uint64_t start, uint64_t bytes, uint64_t stride, uint64_t count) const;
  StorePace pace_;
  uint64_t burst_, request_, interleave_;
  uint32_t channels_;
  struct Known {
    uint64_t bytes = 0, stride = 0, count = 0;
    double factor = 1;
  };
  mutable Known last_;
};

}  // namespace tilewright::mappers
