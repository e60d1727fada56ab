// SPDX-License-Identifier: Apache-2.0
// Which SMs share a GPC and a TPC, found by where the card places the CTAs of a cluster; and what one SM, one
// TPC, one GPC and SMs spread over the GPCs can read. The partitions of L2 are in l2_home.cu.
#include <algorithm>
#include <map>
#include <numeric>

#include "micro/cluster_launch.h"
#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kThreads = 1024;
constexpr int kUnroll = 4;
constexpr int kMaximumSms = 160;
constexpr uint64_t kHoldNanoseconds = 30'000;  // long enough that all CTAs of a launch are there at once

__device__ __forceinline__ void hold(uint64_t nanoseconds) {
  const uint64_t begin = timer_now();
  while (timer_now() - begin < nanoseconds) {
  }
}

__global__ void placement_kernel(Stamp* stamps) {
  stamp_begin(stamps);
  stamps[blockIdx.x].errors = 0;
  hold(kHoldNanoseconds);
  stamp_end(stamps);
}

// Takes SMs away, so that clusters are placed elsewhere than on an empty card.
__global__ void occupy_kernel() {
  hold(2 * kHoldNanoseconds);
}

struct SmSet {
  uint32_t mask[kMaximumSms / 32] = {};
  __host__ void add(int sm) { mask[sm / 32] |= 1u << (sm % 32); }
  __device__ bool has(uint32_t sm) const { return (mask[sm / 32] >> (sm % 32) & 1u) != 0; }
  __device__ uint32_t rank(uint32_t sm) const {
    uint32_t below = __popc(mask[sm / 32] & ((1u << (sm % 32)) - 1));
    for (uint32_t word = 0; word < sm / 32; ++word) {
      below += __popc(mask[word]);
    }
    return below;
  }
};

// The SMs of the set stream disjoint parts of the buffer, `passes` times.
__global__ void __launch_bounds__(kThreads)
    set_read_kernel(Stamp* stamps, const uint8_t* source, size_t bytes, const __grid_constant__ SmSet set,
                    uint32_t size, int passes) {
  const uint32_t sm = sm_id();
  if (!set.has(sm)) {
    return;
  }
  const size_t chunk = size_t{kThreads} * 16 * kUnroll, first = set.rank(sm) * chunk, stride = chunk * size;
  uint32_t sum = 0;
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t at = first; at + chunk <= bytes; at += stride) {
      uint4 v[kUnroll];
#pragma unroll
      for (int i = 0; i < kUnroll; ++i) {
        v[i] = load_cg16(source + at + (size_t{threadIdx.x} + i * kThreads) * 16);
      }
#pragma unroll
      for (int i = 0; i < kUnroll; ++i) {
        sum ^= v[i].x ^ v[i].y ^ v[i].z ^ v[i].w;
      }
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  if (sum == 0x9e3779b9u) {
    stamps[blockIdx.x].value[3] = sum;
  }
}

// SMs joined by having held CTAs of one cluster, which never leaves a GPC.
class Joined {
 public:
  explicit Joined(int sms) : parent_(static_cast<size_t>(sms)) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  int root(int sm) const {
    while (parent_[static_cast<size_t>(sm)] != sm) {
      sm = parent_[static_cast<size_t>(sm)];
    }
    return sm;
  }
  void join(int a, int b) {
    const int low = std::min(root(a), root(b)), high = std::max(root(a), root(b));
    parent_[static_cast<size_t>(high)] = low;
  }
  std::vector<std::vector<int>> groups() const {
    std::map<int, std::vector<int>> by_root;
    for (int sm = 0; sm < static_cast<int>(parent_.size()); ++sm) {
      by_root[root(sm)].push_back(sm);
    }
    std::vector<std::vector<int>> groups;
    for (auto& [unused, members] : by_root) {
      groups.push_back(std::move(members));
    }
    return groups;
  }

 private:
  std::vector<int> parent_;
};

struct Map {
  std::vector<std::vector<int>> gpcs;
  std::map<int, std::map<int, int>> pairs;  // how often two SMs held a cluster of two
};

