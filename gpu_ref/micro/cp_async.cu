// SPDX-License-Identifier: Apache-2.0
// cp.async of 16 bytes a thread: how often a warp can issue it, how long it takes, how many bytes must be in
// flight before it runs at full speed.
#include <algorithm>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr uint32_t kWarpBytes = 512;  // one instruction of a warp
constexpr int kMaximumBurst = 64;
constexpr int kRounds = 4;

// Issues `burst` copies back to back and reads the clock before waiting for any of them. The first rounds
// fetch the instructions; the last one counts. value[0]: cycles of issue, mean over the warps; value[1]: of
// the slowest warp; value[2]: from the first warp's begin to the last one's last issue; value[3]: until all
// landed.
template <int kBurst>
__global__ void cp_async_issue_kernel(Stamp* stamps, const uint8_t* source) {
  extern __shared__ __align__(1024) uint8_t tile[];
  __shared__ uint64_t begins[32], ends[32], lands[32];
  const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const uint32_t destination = shared_address(tile) + (warp * kWarpBytes + lane * 16);
  const uint8_t* from = source + size_t{warp} * kMaximumBurst * kWarpBytes + lane * 16;
  const uint32_t warps = blockDim.x / 32;
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  uint64_t begin = 0, issued = 0, landed = 0;
#pragma unroll 1
  for (int round = 0; round < kRounds; ++round) {
    __syncthreads();
    begin = clock_now();
#pragma unroll
    for (int i = 0; i < kBurst; ++i) {
      cp_async16(destination + (i % 8) * warps * kWarpBytes, from + i * kWarpBytes);
    }
    issued = clock_now();
    cp_async_commit();
    cp_async_wait<0>();
    landed = clock_now();
  }
  if (lane == 0) {
    begins[warp] = begin;
    ends[warp] = issued;
    lands[warp] = landed;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    uint64_t first = begins[0], last = 0, all_landed = 0, sum = 0, slowest = 0;
    for (uint32_t w = 0; w < warps; ++w) {
      first = min(first, begins[w]);
      last = max(last, ends[w]);
      all_landed = max(all_landed, lands[w]);
      sum += ends[w] - begins[w];
      slowest = max(slowest, ends[w] - begins[w]);
    }
    stamps[0].value[0] = sum / warps;
    stamps[0].value[1] = slowest;
    stamps[0].value[2] = last - first;
    stamps[0].value[3] = all_landed - first;
    stamp_end(stamps);
  }
}

// A steady stream: each warp keeps kDepth copies in flight, every copy its own group.
template <int kDepth>
__global__ void cp_async_stream_kernel(Stamp* stamps, const uint8_t* source, size_t bytes, int iterations,
                                       int active_ctas) {
  extern __shared__ __align__(1024) uint8_t tile[];
  if (static_cast<int>(blockIdx.x) >= active_ctas) {
    return;
  }
  const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
  const uint32_t own = (warp * kDepth * kWarpBytes) + lane * 16;
  const uint32_t destination = shared_address(tile) + own;
  const size_t stride = size_t{warps} * active_ctas * kWarpBytes;
  size_t offset = (size_t{blockIdx.x} * warps + warp) * kWarpBytes;
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  size_t last = 0;
  for (int i = 0; i < iterations; ++i) {
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
      cp_async_wait<kDepth - 1>();
      cp_async16(destination + d * kWarpBytes, source + offset + lane * 16);
      cp_async_commit();
      last = offset;
      offset += stride;
      offset = offset >= bytes ? offset - bytes : offset;
    }
  }
  cp_async_wait<0>();
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  const uint32_t found = reinterpret_cast<uint32_t*>(tile + own + (kDepth - 1) * kWarpBytes)[0];
  if (found != pattern_word((last + lane * 16) / 4)) {
    atomicAdd(&stamps[blockIdx.x].errors, 1u);
  }
}

enum class Layout : uint8_t {
  kLinear,      // 512 bytes of an instruction one behind the other
  kSwizzled,    // four rows of 128 bytes under the 128-byte swizzle
  kHalves,      // two rows of 256 bytes, their halves apart and swizzled: what a gather for the matrix unit
                // writes
  kChunkMajor,  // 16-byte chunks of a row 256 bytes apart: the layout without a swizzle
};

// Byte within a warp's region of kLayoutDepth instructions where a lane's 16 bytes of instruction `d` go.
constexpr int kLayoutDepth = 8;
__device__ constexpr uint32_t place(Layout layout, uint32_t d, uint32_t lane) {
  switch (layout) {
    case Layout::kLinear:
      return d * kWarpBytes + lane * 16;
    case Layout::kSwizzled:
      return swizzle128(d * kWarpBytes + lane * 16);
    case Layout::kHalves:
      return lane % 16 / 8 * (kLayoutDepth * 256) + swizzle128((d * 2 + lane / 16) * 128 + lane % 8 * 16);
    default:
      return (lane % 16 * kLayoutDepth * 2 + d * 2 + lane / 16) * 16;
  }
}

