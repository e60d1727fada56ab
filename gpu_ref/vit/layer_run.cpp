// SPDX-License-Identifier: Apache-2.0
#include "vit/layer_run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>

#include "harness/bench.h"
#include "vit/kernels.h"

namespace tw::gpu::vit {
namespace {

constexpr double kBatchSeconds = 4e-3;  // of replays between two looks at the clock
constexpr double kWarmSeconds = 0.3, kWeighSeconds = 1.0;
constexpr int kRepeats = 9;
constexpr uint8_t kPoison = 0xa5;

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One kernel, captured a number of times into a graph.
class Replay {
 public:
  using Launch = std::function<void(cudaStream_t)>;
  Replay(const Launch& launch, int launches) : launches_(launches) {
    TW_CUDA(cudaStreamCreate(&stream_));
    TW_CUDA(cudaEventCreate(&begin_));
    TW_CUDA(cudaEventCreate(&end_));
    TW_CUDA(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal));
    for (int i = 0; i < launches; ++i) {
      launch(stream_);
    }
    cudaGraph_t graph = nullptr;
    TW_CUDA(cudaStreamEndCapture(stream_, &graph));
    TW_CUDA(cudaGraphInstantiate(&executable_, graph, 0));
    TW_CUDA(cudaGraphDestroy(graph));
  }
  ~Replay() {
    cudaGraphExecDestroy(executable_);
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
    cudaStreamDestroy(stream_);
  }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Seconds of one launch over `replays` replays.
  double time(int replays) {
    TW_CUDA(cudaEventRecord(begin_, stream_));
    for (int i = 0; i < replays; ++i) {
      TW_CUDA(cudaGraphLaunch(executable_, stream_));
    }
    TW_CUDA(cudaEventRecord(end_, stream_));
    TW_CUDA(cudaEventSynchronize(end_));
    float milliseconds = 0;
    TW_CUDA(cudaEventElapsedTime(&milliseconds, begin_, end_));
    return milliseconds * 1e-3 / replays / launches_;
  }
  int launches() const { return launches_; }

 private:
  int launches_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
};

struct Weighed {
  double joules = 0, seconds = 0;
  double launches = 0;
  std::optional<double> sm_clock_hz;
};

// Replays without a pause, and counts launches between two ticks of the energy counter, which counts whole
// intervals.
Weighed weigh(Replay& replay, int replays, const Nvml& nvml) {
  const auto first = nvml.total_energy_j();
  if (!first) {
    throw RunError("the driver gives no energy counter");
  }
  const double start = now_s();
  double seen = *first, begin_s = 0, begin_j = 0, launches = 0;
  Weighed weighed;
  for (;;) {
    replay.time(replays);
    launches += double(replays) * replay.launches();
    const double energy = *nvml.total_energy_j(), now = now_s();
    if (now - start > 20) {
      throw RunError("the energy counter does not move");
    }
    if (energy == seen) {
      continue;
    }
    seen = energy;
    if (begin_s == 0 && now - start > kWarmSeconds) {
      begin_s = now;
      begin_j = energy;
      launches = 0;
      weighed.sm_clock_hz = nvml.sm_clock_hz();
    } else if (begin_s != 0 && now - begin_s >= kWeighSeconds) {
      weighed.joules = energy - begin_j;
      weighed.seconds = now - begin_s;
      weighed.launches = launches;
      return weighed;
    }
  }
}

// The outputs' index in the depthwise kernel's layout, channels innermost.
size_t interleaved(const LayerShape& shape, size_t at) {
  const size_t plane = static_cast<size_t>(shape.pixels()), planes = static_cast<size_t>(shape.groups);
  return at % plane * planes + at / plane;
}

class LayerRun {
 public:
  explicit LayerRun(const LayerShape& shape)
      : shape_(shape),
        inputs_(shape.input_count()),
        weights_(shape.weight_count()),
        outputs_(shape.output_count()),
        packed_(static_cast<size_t>(3 * shape.groups)),
        outside_(1) {
    buffers_ = {inputs_.get(), weights_.get(), outputs_.get(), outside_.get(),
                requantisation_shift(static_cast<uint64_t>(shape.reduction()))};
    fill_operands(weights_.get(), shape.weight_count(), kSeed, shape.input_count(), nullptr);
    fill_operands(inputs_.get(), shape.input_count(), kSeed, 0, nullptr);
    expected_ = outputs_of([&](cudaStream_t stream) { run_naive(shape_, buffers_, stream); });
  }

  struct Variant {
    int rows, columns;
    Replay::Launch launch;
  };
  std::vector<Variant> variants() {
    std::vector<Variant> all;
    if (shape_.depthwise()) {
      if (!depthwise_supports(shape_)) {
        throw RunError("no kernel for this depthwise layer");
      }
      fill_operands_interleaved(inputs_.get(), shape_.groups, shape_.input_height * shape_.input_width, kSeed,
                                nullptr);
      pack_depthwise(weights_.get(), packed_.get(), shape_.groups, nullptr);
      TW_CUDA(cudaDeviceSynchronize());
      all.push_back(
          {1, 2, [&](cudaStream_t stream) { run_depthwise(shape_, buffers_, packed_.get(), stream); }});
      return all;
    }
    for (const GemmTile tile : kGemmTiles) {
      all.push_back({tile.rows, tile.columns,
                     [this, tile](cudaStream_t stream) { run_gemm(shape_, buffers_, tile, stream); }});
    }
    return all;
  }

