// SPDX-License-Identifier: Apache-2.0
// TMA multicast: the CTAs of a cluster share every tile; each loads one slice of it and sends that to all. A
// slot is filled again when the consumers of all CTAs have let go of it, which is what an attention kernel
// does.
#include <algorithm>

#include "micro/cluster_launch.h"
#include "micro/suites.h"
#include "micro/tma_boxes.cuh"

namespace tw::gpu {
namespace {

// How the consumers tell the other CTAs that a slot is free.
enum class Release : uint8_t {
  kCta,      // mbarrier.arrive as it is: orders within the CTA only, which a consumer that only read may use
  kCluster,  // mbarrier.arrive.release.cluster: waits for all earlier accesses of the thread first
};

// Thread 0 fills the slots, thread 32 empties them. full[s] gets one arrival and the tile's bytes, empty[s]
// one arrival from each CTA. A neighbour's bytes may come before full[s] is armed: it cannot complete without
// its own arrival, and the neighbour sends only after this CTA's consumer has seen the phase before.
template <int kCluster, Release kRelease>
__global__ void multicast_kernel(Stamp* stamps, const __grid_constant__ CUtensorMap map, Shape shape,
                                 int slots, int fills) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t full = shared_address(shared), empty = full + kBarrierBytes / 2,
                 tiles = full + kBarrierBytes;
  const uint32_t rank = cluster_rank(), box_bytes = shape.box_bytes(), tile_bytes = box_bytes * kCluster;
  const uint32_t groups = shape.boxes() / kCluster, clusters = gridDim.x / kCluster,
                 first = blockIdx.x / kCluster;
  if (threadIdx.x == 0) {
    for (int s = 0; s < slots; ++s) {
      mbarrier_init(full + s * 8, 1);
      mbarrier_init(empty + s * 8, kCluster);
    }
    mbarrier_init_fence();
    stamps[blockIdx.x].errors = 0;
  }
  cluster_sync();
  if (threadIdx.x == 0) {
    stamp_begin(stamps);
    uint32_t group = first, parity = 1;  // the wait of the first round falls through
    for (int fill = 0, s = 0; fill < fills; ++fill) {
      mbarrier_wait(empty + s * 8, parity);
      mbarrier_arrive_expect(full + s * 8, tile_bytes);
      const int row = static_cast<int>((group * kCluster + rank) * shape.box_rows);
      const uint32_t destination = tiles + s * tile_bytes + rank * box_bytes;
      if constexpr (kCluster == 1) {
        tensor_load(destination, &map, 0, row, full + s * 8);
      } else {
        tensor_load_multicast(destination, &map, 0, row, full + s * 8, (1u << kCluster) - 1);
      }
      group += clusters;
      group = group >= groups ? group - groups : group;
      s = s + 1 == slots ? 0 : s + 1;
      parity ^= s == 0 ? 1 : 0;
    }
  } else if (threadIdx.x == 32) {
    uint32_t parity = 0;
    for (int fill = 0, s = 0; fill < fills; ++fill) {
      mbarrier_wait(full + s * 8, parity);
#pragma unroll
      for (uint32_t peer = 0; peer < kCluster; ++peer) {
        const uint32_t there = cluster_address(empty + s * 8, peer);
        if constexpr (kRelease == Release::kCluster) {
          mbarrier_arrive_remote(there);
        } else {
          mbarrier_arrive_remote_cta_scope(there);
        }
      }
      s = s + 1 == slots ? 0 : s + 1;
      parity ^= s == 0 ? 1 : 0;
    }
    stamp_end(stamps);
  }
  __syncthreads();
  for (int s = 0; s < slots; ++s) {
    const uint32_t last = (fills - 1 - s) / slots * slots + s;  // the last fill of this slot
    const uint32_t group = (first + last * clusters) % groups;
    for (uint32_t r = 0; r < kCluster; ++r) {
      count_wrong_words<Copy::kTensor>(shared + kBarrierBytes, s * tile_bytes + r * box_bytes, shape,
                                       Walk(shape, group * kCluster + r), stamps);
    }
  }
  __syncwarp();
  cluster_sync();  // nobody leaves while a neighbour's arrival is on its way
}

struct Case {
  uint32_t box_bytes;
  int slots;
  bool all_sms;
};

template <int kCluster, Release kRelease>
void measure_case(Bench& bench, const uint32_t* source, const Case& c) {
  const Shape shape{.rows = static_cast<uint32_t>(kResidentBytes / 128),
                    .columns = 64,
                    .box_rows = c.box_bytes / 128,
                    .box_columns = 64,
                    .swizzled = 1};
  const CUtensorMap map = make_tensor_map(source, shape.rows, 64, shape.box_rows, 64, Swizzle::k128);
  const size_t tile = size_t{c.box_bytes} * kCluster;
  if (tile * c.slots > 192 * 1024) {
    return;
  }
  ClusterLaunch launch(multicast_kernel<kCluster, kRelease>, kCluster, 64, kWholeSmShared);
  const int ctas = c.all_sms ? launch.maximum_clusters() * kCluster : kCluster;
  const int fills = std::max(8 * c.slots, static_cast<int>((size_t{2} << 20) / tile));
  const Repeat repeat{.warm_up = 2, .repeats = 5, .verifies = true};
  const auto samples = bench.measure(
      ctas, repeat, [&](Stamp* stamps, int) { launch(ctas, stamps, map, shape, c.slots, fills); });
  const double received = double(tile) * fills;
  bench.add("tma_multicast", Mechanisms::kCombined,
            {{"cluster", int64_t{kCluster}},
             {"box_bytes", int64_t{c.box_bytes}},
             {"boxes_in_flight", int64_t{c.slots}},
             {"release", std::string(kRelease == Release::kCluster ? "cluster" : "cta")},
             {"sms", int64_t{ctas}}},
            samples, repeat,
            {{"received_bytes_per_cycle_per_sm", "B/cycle",
              [=](const Sample& s) { return received / s.cycles_mean; }},
             {"cycles_per_tile", "cycle", [=](const Sample& s) { return s.cycles_mean / fills; }},
             {"fetched_bytes_per_second", "B/s",
              [=](const Sample& s) { return received / kCluster * s.ctas / s.time_s; }}});
}

template <int kCluster>
void measure_cluster(Bench& bench, const uint32_t* source) {
  for (const uint32_t box_bytes : {2048u, 8192u, 16384u}) {
    for (const int slots : {1, 2, 4, 8}) {
      measure_case<kCluster, Release::kCta>(bench, source, {box_bytes, slots, true});
    }
    measure_case<kCluster, Release::kCta>(bench, source, {box_bytes, 4, false});
    measure_case<kCluster, Release::kCluster>(bench, source, {box_bytes, 2, true});
  }
}

}  // namespace

void run_multicast(Bench& bench) {
  DeviceBuffer<uint32_t> words(kResidentBytes / 4);
  fill_pattern(words.get(), words.count());
  touch(words.get(), words.bytes());
  measure_cluster<1>(bench, words.get());
  measure_cluster<2>(bench, words.get());
  measure_cluster<4>(bench, words.get());
}

}  // namespace tw::gpu
