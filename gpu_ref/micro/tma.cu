// SPDX-License-Identifier: Apache-2.0
// Copies by the tensor memory unit: bulk (one run of bytes) and tensor boxes, by size and shape; how long one
// takes, how soon the next can be issued, how many must be in flight; multicast within a cluster.
#include <algorithm>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr uint32_t kBarrierBytes = 1024;  // keeps the tiles behind it aligned for the swizzle

enum class Copy : uint8_t { kBulk, kTensor };

// A box of box_rows x box_columns elements of 2 bytes out of a matrix of `rows` x `columns`; a bulk copy
// takes the same bytes as one run.
struct Shape {
  uint32_t rows, columns, box_rows, box_columns, swizzled;
  __host__ __device__ uint32_t box_bytes() const { return box_rows * box_columns * 2; }
  __host__ __device__ uint32_t boxes() const { return rows / box_rows * (columns / box_columns); }
};

// Walks a CTA through its boxes: along one row of boxes, then on to its next row. No division, which would
// take longer than the issue of a copy.
struct Walk {
  uint32_t column = 0, row;
  __device__ Walk(const Shape& shape, uint32_t cta)
      : row(cta % (shape.rows / shape.box_rows) * shape.box_rows) {}
  __device__ __forceinline__ void step(const Shape& shape, uint32_t ctas) {
    column += shape.box_columns;
    if (column == shape.columns) {
      column = 0;
      row += ctas * shape.box_rows;
      row = row >= shape.rows ? row - shape.rows : row;
    }
  }
};

template <Copy kCopy>
__device__ __forceinline__ void issue(uint32_t destination, const CUtensorMap* map, const uint8_t* source,
                                      const Shape& shape, const Walk& walk, uint32_t barrier) {
  mbarrier_arrive_expect(barrier, shape.box_bytes());
  if constexpr (kCopy == Copy::kBulk) {
    bulk_load(destination, source + (size_t{walk.row} * shape.columns + walk.column * shape.box_rows) * 2,
              shape.box_bytes(), barrier);
  } else {
    tensor_load(destination, map, static_cast<int>(walk.column), static_cast<int>(walk.row), barrier);
  }
}

// The swizzle follows the address bits, so a tile of fewer than eight rows is placed by where it starts.
template <Copy kCopy>
__device__ void count_wrong_words(const uint8_t* tiles, uint32_t tile, const Shape& shape, const Walk& walk,
                                  Stamp* stamps) {
  for (uint32_t at = threadIdx.x * 4; at < shape.box_bytes(); at += blockDim.x * 4) {
    const uint32_t row = at / (shape.box_columns * 2), column_bytes = at % (shape.box_columns * 2);
    size_t from = (size_t{walk.row} * shape.columns + walk.column * shape.box_rows) * 2 + at;
    uint32_t lies = tile + at;
    if constexpr (kCopy == Copy::kTensor) {
      from = (size_t{walk.row + row} * shape.columns + walk.column) * 2 + column_bytes;
      lies = shape.swizzled != 0 ? swizzle128(lies) : lies;
    }
    if (*reinterpret_cast<const uint32_t*>(tiles + lies) != pattern_word(from / 4)) {
      atomicAdd(&stamps[blockIdx.x].errors, 1u);
    }
  }
}

