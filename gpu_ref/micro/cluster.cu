// SPDX-License-Identifier: Apache-2.0
// Distributed shared memory: latency and bandwidth between the SMs of a cluster; cluster barriers; signals
// from one SM to another.
#include "micro/cluster_launch.h"
#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr uint32_t kRegionBytes = 32 * 1024;  // what a neighbour reads or writes
constexpr uint32_t kBarrierBytes = 1024;
constexpr int kChainWords = 256, kChainSteps = 1024;
constexpr int kBarriers = 256, kSignals = 256;
constexpr int kUnroll = 8;
constexpr int kMaximumBulkSlots = 4;

enum class Move : uint8_t { kLoad, kStore, kBulk };

__device__ __forceinline__ uint32_t cluster_size() {
  uint32_t size;
  asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
  return size;
}

// CTA `peer` lays a chain of addresses in its own shared memory; one thread of CTA 0 follows it.
__global__ void remote_chase_kernel(Stamp* stamps, uint32_t peer) {
  __shared__ uint32_t chain[kChainWords];
  for (uint32_t i = threadIdx.x; i < kChainWords; i += blockDim.x) {
    chain[i] = cluster_address(shared_address(&chain[(i + 37) % kChainWords]), cluster_rank());
  }
  cluster_sync();
  if (cluster_rank() == 0 && threadIdx.x == 0) {
    const uint32_t start = cluster_address(shared_address(chain), peer);
    uint32_t at = start;
    stamp_begin(stamps);
#pragma unroll 16
    for (int i = 0; i < kChainSteps; ++i) {
      asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(at) : "r"(at) : "memory");
    }
    wait_for(at);
    stamp_end(stamps);
    stamps[blockIdx.x].errors = at == start + kChainSteps * 37 % kChainWords * 4 ? 0 : 1;
  }
  __syncwarp();
  cluster_sync();  // nobody leaves while a neighbour reads it
}

__device__ __forceinline__ uint4 load_remote(uint32_t address) {
  uint4 v;
  asm volatile("ld.shared::cluster.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "r"(address)
               : "memory");
  return v;
}
__device__ __forceinline__ void store_remote(uint32_t address, uint4 v) {
  asm volatile("st.shared::cluster.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(v.x), "r"(v.y),
               "r"(v.z), "r"(v.w)
               : "memory");
}
__device__ __forceinline__ void bulk_to_cluster(uint32_t destination, uint32_t source, uint32_t bytes,
                                                uint32_t cluster_barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
          destination),
      "r"(source), "r"(bytes), "r"(cluster_barrier)
      : "memory");
}

__device__ __forceinline__ uint32_t word_of(uint32_t rank, uint32_t word) {
  return pattern_word(rank * (kRegionBytes / 4) + word);
}

// Each CTA with a neighbour exchanges `iterations` x kUnroll x 16 bytes a thread with it: with the next one
// in the cluster, or with CTA 0 (`hot`), by loads or stores.
template <Move kMove>
__global__ void __launch_bounds__(1024) remote_stream_kernel(Stamp* stamps, int iterations, bool hot) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t own = shared_address(shared), rank = cluster_rank(), size = cluster_size();
  const uint32_t peer = hot ? 0 : (rank + 1) % size, step = blockDim.x * 16;
  auto* words = reinterpret_cast<uint32_t*>(shared);
  for (uint32_t i = threadIdx.x; i < kRegionBytes / 4; i += blockDim.x) {
    words[i] = word_of(rank, i);
  }
  const uint32_t remote = cluster_address(own, peer);
  uint32_t at = threadIdx.x * 16, sum = 0, wrong = 0;
  cluster_sync();
  const bool takes_part = !hot || rank != 0;
  if (threadIdx.x == 0 && takes_part) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  for (int n = 0; n < iterations && takes_part; ++n) {
    if constexpr (kMove == Move::kLoad) {
      uint4 v[kUnroll];
#pragma unroll
      for (int i = 0; i < kUnroll; ++i) {
        v[i] = load_remote(remote + (at + i * step) % kRegionBytes);
      }
#pragma unroll
      for (int i = 0; i < kUnroll; ++i) {
        sum ^= v[i].x ^ v[i].y ^ v[i].z ^ v[i].w;
      }
      if (n + 1 == iterations) {
        wrong += v[0].y != word_of(peer, at % kRegionBytes / 4 + 1) ? 1 : 0;
      }
    } else {
#pragma unroll
      for (int i = 0; i < kUnroll; ++i) {
        const uint32_t word = (at + i * step) % kRegionBytes / 4;
        store_remote(remote + word * 4, make_uint4(word, rank, word, ~word));
      }
    }
    at = (at + kUnroll * step) % kRegionBytes;
  }
  __syncthreads();
  cluster_sync();  // stores have arrived
  if (threadIdx.x == 0 && takes_part) {
    stamp_end(stamps);
  }
  if constexpr (kMove == Move::kStore) {
    const uint32_t writer = (rank + size - 1) % size, word = threadIdx.x * 4;
    wrong += !hot && (words[word] != word || words[word + 1] != writer || words[word + 3] != ~word) ? 1 : 0;
  }
  if (wrong != 0 && takes_part) {
    atomicAdd(&stamps[blockIdx.x].errors, wrong);
  }
  if (sum == 0x9e3779b9u && takes_part) {
    stamps[blockIdx.x].value[3] = sum;
  }
  __syncwarp();
  cluster_sync();
}

