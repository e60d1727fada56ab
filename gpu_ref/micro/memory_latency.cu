// SPDX-License-Identifier: Apache-2.0
// Latency of loads that skip L1: by SM and line, by footprint, by number of pages.
#include <algorithm>
#include <numeric>
#include <random>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr size_t kLineBytes = 128;
constexpr uint32_t kFarFromCycles = 400, kMemoryFromCycles = 540;

// One thread on the wanted SM times one load after the other. The other CTAs, one an SM, leave at once.
__global__ void line_latency_kernel(Stamp* stamps, const uint8_t* source, size_t stride, int lines,
                                    uint32_t sm, uint32_t* latencies) {
  if (sm_id() != sm) {
    return;
  }
  stamp_begin(stamps);
  stamps[blockIdx.x].errors = 0;
  for (int i = 0; i < lines; ++i) {
    const uint8_t* address = source + i * stride;
    const uint64_t begin = clock_now();
    const uint32_t value = load_cg4(address);
    wait_for(value);
    latencies[i] = static_cast<uint32_t>(clock_now() - begin);
  }
  stamp_end(stamps);
}

// Follows a chain of `steps` offsets stored in the buffer itself.
__global__ void chase_kernel(Stamp* stamps, const uint8_t* source, uint64_t start, int steps) {
  uint64_t offset = start;
  stamps[0].errors = 0;
  stamp_begin(stamps);
  for (int i = 0; i < steps; ++i) {
    asm volatile("ld.global.cg.u64 %0, [%1];" : "=l"(offset) : "l"(source + offset) : "memory");
  }
  stamp_end(stamps);
  stamps[0].value[0] = offset;
}

__global__ void write_chain_kernel(uint8_t* buffer, const uint64_t* order, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    *reinterpret_cast<uint64_t*>(buffer + order[i]) = order[(i + 1) % count];
  }
}

double quantile(std::vector<uint32_t> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

struct LineTimes {
  std::vector<std::vector<uint32_t>> runs;
  double sm_clock_hz = 0;
  Metric metric(const char* name, double q) const {
    Metric out{name, "cycle", {}};
    for (const auto& run : runs) {
      out.samples.push_back(quantile(run, q));
    }
    return out;
  }
};

LineTimes time_lines(Bench& bench, const uint8_t* source, size_t stride, int lines, uint32_t sm, int repeats,
                     bool cold) {
  DeviceBuffer<uint32_t> latencies(static_cast<size_t>(lines));
  LineTimes times;
  for (int i = 0; i < repeats; ++i) {
    const Repeat repeat{.warm_up = cold ? 0 : 1, .repeats = 1, .flush_l2 = cold};
    allow_shared(line_latency_kernel, kWholeSmShared);
    const auto samples = bench.measure(bench.sm_count(), repeat, [&](Stamp* stamps, int) {
      line_latency_kernel<<<bench.sm_count(), 1, kWholeSmShared>>>(stamps, source, stride, lines, sm,
                                                                   latencies.get());
    });
    times.sm_clock_hz = samples.front().sm_clock_hz;
    times.runs.push_back(latencies.download());
  }
  return times;
}

// value of every line as this SM sees it: near and far slices show as two clusters, so the quantiles are
// kept.
void measure_by_sm(Bench& bench, const uint8_t* source) {
  const int lines = 256, step = bench.quick() ? 33 : 1;
  const size_t stride = 4096 + kLineBytes;
  for (int sm = 0; sm < bench.sm_count(); sm += step) {
    const LineTimes times = time_lines(bench, source, stride, lines, static_cast<uint32_t>(sm), 3, false);
    Point point{
        .family = "l2_latency_by_sm",
        .parameters = {{"sm", int64_t{sm}}, {"lines", int64_t{lines}}, {"stride_bytes", int64_t{4224}}}};
    point.metrics = {times.metric("median_cycles", 0.5), times.metric("minimum_cycles", 0.0),
                     times.metric("p10_cycles", 0.10),   times.metric("p25_cycles", 0.25),
                     times.metric("p75_cycles", 0.75),   times.metric("p90_cycles", 0.90),
                     times.metric("maximum_cycles", 1.0)};
    point.sm_clock_hz = times.sm_clock_hz;
    point.memory_clock_hz = bench.nvml().memory_clock_hz();
    bench.add(std::move(point));
  }
}

// Lines far slower than a near hit and faster than memory: their share, and their mean latency.
std::pair<double, double> far_lines(const std::vector<uint32_t>& latencies) {
  double count = 0, sum = 0;
  for (const uint32_t cycles : latencies) {
    if (cycles > kFarFromCycles && cycles < kMemoryFromCycles) {
      count += 1;
      sum += cycles;
    }
  }
  return {count / static_cast<double>(latencies.size()), count > 0 ? sum / count : 0};
}

// The same lines, read first by one SM after a flush, then by another, then again by both.
void measure_touch_order(Bench& bench, const uint8_t* source) {
  const int lines = 256;
  const size_t stride = 4096 + kLineBytes;
  DeviceBuffer<uint32_t> latencies(lines);
  allow_shared(line_latency_kernel, kWholeSmShared);
  const auto pass = [&](int sm, bool flush) {
    bench.measure(bench.sm_count(), {.warm_up = 0, .repeats = 1, .flush_l2 = flush}, [&](Stamp* stamps, int) {
      line_latency_kernel<<<bench.sm_count(), 1, kWholeSmShared>>>(
          stamps, source, stride, lines, static_cast<uint32_t>(sm), latencies.get());
    });
    return latencies.download();
  };
  const int first = 0;
  for (int second = 1; second < bench.sm_count(); second += second == 1 ? 1 : bench.quick() ? 26 : 4) {
    std::vector<Metric> metrics;
    for (const char* name : {"second_first_touch_p50", "second_first_touch_p90", "first_cold_p50",
                             "first_again_p50", "first_again_p90", "second_again_p50", "second_again_p90"}) {
      metrics.push_back({name, "cycle", {}});
    }
    metrics.push_back({"second_first_touch_far_share", "1", {}});
    metrics.push_back({"second_first_touch_far_mean", "cycle", {}});
    for (int i = 0; i < 3; ++i) {
      const auto cold = pass(first, true), touched = pass(second, false), again = pass(first, false),
                 second_again = pass(second, false);
      const double values[] = {quantile(touched, .5),     quantile(touched, .9), quantile(cold, .5),
                               quantile(again, .5),       quantile(again, .9),   quantile(second_again, .5),
                               quantile(second_again, .9)};
      for (size_t m = 0; m < std::size(values); ++m) {
        metrics[m].samples.push_back(values[m]);
      }
      const auto [share, mean] = far_lines(touched);
      metrics[metrics.size() - 2].samples.push_back(share);
      metrics[metrics.size() - 1].samples.push_back(mean);
    }
    Point point{.family = "l2_touch_order",
                .parameters = {{"first_sm", int64_t{first}}, {"second_sm", int64_t{second}}},
                .metrics = metrics};
    point.memory_clock_hz = bench.nvml().memory_clock_hz();
    bench.add(std::move(point));
  }
}

// A random cycle through `count` places, `stride` bytes apart, each moved by a few lines to spread over
// slices.
void measure_chase(Bench& bench, const char* family, uint8_t* buffer, size_t footprint, size_t stride,
                   bool warm) {
  const size_t count = std::min<size_t>(footprint / stride, 1 << 20);
  std::vector<uint64_t> order(count);
  std::mt19937_64 random(footprint + stride);
  const size_t places = footprint / stride;
  for (size_t i = 0; i < count; ++i) {
    const size_t place = count == places ? i : i * places / count;
    order[i] = place * stride + (stride > kLineBytes ? random() % (stride / kLineBytes) * kLineBytes : 0);
  }
  std::shuffle(order.begin(), order.end(), random);
  DeviceBuffer<uint64_t> device_order(count);
  device_order.upload(order);
  write_chain_kernel<<<256, 256>>>(buffer, device_order.get(), static_cast<int>(count));
  TW_CUDA(cudaGetLastError());
  TW_CUDA(cudaDeviceSynchronize());
  if (warm) {
    touch(buffer, footprint);
  }
  const int steps = static_cast<int>(std::min<size_t>(count, warm ? 8192 : 65536));
  const Repeat repeat{.warm_up = warm ? 1 : 2, .repeats = 5};
  const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int i) {
    const uint64_t start = order[static_cast<size_t>(i) * (warm ? 8192 : 0) % count];
    chase_kernel<<<1, 1>>>(stamps, buffer, start, steps);
  });
  bench.add(family, Mechanisms::kOne,
            {{"footprint_bytes", static_cast<int64_t>(footprint)},
             {"stride_bytes", static_cast<int64_t>(stride)},
             {"places", static_cast<int64_t>(count)}},
            samples, repeat,
            {{"latency_cycles", "cycle", [=](const Sample& s) { return s.cycles / steps; }}});
}

