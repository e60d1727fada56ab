// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tw::gpu {

// The part of the management library that a record needs. The library is opened at run time, so that the
// suite builds where only the compiler is installed; a quantity the driver does not give is empty, never 0.
class Nvml {
 public:
  explicit Nvml(int device_ordinal);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  std::string driver_version() const;
  std::optional<double> sm_clock_hz() const { return clock_hz(kClockSm); }
  std::optional<double> memory_clock_hz() const { return clock_hz(kClockMemory); }
  std::optional<double> maximum_sm_clock_hz() const;
  std::optional<double> power_limit_w() const;
  // The instantaneous reading where the driver has one, else its running average.
  std::optional<double> power_w() const;
  std::optional<double> temperature_c() const;
  // Millijoule counter of the board since the driver was loaded, in joules.
  std::optional<double> total_energy_j() const;
  std::optional<uint64_t> throttle_reasons() const;

 private:
  static constexpr int kClockSm = 1;
  static constexpr int kClockMemory = 2;
  std::optional<double> clock_hz(int domain) const;
  template <typename Function>
  Function symbol(const char* name) const;

  void* library_ = nullptr;
  void* device_ = nullptr;
};

}  // namespace tw::gpu