// The CTAs of a pair copy boxes to each other, one thread each, kMaximumBulkSlots in flight. A slot is sent
// again when the neighbour's box has come: the neighbour had armed its barrier for mine before it sent its
// own, so no bytes can run a phase ahead. In a ring of more than two they could.
__global__ void remote_bulk_kernel(Stamp* stamps, uint32_t box_bytes, int rounds) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t base = shared_address(shared), send = base + kBarrierBytes,
                 receive = send + kMaximumBulkSlots * box_bytes;
  const uint32_t rank = cluster_rank(), peer = rank ^ 1;
  auto* words = reinterpret_cast<uint32_t*>(shared + kBarrierBytes);
  const uint32_t count = kMaximumBulkSlots * box_bytes / 4;
  for (uint32_t i = threadIdx.x; i < count; i += blockDim.x) {
    words[i] = word_of(rank, i);
    words[count + i] = 0;
  }
  if (threadIdx.x == 0) {
    for (int s = 0; s < kMaximumBulkSlots; ++s) {
      mbarrier_init(base + s * 8, 1);
    }
    mbarrier_init_fence();
    stamps[blockIdx.x].errors = 0;
  }
  fence_proxy_async();
  __syncthreads();
  cluster_sync();
  if (threadIdx.x == 0) {
    const uint32_t barrier_there = cluster_address(base, peer), there = cluster_address(receive, peer);
    stamp_begin(stamps);
    for (int round = 0; round < rounds; ++round) {
      for (int s = 0; s < kMaximumBulkSlots; ++s) {
        if (round > 0) {
          mbarrier_wait(base + s * 8, (round - 1) & 1);
        }
        mbarrier_arrive_expect(base + s * 8, box_bytes);
        bulk_to_cluster(there + s * box_bytes, send + s * box_bytes, box_bytes, barrier_there + s * 8);
      }
    }
    for (int s = 0; s < kMaximumBulkSlots; ++s) {
      mbarrier_wait(base + s * 8, (rounds - 1) & 1);
    }
    stamp_end(stamps);
  }
  __syncthreads();
  uint32_t wrong = 0;
  for (uint32_t i = threadIdx.x; i < count; i += blockDim.x) {
    wrong += words[count + i] != word_of(peer, i) ? 1 : 0;
  }
  if (wrong != 0) {
    atomicAdd(&stamps[blockIdx.x].errors, wrong);
  }
  __syncwarp();
  cluster_sync();
}

__global__ void cluster_barrier_kernel(Stamp* stamps) {
  cluster_sync();
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncwarp();
#pragma unroll 8
  for (int i = 0; i < kBarriers; ++i) {
    cluster_sync();
  }
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
}

// One thread of CTA 0 and one of CTA `peer` play ball over an mbarrier each.
__global__ void remote_signal_kernel(Stamp* stamps, uint32_t peer) {
  __shared__ alignas(8) uint64_t barrier;
  const uint32_t own = shared_address(&barrier), rank = cluster_rank();
  if (threadIdx.x == 0) {
    mbarrier_init(own, 1);
    mbarrier_init_fence();
  }
  cluster_sync();
  if (threadIdx.x == 0 && rank == 0) {
    const uint32_t there = cluster_address(own, peer);
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
    for (int i = 0; i < kSignals; ++i) {
      mbarrier_arrive_remote(there);
      mbarrier_spin(own, i & 1);
    }
    stamp_end(stamps);
  } else if (threadIdx.x == 0 && rank == peer) {
    const uint32_t there = cluster_address(own, 0);
    for (int i = 0; i < kSignals; ++i) {
      mbarrier_spin(own, i & 1);
      mbarrier_arrive_remote(there);
    }
  }
  __syncwarp();
  cluster_sync();
}

void measure_latencies(Bench& bench, int cluster) {
  ClusterLaunch chase(remote_chase_kernel, cluster, 32, 0);
  ClusterLaunch signal(remote_signal_kernel, cluster, 32, 0);
  const auto size = static_cast<uint32_t>(cluster);
  for (uint32_t peer = 0; peer < size; peer += bench.quick() && peer > 0 ? size / 2 : 1) {
    const Repeat repeat{.warm_up = 2, .repeats = 7, .verifies = true};
    const auto chased =
        bench.measure(cluster, repeat, [&](Stamp* stamps, int) { chase(cluster, stamps, peer); });
    bench.add("remote_shared_latency", Mechanisms::kOne,
              {{"cluster", int64_t{cluster}}, {"peer", int64_t{peer}}}, chased, repeat,
              {{"latency_cycles", "cycle", [](const Sample& s) { return s.cycles / kChainSteps; }}});
    if (peer == 0) {
      continue;  // its own memory through the cluster's address: for comparison
    }
    const Repeat played{.warm_up = 2, .repeats = 7};
    const auto samples =
        bench.measure(cluster, played, [&](Stamp* stamps, int) { signal(cluster, stamps, peer); });
    bench.add("remote_signal", Mechanisms::kOne, {{"cluster", int64_t{cluster}}, {"peer", int64_t{peer}}},
              samples, played,
              {{"round_trip_cycles", "cycle", [](const Sample& s) { return s.cycles / kSignals; }}});
  }
}

