// SPDX-License-Identifier: Apache-2.0
#include "harness/power.h"

#include <chrono>
#include <thread>

#include "harness/check.h"

namespace tw::gpu {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Tick next_tick(const Nvml& nvml) {
  const auto first = nvml.total_energy_j();
  if (!first) {
    throw RunError("the driver gives no energy counter");
  }
  for (;;) {
    const double energy = *nvml.total_energy_j();
    if (energy != *first) {
      return {now_s(), energy};
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

AveragePower average_power(const Nvml& nvml, double seconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto half = std::chrono::duration<double>(seconds / 2);
  const Tick begin = next_tick(nvml);
  std::this_thread::sleep_for(half);
  const Tick middle = next_tick(nvml);
  std::this_thread::sleep_for(half);
  const Tick end = next_tick(nvml);
  AveragePower measured;
  measured.seconds = end.time_s - begin.time_s;
  measured.joules = end.energy_j - begin.energy_j;
  measured.power_w = measured.joules / measured.seconds;
  measured.half_power_w = {(middle.energy_j - begin.energy_j) / (middle.time_s - begin.time_s),
                           (end.energy_j - middle.energy_j) / (end.time_s - middle.time_s)};
  return measured;
}

}  // namespace tw::gpu