// One thread keeps `slots` boxes in flight. value[0] holds the cycles of issuing the first `slots` boxes.
// With kSpin it looks at the barrier all the while: try_wait looks again only every 155 cycles or so, and a
// latency would move in such steps.
template <Copy kCopy, bool kSpin>
__global__ void tma_stream_kernel(Stamp* stamps, const __grid_constant__ CUtensorMap map,
                                  const uint8_t* source, Shape shape, int slots, int rounds) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t barriers = shared_address(shared), tiles = barriers + kBarrierBytes;
  if (threadIdx.x == 0) {
    for (int s = 0; s < slots; ++s) {
      mbarrier_init(barriers + s * 8, 1);
    }
    mbarrier_init_fence();
    stamps[blockIdx.x].errors = 0;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    Walk walk(shape, blockIdx.x);
    stamp_begin(stamps);
    const uint64_t begin = clock_now();
    for (int s = 0; s < slots; ++s, walk.step(shape, gridDim.x)) {
      issue<kCopy>(tiles + s * shape.box_bytes(), &map, source, shape, walk, barriers + s * 8);
    }
    stamps[blockIdx.x].value[0] = clock_now() - begin;
    const auto wait = [](uint32_t barrier, uint32_t parity) {
      if constexpr (kSpin) {
        mbarrier_spin(barrier, parity);
      } else {
        mbarrier_wait(barrier, parity);
      }
    };
    for (int round = 1; round < rounds; ++round) {
      for (int s = 0; s < slots; ++s, walk.step(shape, gridDim.x)) {
        wait(barriers + s * 8, (round - 1) & 1);
        issue<kCopy>(tiles + s * shape.box_bytes(), &map, source, shape, walk, barriers + s * 8);
      }
    }
    for (int s = 0; s < slots; ++s) {
      wait(barriers + s * 8, (rounds - 1) & 1);
    }
    stamp_end(stamps);
  }
  __syncthreads();
  Walk walk(shape, blockIdx.x);
  for (int i = 0; i < (rounds - 1) * slots; ++i) {
    walk.step(shape, gridDim.x);
  }
  for (int s = 0; s < slots; ++s, walk.step(shape, gridDim.x)) {
    count_wrong_words<kCopy>(shared + kBarrierBytes, s * shape.box_bytes(), shape, walk, stamps);
  }
}

// One elected thread arms one barrier for `boxes` boxes and issues them without a wait between. The first
// rounds fetch the instructions; the last counts: value[0] cycles of issue, value[1] until all have landed.
template <Copy kCopy>
__global__ void tma_issue_kernel(Stamp* stamps, const __grid_constant__ CUtensorMap map,
                                 const uint8_t* source, Shape shape, int boxes) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t barrier = shared_address(shared), tiles = barrier + kBarrierBytes;
  if (threadIdx.x == 0) {
    mbarrier_init(barrier, 1);
    mbarrier_init_fence();
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  for (int round = 0; round < 4; ++round) {
    const uint64_t begin = clock_now();
    if (elect_one()) {
      mbarrier_arrive_expect(barrier, boxes * shape.box_bytes());
      for (int b = 0; b < boxes; ++b) {
        if constexpr (kCopy == Copy::kBulk) {
          bulk_load(tiles + b * shape.box_bytes(), source + b * shape.box_bytes(), shape.box_bytes(),
                    barrier);
        } else {
          tensor_load(tiles + b * shape.box_bytes(), &map, 0, b * static_cast<int>(shape.box_rows), barrier);
        }
      }
      stamps[0].value[0] = clock_now() - begin;
    }
    __syncwarp();
    mbarrier_wait(barrier, round & 1);
    __syncwarp();
    if (threadIdx.x == 0) {
      stamps[0].value[1] = clock_now() - begin;
    }
    __syncwarp();
  }
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  for (int b = 0; b < boxes; ++b) {
    count_wrong_words<kCopy>(shared + kBarrierBytes, b * shape.box_bytes(), shape, Walk(shape, b), stamps);
  }
}

