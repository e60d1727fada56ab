// SPDX-License-Identifier: Apache-2.0
#include "harness/nvml.h"

#include <dlfcn.h>

namespace tw::gpu {
namespace {

constexpr int kSuccess = 0;
constexpr unsigned kTemperatureGpu = 0;
// "Instant" power on field-value capable drivers; the plain call is a one-second average on this generation.
constexpr unsigned kFieldPowerInstant = 186;

// Layout of the library's field-value record, declared here because its header is not always installed.
struct FieldValue {
  unsigned field_id;
  unsigned scope_id;
  long long timestamp;
  long long latency_us;
  unsigned value_type;
  int status;
  union {
    double as_double;
    int as_int;
    unsigned as_unsigned;
    unsigned long as_unsigned_long;
    unsigned long long as_unsigned_long_long;
    long long as_long_long;
    unsigned short as_unsigned_short;
  } value;
};

}  // namespace

template <typename Function>
Function Nvml::symbol(const char* name) const {
  return library_ == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library_, name));
}

Nvml::Nvml(int device_ordinal) {
  library_ = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  auto init = symbol<int (*)()>("nvmlInit_v2");
  auto handle = symbol<int (*)(unsigned, void**)>("nvmlDeviceGetHandleByIndex_v2");
  if (init == nullptr || handle == nullptr || init() != kSuccess ||
      handle(static_cast<unsigned>(device_ordinal), &device_) != kSuccess) {
    device_ = nullptr;
  }
}

Nvml::~Nvml() {
  if (auto shutdown = symbol<int (*)()>("nvmlShutdown"); shutdown != nullptr && device_ != nullptr) {
    shutdown();
  }
  if (library_ != nullptr) {
    dlclose(library_);
  }
}

std::string Nvml::driver_version() const {
  char version[96] = "unknown";
  if (auto get = symbol<int (*)(char*, unsigned)>("nvmlSystemGetDriverVersion"); get != nullptr) {
    get(version, sizeof(version));
  }
  return version;
}

std::optional<double> Nvml::clock_hz(int domain) const {
  auto get = symbol<int (*)(void*, int, unsigned*)>("nvmlDeviceGetClockInfo");
  unsigned megahertz = 0;
  if (device_ == nullptr || get == nullptr || get(device_, domain, &megahertz) != kSuccess) {
    return std::nullopt;
  }
  return megahertz * 1e6;
}

std::optional<double> Nvml::maximum_sm_clock_hz() const {
  auto get = symbol<int (*)(void*, int, unsigned*)>("nvmlDeviceGetMaxClockInfo");
  unsigned megahertz = 0;
  if (device_ == nullptr || get == nullptr || get(device_, kClockSm, &megahertz) != kSuccess) {
    return std::nullopt;
  }
  return megahertz * 1e6;
}

std::optional<double> Nvml::power_limit_w() const {
  auto get = symbol<int (*)(void*, unsigned*)>("nvmlDeviceGetEnforcedPowerLimit");
  unsigned milliwatts = 0;
  if (device_ == nullptr || get == nullptr || get(device_, &milliwatts) != kSuccess) {
    return std::nullopt;
  }
  return milliwatts * 1e-3;
}

std::optional<double> Nvml::power_w() const {
  if (device_ == nullptr) {
    return std::nullopt;
  }
  FieldValue field{};
  field.field_id = kFieldPowerInstant;
  auto fields = symbol<int (*)(void*, int, FieldValue*)>("nvmlDeviceGetFieldValues");
  if (fields != nullptr && fields(device_, 1, &field) == kSuccess && field.status == kSuccess) {
    return field.value.as_unsigned * 1e-3;
  }
  auto get = symbol<int (*)(void*, unsigned*)>("nvmlDeviceGetPowerUsage");
  unsigned milliwatts = 0;
  if (get == nullptr || get(device_, &milliwatts) != kSuccess) {
    return std::nullopt;
  }
  return milliwatts * 1e-3;
}

std::optional<double> Nvml::temperature_c() const {
  auto get = symbol<int (*)(void*, unsigned, unsigned*)>("nvmlDeviceGetTemperature");
  unsigned celsius = 0;
  if (device_ == nullptr || get == nullptr || get(device_, kTemperatureGpu, &celsius) != kSuccess) {
    return std::nullopt;
  }
  return celsius;
}

std::optional<double> Nvml::total_energy_j() const {
  auto get = symbol<int (*)(void*, unsigned long long*)>("nvmlDeviceGetTotalEnergyConsumption");
  unsigned long long millijoules = 0;
  if (device_ == nullptr || get == nullptr || get(device_, &millijoules) != kSuccess) {
    return std::nullopt;
  }
  return static_cast<double>(millijoules) * 1e-3;
}

std::optional<uint64_t> Nvml::throttle_reasons() const {
  auto get = symbol<int (*)(void*, unsigned long long*)>("nvmlDeviceGetCurrentClocksThrottleReasons");
  unsigned long long reasons = 0;
  if (device_ == nullptr || get == nullptr || get(device_, &reasons) != kSuccess) {
    return std::nullopt;
  }
  return reasons;
}

}  // namespace tw::gpu
