// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/nvml.h"
#include "harness/record.h"
#include "harness/stamp.cuh"

namespace tw::gpu {

// One launch, reduced: the CTAs that took part, how long they ran by the SM's clock and by the card's timer.
struct Sample {
  double event_s = 0;      // between two events around the launch
  double time_s = 0;       // first CTA's begin to last CTA's end, by the card's timer
  double cycles = 0;       // longest CTA
  double cycles_mean = 0;  // over the CTAs
  double sm_clock_hz = 0;  // cycles over time, summed over the CTAs
  int ctas = 0;
  uint64_t errors = 0;
  std::vector<Stamp> stamps;  // only those that took part
  double mean_value(int slot) const;
};

struct Repeat {
  int warm_up = 1;
  int repeats = 5;
  bool flush_l2 = false;  // between repeats, by writing a buffer several times the cache
  bool verifies = false;  // the kernel counts wrong elements in Stamp::errors
};

struct MetricOf {
  std::string name, unit;
  std::function<double(const Sample&)> value;
};

// Memory on the card, freed with its owner.
template <typename T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(size_t count) : count_(count) { allocate(count * sizeof(T), &data_); }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  T* get() const { return static_cast<T*>(data_); }
  size_t count() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }
  void upload(const std::vector<T>& host);
  std::vector<T> download() const;

 private:
  static void allocate(size_t bytes, void** data);
  void* data_ = nullptr;
  size_t count_;
};

// A loop that ran for seconds, launch behind launch: its first launch on a cool card and its last ones, whose
// clock is what the power limit leaves.
struct Sustained {
  Sample burst;
  std::vector<Sample> settled;
  double seconds = 0;
  std::optional<double> power_w;  // while the last launches ran
};

// What every suite gets: the card, the clock of its launches, and the record its points go to.
class Bench {
 public:
  // Receives the array of one stamp a CTA and the number of the repeat, which kernels use to rotate operands.
  using Launch = std::function<void(Stamp*, int)>;

  // `once` launches every point exactly one time, which is what a profiler's list of launches is matched
  // with.
  enum class Effort : uint8_t { kFull, kQuick, kOnce };
  Bench(Record& record, Nvml& nvml, Effort effort);
  bool quick() const { return effort_ != Effort::kFull; }
  bool once() const { return effort_ == Effort::kOnce; }
  int sm_count() const { return properties_.multiProcessorCount; }
  size_t l2_bytes() const { return static_cast<size_t>(properties_.l2CacheSize); }
  Nvml& nvml() { return nvml_; }

  std::vector<Sample> measure(int ctas, const Repeat& repeat, const Launch& launch);
  void add(const std::string& family, Mechanisms mechanisms, Parameters parameters,
           const std::vector<Sample>& samples, const Repeat& repeat, std::initializer_list<MetricOf> metrics);
  void add(Point point) { record_.add(std::move(point)); }
  // Launches should take 100 us or more: the queue is kept one to two batches of 16 deep from the host.
  Sustained sustain(int ctas, double seconds, const Launch& launch);
  // The metrics of the settled launches, and the same of the first one as burst_<name>.
  void add(const std::string& family, Mechanisms mechanisms, Parameters parameters,
           const Sustained& sustained, std::initializer_list<MetricOf> metrics);
  int failures() const { return failures_; }

 private:
  Sample reduce(const std::vector<Stamp>& stamps, float event_ms) const;
  Point make_point(const std::string& family, Mechanisms mechanisms, Parameters parameters,
                   const std::vector<Sample>& samples, std::initializer_list<MetricOf> metrics) const;
  void report(const Point& point, bool wrong) const;
  void flush_l2();

  Record& record_;
  Nvml& nvml_;
  Effort effort_;
  int failures_ = 0;
  cudaDeviceProp properties_{};
  std::unique_ptr<DeviceBuffer<Stamp>> stamps_;
  std::unique_ptr<DeviceBuffer<uint8_t>> flush_buffer_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

// A buffer that lies in the cache after one pass, and one that never does.
inline constexpr size_t kResidentBytes = size_t{16} << 20;
inline constexpr size_t kStreamBytes = size_t{4} << 30;

}  // namespace tw::gpu

#include "harness/check.h"

namespace tw::gpu {

template <typename T>
void DeviceBuffer<T>::allocate(size_t bytes, void** data) {
  TW_CUDA(cudaMalloc(data, bytes));
}

template <typename T>
void DeviceBuffer<T>::upload(const std::vector<T>& host) {
  if (host.size() != count_) {
    throw RunError("upload of a different size than the buffer");
  }
  TW_CUDA(cudaMemcpy(data_, host.data(), bytes(), cudaMemcpyHostToDevice));
}

template <typename T>
std::vector<T> DeviceBuffer<T>::download() const {
  std::vector<T> host(count_);
  TW_CUDA(cudaMemcpy(host.data(), data_, bytes(), cudaMemcpyDeviceToHost));
  return host;
}

}  // namespace tw::gpu