// Each CTA of a cluster loads its share of every box and sends it to all of them.
template <int kCluster>
__global__ void __cluster_dims__(kCluster, 1, 1)
    tma_multicast_kernel(Stamp* stamps, const __grid_constant__ CUtensorMap map, Shape shape, int slots,
                         int rounds) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t barriers = shared_address(shared), tiles = barriers + kBarrierBytes;
  const uint32_t rank = cluster_rank(), box_bytes = shape.box_bytes(), groups = shape.boxes() / kCluster;
  const uint32_t clusters = gridDim.x / kCluster, first = blockIdx.x / kCluster;
  uint32_t group = first;
  if (threadIdx.x == 0) {
    for (int s = 0; s < slots; ++s) {
      mbarrier_init(barriers + s * 8, 1);
    }
    mbarrier_init_fence();
    stamps[blockIdx.x].errors = 0;
  }
  cluster_sync();
  if (threadIdx.x == 0) {
    stamp_begin(stamps);
  }
  for (int round = 0; round < rounds; ++round) {
    for (int s = 0; s < slots && threadIdx.x == 0; ++s) {
      mbarrier_arrive_expect(barriers + s * 8, box_bytes * kCluster);
      tensor_load_multicast(tiles + (s * kCluster + rank) * box_bytes, &map, 0,
                            static_cast<int>((group * kCluster + rank) * shape.box_rows), barriers + s * 8,
                            (1u << kCluster) - 1);
      group += clusters;
      group = group >= groups ? group - groups : group;
    }
    for (int s = 0; s < slots && threadIdx.x == 0; ++s) {
      mbarrier_wait(barriers + s * 8, round & 1);
    }
    __syncwarp();
    cluster_sync();  // nobody may overwrite a neighbour's tile before it has arrived there
  }
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  __syncthreads();
  for (int s = 0; s < slots; ++s) {
    const uint32_t checked = (first + ((rounds - 1) * slots + s) * clusters) % groups;
    for (uint32_t r = 0; r < kCluster; ++r) {
      count_wrong_words<Copy::kTensor>(shared + kBarrierBytes, (s * kCluster + r) * box_bytes, shape,
                                       Walk(shape, checked * kCluster + r), stamps);
    }
  }
}

struct Case {
  Copy copy;
  Shape shape;
  const char* residency;
  int ctas, slots;
};

struct Source {
  const uint32_t* words;
  size_t bytes;
};

