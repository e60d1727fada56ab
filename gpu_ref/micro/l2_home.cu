// SPDX-License-Identifier: Apache-2.0
// Where a line lives. L2 has two partitions; a line has its home in one of them, chosen by its address, and
// the other keeps a copy of what its own SMs have read. So a far hit is seen once: by the first SM of the
// partition that reads a line which the other partition fetched. Every measurement here therefore starts from
// a flushed cache that one SM of the other partition has filled.
#include <algorithm>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kLines = 512;
constexpr size_t kStrideBytes = 4096 + 128;  // one line in each: many slices, one page
constexpr uint32_t kFarExtraCycles = 100;    // a far hit takes 150 to 190 more than a near one

enum class Access : uint8_t { kLoad, kCpAsync, kBulk };

// One thread on SM `sm` reads 16 bytes of one line after the other (4 by a plain load) and times each.
template <Access kAccess>
__global__ void home_latency_kernel(Stamp* stamps, const uint8_t* source, uint32_t sm, uint32_t* latencies) {
  extern __shared__ __align__(1024) uint8_t tile[];
  if (sm_id() != sm) {
    return;
  }
  const uint32_t destination = shared_address(tile), barrier = destination + 64;
  if constexpr (kAccess == Access::kBulk) {
    mbarrier_init(barrier, 1);
    mbarrier_init_fence();
  }
  uint32_t wrong = 0;
  stamp_begin(stamps);
#pragma unroll 1
  for (int i = 0; i < kLines; ++i) {
    const uint8_t* address = source + i * kStrideBytes;
    uint32_t found;
    const uint64_t begin = clock_now();
    if constexpr (kAccess == Access::kLoad) {
      found = load_cg4(address);
      wait_for(found);
    } else if constexpr (kAccess == Access::kCpAsync) {
      cp_async16(destination, address);
      cp_async_commit();
      cp_async_wait<0>();
    } else {
      mbarrier_arrive_expect(barrier, 16);
      bulk_load(destination, address, 16, barrier);
      mbarrier_spin(barrier, i & 1);
    }
    latencies[i] = static_cast<uint32_t>(clock_now() - begin);
    if constexpr (kAccess != Access::kLoad) {
      found = *reinterpret_cast<volatile uint32_t*>(tile);
    }
    wrong += found != pattern_word(i * kStrideBytes / 4) ? 1 : 0;
  }
  stamp_end(stamps);
  stamps[blockIdx.x].errors = wrong;
}

