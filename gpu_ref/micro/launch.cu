// SPDX-License-Identifier: Apache-2.0
// What it costs to start a kernel and its CTAs, and to hand out work by an atomic counter.
#include <algorithm>
#include <chrono>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

__global__ void empty_kernel() {}

// Each CTA stays for `cycles` and notes when it came and went.
__global__ void stay_kernel(Stamp* stamps, uint32_t cycles) {
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
    const uint64_t begin = clock_now();
    while (clock_now() - begin < cycles) {
    }
    stamp_end(stamps);
  }
}

// Persistent CTAs draw `items` numbers; value[0] counts those this CTA got.
__global__ void counter_kernel(Stamp* stamps, unsigned int* counter, uint32_t items) {
  __shared__ uint32_t drawn;
  uint64_t got = 0;
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  for (;;) {
    if (threadIdx.x == 0) {
      drawn = atomicAdd(counter, 1u);
    }
    __syncthreads();
    const uint32_t mine = drawn;
    __syncthreads();
    if (mine >= items) {
      break;
    }
    ++got;
  }
  if (threadIdx.x == 0) {
    stamp_end(stamps);
    stamps[blockIdx.x].value[0] = got;
  }
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void add_host_point(Bench& bench, const char* how, int ctas, const std::vector<double>& seconds) {
  Point point{.family = "launch_overhead",
              .parameters = {{"how", std::string(how)}, {"ctas", int64_t{ctas}}},
              .metrics = {{"seconds_per_launch", "s", seconds}}};
  point.memory_clock_hz = bench.nvml().memory_clock_hz();
  bench.add(std::move(point));
}

void measure_overhead(Bench& bench, int ctas) {
  const int launches = 1000;
  std::vector<double> streamed, synchronised, graphed;
  cudaStream_t stream;
  TW_CUDA(cudaStreamCreate(&stream));
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  TW_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < launches; ++i) {
    empty_kernel<<<ctas, 128, 0, stream>>>();
  }
  TW_CUDA(cudaStreamEndCapture(stream, &graph));
  TW_CUDA(cudaGraphInstantiate(&executable, graph, 0));
  for (int repeat = -1; repeat < 5; ++repeat) {
    auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < launches; ++i) {
      empty_kernel<<<ctas, 128, 0, stream>>>();
    }
    TW_CUDA(cudaStreamSynchronize(stream));
    const double in_stream = seconds_since(begin) / launches;
    begin = std::chrono::steady_clock::now();
    for (int i = 0; i < launches / 10; ++i) {
      empty_kernel<<<ctas, 128, 0, stream>>>();
      TW_CUDA(cudaStreamSynchronize(stream));
    }
    const double alone = seconds_since(begin) / (launches / 10);
    begin = std::chrono::steady_clock::now();
    TW_CUDA(cudaGraphLaunch(executable, stream));
    TW_CUDA(cudaStreamSynchronize(stream));
    const double in_graph = seconds_since(begin) / launches;
    if (repeat >= 0) {
      streamed.push_back(in_stream);
      synchronised.push_back(alone);
      graphed.push_back(in_graph);
    }
  }
  TW_CUDA(cudaGraphExecDestroy(executable));
  TW_CUDA(cudaGraphDestroy(graph));
  TW_CUDA(cudaStreamDestroy(stream));
  add_host_point(bench, "back_to_back", ctas, streamed);
  add_host_point(bench, "launch_and_synchronise", ctas, synchronised);
  add_host_point(bench, "graph", ctas, graphed);
}

// Time from one CTA's end to the next one's begin on the same SM, in cycles of that SM.
double median_gap(const Sample& sample) {
  std::vector<Stamp> stamps = sample.stamps;
  std::sort(stamps.begin(), stamps.end(), [](const Stamp& a, const Stamp& b) {
    return std::pair(a.sm, a.clock_begin) < std::pair(b.sm, b.clock_begin);
  });
  std::vector<double> gaps;
  for (size_t i = 1; i < stamps.size(); ++i) {
    if (stamps[i].sm == stamps[i - 1].sm && stamps[i].clock_begin >= stamps[i - 1].clock_end) {
      gaps.push_back(static_cast<double>(stamps[i].clock_begin - stamps[i - 1].clock_end));
    }
  }
  return gaps.empty() ? 0 : median(gaps);
}

double first_wave_spread_s(const Sample& sample, int wave) {
  std::vector<uint64_t> begins;
  for (const Stamp& stamp : sample.stamps) {
    begins.push_back(stamp.timer_begin);
  }
  std::sort(begins.begin(), begins.end());
  const size_t last = std::min<size_t>(begins.size(), static_cast<size_t>(wave)) - 1;
  return static_cast<double>(begins[last] - begins.front()) * 1e-9;
}

void measure_ctas(Bench& bench, int threads, int per_sm, size_t shared) {
  const uint32_t stay = 20000;
  const int ctas = bench.sm_count() * per_sm, wave = bench.sm_count();
  const Repeat repeat{};
  allow_shared(stay_kernel, shared);
  const auto samples = bench.measure(
      ctas, repeat, [&](Stamp* stamps, int) { stay_kernel<<<ctas, threads, shared>>>(stamps, stay); });
  const Parameters parameters = {{"threads", int64_t{threads}},
                                 {"ctas_per_sm", int64_t{per_sm}},
                                 {"shared_bytes", static_cast<int64_t>(shared)},
                                 {"stay_cycles", int64_t{stay}}};
  if (per_sm > 1) {
    bench.add("cta_gap", Mechanisms::kOne, parameters, samples, repeat,
              {{"gap_cycles", "cycle", median_gap}});
  } else {
    bench.add("cta_start", Mechanisms::kOne, parameters, samples, repeat,
              {{"first_wave_spread_s", "s", [=](const Sample& s) { return first_wave_spread_s(s, wave); }},
               {"event_beyond_ctas_s", "s", [](const Sample& s) { return s.event_s - s.time_s; }}});
  }
}

void measure_counter(Bench& bench, int ctas) {
  DeviceBuffer<unsigned int> counter(1);
  const uint32_t items = 1u << 15;
  const Repeat repeat{};
  allow_shared(counter_kernel, kWholeSmShared);
  const auto samples = bench.measure(ctas, repeat, [&](Stamp* stamps, int) {
    TW_CUDA(cudaMemsetAsync(counter.get(), 0, sizeof(unsigned int)));
    counter_kernel<<<ctas, 128, kWholeSmShared>>>(stamps, counter.get(), items);
  });
  bench.add("work_counter", Mechanisms::kOne, {{"ctas", int64_t{ctas}}, {"items", int64_t{items}}}, samples,
            repeat,
            {{"cycles_per_item_per_cta", "cycle",
              [=](const Sample& s) { return s.cycles_mean / (double(items) / ctas); }},
             {"items_per_second", "1/s", [=](const Sample& s) { return items / s.time_s; }}});
}

}  // namespace

void run_launch(Bench& bench) {
  measure_overhead(bench, 1);
  measure_overhead(bench, bench.sm_count());
  for (const int threads : {128, 384, 512}) {
    measure_ctas(bench, threads, 1, kWholeSmShared);
    measure_ctas(bench, threads, 8, kWholeSmShared);
    measure_ctas(bench, threads, 8, 116 * 1024);
  }
  for (const int ctas : {1, 8, 132}) {
    measure_counter(bench, ctas);
  }
}

}  // namespace tw::gpu
