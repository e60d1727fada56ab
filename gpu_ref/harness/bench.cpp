// SPDX-License-Identifier: Apache-2.0
#include "harness/bench.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <thread>

namespace tw::gpu {
namespace {

constexpr int kMaximumCtas = 1 << 16;
constexpr size_t kFlushBytes = size_t{256} << 20;

}  // namespace

double Sample::mean_value(int slot) const {
  double sum = 0;
  for (const Stamp& stamp : stamps) {
    sum += static_cast<double>(stamp.value[slot]);
  }
  return stamps.empty() ? 0 : sum / static_cast<double>(stamps.size());
}

Bench::Bench(Record& record, Nvml& nvml, Effort effort) : record_(record), nvml_(nvml), effort_(effort) {
  int device = 0;
  TW_CUDA(cudaGetDevice(&device));
  TW_CUDA(cudaGetDeviceProperties(&properties_, device));
  stamps_ = std::make_unique<DeviceBuffer<Stamp>>(kMaximumCtas);
  flush_buffer_ = std::make_unique<DeviceBuffer<uint8_t>>(kFlushBytes);
  TW_CUDA(cudaEventCreate(&begin_));
  TW_CUDA(cudaEventCreate(&end_));
}

void Bench::flush_l2() {
  TW_CUDA(cudaMemset(flush_buffer_->get(), 0x5a, flush_buffer_->bytes()));
}

Sample Bench::reduce(const std::vector<Stamp>& stamps, float event_ms) const {
  Sample sample;
  sample.event_s = event_ms * 1e-3;
  uint64_t first = ~uint64_t{0}, last = 0;
  double cycles_total = 0, nanoseconds_total = 0;
  for (const Stamp& stamp : stamps) {
    if (stamp.sm == Stamp::kNoSm) {
      continue;
    }
    const double cycles = static_cast<double>(stamp.clock_end - stamp.clock_begin);
    first = std::min(first, stamp.timer_begin);
    last = std::max(last, stamp.timer_end);
    cycles_total += cycles;
    nanoseconds_total += static_cast<double>(stamp.timer_end - stamp.timer_begin);
    sample.cycles = std::max(sample.cycles, cycles);
    sample.errors += stamp.errors;
    sample.stamps.push_back(stamp);
  }
  sample.ctas = static_cast<int>(sample.stamps.size());
  if (sample.ctas == 0) {
    throw RunError("a launch left no stamp: no CTA took part");
  }
  sample.cycles_mean = cycles_total / sample.ctas;
  sample.time_s = static_cast<double>(last - first) * 1e-9;
  sample.sm_clock_hz = nanoseconds_total > 0 ? cycles_total / nanoseconds_total * 1e9 : 0;
  return sample;
}

std::vector<Sample> Bench::measure(int ctas, const Repeat& repeat, const Launch& launch) {
  if (ctas < 1 || ctas > kMaximumCtas) {
    throw RunError("launches of " + std::to_string(ctas) + " CTAs are not supported");
  }
  const int repeats = once() ? 1 : quick() ? std::min(repeat.repeats, 3) : repeat.repeats;
  const int warm_up = once() ? 0 : repeat.warm_up;
  std::vector<Sample> samples;
  std::vector<Stamp> host(static_cast<size_t>(ctas));
  for (int i = -warm_up; i < repeats; ++i) {
    // All ones poisons Stamp::sm; Stamp::errors starts at zero for the CTAs that count.
    TW_CUDA(cudaMemset(stamps_->get(), 0xff, host.size() * sizeof(Stamp)));
    if (repeat.flush_l2) {
      flush_l2();
    }
    TW_CUDA(cudaEventRecord(begin_));
    launch(stamps_->get(), i + warm_up);
    TW_CUDA(cudaGetLastError());
    TW_CUDA(cudaEventRecord(end_));
    TW_CUDA(cudaEventSynchronize(end_));
    float milliseconds = 0;
    TW_CUDA(cudaEventElapsedTime(&milliseconds, begin_, end_));
    TW_CUDA(cudaMemcpy(host.data(), stamps_->get(), host.size() * sizeof(Stamp), cudaMemcpyDeviceToHost));
    if (i >= 0) {
      samples.push_back(reduce(host, milliseconds));
    }
  }
  return samples;
}

Sustained Bench::sustain(int ctas, double seconds, const Launch& launch) {
  constexpr int kSettled = 5, kBatch = 16;
  const auto count = static_cast<size_t>(ctas);
  DeviceBuffer<Stamp> kept(count * (kSettled + 1)), unused(count);
  TW_CUDA(cudaMemset(kept.get(), 0xff, kept.bytes()));
  TW_CUDA(cudaDeviceSynchronize());
  launch(unused.get(), 0);  // fetches the code
  TW_CUDA(cudaDeviceSynchronize());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // the power average falls, the clock rises
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  Sustained sustained;
  launch(kept.get(), 1);
  int launched = 2;
  for (int batch = 0; batch < 2 || elapsed() < seconds; ++batch) {
    for (int i = 0; i < kBatch; ++i) {
      launch(unused.get(), launched++);
    }
    TW_CUDA(cudaGetLastError());
    cudaEvent_t mark = batch % 2 == 0 ? begin_ : end_, before = batch % 2 == 0 ? end_ : begin_;
    TW_CUDA(cudaEventRecord(mark));
    if (batch > 0) {
      TW_CUDA(cudaEventSynchronize(before));
    }
  }
  for (int i = 0; i < kSettled; ++i) {
    launch(kept.get() + count * (i + 1), launched++);
  }
  sustained.power_w = nvml_.power_w();
  TW_CUDA(cudaDeviceSynchronize());
  sustained.seconds = elapsed();
  const std::vector<Stamp> host = kept.download();
  for (int i = 0; i <= kSettled; ++i) {
    const auto first = host.begin() + static_cast<std::ptrdiff_t>(count) * i;
    Sample sample = reduce({first, first + static_cast<std::ptrdiff_t>(count)}, 0);
    if (i == 0) {
      sustained.burst = std::move(sample);
    } else {
      sustained.settled.push_back(std::move(sample));
    }
  }
  return sustained;
}

Point Bench::make_point(const std::string& family, Mechanisms mechanisms, Parameters parameters,
                        const std::vector<Sample>& samples, std::initializer_list<MetricOf> metrics) const {
  Point point;
  point.family = family;
  point.mechanisms = mechanisms;
  point.parameters = std::move(parameters);
  std::vector<double> clocks, cycles, times;
  for (const Sample& sample : samples) {
    clocks.push_back(sample.sm_clock_hz);
    cycles.push_back(sample.cycles);
    times.push_back(sample.time_s);
  }
  for (const MetricOf& metric : metrics) {
    Metric reduced{metric.name, metric.unit, {}};
    for (const Sample& sample : samples) {
      reduced.samples.push_back(metric.value(sample));
    }
    point.metrics.push_back(std::move(reduced));
  }
  point.metrics.push_back({"cycles", "cycle", cycles});
  point.metrics.push_back({"time_s", "s", times});
  point.sm_clock_hz = median(clocks);
  point.memory_clock_hz = nvml_.memory_clock_hz();
  return point;
}

void Bench::report(const Point& point, bool wrong) const {
  const Metric& primary = point.metrics.front();
  std::fprintf(stderr, "%-100s %14.5g %-8s spread %5.1f%%  %4.0f MHz%s\n", record_.identifier(point).c_str(),
               median(primary.samples), primary.unit.c_str(), 100 * spread(primary.samples),
               *point.sm_clock_hz * 1e-6, wrong ? "  WRONG DATA" : "");
}

void Bench::add(const std::string& family, Mechanisms mechanisms, Parameters parameters,
                const std::vector<Sample>& samples, const Repeat& repeat,
                std::initializer_list<MetricOf> metrics) {
  Point point = make_point(family, mechanisms, std::move(parameters), samples, metrics);
  uint64_t errors = 0;
  for (const Sample& sample : samples) {
    errors += sample.errors;
  }
  point.power_w = nvml_.power_w();
  if (repeat.verifies) {
    point.verified = errors == 0;
    failures_ += errors == 0 ? 0 : 1;
  }
  report(point, repeat.verifies && errors != 0);
  record_.add(std::move(point));
}

void Bench::add(const std::string& family, Mechanisms mechanisms, Parameters parameters,
                const Sustained& sustained, std::initializer_list<MetricOf> metrics) {
  Point point = make_point(family, mechanisms, std::move(parameters), sustained.settled, metrics);
  for (const MetricOf& metric : metrics) {
    point.metrics.push_back({"burst_" + metric.name, metric.unit, {metric.value(sustained.burst)}});
  }
  point.metrics.push_back({"burst_sm_clock", "Hz", {sustained.burst.sm_clock_hz}});
  point.metrics.push_back({"seconds", "s", {sustained.seconds}});
  point.power_w = sustained.power_w;
  report(point, false);
  record_.add(std::move(point));
}

}  // namespace tw::gpu