void measure_cold(Bench& bench, const uint8_t* source) {
  const int lines = 512;
  const size_t stride = (size_t{1} << 20) + 4096 + kLineBytes;
  touch(source, size_t{1} << 30);  // translations known, lines flushed afterwards
  const LineTimes times = time_lines(bench, source, stride, lines, 0, 5, true);
  Point point{.family = "hbm_latency",
              .parameters = {{"sm", int64_t{0}}, {"lines", int64_t{lines}}},
              .metrics = {times.metric("median_cycles", 0.5), times.metric("p10_cycles", 0.10),
                          times.metric("p25_cycles", 0.25), times.metric("p75_cycles", 0.75),
                          times.metric("p90_cycles", 0.90)}};
  point.sm_clock_hz = times.sm_clock_hz;
  point.memory_clock_hz = bench.nvml().memory_clock_hz();
  bench.add(std::move(point));
}

}  // namespace

void run_memory_latency(Bench& bench) {
  constexpr size_t kMega = size_t{1} << 20;
  // 96 GiB where the card has them; else all but what the harness and the driver need.
  size_t free_bytes = 0, total_bytes = 0;
  TW_CUDA(cudaMemGetInfo(&free_bytes, &total_bytes));
  constexpr size_t kGiga = size_t{1} << 30;
  const size_t wanted = bench.quick() ? 32 : 96;
  const size_t bytes = std::min(wanted, free_bytes / kGiga - 2) * kGiga;
  DeviceBuffer<uint8_t> buffer(bytes);
  fill_pattern(reinterpret_cast<uint32_t*>(buffer.get()), (size_t{2} << 30) / 4);
  touch(buffer.get(), kResidentBytes);
  measure_by_sm(bench, buffer.get());
  measure_touch_order(bench, buffer.get());
  measure_cold(bench, buffer.get());
  for (const size_t mega : {1,  2,  4,  8,  12, 16, 20, 24, 28,  30,  32,  36,   40,
                            44, 48, 52, 56, 60, 64, 80, 96, 128, 256, 512, 1024, 2048}) {
    measure_chase(bench, "footprint", buffer.get(), mega * kMega, kLineBytes, true);
  }
  for (const size_t pages :
       {4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 24576, 32768, 36864, 49152}) {
    if (pages * 2 * kMega > bytes) {
      break;
    }
    measure_chase(bench, "translation_reach", buffer.get(), pages * 2 * kMega, 2 * kMega, false);
  }
}

}  // namespace tw::gpu
