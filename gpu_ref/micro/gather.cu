// SPDX-License-Identifier: Apache-2.0
// Rows of 256 or 128 bytes into shared memory, by a list of row numbers: per-thread cp.async, one bulk copy a
// row, one-row tensor boxes, and dense tensor boxes as the ceiling: which points are measured.
#include <algorithm>
#include <optional>
#include <random>
#include <set>

#include "micro/gather_kernel.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

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
  std::optional<size_t> window = {};  // bytes of rows that are to lie in L2, where that is what varies
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
                                       setting.order.sorted, setting.resident, setting.ctas, setting.stages,
                                       static_cast<int>(setting.window.value_or(0) >> 20)})
                              .second;
  if (!first_time) {
    return;
  }
  const auto rows = static_cast<uint32_t>((setting.resident ? setting.window.value_or(kResidentBytes) : input.bytes) / kRowBytes);
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
  Parameters parameters = {{"method", std::string(name_of(kMethod))},
                           {"layout", std::string(name_of(kLayout))},
                           {"row_bytes", int64_t{kRowBytes}},
                           {"order", std::string(setting.order.name)},
                           {"residency", std::string(setting.resident ? "l2" : "hbm")},
                           {"sms", int64_t{setting.ctas}},
                           {"producer_warps", int64_t{kProducers}},
                           {"stages", int64_t{setting.stages}},
                           {"stage_rows", int64_t{kStageRows}}};
  if (setting.window) {
    parameters.emplace_back("window_bytes", int64_t(*setting.window));
  }
  bench.add(setting.window ? "gather_window" : "gather", Mechanisms::kCombined, parameters, samples, repeat,
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

// The same pipeline over less and more rows than L2 holds in both partitions, beside 8.6 MB of lists with all SMs.
void run_gather_window(Bench& bench) {
  const size_t most = size_t{32} << 20;
  DeviceBuffer<uint32_t> words(most / 4);
  fill_pattern(words.get(), words.count());
  const Input input{words.get(), most};
  for (const size_t megabytes : {2, 4, 8, 12, 16, 20, 24, 32}) {
    const size_t window = megabytes << 20;
    touch(words.get(), window);
    for (const int sms : {1, 64, bench.sm_count()}) {
      measure_gather<Method::kCpAsync, Layout::kSwizzled, 128, 4>(bench, input, {kRandom, true, sms, 4, window});
      measure_gather<Method::kCpAsync, Layout::kSwizzled, 256, 4>(bench, input, {kRandom, true, sms, 4, window});
    }
  }
}

}  // namespace tw::gpu