void measure_barriers(Bench& bench, int cluster) {
  for (const int threads : {32, 128, 384, 1024}) {
    ClusterLaunch launch(cluster_barrier_kernel, cluster, threads, 0);
    const Repeat repeat{.warm_up = 2, .repeats = 7};
    const auto samples = bench.measure(cluster, repeat, [&](Stamp* stamps, int) { launch(cluster, stamps); });
    bench.add("cluster_barrier", Mechanisms::kOne,
              {{"cluster", int64_t{cluster}}, {"threads", int64_t{threads}}}, samples, repeat,
              {{"cycles_per_barrier", "cycle", [](const Sample& s) { return s.cycles / kBarriers; }}});
  }
}

void add_stream(Bench& bench, Parameters parameters, const std::vector<Sample>& samples, const Repeat& repeat,
                double moved) {
  bench.add("remote_shared_stream", Mechanisms::kOne, std::move(parameters), samples, repeat,
            {{"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return moved / s.cycles_mean; }},
             {"bytes_per_second", "B/s", [=](const Sample& s) { return moved * s.ctas / s.time_s; }}});
}

template <Move kMove>
void measure_stream(Bench& bench, int cluster, int threads, bool hot, bool all) {
  const size_t reserved = kWholeSmShared;  // one CTA an SM
  ClusterLaunch launch(remote_stream_kernel<kMove>, cluster, threads, reserved);
  const int ctas = all ? launch.maximum_clusters() * cluster : cluster, iterations = 65536 / threads;
  const Repeat repeat{.verifies = !hot || kMove == Move::kLoad};  // who stored last to CTA 0 is not defined
  const auto samples =
      bench.measure(ctas, repeat, [&](Stamp* stamps, int) { launch(ctas, stamps, iterations, hot); });
  add_stream(bench,
             {{"move", std::string(kMove == Move::kLoad ? "load" : "store")},
              {"pattern", std::string(hot ? "all_with_first" : "ring")},
              {"cluster", int64_t{cluster}},
              {"threads", int64_t{threads}},
              {"bytes_a_move", int64_t{16}},
              {"sms", int64_t{ctas}}},
             samples, repeat, double(iterations) * kUnroll * threads * 16);
}

void measure_bulk(Bench& bench, int cluster, uint32_t box_bytes, bool all) {
  ClusterLaunch launch(remote_bulk_kernel, cluster, 128, kWholeSmShared);
  const int ctas = all ? launch.maximum_clusters() * cluster : cluster;
  const int rounds = static_cast<int>((1u << 20) / (box_bytes * kMaximumBulkSlots));
  const Repeat repeat{.verifies = true};
  const auto samples =
      bench.measure(ctas, repeat, [&](Stamp* stamps, int) { launch(ctas, stamps, box_bytes, rounds); });
  add_stream(bench,
             {{"move", std::string("bulk")},
              {"pattern", std::string("pairs")},
              {"cluster", int64_t{cluster}},
              {"threads", int64_t{1}},
              {"bytes_a_move", int64_t{box_bytes}},
              {"sms", int64_t{ctas}}},
             samples, repeat, double(rounds) * kMaximumBulkSlots * box_bytes);
}

}  // namespace

void run_cluster(Bench& bench) {
  for (const int cluster : {2, 4, 8, 16}) {
    if (ClusterLaunch(remote_stream_kernel<Move::kLoad>, cluster, 1024, kWholeSmShared).maximum_clusters() ==
        0) {
      std::fprintf(stderr, "clusters of %d are not possible on this card\n", cluster);
      continue;
    }
    measure_latencies(bench, cluster);
    measure_barriers(bench, cluster);
    for (const bool all : {false, true}) {
      for (const int threads : {128, 512, 1024}) {
        measure_stream<Move::kLoad>(bench, cluster, threads, false, all);
        measure_stream<Move::kStore>(bench, cluster, threads, false, all);
      }
      for (const uint32_t box_bytes : {1024u, 4096u, 16384u}) {
        measure_bulk(bench, cluster, box_bytes, all);
      }
    }
    measure_stream<Move::kLoad>(bench, cluster, 1024, true, false);
    measure_stream<Move::kStore>(bench, cluster, 1024, true, false);
  }
}

}  // namespace tw::gpu