void place_clusters(Bench& bench, int cluster, Joined& joined, Map& map) {
  ClusterLaunch launch(placement_kernel, cluster, 32, kWholeSmShared);
  const int clusters = launch.maximum_clusters();
  if (clusters == 0) {
    return;
  }
  const int ctas = clusters * cluster;
  DeviceBuffer<Stamp> stamps(static_cast<size_t>(ctas));
  cudaStream_t beside = nullptr;
  TW_CUDA(cudaStreamCreateWithFlags(&beside, cudaStreamNonBlocking));
  allow_shared(occupy_kernel, kWholeSmShared);
  std::map<int, int> reached;
  for (const int taken : {0, 0, 1, 3, 6, 7, 10, 13, 20, 29, 45, 60, 0}) {
    if (taken > 0) {
      occupy_kernel<<<taken, 32, kWholeSmShared, beside>>>();
    }
    if (launch.attempt(ctas, stamps.get()) != cudaSuccess) {
      cudaGetLastError();  // a size that the card refuses after all
      TW_CUDA(cudaStreamDestroy(beside));
      return;
    }
    TW_CUDA(cudaDeviceSynchronize());
    const auto host = stamps.download();
    for (size_t i = 0; i < host.size(); ++i) {
      const size_t leader = i / static_cast<size_t>(cluster) * static_cast<size_t>(cluster);
      joined.join(static_cast<int>(host[leader].sm), static_cast<int>(host[i].sm));
      ++reached[static_cast<int>(host[i].sm)];
    }
    for (size_t i = 0; cluster == 2 && i + 1 < host.size(); i += 2) {
      const int a = static_cast<int>(host[i].sm), b = static_cast<int>(host[i + 1].sm);
      ++map.pairs[a][b];
      ++map.pairs[b][a];
    }
  }
  TW_CUDA(cudaStreamDestroy(beside));
  Point point{.family = "cluster_capacity", .parameters = {{"cluster", int64_t{cluster}}}};
  point.metrics = {{"clusters_at_once", "1", {double(clusters)}},
                   {"sms_at_once", "1", {double(ctas)}},
                   {"sms_ever_reached", "1", {double(reached.size())}}};
  bench.add(std::move(point));
}

Map map_gpcs(Bench& bench) {
  Map map;
  Joined joined(bench.sm_count());
  for (int cluster = 2; cluster <= 16; ++cluster) {
    place_clusters(bench, cluster, joined, map);
  }
  map.gpcs = joined.groups();
  for (int sm = 0; sm < bench.sm_count(); ++sm) {
    const auto home = std::find_if(map.gpcs.begin(), map.gpcs.end(), [sm](const std::vector<int>& members) {
      return std::find(members.begin(), members.end(), sm) != members.end();
    });
    int partner = -1, together = 0, all = 0;
    for (const auto& [other, count] : map.pairs[sm]) {
      all += count;
      if (count > together) {
        together = count;
        partner = other;
      }
    }
    Point point{.family = "gpc_of_sm", .parameters = {{"sm", int64_t{sm}}}};
    point.metrics = {{"gpc", "1", {double(home - map.gpcs.begin())}},
                     {"sms_in_gpc", "1", {double(home->size())}},
                     {"most_frequent_partner_in_pairs", "1", {double(partner)}},
                     {"share_of_that_partner", "1", {all == 0 ? 0.0 : double(together) / all}}};
    bench.add(std::move(point));
  }
  for (size_t gpc = 0; gpc < map.gpcs.size(); ++gpc) {
    std::fprintf(stderr, "gpc %zu:", gpc);
    for (const int sm : map.gpcs[gpc]) {
      std::fprintf(stderr, " %d", sm);
    }
    std::fprintf(stderr, "\n");
  }
  return map;
}

struct Readers {
  const char* group;  // what the SMs have in common
  int which;          // number of the group
  std::vector<int> sms;
};

// `per_sm` bytes for each SM: from the part of the buffer that stays in L2, or all of it once.
void measure_readers(Bench& bench, const uint8_t* source, bool resident, const Readers& readers) {
  const size_t count = readers.sms.size(), round = size_t{kThreads} * 16 * kUnroll * count;
  const size_t per_sm = resident ? size_t{4} << 20 : size_t{16} << 20;
  const size_t span = resident ? std::min(kResidentBytes, per_sm * count) : per_sm * count;
  const size_t used = std::max(round, span / round * round);
  const int passes = resident ? static_cast<int>(std::max<size_t>(1, per_sm * count / used)) : 1;
  SmSet set;
  for (const int sm : readers.sms) {
    set.add(sm);
  }
  const Repeat repeat{.warm_up = 2, .repeats = 5, .flush_l2 = !resident};
  allow_shared(set_read_kernel, kWholeSmShared);
  const auto samples = bench.measure(bench.sm_count(), repeat, [&](Stamp* stamps, int) {
    set_read_kernel<<<bench.sm_count(), kThreads, kWholeSmShared>>>(stamps, source, used, set,
                                                                    static_cast<uint32_t>(count), passes);
  });
  const double moved = double(used) * passes;
  bench.add("group_read", Mechanisms::kOne,
            {{"residency", std::string(resident ? "l2" : "hbm")},
             {"group", std::string(readers.group)},
             {"which", int64_t{readers.which}},
             {"sms", static_cast<int64_t>(count)}},
            samples, repeat,
            {{"bytes_per_cycle_per_sm", "B/cycle",
              [=](const Sample& s) { return moved / double(count) / s.cycles_mean; }},
             {"bytes_per_cycle", "B/cycle", [=](const Sample& s) { return moved / s.cycles; }},
             {"bytes_per_second", "B/s", [=](const Sample& s) { return moved / s.time_s; }}});
}

