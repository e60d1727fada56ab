// SPDX-License-Identifier: Apache-2.0
#include "harness/session.h"

#include <cuda_runtime.h>

#include <cctype>
#include <ctime>

#include "harness/check.h"

namespace tw::gpu {
namespace {

std::string folder_name(const std::string& card) {
  std::string name;
  for (const char c : card) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0
                ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
                : '_';
  }
  return name;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string utc_now() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

}  // namespace

void require_hopper() {
  cudaDeviceProp properties{};
  int device = 0;
  TW_CUDA(cudaGetDevice(&device));
  TW_CUDA(cudaGetDeviceProperties(&properties, device));
  if (properties.major != 9 || properties.minor != 0) {
    throw UsageError(
        std::string("this suite is compiled for compute capability 9.0 (H100, H200); the card is ") +
        properties.name);
  }
}

Header make_header(const std::string& suite, const std::string& card, const std::string& commit,
                   const std::string& command, bool quick, const Nvml& nvml) {
  cudaDeviceProp properties{};
  int device = 0, runtime = 0;
  TW_CUDA(cudaGetDevice(&device));
  TW_CUDA(cudaGetDeviceProperties(&properties, device));
  TW_CUDA(cudaRuntimeGetVersion(&runtime));
  Header header;
  header.suite = suite;
  header.card_name = properties.name;
  header.card = card.empty() ? folder_name(properties.name) : card;
  header.driver = nvml.driver_version();
  header.cuda = version_text(runtime);
  header.date = utc_now();
  header.commit = commit;
  header.command = command;
  header.quick = quick;
  header.device["sm_count"] = int64_t{properties.multiProcessorCount};
  header.device["l2_bytes"] = int64_t{properties.l2CacheSize};
  header.device["memory_bytes"] = static_cast<int64_t>(properties.totalGlobalMem);
  header.device["memory_bus_bits"] = int64_t{properties.memoryBusWidth};
  header.device["shared_bytes_per_sm"] = static_cast<int64_t>(properties.sharedMemPerMultiprocessor);
  header.device["compute_capability"] =
      std::to_string(properties.major) + "." + std::to_string(properties.minor);
  const auto note = [&header](const char* key, std::optional<double> value) {
    if (value) {
      header.device[key] = *value;
    }
  };
  note("sm_clock_hz_at_start", nvml.sm_clock_hz());
  note("maximum_sm_clock_hz", nvml.maximum_sm_clock_hz());
  note("memory_clock_hz_at_start", nvml.memory_clock_hz());
  note("power_limit_w", nvml.power_limit_w());
  note("temperature_c_at_start", nvml.temperature_c());
  return header;
}

}  // namespace tw::gpu
