// SPDX-License-Identifier: Apache-2.0
#include "micro/energy_steady.cuh"

#include <chrono>
#include <thread>

#include "harness/power.h"

namespace tw::gpu {
namespace {

constexpr int kTrialIterations = 2000;
constexpr double kLaunchSeconds = 0.02;

struct Steady {
  int iterations = 0;
  AveragePower measured;
  Sample sample;
};

// Queues enough launches to outlast the measurement, then takes clock and rate from one more at its end.
Steady run_steadily(Bench& bench, const SteadyLoop& loop) {
  const size_t shared = kWholeSmShared;
  allow_shared(loop.kernel, shared);
  Work work = loop.work;
  work.iterations = kTrialIterations;
  const auto launch = [&](Stamp* stamps) { loop.kernel<<<loop.ctas, kThreads, shared>>>(stamps, work); };
  const auto trial =
      bench.measure(loop.ctas, {.warm_up = 1, .repeats = 1}, [&](Stamp* stamps, int) { launch(stamps); });
  // Long launches: the queue holds about a thousand, and it must outlast the measurement by a margin, since
  // the clock may fall or rise after the trial.
  work.iterations = static_cast<int>(kTrialIterations * kLaunchSeconds / trial.front().time_s) + 1;
  DeviceBuffer<Stamp> unused(static_cast<size_t>(loop.ctas));
  const int launches = static_cast<int>((loop.seconds + 1.0) * 1.25 / kLaunchSeconds) + 1;
  for (int i = 0; i < launches; ++i) {
    launch(unused.get());
  }
  TW_CUDA(cudaGetLastError());
  Steady steady;
  steady.iterations = work.iterations;
  steady.measured = average_power(bench.nvml(), loop.seconds);
  steady.sample =
      bench.measure(loop.ctas, {.warm_up = 0, .repeats = 1}, [&](Stamp* stamps, int) { launch(stamps); }).front();
  return steady;
}

}  // namespace

void measure_steady(Bench& bench, const char* family, Parameters parameters, const SteadyLoop& loop) {
  const Steady steady = run_steadily(bench, loop);
  const double actions_per_s = loop.per_iteration * steady.iterations * loop.ctas / steady.sample.time_s;
  Point point{.family = family, .parameters = std::move(parameters)};
  Metric above_idle{"joules_per_action_above_idle", "J", {}}, all{"joules_per_action", "J", {}};
  for (const double power_w : steady.measured.half_power_w) {
    above_idle.samples.push_back((power_w - loop.idle_w) / actions_per_s);
    all.samples.push_back(power_w / actions_per_s);
  }
  point.metrics = {above_idle,
                   all,
                   {"power_w", "W", steady.measured.half_power_w},
                   {"idle_power_w", "W", {loop.idle_w}},
                   {"actions_per_second", "1/s", {actions_per_s}},
                   {"seconds_between_ticks", "s", {steady.measured.seconds}}};
  point.sm_clock_hz = steady.sample.sm_clock_hz;
  point.memory_clock_hz = bench.nvml().memory_clock_hz();
  point.power_w = steady.measured.power_w;
  point.joules = steady.measured.joules;
  bench.add(std::move(point));
}

double measure_idle(Bench& bench, const char* family, double seconds) {
  TW_CUDA(cudaDeviceSynchronize());
  std::this_thread::sleep_for(std::chrono::seconds(2));  // clocks and temperature settle
  const AveragePower measured = average_power(bench.nvml(), seconds);
  Point point{.family = family, .parameters = {{"context", std::string("open")}}};
  point.metrics = {{"power_w", "W", measured.half_power_w},
                   {"seconds_between_ticks", "s", {measured.seconds}}};
  point.memory_clock_hz = bench.nvml().memory_clock_hz();
  point.power_w = measured.power_w;
  point.joules = measured.joules;
  bench.add(std::move(point));
  return measured.power_w;
}

}  // namespace tw::gpu
