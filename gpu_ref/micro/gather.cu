// SPDX-License-Identifier: Apache-2.0
// Rows of 256 or 128 bytes into shared memory, by a list of row numbers: per-thread cp.async, one bulk copy a
// row, one-row tensor boxes, and dense tensor boxes as the ceiling. Nothing is computed on the rows.
#include <algorithm>
#include <random>
#include <set>

#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kStageRows = 64;
constexpr int kTiles = 256;
constexpr int kMaximumStages = 8;
constexpr uint32_t kBarrierBytes = 1024;

enum class Method : uint8_t { kCpAsync, kBulkRow, kTensorRow, kTensorDense };
enum class Layout : uint8_t {
  kSwizzled,   // halves of 128 bytes a row, under the 128-byte swizzle
  kLinear,     // rows one behind the other
  kChunkMajor  // 16-byte chunks of all rows together: the matrix unit's layout without a swizzle
};

// Where 16-byte chunk `chunk` of row `row` lies in a stage.
template <Layout kLayout, int kRowBytes>
__host__ __device__ constexpr uint32_t place(uint32_t row, uint32_t chunk) {
  if constexpr (kLayout == Layout::kSwizzled) {
    return chunk / 8 * (kStageRows * 128) + swizzle128(row * 128 + chunk % 8 * 16);
  } else if constexpr (kLayout == Layout::kLinear) {
    return row * kRowBytes + chunk * 16;
  } else {
    return (chunk * kStageRows + row) * 16;
  }
}

struct Job {
  const uint8_t* source;
  const uint32_t* list;  // kTiles * kStageRows row numbers a CTA
  int stages;
  bool verify;
};

struct Pipe {
  uint32_t full, empty, data;
  int stages;
};

// Where a producer or the consumer stands in the ring: the stage, and how often it went round, in one bit.
struct Cursor {
  const Pipe& pipe;
  uint32_t stage = 0, parity = 0;
  __device__ uint32_t full() const { return pipe.full + stage * 8; }
  __device__ uint32_t empty() const { return pipe.empty + stage * 8; }
  __device__ void wait_empty() const { mbarrier_wait(empty(), parity ^ 1); }
  __device__ void wait_full() const { mbarrier_wait(full(), parity); }
  __device__ void advance() {
    stage = stage + 1 == static_cast<uint32_t>(pipe.stages) ? 0 : stage + 1;
    parity ^= stage == 0 ? 1u : 0u;
  }
};

// Every lane keeps row numbers of the next tile, and hands them to the lanes that copy the row.
template <Layout kLayout, int kRowBytes, int kProducers>
__device__ void produce_cp_async(const Job& job, const Pipe& pipe, const uint32_t* list) {
  constexpr int kWarpRows = kStageRows / kProducers, kLanesPerRow = kRowBytes / 16,
                kPassRows = 32 / kLanesPerRow;
  constexpr int kHeld = (kWarpRows + 31) / 32, kPasses = kWarpRows / kPassRows,
                kBatch = kPasses < 8 ? kPasses : 8;
  const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, chunk = lane % kLanesPerRow;
  const uint32_t first = warp * kWarpRows;
  uint32_t offsets[kPasses], held[kHeld], next[kHeld];
#pragma unroll
  for (int p = 0; p < kPasses; ++p) {
    offsets[p] = pipe.data + place<kLayout, kRowBytes>(first + p * kPassRows + lane / kLanesPerRow, chunk);
  }
#pragma unroll
  for (int h = 0; h < kHeld; ++h) {
    next[h] = list[first + (h * 32 + lane) % kWarpRows];
  }
  Cursor at{pipe};
  for (int tile = 0; tile < kTiles; ++tile, at.advance()) {
#pragma unroll
    for (int h = 0; h < kHeld; ++h) {
      held[h] = next[h];
      next[h] = list[min(tile + 1, kTiles - 1) * kStageRows + first + (h * 32 + lane) % kWarpRows];
    }
    // Row numbers for eight copies at a time, then the copies: a copy right behind its shuffle waits for it.
    at.wait_empty();
    __syncwarp();
    const uint32_t stage = at.stage * kStageRows * kRowBytes;
#pragma unroll
    for (int first_pass = 0; first_pass < kPasses; first_pass += kBatch) {
      const uint8_t* from[kBatch];
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const int row = (first_pass + i) * kPassRows + static_cast<int>(lane) / kLanesPerRow;
        const uint32_t index = __shfl_sync(0xffffffffu, held[(first_pass + i) * kPassRows / 32], row % 32);
        from[i] = job.source + size_t{index} * kRowBytes + chunk * 16;
      }
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        cp_async16(offsets[first_pass + i] + stage, from[i]);
      }
    }
    cp_async_arrive_noinc(at.full());
  }
}

