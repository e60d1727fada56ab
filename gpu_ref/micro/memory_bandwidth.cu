// SPDX-License-Identifier: Apache-2.0
// Bandwidth of L2 and HBM: by number of SMs, by piece size and order, of reads of the same lines, and of
// writes.
#include <algorithm>
#include <numeric>
#include <random>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kThreads = 1024;
constexpr int kUnroll = 4;

__device__ __forceinline__ void keep(uint32_t sum, Stamp* stamps) {
  if (sum == 0x9e3779b9u) {
    stamps[blockIdx.x].value[3] = sum;
  }
}

// CTAs whose SM is below `sms` (or, with `spread`, whose SM is a multiple of it) stream the buffer `passes`
// times.
struct Readers {
  uint32_t sms, spread;
  __device__ bool takes_part(uint32_t sm) const { return sm % spread == 0 && sm / spread < sms; }
  __device__ uint32_t rank(uint32_t sm) const { return sm / spread; }
};

__global__ void __launch_bounds__(kThreads)
    stream_read_kernel(Stamp* stamps, const uint8_t* source, size_t bytes, Readers readers, int passes,
                       bool shared_lines, uint32_t skew_cycles) {
  const uint32_t sm = sm_id();
  if (!readers.takes_part(sm)) {
    return;
  }
  const size_t chunk = size_t{kThreads} * 16 * kUnroll;
  const size_t first = shared_lines ? 0 : readers.rank(sm) * chunk;
  const size_t stride = shared_lines ? chunk : chunk * readers.sms;
  uint32_t sum = 0;
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    const uint64_t begin = clock_now();
    while (clock_now() - begin < uint64_t{skew_cycles} * readers.rank(sm)) {
    }
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
  keep(sum, stamps);
}

__global__ void __launch_bounds__(kThreads)
    stream_write_kernel(Stamp* stamps, uint8_t* destination, size_t bytes, int passes) {
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  const size_t stride = size_t{kThreads} * 16 * gridDim.x;
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t at = (size_t{blockIdx.x} * kThreads + threadIdx.x) * 16; at + 16 <= bytes; at += stride) {
      const auto word = static_cast<uint32_t>(at / 4 + pass);
      *reinterpret_cast<uint4*>(destination + at) = make_uint4(word, word, word, word);
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
}

// Pieces in the order of a list; a lane moves 16 bytes, so a piece of p bytes takes p/16 lanes of a warp.
// Wrong words are counted against the pattern when `verify` is set.
__global__ void __launch_bounds__(kThreads)
    piece_kernel(Stamp* stamps, const uint8_t* source, const uint32_t* order, uint32_t pieces,
                 uint32_t piece_bytes, bool verify) {
  if (threadIdx.x == 0) {
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  const uint32_t lanes = piece_bytes / 16;
  const size_t total = size_t{pieces} * lanes, stride = size_t{gridDim.x} * kThreads;
  uint32_t sum = 0, wrong = 0;
  size_t i = size_t{blockIdx.x} * kThreads + threadIdx.x;
  for (; i + (kUnroll - 1) * stride < total; i += kUnroll * stride) {
    uint4 v[kUnroll];
    size_t at[kUnroll];
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
      const size_t mine = i + u * stride;
      at[u] = size_t{order[mine / lanes]} * piece_bytes + mine % lanes * 16;
    }
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
      v[u] = load_cg16(source + at[u]);
    }
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
      sum ^= v[u].x ^ v[u].y ^ v[u].z ^ v[u].w;
      wrong += verify && v[u].x != pattern_word(at[u] / 4) ? 1 : 0;
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  if (wrong != 0) {
    atomicAdd(&stamps[blockIdx.x].errors, wrong);
  }
  keep(sum, stamps);
}

void measure_readers(Bench& bench, const uint8_t* source, size_t bytes, const char* residency,
                     Readers readers) {
  const size_t chunk = size_t{kThreads} * 16 * kUnroll;
  const bool cold = std::string(residency) == "hbm";
  const size_t per_sm = cold ? size_t{24} << 20 : size_t{8} << 20;
  const size_t round = chunk * readers.sms;
  const size_t used = std::max(round, std::min(bytes, per_sm * readers.sms) / round * round);
  const int passes = cold ? 1 : static_cast<int>(std::max<size_t>(1, per_sm * readers.sms / used));
  const Repeat repeat{.warm_up = 2, .repeats = 5, .flush_l2 = cold};
  allow_shared(stream_read_kernel, kWholeSmShared);
  const auto samples = bench.measure(bench.sm_count(), repeat, [&](Stamp* stamps, int) {
    stream_read_kernel<<<bench.sm_count(), kThreads, kWholeSmShared>>>(stamps, source, used, readers, passes,
                                                                       false, 0);
  });
  const double moved = double(used) * passes;
  bench.add("stream_read", Mechanisms::kOne,
            {{"residency", std::string(residency)},
             {"footprint_bytes", static_cast<int64_t>(used)},
             {"sms", int64_t{readers.sms}},
             {"sm_step", int64_t{readers.spread}}},
            samples, repeat,
            {{"bytes_per_second", "B/s", [=](const Sample& s) { return moved / s.time_s; }},
             {"bytes_per_cycle_per_sm", "B/cycle",
              [=](const Sample& s) { return moved / readers.sms / s.cycles_mean; }}});
}