  bool correct(const Replay::Launch& launch) {
    const std::vector<int8_t> found = outputs_of(launch);
    if (!shape_.depthwise()) {
      return found == expected_;
    }
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[interleaved(shape_, i)] != expected_[i]) {
        return false;
      }
    }
    return true;
  }

  std::string hash() const {
    OutputHash hash;
    for (const int8_t value : expected_) {
      hash.add(value);
    }
    char text[17];
    std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash.value()));
    return text;
  }
  bool within_24_bits() const { return !outside_seen_; }

 private:
  std::vector<int8_t> outputs_of(const Replay::Launch& launch) {
    TW_CUDA(cudaMemset(outputs_.get(), kPoison, outputs_.bytes()));
    TW_CUDA(cudaMemset(outside_.get(), 0, outside_.bytes()));
    launch(nullptr);
    TW_CUDA(cudaDeviceSynchronize());
    outside_seen_ |= outside_.download().front() != 0;
    return outputs_.download();
  }

  LayerShape shape_;
  DeviceBuffer<int8_t> inputs_, weights_, outputs_;
  DeviceBuffer<uint32_t> packed_;
  DeviceBuffer<unsigned long long> outside_;
  LayerBuffers buffers_{};
  std::vector<int8_t> expected_;
  bool outside_seen_ = false;
};

struct Timed {
  LayerRun::Variant variant;
  std::vector<double> samples;
  std::unique_ptr<Replay> replay;
  int replays = 1;
};

Timed time_variant(const LayerRun::Variant& variant) {
  Timed timed;
  timed.variant = variant;
  Replay trial(variant.launch, 4);
  trial.time(1);
  const double once = std::max(trial.time(2), 5e-7);
  const int launches = std::clamp(static_cast<int>(kBatchSeconds / 4 / once), 1, 200);
  timed.replay = std::make_unique<Replay>(variant.launch, launches);
  timed.replays = std::max(1, static_cast<int>(kBatchSeconds / (once * launches)));
  timed.replay->time(timed.replays);
  for (int i = 0; i < kRepeats; ++i) {
    timed.samples.push_back(timed.replay->time(timed.replays));
  }
  return timed;
}

Parameters parameters_of(const NamedLayer& layer) {
  const LayerShape& s = layer.shape;
  return {{"layer", layer.name},
          {"path", layer.path},
          {"kind", layer.kind},
          {"groups", int64_t{s.groups}},
          {"input_channels", int64_t{s.channels}},
          {"output_channels", int64_t{s.outputs}},
          {"kernel_height", int64_t{s.kernel_height}},
          {"kernel_width", int64_t{s.kernel_width}},
          {"stride", int64_t{s.stride}},
          {"padding", int64_t{s.padding}},
          {"input_height", int64_t{s.input_height}},
          {"input_width", int64_t{s.input_width}},
          {"output_height", int64_t{s.output_height}},
          {"output_width", int64_t{s.output_width}},
          {"relu", int64_t{s.relu}},
          {"seed", static_cast<int64_t>(kSeed)}};
}

}  // namespace

Point run_layer(const NamedLayer& layer, const Nvml& nvml, bool with_joules) {
  LayerRun run(layer.shape);
  bool right = true;
  Timed best;
  for (const LayerRun::Variant& variant : run.variants()) {
    right &= run.correct(variant.launch);
    Timed timed = time_variant(variant);
    if (best.samples.empty() || median(timed.samples) < median(best.samples)) {
      best = std::move(timed);
    }
  }
  Point point{
      .family = "int8_layer", .mechanisms = Mechanisms::kCombined, .parameters = parameters_of(layer)};
  const double seconds = median(best.samples);
  point.metrics = {{"time_s", "s", best.samples},
                   {"macs_per_second", "1/s", {static_cast<double>(layer.shape.macs()) / seconds}},
                   {"tile_rows", "row", {double(best.variant.rows)}},
                   {"tile_columns", "column", {double(best.variant.columns)}}};
  point.sm_clock_hz = nvml.sm_clock_hz();
  point.memory_clock_hz = nvml.memory_clock_hz();
  point.power_w = nvml.power_w();
  if (with_joules) {
    const Weighed weighed = weigh(*best.replay, best.replays, nvml);
    point.metrics.push_back({"joules_per_launch", "J", {weighed.joules / weighed.launches}});
    point.metrics.push_back({"sustained_time_s", "s", {weighed.seconds / weighed.launches}});
    point.metrics.push_back({"seconds_between_ticks", "s", {weighed.seconds}});
    point.sm_clock_hz = weighed.sm_clock_hz;
    point.power_w = weighed.joules / weighed.seconds;
    point.joules = weighed.joules;
  }
  point.hashes["outputs"] = run.hash();
  point.verified = right && run.within_24_bits();
  return point;
}

std::string shape_text(const NamedLayer& layer) {
  const LayerShape& s = layer.shape;
  const auto n = [](int value) { return std::to_string(value); };
  return layer.name + " " + layer.kind + " " + n(s.groups) + "x" + n(s.channels) + "x" + n(s.input_height) +
         "x" + n(s.input_width) + " -> " + n(s.outputs) + ", " + n(s.kernel_height) + "x" +
         n(s.kernel_width) + "/" + n(s.stride) + (s.relu != 0 ? " relu" : "");
}

}  // namespace tw::gpu::vit