void measure_case(Bench& bench, const Source& source, const Case& c) {
  const uint32_t box = c.shape.box_bytes();
  const CUtensorMap map =
      make_tensor_map(source.words, c.shape.rows, c.shape.columns, c.shape.box_rows, c.shape.box_columns,
                      c.shape.swizzled != 0 ? Swizzle::k128 : Swizzle::kNone);
  const auto* bytes = reinterpret_cast<const uint8_t*>(source.words);
  const size_t shared = kBarrierBytes + size_t{box} * c.slots;
  const size_t reserved = c.ctas > 1 ? std::max(shared, size_t{120} * 1024) : shared;
  const bool bulk = c.copy == Copy::kBulk, spin = c.slots == 1;
  const auto kernel =
      spin ? (bulk ? tma_stream_kernel<Copy::kBulk, true> : tma_stream_kernel<Copy::kTensor, true>)
           : (bulk ? tma_stream_kernel<Copy::kBulk, false> : tma_stream_kernel<Copy::kTensor, false>);
  allow_shared(kernel, reserved);
  const bool cold = std::string(c.residency) == "hbm";
  const uint32_t bytes_per_cta = cold && c.ctas > 1 ? 1u << 22 : 1u << 19;
  const int rounds = std::max(8, static_cast<int>(bytes_per_cta / (box * c.slots)));
  const Repeat repeat{.warm_up = cold ? 1 : 2, .repeats = 5, .flush_l2 = cold, .verifies = true};
  const auto samples = bench.measure(c.ctas, repeat, [&](Stamp* stamps, int) {
    kernel<<<c.ctas, 32, reserved>>>(stamps, map, bytes, c.shape, c.slots, rounds);
  });
  const double boxes = double(rounds) * c.slots;
  bench.add(
      c.slots == 1 ? "tma_latency" : "tma_stream", Mechanisms::kOne,
      {{"copy", std::string(c.copy == Copy::kBulk ? "bulk" : "tensor")},
       {"box_bytes", int64_t{box}},
       {"box_rows", int64_t{c.shape.box_rows}},
       {"box_columns", int64_t{c.shape.box_columns}},
       {"matrix_columns", int64_t{c.shape.columns}},
       {"swizzle_bytes", int64_t{c.shape.swizzled != 0 ? 128 : 0}},
       {"residency", std::string(c.residency)},
       {"sms", int64_t{c.ctas}},
       {"boxes_in_flight", int64_t{c.slots}}},
      samples, repeat,
      {{"cycles_per_box", "cycle", [=](const Sample& s) { return s.cycles_mean / boxes; }},
       {"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return boxes * box / s.cycles_mean; }},
       {"issue_cycles_per_box", "cycle", [=](const Sample& s) { return s.mean_value(0) / c.slots; }},
       {"bytes_per_second", "B/s", [=](const Sample& s) { return boxes * box * s.ctas / s.time_s; }}});
}

void measure_issue(Bench& bench, const Source& source, Copy copy, uint32_t box_rows, int boxes) {
  const Shape shape{.rows = static_cast<uint32_t>(kResidentBytes / 128),
                    .columns = 64,
                    .box_rows = box_rows,
                    .box_columns = 64,
                    .swizzled = 1};
  const CUtensorMap map = make_tensor_map(source.words, shape.rows, 64, box_rows, 64, Swizzle::k128);
  const auto kernel = copy == Copy::kBulk ? tma_issue_kernel<Copy::kBulk> : tma_issue_kernel<Copy::kTensor>;
  const size_t shared = kBarrierBytes + size_t{shape.box_bytes()} * boxes;
  allow_shared(kernel, shared);
  const Repeat repeat{.warm_up = 2, .repeats = 7, .verifies = true};
  const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
    kernel<<<1, 32, shared>>>(stamps, map, reinterpret_cast<const uint8_t*>(source.words), shape, boxes);
  });
  bench.add("tma_issue", Mechanisms::kOne,
            {{"copy", std::string(copy == Copy::kBulk ? "bulk" : "tensor")},
             {"box_bytes", int64_t{shape.box_bytes()}},
             {"boxes", int64_t{boxes}},
             {"residency", std::string("l2")}},
            samples, repeat,
            {{"landed_cycles", "cycle", [](const Sample& s) { return s.mean_value(1); }},
             {"issue_cycles_per_box", "cycle", [=](const Sample& s) { return s.mean_value(0) / boxes; }},
             {"landed_bytes_per_cycle", "B/cycle",
              [=](const Sample& s) { return double(boxes) * shape.box_bytes() / s.mean_value(1); }}});
}

template <int kCluster>
void measure_multicast(Bench& bench, const Source& source, uint32_t box_rows, int slots) {
  const Shape shape{.rows = static_cast<uint32_t>(kResidentBytes / 128),
                    .columns = 64,
                    .box_rows = box_rows,
                    .box_columns = 64,
                    .swizzled = 1};
  const CUtensorMap map = make_tensor_map(source.words, shape.rows, 64, box_rows, 64, Swizzle::k128);
  const size_t shared = kBarrierBytes + size_t{shape.box_bytes()} * kCluster * slots;
  const size_t reserved = std::max(shared, size_t{120} * 1024);
  allow_shared(tma_multicast_kernel<kCluster>, reserved);
  const int ctas = bench.sm_count() / kCluster * kCluster, rounds = 64;
  const Repeat repeat{.verifies = true};
  const auto samples = bench.measure(ctas, repeat, [&](Stamp* stamps, int) {
    tma_multicast_kernel<kCluster><<<ctas, 32, reserved>>>(stamps, map, shape, slots, rounds);
  });
  const double received = double(rounds) * slots * shape.box_bytes() * kCluster;
  bench.add("tma_multicast", Mechanisms::kCombined,
            {{"cluster", int64_t{kCluster}},
             {"box_bytes", int64_t{shape.box_bytes()}},
             {"boxes_in_flight", int64_t{slots}},
             {"sms", int64_t{ctas}}},
            samples, repeat,
            {{"cycles_per_round", "cycle", [=](const Sample& s) { return s.cycles_mean / rounds; }},
             {"received_bytes_per_cycle_per_sm", "B/cycle",
              [=](const Sample& s) { return received / s.cycles_mean; }}});
}