template <Method kMethod, int kRowBytes>
__device__ void produce_by_tma(const Job& job, const Pipe& pipe, const uint32_t* list, const CUtensorMap* map,
                               int threads) {
  // At most two rows a thread, their numbers fetched a tile ahead.
  const int rows = kMethod == Method::kTensorDense ? 1 : kStageRows, mine = static_cast<int>(threadIdx.x);
  const auto number = [&](int tile, int row) {
    return row < rows ? list[min(tile, kTiles - 1) * kStageRows + row] : 0u;
  };
  uint32_t next[2] = {number(0, mine), number(0, mine + threads)};
  Cursor at{pipe};
  for (int tile = 0; tile < kTiles; ++tile, at.advance()) {
    const uint32_t held[2] = {next[0], next[1]};
    next[0] = number(tile + 1, mine);
    next[1] = number(tile + 1, mine + threads);
    at.wait_empty();
    const uint32_t stage = pipe.data + at.stage * kStageRows * kRowBytes, full = at.full();
    if (mine == 0) {
      mbarrier_arrive_expect(full, kStageRows * kRowBytes);
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int row = mine + i * threads;
      if (row >= rows) {
        continue;
      }
      if constexpr (kMethod == Method::kBulkRow) {
        bulk_load(stage + row * kRowBytes, job.source + size_t{held[i]} * kRowBytes, kRowBytes, full);
      } else {
        for (int half = 0; half < kRowBytes / 128; ++half) {
          tensor_load(stage + half * kStageRows * 128 + row * 128, map, half * 64, static_cast<int>(held[i]),
                      full);
        }
      }
    }
  }
}

// Takes every stage, looks at it when asked to, and gives it back.
template <Layout kLayout, int kRowBytes>
__device__ void consume(const Job& job, const Pipe& pipe, const uint32_t* list, const uint8_t* data,
                        bool dense, Stamp* stamps) {
  const uint32_t lane = threadIdx.x % 32;
  Cursor at{pipe};
  for (int tile = 0; tile < kTiles; ++tile, at.advance()) {
    at.wait_full();
    __syncwarp();
    if (job.verify) {
      const uint8_t* stage = data + at.stage * kStageRows * kRowBytes;
      for (uint32_t i = lane; i < kStageRows * (kRowBytes / 16); i += 32) {
        const uint32_t row = i / (kRowBytes / 16), chunk = i % (kRowBytes / 16);
        const size_t from = size_t{dense ? list[tile * kStageRows] + row : list[tile * kStageRows + row]};
        const uint32_t found =
            *reinterpret_cast<const uint32_t*>(stage + place<kLayout, kRowBytes>(row, chunk));
        if (found != pattern_word(from * (kRowBytes / 4) + chunk * 4)) {
          atomicAdd(&stamps[blockIdx.x].errors, 1u);
        }
      }
    }
    __syncwarp();
    if (lane == 0) {
      mbarrier_arrive(at.empty());
    }
  }
}

template <Method kMethod, Layout kLayout, int kRowBytes, int kProducers>
__global__ void __launch_bounds__(160, 1)
    gather_kernel(Stamp* stamps, const __grid_constant__ CUtensorMap map, Job job) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t base = shared_address(shared);
  const Pipe pipe{base, base + kMaximumStages * 8, base + kBarrierBytes, job.stages};
  const uint32_t* list = job.list + size_t{blockIdx.x} * kTiles * kStageRows;
  if (threadIdx.x == 0) {
    for (int s = 0; s < job.stages; ++s) {
      mbarrier_init(pipe.full + s * 8, kMethod == Method::kCpAsync ? kProducers * 32 : 1);
      mbarrier_init(pipe.empty + s * 8, 1);
    }
    mbarrier_init_fence();
    stamps[blockIdx.x].errors = 0;
    stamp_begin(stamps);
  }
  __syncthreads();
  if (threadIdx.x < kProducers * 32) {
    if constexpr (kMethod == Method::kCpAsync) {
      produce_cp_async<kLayout, kRowBytes, kProducers>(job, pipe, list);
    } else {
      produce_by_tma<kMethod, kRowBytes>(job, pipe, list, &map, kProducers * 32);
    }
  } else {
    consume<kLayout, kRowBytes>(job, pipe, list, shared + kBarrierBytes, kMethod == Method::kTensorDense,
                                stamps);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
}

struct Order {
  const char* name;
  int run;  // rows in a row; kStageRows also aligns them, as dense boxes need
  bool sorted;
};