void measure_numbers_of_sms(Bench& bench, const uint8_t* source, size_t stream_bytes) {
  const auto all = static_cast<uint32_t>(bench.sm_count());
  for (const char* residency : {"l2", "hbm"}) {
    const size_t bytes = residency == std::string("l2") ? kResidentBytes : stream_bytes;
    touch(source, kResidentBytes);
    for (const uint32_t sms : {1u, 2u, 4u, 8u, 16u, 18u, 32u, 66u, 100u, all}) {
      measure_readers(bench, source, bytes, residency, {sms, 1});
    }
    for (const uint32_t sms : {2u, 4u, 8u, 16u, 32u, 66u}) {
      measure_readers(bench, source, bytes, residency, {sms, all / sms});
    }
  }
}

void measure_footprints(Bench& bench, const uint8_t* source) {
  for (const size_t rounds : {1, 2, 3, 4, 5, 6, 7, 8, 10, 14}) {
    const auto all = static_cast<uint32_t>(bench.sm_count());
    const size_t used = rounds * kThreads * 16 * kUnroll * all;
    const int passes = static_cast<int>((size_t{512} << 20) / used) + 1;
    const Repeat repeat{.warm_up = 2};
    allow_shared(stream_read_kernel, kWholeSmShared);
    for (const bool shared_lines : {false, true}) {
      if (shared_lines && rounds > 8) {
        continue;
      }
      const int turns = shared_lines ? 2 : passes;
      const auto samples = bench.measure(bench.sm_count(), repeat, [&](Stamp* stamps, int) {
        stream_read_kernel<<<bench.sm_count(), kThreads, kWholeSmShared>>>(stamps, source, used, {all, 1},
                                                                           turns, shared_lines, 0);
      });
      const double requested = double(used) * turns * (shared_lines ? all : 1);
      bench.add("footprint_read", Mechanisms::kOne,
                {{"footprint_bytes", static_cast<int64_t>(used)},
                 {"lines", std::string(shared_lines ? "shared_by_all" : "own")}},
                samples, repeat,
                {{"requested_bytes_per_second", "B/s", [=](const Sample& s) { return requested / s.time_s; }},
                 {"bytes_per_cycle_per_sm", "B/cycle",
                  [=](const Sample& s) { return requested / all / s.cycles_mean; }}});
    }
  }
}

// The same loop for seconds: what the power limit leaves. The L2 loop doubles as the only view of L2's own
// clock, which the driver does not tell: where the SM clock falls and bytes per second do not, L2 kept its
// clock.
void measure_sustained(Bench& bench, const uint8_t* source, size_t stream_bytes) {
  if (bench.once()) {
    return;
  }
  const auto all = static_cast<uint32_t>(bench.sm_count());
  const size_t round = size_t{kThreads} * 16 * kUnroll * all;
  for (const char* residency : {"l2", "hbm"}) {
    const bool resident = residency == std::string("l2");
    const size_t used = (resident ? kResidentBytes : stream_bytes) / round * round;
    const int passes = resident ? 1024 : 2;
    const Readers readers{all, 1};
    const Sustained sustained =
        bench.sustain(bench.sm_count(), bench.quick() ? 0.3 : 3.0, [&](Stamp* stamps, int) {
          stream_read_kernel<<<bench.sm_count(), kThreads, kWholeSmShared>>>(stamps, source, used, readers,
                                                                             passes, false, 0);
        });
    const double moved = double(used) * passes;
    bench.add("stream_read_sustained", Mechanisms::kOne,
              {{"residency", std::string(residency)},
               {"footprint_bytes", static_cast<int64_t>(used)},
               {"sms", int64_t{all}}},
              sustained,
              {{"bytes_per_second", "B/s", [=](const Sample& s) { return moved / s.time_s; }},
               {"bytes_per_cycle_per_sm", "B/cycle",
                [=](const Sample& s) { return moved / all / s.cycles_mean; }}});
  }
}