// SM 0 together with every other SM: those that share a port with it show.
void measure_pairs(Bench& bench, const uint8_t* source) {
  const int step = bench.quick() ? 13 : 1;
  const size_t used = size_t{kThreads} * 16 * kUnroll * 2 * 16;
  for (int other = 1; other < bench.sm_count(); other += step) {
    SmSet set;
    set.add(0);
    set.add(other);
    const Repeat repeat{.warm_up = 1, .repeats = 3};
    allow_shared(set_read_kernel, kWholeSmShared);
    const auto samples = bench.measure(bench.sm_count(), repeat, [&](Stamp* stamps, int) {
      set_read_kernel<<<bench.sm_count(), kThreads, kWholeSmShared>>>(stamps, source, used, set, 2u, 2);
    });
    bench.add("pair_read", Mechanisms::kOne,
              {{"first_sm", int64_t{0}}, {"second_sm", int64_t{other}}, {"residency", std::string("l2")}},
              samples, repeat, {{"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) {
                                   return double(used) / s.cycles_mean;
                                 }}});
  }
}

// The k-th SM of GPC 0, of GPC 1, ..., then the next of each: n SMs over as many GPCs as there are.
std::vector<int> spread_over(const std::vector<std::vector<int>>& gpcs, size_t count) {
  std::vector<int> sms;
  for (size_t place = 0; sms.size() < count; ++place) {
    for (const auto& members : gpcs) {
      if (place < members.size() && sms.size() < count) {
        sms.push_back(members[place]);
      }
    }
  }
  return sms;
}

void measure_groups(Bench& bench, const uint8_t* source, const Map& map) {
  const int all = bench.sm_count();
  for (const bool resident : {true, false}) {
    touch(source, kResidentBytes);
    for (const int sm : {0, 1, all / 2, all - 1}) {
      measure_readers(bench, source, resident, {"sm", sm, {sm}});
    }
    for (const int tpc : {0, all / 4, all / 2 - 1}) {
      measure_readers(bench, source, resident, {"tpc", tpc, {2 * tpc, 2 * tpc + 1}});
    }
    for (size_t gpc = 0; gpc < map.gpcs.size(); ++gpc) {
      if (map.gpcs[gpc].size() >= 4) {
        measure_readers(bench, source, resident, {"gpc", static_cast<int>(gpc), map.gpcs[gpc]});
      }
    }
    for (const size_t count : {size_t{2}, size_t{4}, size_t{6}, size_t{8}, size_t{12}, size_t{16}}) {
      if (count < map.gpcs[0].size()) {
        const std::vector<int> part(map.gpcs[0].begin(), map.gpcs[0].begin() + static_cast<long>(count));
        measure_readers(bench, source, resident, {"part_of_gpc", 0, part});
      }
    }
    for (const int count : {1, 2, 4, 7, 8, 14, 16, 18, 24, 32, 48, 64, 66, 80, 100, 116, all}) {
      if (count <= all) {
        measure_readers(bench, source, resident,
                        {"spread", 0, spread_over(map.gpcs, static_cast<size_t>(count))});
      }
    }
  }
}

}  // namespace

void run_topology(Bench& bench) {
  if (bench.sm_count() > kMaximumSms) {
    throw RunError("more SMs than a set can hold");
  }
  const size_t bytes = static_cast<size_t>(bench.sm_count()) * (size_t{16} << 20);
  DeviceBuffer<uint8_t> buffer(bytes);
  fill_pattern(reinterpret_cast<uint32_t*>(buffer.get()), bytes / 4);
  const Map map = map_gpcs(bench);
  touch(buffer.get(), kResidentBytes);
  measure_pairs(bench, buffer.get());
  measure_groups(bench, buffer.get(), map);
}

}  // namespace tw::gpu