std::vector<uint32_t> make_list(const Order& order, int ctas, uint32_t rows) {
  std::vector<uint32_t> list;
  std::mt19937 random(17);
  for (int cta = 0; cta < ctas; ++cta) {
    std::vector<uint32_t> starts(static_cast<size_t>(kTiles) * kStageRows / order.run);
    for (uint32_t& start : starts) {
      start = random() % (rows / order.run) * order.run;
    }
    if (order.sorted) {
      std::sort(starts.begin(), starts.end());
    }
    for (const uint32_t start : starts) {
      for (int i = 0; i < order.run; ++i) {
        list.push_back(start + i);
      }
    }
  }
  return list;
}

struct Setting {
  Order order;
  bool resident;
  int ctas, stages;
};

struct Input {
  const uint32_t* words;
  size_t bytes;
};

const char* name_of(Method method) {
  switch (method) {
    case Method::kCpAsync:
      return "cp_async";
    case Method::kBulkRow:
      return "bulk_row";
    case Method::kTensorRow:
      return "tensor_row";
    default:
      return "tensor_dense";
  }
}

const char* name_of(Layout layout) {
  return layout == Layout::kSwizzled ? "swizzled" : layout == Layout::kLinear ? "linear" : "chunk_major";
}

template <Method kMethod, Layout kLayout, int kRowBytes, int kProducers>
void measure_gather(Bench& bench, const Input& input, const Setting& setting) {
  static std::set<std::vector<int>> measured;  // the sweeps share points
  const bool first_time = measured
                              .insert({int(kMethod), int(kLayout), kRowBytes, kProducers, setting.order.run,
                                       setting.order.sorted, setting.resident, setting.ctas, setting.stages})
                              .second;
  if (!first_time) {
    return;
  }
  const auto rows = static_cast<uint32_t>((setting.resident ? kResidentBytes : input.bytes) / kRowBytes);
  const auto list = make_list(setting.order, setting.ctas, rows);
  DeviceBuffer<uint32_t> device_list(list.size());
  device_list.upload(list);
  const CUtensorMap map = make_tensor_map(
      input.words, rows, kRowBytes / 2, kMethod == Method::kTensorDense ? kStageRows : 1, 64, Swizzle::k128);
  const size_t shared = kBarrierBytes + size_t(setting.stages) * kStageRows * kRowBytes;
  const size_t reserved = std::max(shared, size_t{120} * 1024);
  const auto kernel = gather_kernel<kMethod, kLayout, kRowBytes, kProducers>;
  allow_shared(kernel, reserved);
  const auto run = [&](bool verify, const Repeat& repeat) {
    const Job job{reinterpret_cast<const uint8_t*>(input.words), device_list.get(), setting.stages, verify};
    return bench.measure(setting.ctas, repeat, [&](Stamp* stamps, int) {
      kernel<<<setting.ctas, (kProducers + 1) * 32, reserved>>>(stamps, map, job);
    });
  };
  const uint64_t wrong = bench.once() ? 0 : run(true, {.warm_up = 0, .repeats = 1}).front().errors;
  const Repeat repeat{.warm_up = 1, .repeats = 5, .flush_l2 = !setting.resident, .verifies = !bench.once()};
  auto samples = run(false, repeat);
  samples.front().errors += wrong;
  const double moved = double{kTiles} * kStageRows * kRowBytes;
  bench.add(
      "gather", Mechanisms::kCombined,
      {{"method", std::string(name_of(kMethod))},
       {"layout", std::string(name_of(kLayout))},
       {"row_bytes", int64_t{kRowBytes}},
       {"order", std::string(setting.order.name)},
       {"residency", std::string(setting.resident ? "l2" : "hbm")},
       {"sms", int64_t{setting.ctas}},
       {"producer_warps", int64_t{kProducers}},
       {"stages", int64_t{setting.stages}},
       {"stage_rows", int64_t{kStageRows}}},
      samples, repeat,
      {{"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return moved / s.cycles_mean; }},
       {"cycles_per_row", "cycle", [=](const Sample& s) { return s.cycles_mean / (kTiles * kStageRows); }},
       {"bytes_per_second", "B/s", [=](const Sample& s) { return moved * s.ctas / s.time_s; }}});
}

constexpr Order kRandom{"random", 1, false}, kSorted{"sorted", 1, true}, kRuns4{"runs_of_4", 4, false},
    kRuns8{"runs_of_8", 8, false}, kRuns16{"runs_of_16", 16, false}, kRuns32{"runs_of_32", 32, false},
    kRuns64{"runs_of_64", 64, false};

template <Method kMethod, Layout kLayout>
void measure_method(Bench& bench, const Input& input) {
  const int all = bench.sm_count();
  const Order base = kMethod == Method::kTensorDense ? kRuns64 : kRandom;
  for (const int sms : {1, all}) {
    measure_gather<kMethod, kLayout, 256, 4>(bench, input, {base, true, sms, 4});
    measure_gather<kMethod, kLayout, 128, 4>(bench, input, {base, true, sms, 4});
    measure_gather<kMethod, kLayout, 256, 2>(bench, input, {base, true, sms, 4});
    measure_gather<kMethod, kLayout, 256, 1>(bench, input, {base, true, sms, 4});
  }
  for (const bool resident : {true, false}) {
    for (const int stages : {2, 4, 8}) {
      measure_gather<kMethod, kLayout, 256, 4>(bench, input, {base, resident, all, stages});
    }
    for (const Order& order : {kRandom, kSorted, kRuns4, kRuns8, kRuns16, kRuns32, kRuns64}) {
      if (kMethod != Method::kTensorDense) {
        measure_gather<kMethod, kLayout, 256, 4>(bench, input, {order, resident, all, 4});
        measure_gather<kMethod, kLayout, 128, 4>(bench, input, {order, resident, all, 4});
      }
    }
  }
}

// Producer warps by stages, from the cache and from memory.
template <int kProducers>
void measure_producers(Bench& bench, const Input& input) {
  for (const bool resident : {true, false}) {
    for (const int stages : {2, 3, 4, 6, 8}) {
      measure_gather<Method::kCpAsync, Layout::kSwizzled, 256, kProducers>(
          bench, input, {kRandom, resident, bench.sm_count(), stages});
    }
  }
}

// The usual gather for seconds. Its launches take 130 us, so the queue's batches are short but never empty.
void measure_sustained(Bench& bench, const Input& input) {
  if (bench.once()) {
    return;
  }
  const int ctas = bench.sm_count(), stages = 4;
  const auto list = make_list(kRandom, ctas, static_cast<uint32_t>(kResidentBytes / 256));
  DeviceBuffer<uint32_t> device_list(list.size());
  device_list.upload(list);
  const CUtensorMap map = make_tensor_map(input.words, kResidentBytes / 256, 128, 1, 64, Swizzle::k128);
  const size_t reserved = size_t{120} * 1024;
  const auto kernel = gather_kernel<Method::kCpAsync, Layout::kSwizzled, 256, 4>;
  allow_shared(kernel, reserved);
  const Job job{reinterpret_cast<const uint8_t*>(input.words), device_list.get(), stages, false};
  const Sustained sustained = bench.sustain(ctas, bench.quick() ? 0.3 : 3.0, [&](Stamp* stamps, int) {
    kernel<<<ctas, 160, reserved>>>(stamps, map, job);
  });
  const double moved = double{kTiles} * kStageRows * 256;
  bench.add("gather_sustained", Mechanisms::kCombined,
            {{"method", std::string("cp_async")},
             {"row_bytes", int64_t{256}},
             {"order", std::string("random")},
             {"residency", std::string("l2")},
             {"sms", int64_t{ctas}},
             {"producer_warps", int64_t{4}},
             {"stages", int64_t{stages}}},
            sustained,
            {{"bytes_per_second", "B/s", [=](const Sample& s) { return moved * s.ctas / s.time_s; }},
             {"bytes_per_cycle_per_sm", "B/cycle", [=](const Sample& s) { return moved / s.cycles_mean; }}});
}

}  // namespace

