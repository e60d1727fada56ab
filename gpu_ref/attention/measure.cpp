// SPDX-License-Identifier: Apache-2.0
#include "attention/measure.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "harness/check.h"
#include "harness/power.h"

namespace tw::gpu {
namespace {

namespace masks = tilewright::masks;

constexpr uint64_t kDataSeed = 20251;
constexpr double kWeighSeconds = 1.2;
constexpr int kProfiledPeriod = 8;

std::string hexadecimal(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// FNV-1a over the outputs' bytes, eight at a time.
uint64_t hash_of(const std::vector<__nv_bfloat16>& outputs) {
  uint64_t hash = 0xcbf29ce484222325, word = 0;
  const size_t bytes = outputs.size() * sizeof(outputs[0]);
  const auto* data = reinterpret_cast<const char*>(outputs.data());
  for (size_t at = 0; at + 8 <= bytes; at += 8) {
    std::memcpy(&word, data + at, 8);
    hash = (hash ^ word) * 0x100000001b3;
  }
  return hash;
}

int queries_of(const AttentionPoint& point) {
  return point.queries != 0 ? point.queries : point.tokens;
}

Parameters parameters_of(const Kernel& kernel, const AttentionPoint& point) {
  const masks::Mask& mask = point.recipe.mask;
  Parameters parameters = {
      {"kernel", std::string(kernel.name)},       {"heads", int64_t{point.heads}},
      {"tokens", int64_t{point.tokens}},          {"head_size", int64_t{kernel.head_size}},
      {"query_tile", int64_t{kernel.query_tile}}, {"key_tile", int64_t{kernel.key_tile}}};
  if (point.queries != 0) {
    parameters.emplace_back("queries", int64_t{point.queries});
  }
  if (kernel.source == Source::kDense) {
    return parameters;
  }
  parameters.emplace_back("mask", point.recipe.name);
  parameters.emplace_back("seed", static_cast<int64_t>(mask.seed));
  const auto add = [&](const char* key, uint32_t value) { parameters.emplace_back(key, int64_t{value}); };
  switch (mask.kind) {
    case masks::MaskKind::kLocalWindow:
      add("window", mask.window);
      break;
    case masks::MaskKind::kStripes:
    case masks::MaskKind::kDiagonals:
      add("period", mask.period);
      add("width", mask.width);
      break;
    case masks::MaskKind::kRandomBlocks:
      parameters.emplace_back("mask_density", mask.density);
      add("block_queries", mask.block_queries);
      add("block_keys", mask.block_keys);
      break;
    default:
      parameters.emplace_back("mask_density", mask.density);
      add("query_group", mask.query_group);
      add("run_length", mask.run_length);
  }
  return parameters;
}

double scores_flop(const Kernel& kernel, const AttentionPoint& point, const Lists& lists) {
  return 4.0 * point.heads * queries_of(point) * point.tokens * kernel.head_size * lists.list_density;
}

void add_metrics(const std::vector<Sample>& samples, double flop, const Lists& lists, Point& record) {
  Metric cycles{"cycles", "cycle", {}}, time{"time_s", "s", {}}, event{"event_s", "s", {}},
      rate{"tflops", "TFLOP/s", {}}, total{"sm_cycles", "cycle", {}}, tiles{"tiles", "1", {}};
  std::vector<double> clocks;
  for (const Sample& sample : samples) {
    cycles.samples.push_back(sample.cycles);
    time.samples.push_back(sample.time_s);
    event.samples.push_back(sample.event_s);
    rate.samples.push_back(flop / sample.time_s * 1e-12);
    total.samples.push_back(sample.cycles_mean * sample.ctas);
    tiles.samples.push_back(sample.mean_value(kTilesDone) * sample.ctas);
    clocks.push_back(sample.sm_clock_hz);
  }
  record.metrics = {cycles, time, event, rate, total, tiles};
  record.metrics.push_back({"element_density", "1", {lists.element_density}});
  record.metrics.push_back({"list_density", "1", {lists.list_density}});
  record.sm_clock_hz = median(clocks);
}

// Launches in a thread of its own, always a twentieth of a second ahead: however short a launch, the card has
// no gap while the energy counter is watched.
class Feeder {
 public:
  Feeder(const Kernel& kernel, const Arguments& arguments, double launch_s)
      : batch_(static_cast<int>(0.05 / launch_s) + 1), thread_([=, this] { run(kernel, arguments); }) {}
  ~Feeder() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  int64_t launched() const { return launched_; }  // after stop()
  double seconds() const { return seconds_; }

 private:
  void run(const Kernel& kernel, const Arguments& arguments) {
    cudaEvent_t marks[2];
    for (cudaEvent_t& mark : marks) {
      TW_CUDA(cudaEventCreate(&mark));
    }
    const auto begin = std::chrono::steady_clock::now();
    for (int batch = 0; !stop_; ++batch) {
      for (int i = 0; i < batch_; ++i, ++launched_) {
        launch(kernel, arguments, nullptr);
      }
      TW_CUDA(cudaEventRecord(marks[batch % 2]));
      if (batch > 0) {
        TW_CUDA(cudaEventSynchronize(marks[(batch + 1) % 2]));
      }
    }
    TW_CUDA(cudaDeviceSynchronize());
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (cudaEvent_t mark : marks) {
      cudaEventDestroy(mark);
    }
  }

  int batch_;
  std::atomic<bool> stop_{false};
  int64_t launched_ = 0;
  double seconds_ = 0;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

void AttentionMeter::prepare(const Kernel& kernel, const AttentionPoint& point) {
  if (!problem_ || problem_->heads() != point.heads || problem_->query_count() != queries_of(point) ||
      problem_->key_count() != point.tokens || problem_->head_size() != kernel.head_size) {
    problem_.reset();
    problem_ = std::make_unique<Problem>(point.heads, queries_of(point), point.tokens, kernel.head_size);
    problem_->fill(Fill::kNormal, kDataSeed);
  }
}

void AttentionMeter::weigh(const Kernel& kernel, const Arguments& arguments, double launch_s, Point& record) {
  Feeder feeder(kernel, arguments, launch_s);
  const AveragePower power = average_power(bench_.nvml(), kWeighSeconds);
  feeder.stop();
  // At the clock that the power limit left.
  const auto after =
      bench_.measure(grid_size(kernel, arguments), {.warm_up = 0, .repeats = 3}, [&](Stamp* stamps, int) {
        Arguments stamped = arguments;
        stamped.stamps = stamps;
        launch(kernel, stamped, nullptr);
      });
  std::vector<double> times, clocks;
  for (const Sample& sample : after) {
    times.push_back(sample.time_s);
    clocks.push_back(sample.sm_clock_hz);
  }
  const double launches = static_cast<double>(feeder.launched()) / feeder.seconds();
  record.power_w = power.power_w;
  record.joules = power.power_w / launches;
  record.metrics.push_back({"joules", "J", {*record.joules}});
  record.metrics.push_back({"launches_per_second", "1/s", {launches}});
  record.metrics.push_back({"sustained_time_s", "s", times});
  record.metrics.push_back({"sustained_sm_clock_hz", "Hz", clocks});
}

void AttentionMeter::measure(const AttentionPoint& point) {
  if (measured_++ % kProfiledPeriod != 0 && bench_.once()) {
    return;  // a profiler replays every launch several times: some of the points are enough
  }
  const Kernel& kernel = find_kernel(point.kernel);
  prepare(kernel, point);
  AttentionPoint whole = point;
  whole.recipe.mask.queries = static_cast<uint32_t>(queries_of(point));
  whole.recipe.mask.keys = static_cast<uint32_t>(point.tokens);
  const Lists lists = build_lists(kernel, point.heads, whole.recipe);
  problem_->use_lists(lists);
  problem_->poison();
  Arguments arguments = make_arguments(kernel, problem_->tensors(), problem_->lists(), nullptr);
  const auto samples =
      bench_.measure(grid_size(kernel, arguments), {.warm_up = 1, .repeats = 5}, [&](Stamp* stamps, int) {
        arguments.stamps = stamps;
        launch(kernel, arguments, nullptr);
      });
  arguments.stamps = nullptr;
  Point record;
  record.family = family_;
  record.mechanisms = Mechanisms::kCombined;
  record.parameters = parameters_of(kernel, whole);
  record.memory_clock_hz = bench_.nvml().memory_clock_hz();
  record.power_w = bench_.nvml().power_w();
  add_metrics(samples, scores_flop(kernel, whole, lists), lists, record);
  if (!bench_.once()) {
    record.hashes["outputs"] = hexadecimal(hash_of(problem_->outputs()));
  }
  record.hashes["work_lists"] = hexadecimal(lists.hash);
  if (point.weigh && !bench_.quick()) {
    weigh(kernel, arguments, median(record.metrics[1].samples), record);
  }
  std::fprintf(stderr, "%-24s %2d x %5d %-12s density %.3f  %8.0f us  %6.1f TFLOP/s  %4.0f MHz%s\n",
               kernel.name, point.heads, point.tokens, whole.recipe.name.c_str(), lists.list_density,
               median(record.metrics[1].samples) * 1e6, median(record.metrics[3].samples),
               *record.sm_clock_hz * 1e-6,
               record.joules ? (" " + std::to_string(static_cast<int>(*record.power_w)) + " W").c_str() : "");
  bench_.add(std::move(record));
}

}  // namespace tw::gpu