Shape half_rows(size_t bytes, uint32_t box_rows, uint32_t columns) {
  return {.rows = static_cast<uint32_t>(bytes / (columns * 2)),
          .columns = columns,
          .box_rows = box_rows,
          .box_columns = 64,
          .swizzled = 1};
}

void measure_sizes(Bench& bench, const Source& source) {
  const int all = bench.sm_count();
  for (const Copy copy : {Copy::kBulk, Copy::kTensor}) {
    for (const uint32_t rows : {2u, 4u, 8u, 16u, 32u, 64u, 128u, 256u}) {
      const Shape resident = half_rows(kResidentBytes, rows, 64);
      const Shape streamed = half_rows(source.bytes, rows, 64);
      measure_case(bench, source, {copy, resident, "l2", 1, 1});
      measure_case(bench, source, {copy, streamed, "hbm", 1, 1});
      for (const int slots : {2, 4, 8, 16}) {
        if (resident.box_bytes() * slots <= 160 * 1024) {
          measure_case(bench, source, {copy, resident, "l2", 1, slots});
          measure_case(bench, source, {copy, resident, "l2", all, slots});
        }
      }
      measure_case(bench, source, {copy, streamed, "hbm", all, rows >= 128 ? 4 : 8});
    }
  }
}

void measure_shapes(Bench& bench, const Source& source) {
  for (const uint32_t columns : {8u, 16u, 32u, 64u, 128u, 256u}) {
    const Shape shape{.rows = static_cast<uint32_t>(kResidentBytes / 512),
                      .columns = 256,
                      .box_rows = std::min(256u, 2048 / columns),
                      .box_columns = columns,
                      .swizzled = 0};
    measure_case(bench, source, {Copy::kTensor, shape, "l2", 1, 1});
    measure_case(bench, source, {Copy::kTensor, shape, "l2", 1, 8});
  }
  for (const uint32_t rows : {32u, 64u, 128u}) {  // the two halves of head dimension 128
    measure_case(bench, source, {Copy::kTensor, half_rows(kResidentBytes, rows, 128), "l2", 1, 1});
    measure_case(bench, source,
                 {Copy::kTensor, half_rows(kResidentBytes, rows, 128), "l2", bench.sm_count(), 8});
  }
}

}  // namespace

void run_tma(Bench& bench) {
  const size_t stream_bytes = size_t{2} << 30;
  DeviceBuffer<uint32_t> words(stream_bytes / 4);
  fill_pattern(words.get(), words.count());
  touch(words.get(), kResidentBytes);
  const Source source{words.get(), stream_bytes};
  measure_sizes(bench, source);
  measure_shapes(bench, source);
  for (const Copy copy : {Copy::kBulk, Copy::kTensor}) {
    for (const uint32_t rows : {2u, 4u, 8u, 16u, 32u, 64u}) {
      for (const int boxes : {1, 2, 4, 8, 16, 32}) {
        if (rows * 128 * boxes <= 160 * 1024) {
          measure_issue(bench, source, copy, rows, boxes);
        }
      }
    }
  }
  for (const uint32_t rows : {8u, 32u, 64u}) {
    for (const int slots : {1, 4}) {
      measure_multicast<2>(bench, source, rows, slots);
      measure_multicast<4>(bench, source, std::min(rows, 32u) + (rows == 64u ? 16 : 0), slots);
    }
  }
}

}  // namespace tw::gpu