double quantile(std::vector<uint32_t> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

class Homes {
 public:
  Homes(Bench& bench, const uint8_t* source) : bench_(bench), source_(source), latencies_(kLines) {}

  template <Access kAccess>
  std::vector<uint32_t> pass(int sm, bool flush) {
    allow_shared(home_latency_kernel<kAccess>, kWholeSmShared);
    const int ctas = bench_.sm_count();
    const auto samples =
        bench_.measure(ctas, {.warm_up = 0, .repeats = 1, .flush_l2 = flush}, [&](Stamp* stamps, int) {
          home_latency_kernel<kAccess>
              <<<ctas, 1, kWholeSmShared>>>(stamps, source_, static_cast<uint32_t>(sm), latencies_.get());
        });
    wrong_ += samples.front().errors;
    sm_clock_hz_ = samples.front().sm_clock_hz;
    return latencies_.download();
  }

  // Lines that `second` finds far after `first` fetched them.
  std::vector<bool> far_lines(int first, int second) {
    pass<Access::kLoad>(first, true);
    const auto touched = pass<Access::kLoad>(second, false), again = pass<Access::kLoad>(second, false);
    const double limit = quantile(again, 0.5) + kFarExtraCycles;
    std::vector<bool> far;
    for (const uint32_t cycles : touched) {
      far.push_back(cycles > limit);
    }
    return far;
  }

  void finish(Point& point) {
    point.sm_clock_hz = sm_clock_hz_;
    point.memory_clock_hz = bench_.nvml().memory_clock_hz();
    point.verified = wrong_ == 0;
    if (wrong_ != 0) {
      throw RunError("a latency probe read wrong words");
    }
    const Metric& primary = point.metrics.front();
    std::fprintf(stderr, "%s %.4g %s\n", point.family.c_str(), median(primary.samples), primary.unit.c_str());
    bench_.add(std::move(point));
  }

 private:
  Bench& bench_;
  const uint8_t* source_;
  DeviceBuffer<uint32_t> latencies_;
  uint64_t wrong_ = 0;
  double sm_clock_hz_ = 0;
};

double share(const std::vector<bool>& far) {
  return static_cast<double>(std::count(far.begin(), far.end(), true)) / static_cast<double>(far.size());
}

// Half of the lines are far for an SM of the other partition, none for one of the same. Returns an SM of the
// other partition than SM 0's.
int map_partitions(Bench& bench, Homes& homes) {
  int other = -1;
  for (int sm = 0; sm < bench.sm_count(); sm += bench.quick() ? 11 : 1) {
    Metric far_share{"far_share", "1", {}}, differs{"other_partition_than_reference", "1", {}};
    for (int i = 0; i < 3; ++i) {
      far_share.samples.push_back(share(homes.far_lines(0, sm)));
      differs.samples.push_back(far_share.samples.back() > 0.25 ? 1.0 : 0.0);
    }
    if (other < 0 && median(differs.samples) == 1.0) {
      other = sm;
    }
    Point point{.family = "partition_of_sm",
                .parameters = {{"sm", int64_t{sm}}, {"reference_sm", int64_t{0}}},
                .metrics = {differs, far_share}};
    homes.finish(point);
  }
  return other;
}

struct State {
  const char* name;
  bool fetched_by_other;  // by an SM of the other partition, after a flush
  bool read_before;       // by the timing SM itself
};

template <Access kAccess>
void measure_access(Homes& homes, const std::vector<bool>& far, int other, const char* access) {
  const State states[] = {{"l2", true, false}, {"l2_replicated", true, true}, {"hbm", false, false}};
  for (const State& state : states) {
    std::vector<std::vector<uint32_t>> runs;
    for (int i = 0; i < 5; ++i) {
      if (state.fetched_by_other) {
        homes.pass<Access::kLoad>(other, true);
      }
      if (state.read_before) {
        homes.pass<kAccess>(0, false);
      }
      runs.push_back(homes.pass<kAccess>(0, !state.fetched_by_other));
    }
    for (const bool wanted : {false, true}) {
      Point point{.family = "latency_by_home",
                  .parameters = {{"access", std::string(access)},
                                 {"state", std::string(state.name)},
                                 {"home", std::string(wanted ? "far" : "near")},
                                 {"sm", int64_t{0}}},
                  .metrics = {{"median_cycles", "cycle", {}},
                              {"p10_cycles", "cycle", {}},
                              {"p90_cycles", "cycle", {}},
                              {"lines", "1", {}}}};
      for (const auto& run : runs) {
        std::vector<uint32_t> chosen;
        for (size_t line = 0; line < run.size(); ++line) {
          if (far[line] == wanted) {
            chosen.push_back(run[line]);
          }
        }
        const double values[] = {quantile(chosen, .5), quantile(chosen, .1), quantile(chosen, .9),
                                 static_cast<double>(chosen.size())};
        for (size_t m = 0; m < std::size(values); ++m) {
          point.metrics[m].samples.push_back(values[m]);
        }
      }
      homes.finish(point);
    }
  }
}

}  // namespace

void run_l2_home(Bench& bench) {
  DeviceBuffer<uint32_t> words(kLines * kStrideBytes / 4);
  fill_pattern(words.get(), words.count());
  Homes homes(bench, reinterpret_cast<const uint8_t*>(words.get()));
  const int other = map_partitions(bench, homes);
  if (other < 0) {
    throw RunError("no SM sees far lines: the probe cannot tell the partitions of this card apart");
  }
  const std::vector<bool> far = homes.far_lines(other, 0);
  if (share(far) < 0.1 || share(far) > 0.9) {
    throw RunError("the lines are not split over both partitions: near and far cannot be told apart");
  }
  measure_access<Access::kLoad>(homes, far, other, "load");
  measure_access<Access::kCpAsync>(homes, far, other, "cp_async");
  measure_access<Access::kBulk>(homes, far, other, "bulk_16");
}

}  // namespace tw::gpu