// The stream again, from the cache, with the lanes of an instruction spread over shared memory in one of the
// ways.
template <Layout kLayout>
__global__ void cp_async_layout_kernel(Stamp* stamps, const uint8_t* source, int iterations) {
  extern __shared__ __align__(1024) uint8_t tile[];
  const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
  const uint32_t region = warp * kLayoutDepth * kWarpBytes;
  const uint8_t* from = source + size_t{warp} * kWarpBytes + lane * 16;
  uint32_t offsets[kLayoutDepth];
#pragma unroll
  for (int d = 0; d < kLayoutDepth; ++d) {
    offsets[d] = shared_address(tile) + region + place(kLayout, d, lane);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  for (int i = 0; i < iterations; ++i) {
#pragma unroll
    for (int d = 0; d < kLayoutDepth; ++d) {
      cp_async_wait<kLayoutDepth - 1>();
      cp_async16(offsets[d], from + (size_t(i % 64) * kLayoutDepth + d) * warps * kWarpBytes);
      cp_async_commit();
    }
  }
  cp_async_wait<0>();
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  const size_t last = (size_t((iterations - 1) % 64) * kLayoutDepth + kLayoutDepth - 1) * warps * kWarpBytes +
                      warp * kWarpBytes + lane * 16;
  const uint8_t* mine = tile + region + place(kLayout, kLayoutDepth - 1, lane);
  if (*reinterpret_cast<const uint32_t*>(mine) != pattern_word(last / 4)) {
    atomicAdd(&stamps[0].errors, 1u);
  }
}

// One 16-byte copy at a time by one thread; the distribution over lines shows where a line lives.
__global__ void cp_async_latency_kernel(Stamp* stamps, const uint8_t* source, size_t stride, int lines,
                                        uint32_t* latencies) {
  extern __shared__ __align__(1024) uint8_t tile[];
  stamps[0].errors = 0;
  stamp_begin(stamps);
  for (int i = 0; i < lines; ++i) {
    const uint64_t begin = clock_now();
    cp_async16(shared_address(tile), source + i * stride);
    cp_async_commit();
    cp_async_wait<0>();
    latencies[i] = static_cast<uint32_t>(clock_now() - begin);
  }
  stamp_end(stamps);
}

template <int kBurst>
void measure_issue(Bench& bench, const uint8_t* source) {
  for (const int warps : {1, 2, 4, 8, 16}) {
    const Repeat repeat{.warm_up = 2, .repeats = 9};
    const size_t shared = size_t{8} * warps * kWarpBytes;
    allow_shared(cp_async_issue_kernel<kBurst>, shared);
    const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
      cp_async_issue_kernel<kBurst><<<1, warps * 32, shared>>>(stamps, source);
    });
    bench.add(
        "cp_async_issue", Mechanisms::kOne,
        {{"burst", int64_t{kBurst}}, {"warps", int64_t{warps}}, {"residency", std::string("l2")}}, samples,
        repeat,
        {{"issue_cycles", "cycle", [](const Sample& s) { return s.mean_value(0); }},
         {"issue_interval_cycles", "cycle", [](const Sample& s) { return s.mean_value(0) / kBurst; }},
         {"slowest_warp_interval_cycles", "cycle", [](const Sample& s) { return s.mean_value(1) / kBurst; }},
         {"sm_interval_cycles", "cycle", [=](const Sample& s) { return s.mean_value(2) / (kBurst * warps); }},
         {"landed_cycles", "cycle", [](const Sample& s) { return s.mean_value(3); }}});
  }
}