// k SMs read the same HBM lines, each a little later than the one before.
void measure_same_lines(Bench& bench, const uint8_t* source) {
  for (const uint32_t sms : {1u, 2u, 4u, 8u, 16u, 32u, 66u, 132u}) {
    for (const uint32_t skew : {0u, 50u, 100u, 250u, 500u, 1000u, 2000u}) {
      if (sms == 1 && skew != 0) {
        continue;
      }
      const size_t bytes = size_t{8} << 20;
      const Repeat repeat{.flush_l2 = true};
      const uint32_t used = std::min(sms, static_cast<uint32_t>(bench.sm_count()));
      const auto samples = bench.measure(bench.sm_count(), repeat, [&](Stamp* stamps, int) {
        stream_read_kernel<<<bench.sm_count(), kThreads, kWholeSmShared>>>(stamps, source, bytes, {used, 1},
                                                                           1, true, skew);
      });
      bench.add(
          "same_line_read", Mechanisms::kOne,
          {{"sms", int64_t{used}}, {"skew_cycles", int64_t{skew}}, {"bytes", static_cast<int64_t>(bytes)}},
          samples, repeat,
          {{"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return bytes / s.cycles_mean; }}});
    }
  }
}

void measure_writes(Bench& bench, uint8_t* destination) {
  for (const size_t mega : {16, 32, 2048}) {
    const size_t bytes = mega << 20;
    const int passes = mega < 64 ? 16 : 1, ctas = bench.sm_count() * 2;
    const Repeat repeat{};
    const auto samples = bench.measure(ctas, repeat, [&](Stamp* stamps, int) {
      stream_write_kernel<<<ctas, kThreads>>>(stamps, destination, bytes, passes);
    });
    bench.add(
        "stream_write", Mechanisms::kOne, {{"footprint_bytes", static_cast<int64_t>(bytes)}}, samples, repeat,
        {{"bytes_per_second", "B/s", [=](const Sample& s) { return double(bytes) * passes / s.time_s; }}});
  }
}

// A quarter of the buffer or less is moved, so that both orders see memory, not the cache.
void measure_pieces(Bench& bench, const uint8_t* source, uint32_t piece_bytes, int kept_percent,
                    bool random_order) {
  const size_t span = size_t{2} << 30;
  const auto places = static_cast<uint32_t>(span / piece_bytes);
  const auto wanted =
      static_cast<uint32_t>(std::min<size_t>(size_t{places} * kept_percent / 100, size_t{1} << 24));
  // Long lists of tiny pieces are cut to a window of the buffer with the same kept share.
  const uint32_t window = static_cast<uint32_t>(size_t{wanted} * 100 / kept_percent);
  std::vector<uint32_t> order(window);
  std::iota(order.begin(), order.end(), 0u);
  std::mt19937 random(piece_bytes * 101 + kept_percent);
  if (kept_percent < 100 || random_order) {
    std::shuffle(order.begin(), order.end(), random);
  }
  order.resize(wanted);
  if (!random_order) {
    std::sort(order.begin(), order.end());
  }
  DeviceBuffer<uint32_t> list(order.size());
  list.upload(order);
  const int ctas = bench.sm_count() * 2;
  const auto run = [&](bool verify, const Repeat& repeat) {
    return bench.measure(ctas, repeat, [&](Stamp* stamps, int) {
      piece_kernel<<<ctas, kThreads>>>(stamps, source, list.get(), wanted, piece_bytes, verify);
    });
  };
  uint64_t wrong = run(true, {.warm_up = 0, .repeats = 1}).front().errors;
  const Repeat repeat{.repeats = 5, .flush_l2 = true, .verifies = true};
  auto samples = run(false, repeat);
  samples.front().errors += wrong;
  const double useful = double(wanted) * piece_bytes;
  bench.add("pieces", Mechanisms::kOne,
            {{"piece_bytes", int64_t{piece_bytes}},
             {"kept_percent", int64_t{kept_percent}},
             {"order", std::string(random_order ? "random" : "sorted")},
             {"window_bytes", static_cast<int64_t>(size_t{window} * piece_bytes)}},
            samples, repeat,
            {{"useful_bytes_per_second", "B/s", [=](const Sample& s) { return useful / s.time_s; }}});
}

}  // namespace

void run_memory_bandwidth(Bench& bench) {
  const size_t stream_bytes = size_t{4} << 30;
  DeviceBuffer<uint8_t> buffer(stream_bytes);
  fill_pattern(reinterpret_cast<uint32_t*>(buffer.get()), stream_bytes / 4);
  measure_numbers_of_sms(bench, buffer.get(), stream_bytes);
  measure_footprints(bench, buffer.get());
  measure_same_lines(bench, buffer.get());
  for (const uint32_t piece : {32u, 64u, 128u, 256u, 512u, 1024u, 2048u, 4096u}) {
    measure_pieces(bench, buffer.get(), piece, 100, true);
    for (const int kept : {10, 25, 50, 100}) {
      measure_pieces(bench, buffer.get(), piece, kept, false);
    }
    for (const int kept : {10, 25, 50}) {
      measure_pieces(bench, buffer.get(), piece, kept, true);
    }
  }
  measure_sustained(bench, buffer.get(), stream_bytes);
  measure_writes(bench, buffer.get());
}

}  // namespace tw::gpu