void run_gather(Bench& bench) {
  const size_t stream_bytes = size_t{4} << 30;
  DeviceBuffer<uint32_t> words(stream_bytes / 4);
  fill_pattern(words.get(), words.count());
  touch(words.get(), kResidentBytes);
  const Input input{words.get(), stream_bytes};
  measure_method<Method::kCpAsync, Layout::kSwizzled>(bench, input);
  measure_method<Method::kBulkRow, Layout::kLinear>(bench, input);
  measure_method<Method::kTensorRow, Layout::kSwizzled>(bench, input);
  measure_method<Method::kTensorDense, Layout::kSwizzled>(bench, input);
  measure_producers<1>(bench, input);
  measure_producers<2>(bench, input);
  measure_producers<4>(bench, input);
  measure_sustained(bench, input);
  for (const bool resident : {true, false}) {
    for (const int stages : {2, 4, 8}) {
      measure_gather<Method::kCpAsync, Layout::kChunkMajor, 256, 4>(
          bench, input, {kRandom, resident, bench.sm_count(), stages});
    }
  }
  for (const int sms : {1, bench.sm_count()}) {
    measure_gather<Method::kCpAsync, Layout::kLinear, 256, 4>(bench, input, {kRandom, true, sms, 4});
    measure_gather<Method::kCpAsync, Layout::kChunkMajor, 256, 4>(bench, input, {kRandom, true, sms, 4});
  }
}

}  // namespace tw::gpu