template <int kDepth>
void measure_stream(Bench& bench, const uint8_t* source, size_t bytes, const char* residency, int ctas) {
  for (const int warps : {1, 4, 8}) {
    const Repeat repeat{.verifies = true};
    const int iterations = 4096 / kDepth;
    const size_t used = size_t{kDepth} * warps * kWarpBytes;
    const size_t shared = std::max(used, ctas > 1 ? kWholeSmShared / 2 + 16 * 1024 : used);
    allow_shared(cp_async_stream_kernel<kDepth>, shared);
    const auto samples = bench.measure(ctas, repeat, [&](Stamp* stamps, int) {
      cp_async_stream_kernel<kDepth><<<ctas, warps * 32, shared>>>(stamps, source, bytes, iterations, ctas);
    });
    const double moved = double{kWarpBytes} * kDepth * iterations * warps;
    bench.add("cp_async_stream", Mechanisms::kOne,
              {{"residency", std::string(residency)},
               {"sms", int64_t{ctas}},
               {"warps", int64_t{warps}},
               {"copies_in_flight", int64_t{kDepth}}},
              samples, repeat,
              {{"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return moved / s.cycles_mean; }},
               {"bytes_in_flight_per_sm", "B", [=](const Sample&) { return static_cast<double>(used); }},
               {"bytes_per_second", "B/s", [=](const Sample& s) { return moved * s.ctas / s.time_s; }}});
  }
}

void measure_latency(Bench& bench, const uint8_t* source, bool resident) {
  const int lines = 512;
  const size_t stride = resident ? 4224 : (size_t{2} << 20) + 4224;  // no two in one line, many slices
  DeviceBuffer<uint32_t> latencies(lines);
  const Repeat repeat{.warm_up = 1, .repeats = 5, .flush_l2 = !resident};
  std::vector<std::vector<uint32_t>> sorted;
  allow_shared(cp_async_latency_kernel, 1024);
  for (int i = 0; i < repeat.repeats; ++i) {
    bench.measure(1, {.warm_up = 1, .repeats = 1, .flush_l2 = !resident}, [&](Stamp* stamps, int) {
      cp_async_latency_kernel<<<1, 1, 1024>>>(stamps, source, stride, lines, latencies.get());
    });
    auto host = latencies.download();
    std::sort(host.begin(), host.end());
    sorted.push_back(std::move(host));
  }
  Point point{.family = "cp_async_latency",
              .parameters = {{"residency", std::string(resident ? "l2" : "hbm")}, {"lines", int64_t{lines}}}};
  const auto quantile = [&](const char* name, double q) {
    Metric metric{name, "cycle", {}};
    for (const auto& run : sorted) {
      metric.samples.push_back(run[static_cast<size_t>(q * (lines - 1))]);
    }
    point.metrics.push_back(metric);
  };
  quantile("median_cycles", 0.5);
  quantile("p05_cycles", 0.05);
  quantile("p25_cycles", 0.25);
  quantile("p75_cycles", 0.75);
  quantile("p95_cycles", 0.95);
  point.memory_clock_hz = bench.nvml().memory_clock_hz();
  bench.add(std::move(point));
}

template <Layout kLayout>
void measure_layout(Bench& bench, const uint8_t* source, const char* name) {
  for (const int warps : {1, 2, 4, 8, 16}) {
    const Repeat repeat{.verifies = true};
    const int iterations = 512;
    const size_t shared = size_t{kLayoutDepth} * warps * kWarpBytes;
    allow_shared(cp_async_layout_kernel<kLayout>, shared);
    const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
      cp_async_layout_kernel<kLayout><<<1, warps * 32, shared>>>(stamps, source, iterations);
    });
    const double instructions = double{kLayoutDepth} * iterations * warps;
    bench.add("cp_async_layout", Mechanisms::kOne,
              {{"layout", std::string(name)},
               {"warps", int64_t{warps}},
               {"copies_in_flight", int64_t{kLayoutDepth}}},
              samples, repeat,
              {{"cycles_per_instruction", "cycle", [=](const Sample& s) { return s.cycles / instructions; }},
               {"bytes_per_cycle", "B/cycle",
                [=](const Sample& s) { return instructions * kWarpBytes / s.cycles; }}});
  }
}

template <int kDepth>
void measure_streams(Bench& bench, const uint8_t* source, size_t stream_bytes) {
  measure_stream<kDepth>(bench, source, kResidentBytes, "l2", 1);
  measure_stream<kDepth>(bench, source, kResidentBytes, "l2", bench.sm_count());
  measure_stream<kDepth>(bench, source, stream_bytes, "hbm", bench.sm_count());
}

}  // namespace

void run_cp_async(Bench& bench) {
  const size_t stream_bytes = size_t{2} << 30;
  DeviceBuffer<uint32_t> source(stream_bytes / 4);
  fill_pattern(source.get(), source.count());
  const auto* bytes = reinterpret_cast<const uint8_t*>(source.get());
  touch(bytes, kResidentBytes);
  measure_latency(bench, bytes, true);
  measure_latency(bench, bytes, false);
  touch(bytes, kResidentBytes);
  measure_issue<1>(bench, bytes);
  measure_issue<4>(bench, bytes);
  measure_issue<8>(bench, bytes);
  measure_issue<16>(bench, bytes);
  measure_issue<32>(bench, bytes);
  measure_issue<64>(bench, bytes);
  measure_layout<Layout::kLinear>(bench, bytes, "linear");
  measure_layout<Layout::kSwizzled>(bench, bytes, "swizzled");
  measure_layout<Layout::kHalves>(bench, bytes, "swizzled_halves");
  measure_layout<Layout::kChunkMajor>(bench, bytes, "chunk_major");
  measure_streams<1>(bench, bytes, stream_bytes);
  measure_streams<2>(bench, bytes, stream_bytes);
  measure_streams<4>(bench, bytes, stream_bytes);
  measure_streams<8>(bench, bytes, stream_bytes);
  measure_streams<16>(bench, bytes, stream_bytes);
  measure_streams<32>(bench, bytes, stream_bytes);
}

}  // namespace tw::gpu
